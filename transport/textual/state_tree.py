"""States as a tree, with what has just changed highlighted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, ClassVar, TypeAlias

from rich.style import Style
from rich.text import Text
from textual.widgets import Tree
from textual.widgets.tree import TreeNode

#: Where a value is: the names and numbers that lead to it.
Path: TypeAlias = tuple[str, ...]

#: How many entries of one mapping or list are shown, and how much of a text.
_MOST_ENTRIES = 100
_LONGEST_TEXT = 200

#: Down to which depth the tree is open at first.
_OPEN_DEPTH = 3


class StateTree(Tree[Path]):
    """Shows plain data; what differs from what was shown before is highlighted."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"state-tree--changed"}

    DEFAULT_CSS = """
    StateTree > .state-tree--changed {
        color: $text-warning;
        text-style: bold;
    }
    """

    def __init__(self, *, id: str) -> None:  # noqa: A002 - Textual's name
        self._texts: dict[Path, str] = {}
        self._at: dict[Path, TreeNode[Path]] = {}
        self._changed: frozenset[Path] = frozenset()
        super().__init__("", data=(), id=id)
        self.show_root = False
        self.root.expand()

    @property
    def changed(self) -> frozenset[Path]:
        """What is highlighted."""
        return self._changed

    def show(self, values: Mapping[str, Any]) -> None:
        """Show these values, each under its name."""
        before, self._texts = self._texts, dict(_texts(values, ()))
        if before:
            self._changed = frozenset(
                path for path, text in self._texts.items() if before.get(path) != text
            )
        for path in [path for path in self._at if path not in self._texts]:
            self._forget(path)
        for path, text in self._texts.items():
            self._place(path, text)
        self.refresh()

    def render_label(self, node: TreeNode[Path], base_style: Style, style: Style) -> Text:
        """Draw the label of a node."""
        label = super().render_label(node, base_style, style)
        if self._is_marked(node):
            label.stylize(self.get_component_rich_style("state-tree--changed", partial=True))
        return label

    def _is_marked(self, node: TreeNode[Path]) -> bool:
        """Return True if it has changed itself, or hides something that has."""
        path = node.data or ()
        if path in self._changed:
            return True
        is_closed = node.allow_expand and not node.is_expanded
        return is_closed and any(each[: len(path)] == path for each in self._changed)

    def _place(self, path: Path, text: str) -> None:
        node = self._at.get(path)
        label = Text(f"{path[-1]}{text}")
        if node is None:
            parent = self._at.get(path[:-1], self.root)
            parent.allow_expand = True
            self._at[path] = parent.add(
                label, path, expand=len(path) < _OPEN_DEPTH, allow_expand=False
            )
        elif node.label != label:
            node.set_label(label)

    def _forget(self, path: Path) -> None:
        node = self._at.pop(path)
        parent = self._at.get(path[:-1])
        if parent is not None:  # else it goes with the one above
            node.remove()
            parent.allow_expand = bool(parent.children)


def _texts(value: Any, path: Path) -> Iterator[tuple[Path, str]]:
    """What there is to show: how each thing looks, by its path."""
    if path:
        yield path, _text(value)
    entries = _entries(value)
    for name, entry in islice(entries, _MOST_ENTRIES):
        yield from _texts(entry, (*path, name))
    rest = sum(1 for _ in entries)
    if rest:
        yield (*path, "…"), f" and {rest} more"


def _entries(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        return iter(value.items())
    if isinstance(value, list):
        return ((str(index), entry) for index, entry in enumerate(value))
    return iter(())


def _text(value: Any) -> str:
    if isinstance(value, Mapping):
        return "" if value else ": {}"
    if isinstance(value, list):
        return f" [{len(value)}]"
    shown = repr(value)
    return f": {shown if len(shown) <= _LONGEST_TEXT else shown[:_LONGEST_TEXT] + '…'}"
