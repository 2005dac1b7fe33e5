"""A connection that is being closed is closed to the end, whatever becomes of who waits for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from zustax.transport import create


class SlowToClose(httpx.AsyncByteStream):
    """A body that takes its time to be closed, and remembers whether it was."""

    def __init__(self) -> None:
        self.is_closing = asyncio.Event()
        self.may_close = asyncio.Event()
        self.is_closed = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b"too long"

    async def aclose(self) -> None:
        self.is_closing.set()
        await self.may_close.wait()
        self.is_closed = True


async def test_a_request_that_is_cancelled_while_its_connection_is_closed_closes_it() -> None:
    body = SlowToClose()
    transport = httpx.MockTransport(lambda _request: httpx.Response(200, stream=body))
    async with httpx.AsyncClient(transport=transport) as client:
        api = create(client=client, base_url="http://host")
        request = asyncio.create_task(api.get("/items", max_content_length=1))
        await body.is_closing.wait()
        request.cancel()
        await asyncio.sleep(0)
        body.may_close.set()
        with pytest.raises(asyncio.CancelledError):
            await request
    assert body.is_closed
