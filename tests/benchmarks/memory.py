"""A day in a minute: what a program that runs for long keeps in memory.

    uv run python -m tests.benchmarks.memory [requests] [refreshes]

An instance whose adapter answers at once makes 100,000 requests, and then 20,000 that are refused
and refreshed. The table shows, for each half of both, what has been added to the memory that Python
has allocated and to that of the process, in bytes per request; and how many objects the garbage
collector has found for each request that nothing but it could free.
"""

from __future__ import annotations

import asyncio
import gc
import resource
import sys
import tracemalloc
from collections.abc import Awaitable, Callable

from attrs import frozen
from zustax.store import UserStore
from zustax.transport import Instance, RequestConfig, Response, TokenPair, create, silent_refresh

REQUESTS = 100_000
REFRESHES = 20_000


class Backend:
    """Answers requests and refreshes, in this process."""

    def __init__(self) -> None:
        self.number = 0

    def expire(self) -> None:
        self.number += 1

    async def answer(self, config: RequestConfig) -> Response:
        is_good = config.headers.get("Authorization") == f"Bearer access-{self.number}"
        return Response(b"{}", 200 if is_good else 401, "", {}, config)

    async def refresh(self, _refresh_token: str | None) -> TokenPair:
        return TokenPair(f"access-{self.number}", f"refresh-{self.number}")


def new_instance(backend: Backend) -> Instance:
    store = UserStore()
    store.login("access-0", "refresh-0")
    api = create(base_url="http://127.0.0.1", adapter=backend.answer)
    silent_refresh(api, store, refresh=backend.refresh)
    return api


@frozen
class Growth:
    """What each of many requests has left behind."""

    allocated: float
    resident: float
    cycles: float


async def growth_of(request: Callable[[], Awaitable[object]], count: int) -> Growth:
    """Make requests without the garbage collector, and look at what is there afterwards."""
    gc.collect()
    allocated, resident = tracemalloc.get_traced_memory()[0], _resident()
    found = 0
    gc.disable()
    try:
        for done in range(1, count + 1):
            await request()
            if done % 1000 == 0 or done == count:
                found += gc.collect()
    finally:
        gc.enable()
    return Growth(
        (tracemalloc.get_traced_memory()[0] - allocated) / count,
        (_resident() - resident) / count,
        found / count,
    )


def _resident() -> int:
    """The most memory that the process has had, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


async def measure(requests: int, refreshes: int) -> None:
    backend = Backend()
    async with new_instance(backend) as api:

        async def request() -> None:
            await api.get("/items")

        async def refused_request() -> None:
            backend.expire()
            await api.get("/items")

        for name, one, count in (
            ("request", request, requests),
            ("refresh", refused_request, refreshes),
        ):
            await growth_of(one, 1000)  # fills what is cached
            for half in ("first", "second"):
                growth = await growth_of(one, count // 2)
                sys.stdout.write(
                    f"{name}, {half} half of {count:>6}: allocated {growth.allocated:6.2f} B, "
                    f"resident {growth.resident:6.2f} B, cycles {growth.cycles:.3f}\n"
                )


def main() -> None:
    requests, refreshes = map(int, sys.argv[1:] or (REQUESTS, REFRESHES))
    tracemalloc.start()
    asyncio.run(measure(requests, refreshes))


if __name__ == "__main__":
    main()
