"""Listeners that are given the state and nothing else."""

from collections.abc import Callable
from typing import Any

import attrs

from ..checks import require_function
from ..listeners import ListenerSet


@attrs.frozen
class _OnState:
    """A listener to hydrations, in the shape that a `ListenerSet` calls."""

    listener: Callable[[Any], object]

    def __call__(self, state: Any, _: object) -> None:
        self.listener(state)


class StateListeners:
    """Listeners that are called with the state."""

    def __init__(self) -> None:
        self._listeners = ListenerSet()

    def add(self, listener: Callable[[Any], object]) -> Callable[[], None]:
        """Add a listener; one that is already there keeps its place.

        Returns:
            The function that removes it.
        """
        require_function("listener", listener)
        on_state = _OnState(listener)
        self._listeners.add(on_state)
        return lambda: self._listeners.discard(on_state)

    def call(self, get_state: Callable[[], Any]) -> None:
        """Call all listeners, each with the state of its moment."""
        for on_state in self._listeners.calls:
            on_state(get_state(), None)
