"""A list of lines that change while the user looks at it."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import frozen
from textual.content import Content
from textual.widgets import OptionList
from textual.widgets.option_list import Option


@frozen
class Row:
    """A line.

    Args:
        id: What it is, however it looks.
        text: How it looks.
    """

    id: str
    text: Content


class Rows(OptionList):
    """Shows rows; the highlight stays on what it was on, or follows the end."""

    def __init__(self, *, id: str) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._shown: list[Row] = []

    def show(self, rows: Sequence[Row]) -> None:
        """Show these rows, and touch only what is different."""
        highlighted = self._highlighted_id()
        was_at_end = self.highlighted in (None, len(self._shown) - 1)
        if self._keeps_its_ids(rows):
            for index, (old, new) in enumerate(zip(self._shown, rows, strict=False)):
                if old != new:
                    self.replace_option_prompt_at_index(index, new.text)
        else:
            self.clear_options()
            self._shown = []
        self.add_options([Option(row.text, row.id) for row in rows[len(self._shown) :]])
        self._shown = list(rows)
        self._highlight(len(rows) - 1 if was_at_end else self._place_of(highlighted))

    def _keeps_its_ids(self, rows: Sequence[Row]) -> bool:
        """Return True if rows have only been added at the end."""
        return [row.id for row in self._shown] == [row.id for row in rows[: len(self._shown)]]

    def _highlighted_id(self) -> str | None:
        return None if self.highlighted is None else self._shown[self.highlighted].id

    def _place_of(self, row_id: str | None) -> int:
        ids = [row.id for row in self._shown]
        return ids.index(row_id) if row_id in ids else 0

    def _highlight(self, index: int) -> None:
        if self._shown and self.highlighted != index:
            self.highlighted = index
