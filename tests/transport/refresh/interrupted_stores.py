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
    _looks = 0

    def after_next_look(self, action: Callable[[], object], looks: int = 1) -> None:
        """Do ``action`` once, when the next ``get_state``, or that many, have read the state."""
        self._action, self._looks = action, looks

    def get_state(self) -> Any:
        state = super().get_state()  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
        self._looks -= 1
        if self._looks == 0 and self._action is not None:
            self._action()
        return state


class InterruptedUserStore(_Interrupted, UserStore):
    """A `UserStore` with `after_next_look`."""


class InterruptedHandWritten(_Interrupted, HandWritten):
    """A `HandWritten` with `after_next_look`."""
