"""What a server sends beyond its ``Content-Length`` is not taken for the next answer."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from zustax.transport import RequestError
from zustax.transport.testing import MisbehavingServer
from zustax.transport.testing.wire import Wire

from ...support.clients import TLS, AiohttpClient, AsyncClient, Client, Httpx2Client, SyncClient
from ..conftest import leave_nothing_behind, turns

SHORT = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
FAKE = b'HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n{"fake": "yes"}'

CLIENTS: dict[str, Callable[[str], Client]] = {
    "async": lambda url: AsyncClient.create(base_url=url),
    "sync": lambda url: SyncClient.create(base_url=url),
    "aiohttp": lambda url: AiohttpClient.create(base_url=url),
    "httpx2, handed in": lambda url: Httpx2Client.create(base_url=url),
    "async, handed in": lambda url: AsyncClient.create(
        base_url=url, client=httpx.AsyncClient(verify=TLS)
    ),
    "sync, handed in": lambda url: SyncClient.create(base_url=url, client=httpx.Client(verify=TLS)),
}


@pytest.fixture(params=list(CLIENTS.values()), ids=list(CLIENTS))
def client(request: pytest.FixtureRequest, server: MisbehavingServer) -> Iterator[Client]:
    client = request.param(server.url)
    yield client
    leave_nothing_behind(client)


def get(client: Client, path: str) -> Any:
    return client.call(lambda api: api.get(path, timeout=20)).data


@pytest.mark.parametrize("data", [FAKE, b"more"], ids=["an answer", "text"])
def test_what_follows_at_once(client: Client, server: MisbehavingServer, data: bytes) -> None:
    async def fault(wire: Wire) -> None:
        await wire.send(SHORT + data)
        await wire.stall()

    server.fail("/short", fault)
    with contextlib.suppress(RequestError):  # aiohttp may refuse all of it
        assert get(client, "/short") == {}
    assert get(client, "/well") == {"path": "/well"}


@pytest.mark.parametrize("data", [FAKE, b"more"], ids=["an answer", "text"])
def test_what_follows_later(client: Client, server: MisbehavingServer, data: bytes) -> None:
    has_read, has_sent = threading.Event(), threading.Event()

    async def fault(wire: Wire) -> None:
        await wire.send(SHORT)
        while not has_read.is_set():
            await wire.pause(0.01)
        await wire.send(data)
        has_sent.set()
        await wire.stall()

    server.fail("/short", fault)
    assert get(client, "/short") == {}
    has_read.set()
    assert has_sent.wait(20)
    if client.is_async:
        client.call(lambda _api: turns(100))
    assert get(client, "/well") == {"path": "/well"}
