"""Events in their order, the newest of them kept, whichever threads they come from."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from ..secrecy import with_callers_frames
from .events import Kind, TraceEvent

Subscriber = Callable[[TraceEvent], object]

_log = logging.getLogger("zustax")


class Ring:
    """Keeps the last ``limit`` events, and passes each on to its subscribers.

    Args:
        limit: How many events are kept.
    """

    def __init__(self, limit: int) -> None:
        self._began = time.perf_counter()
        # Re-entrant: the collector may close an abandoned call, whose end is then added, anywhere.
        self._lock = threading.RLock()
        self._events: deque[TraceEvent] = deque(maxlen=limit)
        self._dropped = 0
        self._is_closed = False
        self._feed = Feed(limit)

    @property
    def dropped(self) -> int:
        """How many events are not kept any more."""
        return self._dropped

    def events(self) -> tuple[TraceEvent, ...]:
        """Those that are kept, oldest first."""
        with self._lock:
            return tuple(self._events)

    def add(self, kind: Kind, **details: Any) -> None:
        """Keep an event of this moment, unless the ring is closed."""
        with self._lock:
            if self._is_closed:
                return
            event = TraceEvent(time=time.perf_counter() - self._began, kind=kind, **details)
            self._dropped += len(self._events) == self._events.maxlen
            self._events.append(event)
            self._feed.put(event)
        self._feed.deliver()

    def subscribe(self, subscriber: Subscriber) -> Callable[[], None]:
        """Call ``subscriber`` with every event from now on; return a function that ends that."""
        return self._feed.subscribe(subscriber)

    def close(self) -> None:
        """Take no more events."""
        with self._lock:
            self._is_closed = True


class Feed:
    """Calls subscribers one event after the other, in order, and never twice at the same time.

    The thread that puts an event delivers it, unless another one is delivering already, which then
    delivers this event as well. No thread waits for a lock here.

    Args:
        limit: How many events may be waiting; the oldest are left out.
    """

    def __init__(self, limit: int) -> None:
        self._subscribers: tuple[Subscriber, ...] = ()
        self._changing = threading.Lock()
        self._pending: deque[TraceEvent] = deque(maxlen=limit)
        self._delivering = threading.Lock()

    def subscribe(self, subscriber: Subscriber) -> Callable[[], None]:
        """Call ``subscriber`` with every event from now on; return a function that ends that."""
        with self._changing:
            self._subscribers = (*self._subscribers, subscriber)

        def unsubscribe() -> None:
            with self._changing:
                self._subscribers = tuple(s for s in self._subscribers if s is not subscriber)

        return unsubscribe

    def put(self, event: TraceEvent) -> None:
        """Have an event delivered after those that were put before."""
        if self._subscribers:
            self._pending.append(event)

    def deliver(self) -> None:
        """Deliver all that is waiting, unless that is being done."""
        while self._pending and self._delivering.acquire(blocking=False):
            try:
                self._deliver_next()
            finally:
                self._delivering.release()

    def _deliver_next(self) -> None:
        try:
            event = self._pending.popleft()
        except IndexError:
            return  # another thread has delivered it in between
        for subscriber in self._subscribers:
            try:
                subscriber(event)
            except Exception as error:
                with_callers_frames(error)
                _log.error("a subscriber of a trace raised", exc_info=error)
