"""What an instance with silent refresh costs beside bare httpx, when a burst was the first it did.

    uv run python -m tests.benchmarks.burst

The first act of both is 100 GETs at once, for which they open as many connections. A pool of httpx
searches all of them for each request from then on. Then come GETs one by one, and 100 and 1,000 at
once. Short blocks alternate; the table shows the medians of the processor time of this process per
request (the server runs in another), and of the ratio to the bare client's of the same round.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable

import httpx
from zustax.store import UserStore
from zustax.transport import create, silent_refresh

from .answers import running_server
from .blocks import Block, compare

ROUNDS = 5

#: How many at once in the burst at the beginning.
BURST = 100

#: How many requests a block has, and how many of them are sent at once.
SHAPES = {"one by one": (100, 1), "100 at once": (100, 100), "1,000 at once": (1000, 1000)}

Get = Callable[[], Awaitable[object]]


async def get_all(get: Get, requests: int, at_once: int) -> None:
    for _ in range(requests // at_once):
        if at_once == 1:
            await get()
        else:
            await asyncio.gather(*(get() for _ in range(at_once)))


def processor_time(runner: asyncio.Runner, get: Get, at_once: int) -> Block:
    def block(requests: int) -> float:
        start = time.process_time()
        runner.run(get_all(get, requests, at_once))
        return time.process_time() - start

    return block


def measure(runner: asyncio.Runner, url: str) -> None:
    client = httpx.AsyncClient(base_url=url, timeout=None)
    api, store = create(base_url=url), UserStore()
    silent_refresh(api, store)
    store.login("an-access-token", "a-refresh-token")

    async def bare() -> object:
        return (await client.get("/items")).json()

    async def ours() -> object:
        return (await api.get("/items")).data

    gets = {"bare": bare, "silent refresh": ours}
    for get in gets.values():
        runner.run(get_all(get, BURST, BURST))
    for shape, (requests, at_once) in SHAPES.items():
        blocks = {name: processor_time(runner, get, at_once) for name, get in gets.items()}
        for name, result in compare(blocks, requests, ROUNDS).items():
            sys.stdout.write(
                f"{shape:>14} {name:>15} {result.microseconds:>7.0f} us {result.ratio:>6.2f}\n"
            )
    runner.run(client.aclose())
    runner.run(api.aclose())


def main() -> None:
    with running_server() as url, asyncio.Runner() as runner:
        measure(runner, url)


if __name__ == "__main__":
    main()
