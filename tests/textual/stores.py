"""A store that knows how many listeners it has."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from zustax.store import Store

State = dict[str, Any]


class CountedStore(Store[State]):
    """A store of a dict.

    Attributes:
        listeners: How many are subscribed.
    """

    def __init__(self, **state: Any) -> None:
        super().__init__(state)
        self.listeners = 0

    def subscribe(self, *args: Any, **options: Any) -> Callable[[], None]:
        unsubscribe = super().subscribe(*args, **options)
        self.listeners += 1

        def leave() -> None:
            unsubscribe()
            self.listeners -= 1

        return leave


def count_of(state: State) -> Any:
    return state["count"]
