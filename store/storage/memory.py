"""A storage that ends with the process.

    store = create_store(persist(initializer, name="app", storage=MemoryStorage()))

It cannot be shared between processes, so there is nothing to lock.
"""

from __future__ import annotations


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
