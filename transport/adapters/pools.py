"""The connections of an instance's own httpx client: one small pool for each.

A pool of httpcore searches all of its connections for each request, so one pool of 100 connections
costs several times as much as 100 pools of one.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sized
from contextvars import ContextVar
from typing import Any, TypeAlias

from attrs import define

from .proxy import Proxy

#: The origin of a request, and its proxy.
Route: TypeAlias = tuple[str | None, Proxy | None]

#: Requests that are under way at once, as in httpx; further ones queue.
MOST = 100

#: Seconds that an idle connection is kept, as in httpx.
KEPT = 5.0

#: Not empty for requests that skip the queue, as those in it may be waiting for them.
goes_first: ContextVar[Sized] = ContextVar("goes_first", default=())


@define(eq=False)
class Pool:
    """A transport of httpx that has at most one connection."""

    transport: Any
    route: Route
    closings: int  #: how often all had been closed when it was made
    has_place: bool = True  #: it counts towards the limit
    is_back: bool = False  #: it is not in use
    idle_since: float = 0.0  #: by the monotonic clock


class Pools:
    """Idle pools by route, and a limit of requests that are under way."""

    def __init__(
        self,
        make: Callable[[Route], Any],
        close: Callable[[Any], Awaitable[None]],
        *,
        is_async: bool,
    ) -> None:
        self._make = make
        self._close = close
        self._places = asyncio.Semaphore(MOST) if is_async else threading.Semaphore(MOST)
        self._lock = threading.Lock()
        self._idle: dict[Route, deque[Pool]] = {}
        self._idle_count = 0
        self._closings = 0

    async def take(self, route: Route, seconds: float | None) -> Pool:
        """Return a pool for one request; `give_back` it."""
        has_place = not goes_first.get()
        if has_place:
            if isinstance(self._places, asyncio.Semaphore):
                await self._places.acquire()
            elif not self._places.acquire(timeout=seconds):
                raise TimeoutError
        with self._lock:
            idle = self._idle.get(route)
            pool = idle.pop() if idle else None
            self._idle_count -= pool is not None
        try:
            # Another object for each use: what has ended one may not end the next.
            if pool is not None:
                return Pool(pool.transport, route, pool.closings, has_place)
            return Pool(self._make(route), route, self._closings, has_place)
        except BaseException:  # such as a proxy of a kind that is not supported
            if has_place:
                self._places.release()
            raise

    async def give_back(self, pool: Pool, *, is_reusable: bool) -> None:
        """End the use of a pool. One whose request failed is closed: it may be half open."""
        pool.idle_since = time.monotonic()
        with self._lock:
            is_reusable = is_reusable and pool.closings == self._closings
            if is_reusable:
                self._idle.setdefault(pool.route, deque()).append(pool)
                self._idle_count += 1
            surplus = self._surplus(pool.idle_since - KEPT)
        if pool.has_place:
            self._places.release()
        for each in surplus if is_reusable else (*surplus, pool):
            await self._close(each.transport)

    def _surplus(self, kept_since: float) -> list[Pool]:
        """Take out the pools that have been idle for too long, and the oldest of too many."""
        found = []
        while self._idle_count:
            oldest = min(
                (idle for idle in self._idle.values() if idle), key=lambda idle: idle[0].idle_since
            )
            if oldest[0].idle_since >= kept_since and self._idle_count <= MOST:
                break
            found.append(oldest.popleft())
            self._idle_count -= 1
        return found

    async def close(self) -> None:
        """Close the idle pools now, and those in use when they are given back."""
        with self._lock:
            self._closings += 1
            pools = [pool for idle in self._idle.values() for pool in idle]
            self._idle.clear()
            self._idle_count = 0
        for pool in pools:
            await self._close(pool.transport)
