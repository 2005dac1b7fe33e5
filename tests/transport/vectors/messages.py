"""HTTP/1.1 messages as the echo servers read and write them, byte for byte (RFC 9112)."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator, Mapping
from http.client import NO_CONTENT, NOT_MODIFIED, responses
from io import BufferedIOBase
from typing import Any

from attrs import frozen

from .values import bytes_of, text_or_bytes

#: Headers that say how a client talks rather than what it was asked to send.
NOT_LISTED = frozenset(
    (
        "accept-encoding",
        "connection",
        "content-length",
        "expect",
        "host",
        "keep-alive",
        "te",
        "transfer-encoding",
        "user-agent",
    )
)
WITHOUT_BODY = frozenset((NO_CONTENT, NOT_MODIFIED))

_MULTIPART = re.compile(r"multipart/form-data;.*\bboundary=\"?([^\";]+)")
_PARAMETER = re.compile(r'(\w+)="([^"]*)"')


@frozen
class Request:
    """A request that arrived at the server ``to``."""

    to: str
    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes

    def record(self, see: tuple[str, ...] = ()) -> dict[str, Any]:
        """The request as the vectors write it, with those of `NOT_LISTED` that ``see`` names."""
        listed = {
            name: value
            for name, value in self.headers.items()
            if name in see or name not in NOT_LISTED
        }
        record = {"to": self.to, "method": self.method, "target": self.target, "headers": listed}
        multipart = _MULTIPART.match(listed.get("content-type", ""))
        if multipart is None:
            return {**record, "body": text_or_bytes(self.body)}
        boundary = multipart[1]
        listed["content-type"] = listed["content-type"].replace(boundary, "{boundary}")
        return {**record, "parts": list(_parts(self.body, boundary.encode()))}


def read_request(stream: BufferedIOBase, to: str) -> Request | None:
    """The next request on a connection, or ``None`` if the client has closed it.

    Raises:
        ConnectionError: The client hung up in the middle of a request.
    """
    line = stream.readline()
    if not line:
        return None
    method, _, rest = line.decode("latin-1").rstrip("\r\n").partition(" ")
    headers = _read_headers(stream)
    if headers.get("transfer-encoding", "").lower() == "chunked":
        body = b"".join(_read_chunks(stream))
    else:
        body = _read(stream, int(headers.get("content-length", 0)))
    return Request(to, method, rest.rpartition(" ")[0], headers, body)


def reply_bytes(reply: Mapping[str, Any], method: str) -> bytes:
    """The answer to a request with ``method`` that a reply of the vectors describes."""
    status = reply.get("status", 200)
    body = bytes_of(reply.get("body", '{"ok":true}'))
    headers: list[tuple[str, str]] = [(name, value) for name, value in reply.get("headers", ())]
    if "body" not in reply and "headers" not in reply:
        headers.append(("Content-Type", "application/json"))
    if reply.get("gzip"):
        body = gzip.compress(body)
        headers.append(("Content-Encoding", "gzip"))
    if status in WITHOUT_BODY:
        body = b""
    elif reply.get("chunked"):
        body = _in_two_chunks(body)
        headers.append(("Transfer-Encoding", "chunked"))
    else:
        headers.append(("Content-Length", str(len(body))))
    lines = [f"HTTP/1.1 {status} {reply.get('reason', responses.get(status, ''))}"]
    lines += [f"{name}: {value}" for name, value in headers]
    head = "".join(f"{line}\r\n" for line in (*lines, "")).encode("latin-1")
    return head if method == "HEAD" else head + body


def _read_headers(stream: BufferedIOBase) -> dict[str, str]:
    headers: dict[str, str] = {}
    while line := _read_line(stream):
        name, _, value = line.partition(":")
        name, value = name.lower(), value.strip(" \t")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


def _read_chunks(stream: BufferedIOBase) -> Iterator[bytes]:
    while size := int(_read_line(stream).partition(";")[0], 16):
        yield _read(stream, size)
        _read_line(stream)
    _read_headers(stream)  # the trailers, and the empty line that ends them


def _read_line(stream: BufferedIOBase) -> str:
    line = stream.readline()
    if not line.endswith(b"\n"):
        raise ConnectionResetError("the client hung up in the middle of a line")
    return line.decode("latin-1").rstrip("\r\n")


def _read(stream: BufferedIOBase, size: int) -> bytes:
    body = stream.read(size)
    if len(body) < size:
        raise ConnectionResetError(f"the client hung up after {len(body)} of {size} bytes")
    return body


def _in_two_chunks(body: bytes) -> bytes:
    middle = (len(body) + 1) // 2
    return b"".join(_chunk(half) for half in (body[:middle], body[middle:]) if half) + _chunk(b"")


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def _parts(body: bytes, boundary: bytes) -> Iterator[dict[str, Any]]:
    """The parts of a multipart body (RFC 7578)."""
    _, *parts, end = (b"\r\n" + body).split(b"\r\n--" + boundary)
    if end.rstrip(b"\r\n") != b"--":
        raise ValueError(f"the multipart body does not end with its boundary, but with {end!r}")
    for part in parts:
        head, _, value = part.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        yield {**_part_headers(head.decode()), "value": text_or_bytes(value)}


def _part_headers(head: str) -> dict[str, str]:
    headers = {
        name.lower(): value.strip()
        for name, _, value in (line.partition(":") for line in head.split("\r\n"))
    }
    shown = dict(_PARAMETER.findall(headers["content-disposition"]))
    if "content-type" in headers:
        shown["type"] = headers["content-type"]
    return shown
