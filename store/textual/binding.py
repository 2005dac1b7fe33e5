"""One thing of a widget that follows one slice of a store."""

from __future__ import annotations

from collections.abc import Callable
from inspect import isawaitable
from typing import Any, Generic, TypeVar

from ..vanilla import Store

T = TypeVar("T")
S = TypeVar("S")

_NOTHING: Any = object()


class Binding(Generic[T, S]):
    """Applies a slice of a store's state when it differs from the one that was applied before.

    Args:
        store: The store.
        selector: Takes the slice from a state.
        apply: Called with the slice; plain or async.
        equality_fn: Whether the applied slice and the newest are the same.
        init: Whether the first slice is applied, too.
    """

    def __init__(
        self,
        store: Store[T],
        selector: Callable[[T], S],
        apply: Callable[[S], object],
        equality_fn: Callable[[S, S], bool],
        init: bool,
    ) -> None:
        self.store = store
        self._selector = selector
        self._apply = apply
        self._equality_fn = equality_fn
        self._init = init
        self._applied: S = _NOTHING

    async def start(self) -> None:
        """Apply the first slice, or only take note of it."""
        if self._init:
            await self.catch_up()
        else:
            self._applied = self._newest()

    def is_behind(self) -> bool:
        """Tell whether there is something to apply.

        What raises here raises in `catch_up` as well, where it is the widget's.
        """
        try:
            return not self._is_applied(self._newest())
        except Exception:
            return True

    async def catch_up(self) -> None:
        """Apply the newest slice, unless it is the one that was applied last."""
        result = self._apply_newest()
        if isawaitable(result):
            await result

    def _apply_newest(self) -> object:
        newest = self._newest()
        try:
            if self._is_applied(newest):
                return None
            self._applied = newest
            return self._apply(newest)
        finally:
            del newest  # crash reports print local variables: it may be a token

    def _newest(self) -> S:
        return self._selector(self.store.get_state())

    def _is_applied(self, newest: S) -> bool:
        try:
            return self._applied is not _NOTHING and self._equality_fn(self._applied, newest)
        finally:
            del newest
