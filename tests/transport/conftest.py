from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from ..support.clients import AsyncClient, Client, SyncClient
from ..support.server import AuthServer

#: For what only an asynchronous instance has: tasks to cancel, a loop to belong to.
only_async = pytest.mark.parametrize("kind", [AsyncClient], ids=["async"])

#: For what only a synchronous instance has.
only_sync = pytest.mark.parametrize("kind", [SyncClient], ids=["sync"])


@pytest.fixture(params=[AsyncClient, SyncClient], ids=["async", "sync"])
def kind(request: pytest.FixtureRequest) -> type[Client]:
    """Both kinds of instance: what takes this fixture holds for either."""
    kind: type[Client] = request.param
    return kind


@pytest.fixture
def server() -> Iterator[AuthServer]:
    with AuthServer() as server:
        yield server


def leave_nothing_behind(client: Client) -> None:
    """Close a client once its loop has closed the generators that an error has left halfway.

    Those of an HTTP client are nested, and each takes a few turns of the loop.
    """
    if client.is_async:
        client.call(lambda _api: turns(100))
    client.close()


async def turns(count: int) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


@pytest.fixture
def client(kind: type[Client], server: AuthServer) -> Iterator[Client]:
    """A client of the server; it leaves nothing behind in its event loop."""
    client = kind.create(base_url=server.url)
    yield client
    server.open_gates()
    leave_nothing_behind(client)
