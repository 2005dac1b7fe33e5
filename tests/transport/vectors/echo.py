"""Two HTTP/1.1 servers on loopback that note every request and answer from a script."""

from __future__ import annotations

import socket
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from io import BufferedIOBase
from socketserver import StreamRequestHandler, ThreadingTCPServer
from typing import Any, Self, cast

from .messages import Request, read_request, reply_bytes

_LOOPBACK = ("127.0.0.1", 0)


class Script:
    """What the servers answer, and what arrived.

    Args:
        replies: The n-th request gets the n-th reply, the last reply serves all further ones.
    """

    def __init__(self, replies: Sequence[Mapping[str, Any]]) -> None:
        self.arrived: list[Request] = []
        self._replies = replies or ({},)
        self._lock = threading.Lock()

    def note(self, request: Request) -> Mapping[str, Any]:
        """Note a request, and give the reply that it is to have."""
        with self._lock:
            self.arrived.append(request)
            return self._replies[min(len(self.arrived), len(self._replies)) - 1]


class EchoServers:
    """The servers ``origin`` and ``other``, and an address at which nothing listens.

    A context manager. `play` starts a new script; connections that were made before it keep theirs.
    """

    def __init__(self) -> None:
        self.script = Script(())
        self.stopping = threading.Event()
        self._servers = [_Server(name, self) for name in ("origin", "other")]
        # Bound but not listening: refuses connections, and nobody else can be given its port.
        self._closed = socket.socket()
        self._closed.bind(_LOOPBACK)

    @property
    def hosts(self) -> dict[str, str]:
        """``host:port`` of ``origin``, ``other`` and ``closed``."""
        addresses = {server.name: server.socket.getsockname() for server in self._servers}
        addresses["closed"] = self._closed.getsockname()
        return {name: f"{host}:{port}" for name, (host, port) in addresses.items()}

    def play(self, replies: Sequence[Mapping[str, Any]] = ()) -> Script:
        """Answer with ``replies`` from now on; without any, with the usual one."""
        self.script = Script(replies)
        return self.script

    def __enter__(self) -> Self:
        for server in self._servers:
            threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        for server in self._servers:
            server.shutdown()
            server.server_close()
        self._closed.close()


class _Server(ThreadingTCPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, name: str, servers: EchoServers) -> None:
        super().__init__(_LOOPBACK, _Connection)
        self.name = name
        self._servers = servers

    def converse(self, reader: BufferedIOBase, writer: BufferedIOBase) -> None:
        """Answer the requests on one connection until one of both closes it."""
        script = self._servers.script
        while request := read_request(reader, self.name):
            reply = script.note(request)
            stopped = self._servers.stopping.wait(reply.get("delay", 0))
            if stopped or reply.get("drop"):
                return
            writer.write(reply_bytes(reply, request.method))
            if request.headers.get("connection", "").lower() == "close":
                return


class _Connection(StreamRequestHandler):
    def handle(self) -> None:
        # A client that is aborted, or runs out of time, hangs up when it likes.
        with suppress(ConnectionError):
            cast("_Server", self.server).converse(self.rfile, self.wfile)
