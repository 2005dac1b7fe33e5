"""The connections of an own client: each request has one, and each place comes back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from zustax.transport import create

BOUND = 20.0


@asynccontextmanager
async def serving(may_answer: asyncio.Event) -> AsyncIterator[str]:
    """A server that answers at once, but for ``/slow``."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await reader.readuntil(b"\r\n\r\n"):
            if b"/slow" in head:
                await may_answer.wait()
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await answer(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def test_a_stream_that_is_closed_twice_takes_no_connection_from_another_request() -> None:
    may_answer = asyncio.Event()
    async with serving(may_answer) as url, create(base_url=url) as api, asyncio.timeout(BOUND):
        async with (await api.get("/a", response_type="stream")).data as stream:
            await stream.read()  # the end closes it, and so does the block
            slow = asyncio.create_task(api.get("/slow"))
            await asyncio.sleep(0.05)  # it has taken the connection of the stream
        assert (await api.get("/fast")).data == "ok"
        may_answer.set()
        assert (await slow).data == "ok"
        assert (await api.get("/a")).data == "ok"


async def test_a_proxy_that_cannot_be_used_costs_no_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "socks5://127.0.0.1:1")  # httpx wants a package for it
    monkeypatch.setenv("NO_PROXY", "localhost")
    may_answer = asyncio.Event()
    async with serving(may_answer) as url, create(base_url=url) as api, asyncio.timeout(BOUND):
        for _ in range(101):
            with pytest.raises(Exception, match=r"(?i)socks|proxy"):
                await api.get("/a")
        assert (await api.get(url.replace("127.0.0.1", "localhost"))).data == "ok"
