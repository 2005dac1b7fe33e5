"""Requests and answers of HTTP/1.1 (RFC 9112) as a test server reads and writes them."""

from __future__ import annotations

import json
from asyncio import IncompleteReadError, StreamReader
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from attrs import field, frozen

_PHRASES = {status.value: status.phrase for status in HTTPStatus}


@frozen
class Seen:
    """A request that arrived.

    Args:
        method: In upper case.
        path: Without the query.
        headers: Values by name in lower case.
        body: Its bytes, chunks put together.
    """

    method: str
    path: str
    headers: Mapping[str, str] = field(factory=dict)
    body: bytes = b""

    @property
    def authorization(self) -> str | None:
        """The header of that name; ``None`` if it was not sent."""
        return self.headers.get("authorization")

    @property
    def token(self) -> str | None:
        """The bearer token that it carried."""
        scheme, _, token = (self.authorization or "").partition(" ")
        return token if scheme == "Bearer" else None

    def json(self) -> Any:
        """The body, parsed."""
        return json.loads(self.body)


@frozen
class Answer:
    """What goes back.

    Args:
        status: The status code.
        body: Bytes as they are; anything else becomes JSON.
        headers: Further headers.
        cut: Bytes of the answer after which the connection is closed; ``None``: it is kept.
    """

    status: int = 200
    body: Any = b""
    headers: Mapping[str, str] = field(factory=dict)
    cut: int | None = None

    def to_bytes(self, method: str) -> bytes:
        """The answer as it goes on the wire to a request with ``method``."""
        body = self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()
        headers = {
            "Content-Type": "application/json",
            "Content-Length": str(len(body)),
            **self.headers,
        }
        lines = [
            f"HTTP/1.1 {self.status} {_PHRASES.get(self.status, 'Unnamed')}",
            *(f"{name}: {value}" for name, value in headers.items()),
            "\r\n",
        ]
        head = "\r\n".join(lines).encode("latin-1")
        return (head if method == "HEAD" else head + body)[: self.cut]


#: No answer at all: the connection is closed.
HANG_UP = Answer(cut=0)


async def read_request(reader: StreamReader) -> Seen | None:
    """Read the next request; ``None`` when the client has closed the connection."""
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except IncompleteReadError:
        return None
    first, *fields = head.strip().split("\r\n")
    method, target, _version = first.split(" ")
    headers = {
        name.lower(): value.strip() for name, _, value in (line.partition(":") for line in fields)
    }
    return Seen(method, target.partition("?")[0], headers, await _body(reader, headers))


async def _body(reader: StreamReader, headers: Mapping[str, str]) -> bytes:
    if headers.get("transfer-encoding") != "chunked":
        return await reader.readexactly(int(headers.get("content-length", 0)))
    body = b""
    while size := int(await reader.readline(), 16):
        body += await reader.readexactly(size)
        await reader.readline()
    await reader.readline()
    return body
