"""A server in a process of its own that answers each request at once, always with the same JSON."""

import asyncio
import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import cast

BODY = b'{"items": [1, 2, 3], "owner": "ada", "total": 3}'
ANSWER = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(BODY)
) + BODY


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
