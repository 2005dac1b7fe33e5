"""What the tests of several storages need."""

from collections.abc import Iterator

import pytest

from .redis_server import RedisServer


@pytest.fixture(scope="session")
def shared_server() -> Iterator[RedisServer]:
    server = RedisServer()
    server.start()
    yield server
    server.remove()


@pytest.fixture
def server(shared_server: RedisServer) -> RedisServer:
    """A running server that holds nothing."""
    with shared_server.client() as client:
        client.flushall()
    return shared_server
