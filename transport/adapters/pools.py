"""The connections of an instance's own httpx client: one small pool for each.

A pool of httpcore searches all of its connections for each request, so one pool of 100 connections
costs several times as much as 100 pools of one.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable, Sized
from contextvars import ContextVar
from typing import Any, TypeAlias

from attrs import define

from ..runtime import Runtime
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
    has_place: bool = True  #: it counts towards the limit
    is_back: bool = False  #: it is not in use
    idle_since: float = 0.0  #: by the monotonic clock


class Pools:
    """Idle pools, and a limit of requests that are under way."""

    def __init__(self, make: Callable[[Route], Any], runtime: Runtime) -> None:
        self._make = make
        self._runtime = runtime
        self._places = asyncio.Semaphore(MOST) if runtime.is_async else threading.Semaphore(MOST)
        self._lock = threading.Lock()
        self._idle: deque[Pool] = deque()  # the one that has been idle for longest comes first
        self._is_closed = False

    async def take(self, route: Route, seconds: float | None) -> Pool:
        """Return a pool for one request; `give_back` it."""
        has_place = not goes_first.get()
        if has_place:
            if isinstance(self._places, asyncio.Semaphore):
                await self._places.acquire()
            elif not self._places.acquire(timeout=seconds):
                raise TimeoutError
        with self._lock:
            pool = next((pool for pool in reversed(self._idle) if pool.route == route), None)
            if pool is not None:
                self._idle.remove(pool)
        try:
            # Another object for each use: what has ended one may not end the next.
            return Pool(self._make(route) if pool is None else pool.transport, route, has_place)
        except BaseException:  # such as a proxy of a kind that is not supported
            if has_place:
                self._places.release()
            raise

    async def give_back(self, pool: Pool, *, is_reusable: bool) -> None:
        """End the use of a pool. One whose request failed is closed: it may be half open."""
        pool.idle_since = time.monotonic()
        with self._lock:
            surplus = [] if is_reusable and not self._is_closed else [pool]
            if not surplus:
                self._idle.append(pool)
            while self._idle and (
                len(self._idle) > MOST or self._idle[0].idle_since < pool.idle_since - KEPT
            ):
                surplus.append(self._idle.popleft())
        if pool.has_place:
            self._places.release()
        for each in surplus:
            await self._runtime.close(each.transport)

    async def close(self) -> None:
        """Close the idle pools now, and those in use when they are given back."""
        with self._lock:
            self._is_closed = True
            pools, self._idle = self._idle, deque()
        for pool in pools:
            await self._runtime.close(pool.transport)
