"""Stores to which something happens right after somebody has looked at them.

Another thread may be that quick. Here it can be said when it is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from zustax.store import UserStore

from ...support.stores import HandWritten


class _Interrupted:
    """What makes an interrupted store of a store."""

    _action: Callable[[], object] | None = None

    def after_next_look(self, action: Callable[[], object]) -> None:
        """Do ``action`` once, when the next ``get_state`` has read the state."""
        self._action = action

    def get_state(self) -> Any:
        state = super().get_state()  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
        action, self._action = self._action, None
        if action is not None:
            action()
        return state


class InterruptedUserStore(_Interrupted, UserStore):
    """A `UserStore` with `after_next_look`."""


class InterruptedHandWritten(_Interrupted, HandWritten):
    """A `HandWritten` with `after_next_look`."""
