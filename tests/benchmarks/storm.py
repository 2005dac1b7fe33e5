"""A refresh storm: many requests at once, all with an expired token.

    uv run python -m tests.benchmarks.storm

First the cost: a thousand requests that are refused, one refresh, and a thousand that are sent
again, against 2,001 plain requests at the same concurrency through the same client. Short blocks of
both alternate in one run; the table shows medians. Then ten thousand at once: how many refreshes
that are, and how many requests had arrived when the refresh did. At last the memory that a request
takes which waits for a refresh, and one that waits in the queue of a bare httpx client; both with
their share of the connections.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import sys
import time
import tracemalloc
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Any, cast

import httpx
from attrs import frozen
from zustax.store import UserStore
from zustax.transport import Instance, create, silent_refresh
from zustax.transport.testing import until

from .blocks import compare, timed

ROUNDS = 7
AT_ONCE = 1_000
MANY = 10_000

#: So many wait while memory is measured, which makes everything slower.
WAITING = 500

#: Seconds until they all do.
BOUND = 300.0

REFRESH = "/auth/refresh"


# --- the server, in a process of its own ---


class Tokens:
    """What the server knows: which token is good, and how often it was asked for what."""

    def __init__(self) -> None:
        self.number = 0
        self.items = 0
        self.refreshes = 0
        self.items_before_refresh = 0
        self.may_refresh = asyncio.Event()
        self.may_answer = asyncio.Event()

    def rotate(self) -> bytes:
        self.refreshes += 1
        self.items_before_refresh = self.items
        self.number += 1
        return json.dumps(
            {"access_token": self.access, "refresh_token": f"r{self.number}"}
        ).encode()

    @property
    def access(self) -> str:
        return f"an-access-token-of-the-usual-length-{self.number:06}"


class Conversation(asyncio.Protocol):
    """One connection."""

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens
        self._received = b""
        self._answers: set[asyncio.Task[None]] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._received += data
        while (request := self._next()) is not None:
            answer = asyncio.ensure_future(self._answer(request))
            self._answers.add(answer)
            answer.add_done_callback(self._answers.discard)

    def _next(self) -> bytes | None:
        head, mark, rest = self._received.partition(b"\r\n\r\n")
        length = 0
        for line in head.lower().split(b"\r\n"):
            if line.startswith(b"content-length:"):
                length = int(line.partition(b":")[2])
        if not mark or len(rest) < length:
            return None
        self._received = rest[length:]
        return head

    async def _answer(self, head: bytes) -> None:
        tokens = self._tokens
        if REFRESH.encode() in head.split(b"\r\n", 1)[0]:
            body = tokens.rotate()
            await tokens.may_refresh.wait()
            self._send(b"200 OK", body)
            return
        tokens.items += 1
        is_good = f"Bearer {tokens.access}".encode() in head
        await tokens.may_answer.wait()
        self._send(b"200 OK" if is_good else b"401 Unauthorized", b'{"items": [1, 2, 3]}')

    def _send(self, status: bytes, body: bytes) -> None:
        head = b"HTTP/1.1 %b\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
        self._transport.write(head % (status, len(body)) + body)


async def serve(orders: Connection) -> None:
    tokens = Tokens()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Conversation(tokens), "127.0.0.1", 0, backlog=1024)
    orders.send(server.sockets[0].getsockname()[1])
    while (order := await loop.run_in_executor(None, orders.recv)) != "end":
        _obey(order, tokens)
        orders.send((tokens.access, tokens.refreshes, tokens.items, tokens.items_before_refresh))


def _obey(order: str, tokens: Tokens) -> None:
    match order:
        case "expire":
            tokens.number += 1
        case "hold refreshes":
            tokens.may_refresh.clear()
        case "hold answers":
            tokens.may_answer.clear()
        case "go":
            tokens.may_refresh.set()
            tokens.may_answer.set()


def run_server(orders: Connection) -> None:
    asyncio.run(serve(orders))


@frozen
class Counts:
    """What the server has seen."""

    access_token: str
    refreshes: int
    items: int
    items_before_refresh: int


@frozen
class Server:
    """The server, as seen from here."""

    url: str
    orders: Any

    def tell(self, order: str = "nothing") -> Counts:
        """Tell it something, and hear what it has seen so far."""
        self.orders.send(order)
        return Counts(*self.orders.recv())


@contextmanager
def running_server() -> Iterator[Server]:
    spawning = multiprocessing.get_context("spawn")
    ours, theirs = spawning.Pipe()
    process = spawning.Process(target=run_server, args=(theirs,), daemon=True)
    process.start()
    server = Server(f"http://127.0.0.1:{ours.recv()}", ours)
    server.tell("go")
    try:
        yield server
    finally:
        ours.send("end")
        process.join()


# --- what is measured ---


def new_instance(server: Server) -> tuple[Instance, UserStore]:
    store = UserStore()
    store.login(server.tell().access_token, "r0")
    api = create(base_url=server.url)
    silent_refresh(api, store, timeout=60.0)
    return api, store


async def storm(api: Instance, server: Server, at_once: int) -> None:
    """All at once meet an expired token."""
    server.tell("expire")
    await asyncio.gather(*(api.get("/items") for _ in range(at_once)))


async def calm(plain: Instance, token: str, at_once: int) -> None:
    """As many, each twice, and one more: all with a valid token, and nothing to watch over it."""
    headers = {"Authorization": f"Bearer {token}"}

    async def get_twice() -> None:
        await plain.get("/items", headers=headers)
        await plain.get("/items", headers=headers)

    await asyncio.gather(*(get_twice() for _ in range(at_once)))
    await plain.get("/items", headers=headers)


def measure_cost(runner: asyncio.Runner, server: Server) -> str:
    api, _ = new_instance(server)
    plain = api.create()
    blocks = {
        "plain": timed(
            lambda count: runner.run(calm(plain, server.tell().access_token, count)),
        ),
        "storm": timed(lambda count: runner.run(storm(api, server, count))),
    }
    for block in blocks.values():
        block(AT_ONCE)  # connects, and fills what is cached
    before = server.tell().refreshes
    results = compare(blocks, AT_ONCE, ROUNDS)
    refreshes = (server.tell().refreshes - before) / ROUNDS
    runner.run(api.aclose())
    return (
        f"{AT_ONCE} at once: {results['storm'].microseconds:.0f} us each, "
        f"{2 * AT_ONCE + 1} plain requests {results['plain'].microseconds:.0f} us, "
        f"ratio {results['storm'].ratio:.2f}, {refreshes:.2f} refreshes\n"
    )


async def many(server: Server) -> str:
    api, _ = new_instance(server)
    before = server.tell("expire")
    started = time.perf_counter()
    await asyncio.gather(*(api.get("/items") for _ in range(MANY)))
    seconds = time.perf_counter() - started
    await api.aclose()
    after = server.tell()
    arrived = after.items_before_refresh - before.items
    return (
        f"{MANY} at once: {after.refreshes - before.refreshes} refresh, which arrived after "
        f"{arrived} requests; {seconds:.1f} s in all\n"
    )


async def bytes_per_waiting(
    start: Callable[[], Awaitable[object]], are_waiting: Callable[[], bool]
) -> float:
    """What each of many requests that wait takes."""
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    waiting = [asyncio.ensure_future(start()) for _ in range(WAITING)]
    await until(are_waiting, BOUND)
    taken = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    for one in waiting:
        one.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    return taken / WAITING


async def memory(server: Server) -> str:
    server.tell("hold answers")
    async with httpx.AsyncClient(base_url=server.url, timeout=None) as client:
        before, connections = (
            server.tell().items,
            min(WAITING, 100),
        )  # the others are in the queue by then
        bare = await bytes_per_waiting(
            lambda: client.get("/items"), lambda: server.tell().items == before + connections
        )
    server.tell("go")
    server.tell("hold refreshes")
    store = UserStore()
    store.login("expired", "r0")
    api = create(base_url=server.url)
    handle = silent_refresh(api, store, timeout=600.0)
    ours = await bytes_per_waiting(
        lambda: api.get("/items"), lambda: handle.stats.waited == WAITING
    )
    server.tell("go")
    await api.aclose()
    return (
        f"a request that waits for a refresh: {ours / 1000:.1f} KB; "
        f"one in the queue of a bare client: {bare / 1000:.1f} KB\n"
    )


def main() -> None:
    with running_server() as server, asyncio.Runner() as runner:
        sys.stdout.write(measure_cost(runner, server))
        sys.stdout.write(runner.run(many(server)))
        sys.stdout.write(runner.run(memory(server)))


if __name__ == "__main__":
    main()
