"""What an instance with silent refresh costs over the bare httpx client that it sends with.

    uv run python tests/benchmarks/instance.py

Both send the same GET, bearer token included, to the same server and read the JSON of its answer.
Short blocks of the two alternate, each first every other time, so that whatever else the machine
does falls on both; the table shows the medians of a block's time per request and of the ratio of
neighbouring blocks. The server is a process of its own, so that its work falls on neither.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from multiprocessing.connection import Connection
from operator import truediv
from statistics import median
from time import perf_counter
from typing import cast

import httpx
from zustax.store import UserStore
from zustax.transport import create, silent_refresh

Get = Callable[[], Awaitable[object]]
Block = Callable[[Get, int], Awaitable[None]]

PAIRS_OF_BLOCKS = 60
REQUESTS_PER_BLOCK = 200
AT_ONCE = 100

TOKEN = "an-access-token-of-the-usual-length." * 4
HEADERS = {
    "Accept": "application/json, text/plain, */*",
    "Authorization": f"Bearer {TOKEN}",
}

BODY = b'{"items": [1, 2, 3], "owner": "ada", "total": 3}'
ANSWER = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(BODY)
) + BODY


# --- the server ---


class FixedAnswers(asyncio.Protocol):
    """Answers every request that has no body with `ANSWER`."""

    def __init__(self) -> None:
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        *requests, self._received = (self._received + data).split(b"\r\n\r\n")
        self._transport.write(ANSWER * len(requests))


async def serve(port: Connection) -> None:
    server = await asyncio.get_running_loop().create_server(FixedAnswers, "127.0.0.1", 0)
    port.send(server.sockets[0].getsockname()[1])
    await server.serve_forever()


def run_server(port: Connection) -> None:
    asyncio.run(serve(port))


@contextmanager
def running_server() -> Iterator[str]:
    """Run the server in another process, and give its URL."""
    spawning = multiprocessing.get_context("spawn")
    port, port_of_server = spawning.Pipe()
    process = spawning.Process(target=run_server, args=(port_of_server,), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{port.recv()}"
    finally:
        process.terminate()
        process.join()


# --- the two that are compared ---


@asynccontextmanager
async def bare_client(url: str) -> AsyncIterator[Get]:
    async with httpx.AsyncClient(base_url=url, timeout=None) as client:

        async def get() -> object:
            response = await client.get("/items", headers=HEADERS)
            return response.raise_for_status().json()

        yield get


@asynccontextmanager
async def instance(url: str) -> AsyncIterator[Get]:
    store = UserStore()
    store.login(TOKEN, "a-refresh-token")
    async with create(base_url=url) as api:
        silent_refresh(api, store)

        async def get() -> object:
            return (await api.get("/items")).data

        yield get


# --- measuring ---


async def one_after_another(get: Get, requests: int) -> None:
    for _ in range(requests):
        await get()


async def all_at_once(get: Get, requests: int) -> None:
    for _ in range(requests // AT_ONCE):
        await asyncio.gather(*(get() for _ in range(AT_ONCE)))


async def seconds(block: Block, get: Get) -> float:
    start = perf_counter()
    await block(get, REQUESTS_PER_BLOCK)
    return perf_counter() - start


async def compare(block: Block, bare: Get, ours: Get) -> tuple[float, float, float]:
    """Measure the microseconds per request of both, and their ratio."""
    for get in (bare, ours):
        await seconds(block, get)  # connects, and fills what is cached
    times: dict[Get, list[float]] = {bare: [], ours: []}
    for order in ((bare, ours), (ours, bare)) * (PAIRS_OF_BLOCKS // 2):
        for get in order:
            times[get].append(await seconds(block, get))
    return (
        median(times[bare]) / REQUESTS_PER_BLOCK * 1e6,
        median(times[ours]) / REQUESTS_PER_BLOCK * 1e6,
        median(map(truediv, times[ours], times[bare])),
    )


async def table() -> AsyncIterator[str]:
    yield f"{'requests':>10}  {'bare httpx':>10}  {'instance':>9}  {'ratio':>5}\n"
    with running_server() as url:
        async with bare_client(url) as bare, instance(url) as ours:
            assert await bare() == await ours()
            for name, block in (("one by one", one_after_another), ("100 at once", all_at_once)):
                bare_us, ours_us, ratio = await compare(block, bare, ours)
                yield f"{name:>10}  {bare_us:>7.0f} us  {ours_us:>6.0f} us  {ratio:>5.2f}\n"


async def main() -> None:
    async for line in table():
        sys.stdout.write(line)


if __name__ == "__main__":
    asyncio.run(main())
