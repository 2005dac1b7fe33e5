"""Cancelling releases the connection, whatever the moment: thousands of times."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from zustax.transport import AbortController, Instance, RequestError, create
from zustax.transport.testing import until

#: Each of so many requests at once is cancelled within the time that an answer takes, in seconds.
AT_ONCE = 8
MOMENTS = 0.006

#: Connections of the client that is handed in.
CONNECTIONS = 8

Stop = Callable[["asyncio.Task[Any]", AbortController], object]

STOPS: dict[str, Stop] = {
    "cancelled": lambda task, _controller: task.cancel(),
    "aborted": lambda _task, controller: controller.abort(),
}


class Counting:
    """A server that takes a moment for each answer, and counts its open connections."""

    open = 0

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open += 1
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                await asyncio.sleep(MOMENTS / 3)
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()
            self.open -= 1


@asynccontextmanager
async def instance(is_own: bool) -> AsyncIterator[tuple[Instance, Counting]]:
    counting = Counting()
    server = await asyncio.start_server(counting.answer, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    limits = httpx.Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS)
    async with server, httpx.AsyncClient(limits=limits) as client:
        async with create(base_url=url, client=None if is_own else client) as api:
            yield api, counting
        if is_own:
            await until(lambda: counting.open == 0)


async def storm(api: Instance, requests: int, stop: Stop) -> None:
    """Stop requests at random moments; behind each handful of them one must be answered."""
    loop, moments = asyncio.get_running_loop(), random.Random(7)

    async def stopped() -> None:
        controller = AbortController()
        task = asyncio.ensure_future(api.get("/", signal=controller.signal))
        loop.call_later(moments.uniform(0, MOMENTS), stop, task, controller)
        await asyncio.wait((task,))
        assert task.cancelled() or isinstance(task.exception(), RequestError | None)

    for _ in range(requests // AT_ONCE):
        await asyncio.gather(*(stopped() for _ in range(AT_ONCE)))
        async with asyncio.timeout(10):
            assert (await api.get("/")).data == "ok"


@pytest.mark.parametrize("stop", STOPS.values(), ids=STOPS)
@pytest.mark.parametrize(
    "is_own",
    [
        pytest.param(True, id="own client"),
        pytest.param(False, id="handed-in client", marks=pytest.mark.slow),
    ],
)
@pytest.mark.parametrize(
    "requests", [400, pytest.param(3000, marks=[pytest.mark.slow, pytest.mark.timeout(300)])]
)
async def test_requests_that_are_stopped_leave_no_connection_behind(
    requests: int, is_own: bool, stop: Stop
) -> None:
    async with instance(is_own) as (api, counting):
        await storm(api, requests, stop)
        await until(lambda: counting.open <= AT_ONCE)
