"""One slice of a state: listeners for its changes alone, views, and iteration."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from threading import RLock, get_ident
from typing import Any, Generic, TypeVar
from weakref import ref

import attrs

from .after_fork import renews_after_fork
from .listeners import ListenerSet
from .tracebacks import cuts_frames

T = TypeVar("T")
S = TypeVar("S")

_NOTHING: Any = object()


@attrs.define(eq=False, repr=False, weakref_slot=False)
class SliceListener(Generic[T, S]):
    """Calls a listener with a slice of the state when that slice has changed.

    Of several threads one delivers. The others do not wait for it, since the listener may itself
    wait for one of them: they set ``_is_due``, and the thread that delivers goes on until it is not
    set. So the last slice that was delivered is that of the last state.
    """

    _listeners: ListenerSet
    _get_state: Callable[[], T]
    _selector: Callable[[T], S]
    _listener: Callable[[S, S], object]
    _equality_fn: Callable[[S, S], bool]
    seen: S = attrs.field(init=False)
    _delivering: Any = attrs.field(init=False, factory=RLock)
    _is_due: bool = attrs.field(init=False, default=False)
    _is_stopped: bool = attrs.field(init=False, default=False)

    def __attrs_post_init__(self) -> None:
        self.seen = self._selector(self._get_state())

    def __call__(self, *_: object) -> None:
        self._is_due = True
        try:
            while self._is_due and self._delivering.acquire(blocking=False):
                try:
                    self._is_due = False
                    self._deliver()
                finally:
                    self._delivering.release()
        except BaseException:
            if self._is_due:  # what another thread left to this one is still owed
                self()
            raise

    def leave(self) -> None:
        """Deliver nothing more, not even what is due."""
        self._is_stopped = True
        self._listeners.discard(self)

    def _renew_after_fork(self) -> None:
        self._delivering = RLock()

    def _deliver(self) -> None:
        if self._is_stopped:
            return
        newest = self._selector(self._get_state())
        if not self._equality_fn(self.seen, newest):
            previous, self.seen = self.seen, newest  # it is seen even if the listener raises
            self._listener(newest, previous)


def subscribe_to_slice(
    listeners: ListenerSet,
    get_state: Callable[[], T],
    selector: Callable[[T], S],
    listener: Callable[[S, S], object],
    equality_fn: Callable[[S, S], bool],
    fire_immediately: bool,
) -> Callable[[], None]:
    """Subscribe to a slice, and return the function that unsubscribes.

    A listener that is fired immediately is not called for what it changes itself, but for what
    another thread changes meanwhile.
    """
    this_thread = get_ident()
    was_overtaken = False

    def watch(*_: object) -> None:
        nonlocal was_overtaken
        was_overtaken = was_overtaken or get_ident() != this_thread

    listeners.add(watch)
    try:
        slices = SliceListener(listeners, get_state, selector, listener, equality_fn)
        if fire_immediately:
            listener(slices.seen, slices.seen)
        listeners.add(slices)  # before the watch ends, so that any round meets one of the two
    finally:
        listeners.discard(watch)

    try:
        if was_overtaken:
            slices()
    except BaseException:
        slices.leave()
        raise
    return slices.leave


@attrs.define(eq=False, repr=False, slots=False)
class View(Generic[S]):
    """A slice of a store's state. Get one from ``Store.select``."""

    _store: Any
    _selector: Callable[[Any], S]
    _equality_fn: Callable[[S, S], bool]

    @cuts_frames
    def get(self) -> S:
        """Return the slice of the newest state."""
        return self._selector(self._store.get_state())

    def subscribe(
        self, listener: Callable[[S, S], object], *, fire_immediately: bool = False
    ) -> Callable[[], None]:
        """Call a listener when the slice changes, as ``Store.subscribe`` does.

        Returns:
            The function that unsubscribes.
        """
        unsubscribe: Callable[[], None] = self._store.subscribe(
            self._selector,
            listener,
            equality_fn=self._equality_fn,
            fire_immediately=fire_immediately,
        )
        return unsubscribe

    def changes(self) -> Changes[S]:
        """Iterate over the slice as it changes from now on; see ``Store.changes``."""
        return Changes(self.subscribe)


class Changes(AsyncIterator[S], Generic[S]):
    """Yields the newest value whenever it has changed.

        async for count in store.select(lambda state: state["count"]).changes():
            print(count)

    A consumer that is slower than the changes misses those in between, but never the last one.
    Values may change in any thread, and the iterator may be awaited in any event loop. If several
    tasks share one iterator, each value goes to one of them. An iterator that is dropped without
    ``close()`` leaves the listeners at the next change.
    """

    def __init__(self, subscribe: Callable[[Callable[[S, S], None]], Callable[[], None]]) -> None:
        self._newest: S = _NOTHING
        self._is_closed = False
        self._renew_after_fork()
        renews_after_fork(self)
        this = ref(self)  # the listener must not keep alive what no task iterates over

        def listener(newest: S, previous: S) -> None:
            changes = this()
            if changes is None:
                unsubscribe()
            else:
                changes._put(newest)

        self._unsubscribe = unsubscribe = subscribe(listener)

    def _renew_after_fork(self) -> None:
        """Make the lock anew, in a forked process, in which no task waits."""
        self._lock = RLock()
        self._waiting: set[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = set()

    async def __anext__(self) -> S:
        """Wait for the next change, unless one has happened since the last value was returned."""
        while True:
            with self._lock:
                if self._is_closed:
                    raise StopAsyncIteration
                if self._newest is not _NOTHING:
                    newest, self._newest = self._newest, _NOTHING
                    return newest
                waiter = asyncio.get_running_loop(), asyncio.Event()
                self._waiting.add(waiter)
            try:
                await waiter[1].wait()
            finally:
                with self._lock:
                    self._waiting.discard(waiter)

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

    def _wake(self) -> None:
        """Wake all who wait, once each: a busy loop must not collect a call for every change."""
        while self._waiting:
            loop, event = self._waiting.pop()
            with suppress(RuntimeError):  # the loop was closed with the task still in it
                loop.call_soon_threadsafe(event.set)
