"""Requests and answers of HTTP/1.1 (RFC 9112) as a test server reads and writes them."""

from __future__ import annotations

import json
from asyncio import IncompleteReadError, LimitOverrunError, StreamReader
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl

from attrs import field, frozen

_PHRASES = {status.value: status.phrase for status in HTTPStatus}

#: Statuses whose answers end with their headers (RFC 9112, section 6.3).
_WITHOUT_BODY = frozenset((204, 304))


@frozen(repr=False)
class SeenRequest:
    """A request that arrived. Its repr shows neither headers nor query nor body.

    Args:
        method: In upper case.
        path: Without the query.
        headers: Values by name in lower case; those of one name are joined with commas.
        body: Its bytes, chunks put together.
        query: What follows the question mark, as it was sent.
        connection: The number of the connection that brought it, counted from 1.
    """

    method: str
    path: str
    headers: Mapping[str, str] = field(factory=dict)
    body: bytes = b""
    query: str = ""
    connection: int = 0

    @property
    def authorization(self) -> str | None:
        """The header of that name; ``None`` if it was not sent."""
        return self.headers.get("authorization")

    @property
    def token(self) -> str | None:
        """The bearer token that it carried (RFC 6750, section 2.1)."""
        scheme, _, token = (self.authorization or "").partition(" ")
        return token if scheme == "Bearer" else None

    def json(self) -> Any:
        """The body, parsed.

        Raises:
            ValueError: It is no JSON.
        """
        return json.loads(self.body)

    def form(self) -> dict[str, str]:
        """The fields of a body of type ``application/x-www-form-urlencoded``."""
        return dict(parse_qsl(self.body.decode(), keep_blank_values=True))

    def __repr__(self) -> str:
        return f"<SeenRequest {self.method} {self.path}, body of {len(self.body)} bytes>"


@frozen(repr=False)
class Answer:
    """What goes back. Its repr shows neither headers nor body.

    Args:
        status: The status code.
        body: Bytes as they are; anything else becomes JSON.
        headers: Further headers, a mapping or pairs; ``Content-Type`` and ``Content-Length`` take
            the place of the usual ones.
        delay: Seconds until it is sent; it was made when the request arrived.
        cut: Bytes of the answer after which the connection is closed; negative: counted from its
            end. ``None``: the answer is whole, and the connection is kept.
    """

    status: int = 200
    body: Any = b""
    headers: Mapping[str, str] | Iterable[tuple[str, str]] = field(factory=dict)
    delay: float = 0.0
    cut: int | None = None

    def to_bytes(self, method: str) -> bytes:
        """The answer as it goes on the wire to a request with ``method``."""
        body = self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()
        has_body = method != "HEAD" and self.status not in _WITHOUT_BODY
        head = head_of(self.status, self._all_headers(body))
        return (head + body if has_body else head)[: self.cut]

    def _all_headers(self, body: bytes) -> list[tuple[str, str]]:
        pairs: Any = self.headers.items() if isinstance(self.headers, Mapping) else self.headers
        given: list[tuple[str, str]] = list(pairs)
        names = {name.lower() for name, _ in given}
        usual = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
        return [pair for pair in usual if pair[0].lower() not in names] + given

    def __repr__(self) -> str:
        return f"<Answer {self.status}>"


def head_of(status: int, headers: Iterable[tuple[str, str]]) -> bytes:
    """A status line and headers, with the empty line that ends them."""
    lines = [
        f"HTTP/1.1 {status} {_PHRASES.get(status, 'Unnamed')}",
        *(f"{name}: {value}" for name, value in headers),
        "\r\n",
    ]
    return "\r\n".join(lines).encode("latin-1")


async def read_request(reader: StreamReader, connection: int) -> SeenRequest | None:
    """Read the next request of a connection; ``None`` when the client has left.

    Args:
        reader: Where it comes from.
        connection: The number of the connection.

    Raises:
        ValueError: It is no HTTP/1.1.
    """
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = head.removesuffix("\r\n\r\n").split("\r\n")
        method, target, _version = first.split(" ")
        headers = _headers(lines)
        body = await _body(reader, headers)
    except IncompleteReadError:
        return None
    except LimitOverrunError as error:
        raise ValueError("the head of the request is too long") from error
    path, _, query = target.partition("?")
    return SeenRequest(method, path, headers, body, query, connection)


def _headers(lines: Iterable[str]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for line in lines:
        name, _, value = line.partition(":")
        known = headers.get(name.lower())
        headers[name.lower()] = value.strip() if known is None else f"{known}, {value.strip()}"
    return headers


async def _body(reader: StreamReader, headers: Mapping[str, str]) -> bytes:
    if headers.get("transfer-encoding") != "chunked":
        return await reader.readexactly(int(headers.get("content-length", 0)))
    body = b""
    while size := int(await reader.readline(), 16):
        body += await reader.readexactly(size)
        await reader.readline()
    await reader.readline()
    return body
