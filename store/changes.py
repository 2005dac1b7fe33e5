"""The changes of a slice as an asynchronous iterator, of which only the newest is ever kept."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from threading import RLock
from typing import Any, Generic, TypeVar
from weakref import ref

S = TypeVar("S")

_NOTHING: Any = object()


class Changes(AsyncIterator[S], Generic[S]):
    """Gives the newest value whenever it has changed.

        async for count in store.select(lambda state: state["count"]).changes():
            print(count)

    A consumer that is slower than the changes misses those in between, never the last one. Values
    may change in any thread, and the iterator be awaited in any event loop; if several tasks share
    one iterator, each value goes to one of them. One that is dropped without having been closed
    leaves the listeners at the next change.

    Args:
        subscribe: Adds a listener of the newest value and the one before, and gives the function
            that removes it.
    """

    def __init__(self, subscribe: Callable[[Callable[[S, S], None]], Callable[[], None]]) -> None:
        self._lock = RLock()
        self._newest: S = _NOTHING
        self._is_closed = False
        self._waiting: set[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = set()
        this = ref(self)  # so that the listener does not keep alive what nobody iterates over

        def listener(newest: S, previous: S) -> None:
            changes = this()
            if changes is None:
                unsubscribe()
            else:
                changes._put(newest)

        self._unsubscribe = unsubscribe = subscribe(listener)

    async def __anext__(self) -> S:
        """Wait for the next change, unless one has happened since the last value was given.

        Raises:
            StopAsyncIteration: If the iterator is closed, or is closed meanwhile.
        """
        while (newest := self._take()) is _NOTHING:
            await self._wait()
        return newest

    def close(self) -> None:
        """End the iteration at once, in whatever thread or task it waits. Can be called again."""
        self._unsubscribe()
        with self._lock:
            self._is_closed = True
            self._newest = _NOTHING
            self._wake()

    def _put(self, newest: S) -> None:
        with self._lock:
            if not self._is_closed:
                self._newest = newest
                self._wake()

    def _take(self) -> S:
        with self._lock:
            if self._is_closed:
                raise StopAsyncIteration
            newest, self._newest = self._newest, _NOTHING
            return newest

    async def _wait(self) -> None:
        waiter = asyncio.get_running_loop(), asyncio.Event()
        with self._lock:
            if self._newest is not _NOTHING or self._is_closed:
                return
            self._waiting.add(waiter)
        try:
            await waiter[1].wait()
        finally:
            with self._lock:
                self._waiting.discard(waiter)

    def _wake(self) -> None:
        """Wake those who wait, once each: a busy loop must not gather a call for every change."""
        while self._waiting:
            loop, event = self._waiting.pop()
            with suppress(RuntimeError):  # the loop was closed with the task still in it
                loop.call_soon_threadsafe(event.set)
