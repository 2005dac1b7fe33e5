"""What a fault puts on the wire; what a client makes of it is told by the tests of faults."""

from __future__ import annotations

import gzip
import socket
from collections.abc import Iterator

import pytest
from zustax.transport.testing import Fault, MisbehavingServer, Wire, faults, wait_until

from ...support.sockets import connected, request


@pytest.fixture
def server() -> Iterator[MisbehavingServer]:
    with MisbehavingServer() as server:
        yield server


def everything(connection: socket.socket) -> bytes:
    """What arrives until the server closes the connection."""
    received = bytearray()
    while data := connection.recv(1 << 16):
        received += data
    return bytes(received)


def test_hanging_up_sends_nothing(server: MisbehavingServer) -> None:
    server.fail("/items", faults.hang_up())
    with connected(server) as connection:
        request(connection, "/items")
        assert connection.recv(1) == b""


def test_a_reset_breaks_the_connection_off(server: MisbehavingServer) -> None:
    server.fail("/items", faults.reset())
    with connected(server) as connection:
        request(connection, "/items")
        with pytest.raises(ConnectionResetError):
            connection.recv(1)


def test_half_a_body_is_announced_as_whole(server: MisbehavingServer) -> None:
    server.fail("/items", faults.half_a_body())
    with connected(server) as connection:
        request(connection, "/items")
        head, _, body = everything(connection).partition(b"\r\n\r\n")
    assert f"Content-Length: {2 * len(body)}".encode() in head


@pytest.mark.parametrize("difference", [10, -10])
def test_a_content_length_is_wrong_by_as_much_as_is_said(
    server: MisbehavingServer, difference: int
) -> None:
    server.fail("/items", faults.content_length(difference))
    with connected(server) as connection:
        request(connection, "/items")
        connection.shutdown(socket.SHUT_WR)
        head, _, body = everything(connection).partition(b"\r\n\r\n")
    assert f"Content-Length: {len(body) + difference}".encode() in head


@pytest.mark.parametrize("layers", [1, 2])
def test_a_gzip_bomb_is_valid_and_small(server: MisbehavingServer, layers: int) -> None:
    size = 1 << 22
    server.fail("/items", faults.gzip_bomb(size, layers=layers))
    with connected(server) as connection:
        request(connection, "/items")
        connection.shutdown(socket.SHUT_WR)
        _, _, body = everything(connection).partition(b"\r\n\r\n")
    assert len(body) < size / 200
    for _ in range(layers):
        body = gzip.decompress(body)
    assert body == bytes(size)


@pytest.mark.parametrize(
    "fault",
    [
        faults.stall(),
        faults.endless_headers(),
        faults.trickling_headers(),
        faults.stall_in_the_body(),
        faults.trickle(),
        faults.endless_body(),
    ],
    ids=lambda fault: fault.__qualname__.partition(".")[0],
)
def test_a_fault_that_has_no_end_ends_when_the_client_leaves(
    server: MisbehavingServer, fault: Fault
) -> None:
    server.fail("/items", fault)
    with connected(server) as connection:
        request(connection, "/items")
        server.wait_for(1)
        assert server.open_connections == 1
    wait_until(lambda: server.open_connections == 0)


def test_a_fault_is_an_async_function_of_the_wire(server: MisbehavingServer) -> None:
    async def counts(wire: Wire) -> None:
        await wire.send(f"request {wire.requests} of connection {wire.number}".encode())

    server.fail("/items", counts)
    with connected(server) as connection:
        request(connection, "/other")
        assert connection.recv(1)
        request(connection, "/items")
        assert everything(connection).endswith(b"request 2 of connection 1")
