"""A client that is nothing but a socket, for what no HTTP client would do or show."""

from __future__ import annotations

import socket
from urllib.parse import urlsplit

from zustax.transport.testing import MisbehavingServer

from .waiting import BOUND


def connected(server: MisbehavingServer) -> socket.socket:
    """A connection to ``server``."""
    address = urlsplit(server.url)
    return socket.create_connection((address.hostname, address.port), timeout=BOUND)


def request(connection: socket.socket, path: str, *headers: str) -> None:
    """Send a GET request."""
    lines = [f"GET {path} HTTP/1.1", "Host: 127.0.0.1", *headers, "\r\n"]
    connection.sendall("\r\n".join(lines).encode())
