"""A storage that ends with the process.

    store = create_store(persist(initializer, name="app", storage=MemoryStorage()))

It cannot be shared between processes, so there is nothing to lock.
"""

from __future__ import annotations

from time import time_ns

from .protocol import KEPT_ASIDE


class MemoryStorage:
    """Keeps texts in a dict: for tests, and for states that need not outlive the process.

    Args:
        items: What it holds at first, text by name. Default: nothing.
    """

    def __init__(self, items: dict[str, str] | None = None) -> None:
        self._items = dict(items or {})

    def get_item(self, name: str) -> str | None:
        """Return the text kept under a name, None if there is none."""
        return self._items.get(name)

    def set_item(self, name: str, value: str) -> None:
        """Keep a text under a name, in place of the one before."""
        self._items[name] = value

    def remove_item(self, name: str) -> None:
        """Forget the text under a name; one that is not there is no error."""
        self._items.pop(name, None)

    def set_aside(self, name: str, value: str) -> None:
        """Move a text that cannot be used to ``NAME.corrupt-...``, if it still is this one."""
        if self._items.get(name) == value:
            kept = self._set_aside(name)
            for oldest in kept[: max(0, len(kept) - KEPT_ASIDE + 1)]:
                del self._items[oldest]
            self._items[f"{name}.corrupt-{time_ns()}"] = self._items.pop(name)

    def remove_set_aside(self, name: str) -> None:
        """Forget what was set aside of a name."""
        for kept in self._set_aside(name):
            del self._items[kept]

    def _set_aside(self, name: str) -> list[str]:
        return sorted(kept for kept in self._items if kept.startswith(f"{name}.corrupt-"))
