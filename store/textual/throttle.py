"""When widgets hear of changes: at once, and then once per frame as long as there are more.

A store calls its listeners in whatever thread changes it, as often as it changes. A screen is drawn
in one thread, and no more often than an eye can see. So between the two there is one listener for
each store and event loop, which does no more than ask the loop for a frame, unless one is coming.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from threading import Lock
from typing import Any
from weakref import WeakValueDictionary

from ..vanilla import Store

#: Seconds between two frames.
FRAME = 1 / 60


class FrameThrottle:
    """Calls functions in an event loop when a store has changed, at most once per frame.

    Get it with ``throttle_for``. All but the listener runs in the thread of the loop.
    """

    def __init__(self, store: Store[Any], loop: asyncio.AbstractEventLoop) -> None:
        self._store = store
        self._loop = loop
        self._members: dict[Callable[[], None], None] = {}
        self._unsubscribe: Callable[[], None] | None = None
        self._has_changed = False
        self._in_frame = Lock()  # held from the first change until no frame follows

    def join(self, member: Callable[[], None]) -> None:
        """Call ``member`` in every frame from now on."""
        self._members[member] = None
        if self._unsubscribe is None:
            self._unsubscribe = self._store.subscribe(self._on_change)

    def leave(self, member: Callable[[], None]) -> None:
        """Call it no more; the last one takes the listener along."""
        self._members.pop(member, None)
        if not self._members and self._unsubscribe is not None:
            self._unsubscribe()
            self._unsubscribe = None

    def _on_change(self, *_: object) -> None:
        self._has_changed = True
        if self._in_frame.acquire(blocking=False):
            with suppress(RuntimeError):  # the loop was closed with the app still in it
                self._loop.call_soon_threadsafe(self._begin)

    def _begin(self) -> None:
        self._has_changed = False
        for member in tuple(self._members):
            if member in self._members:
                member()
        self._loop.call_later(FRAME, self._end)

    def _end(self) -> None:
        if not self._has_changed:
            self._in_frame.release()
            # What has changed just before that release has found the lock taken.
            if not self._has_changed or not self._in_frame.acquire(blocking=False):
                return
        self._begin()


_throttles: WeakValueDictionary[tuple[int, int], FrameThrottle] = WeakValueDictionary()
_throttles_lock = Lock()


def throttle_for(store: Store[Any]) -> FrameThrottle:
    """Return the throttle of a store in the event loop that is running.

    It keeps both alive, and so their identities; only its members keep it alive.
    """
    loop = asyncio.get_running_loop()
    with _throttles_lock:
        throttle = _throttles.get((id(store), id(loop)))
        if throttle is None:
            throttle = _throttles[id(store), id(loop)] = FrameThrottle(store, loop)
        return throttle
