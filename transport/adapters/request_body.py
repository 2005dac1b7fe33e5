"""The body of a request as a client sends it: limited, and reported to a listener."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Iterable, Iterator
from typing import Any

import httpx

from ..body import CHUNK, FileBody, FormBody
from ..config import RequestConfig
from ..errors import RequestError
from ..headers import Headers, content_length
from .progress import Meter


def request_body(body: Any, headers: Headers, config: RequestConfig, *, is_async: bool) -> Any:
    """Return bytes, an iterator of bytes of the client's kind, or ``None`` for no body."""
    if body is None:
        return None
    limit, listener = limit_of(config.max_body_length), config.on_upload_progress
    if isinstance(body, bytes) and not listener:
        _check(len(body), limit)
        return body
    if isinstance(body, FormBody):
        body = _multipart(body, headers)
    length: int | None
    if isinstance(body, bytes):
        length = len(body)
        pieces: Any = (body[start : start + CHUNK] for start in range(0, length, CHUNK))
    else:
        length = body.length() if isinstance(body, FileBody) else content_length(headers)
        pieces = body
    if length is not None:
        _check(length, limit)
        headers["Content-Length"] = str(length)
    count = _Count(limit, Meter(listener, length, is_upload=True) if listener else None)
    if is_async:
        return _async_pieces(pieces, count)
    if not isinstance(pieces, Iterable):
        raise TypeError(
            f"data is async ({type(body).__name__}), but this is a synchronous instance: "
            "give it a plain iterator"
        )
    return _pieces(pieces, count)


def limit_of(option: Any) -> int | None:
    """Return the number of bytes that an option allows; ``None``: any number."""
    return option if isinstance(option, int) and option >= 0 else None


def _multipart(form: FormBody, headers: Headers) -> Iterable[bytes]:
    """Encode the parts as httpx does, for each client."""
    if not form.parts:
        boundary = secrets.token_hex(16)
        headers["Content-Type"] = f"multipart/form-data; boundary={boundary}"
        end = f"--{boundary}--\r\n".encode()
        headers["Content-Length"] = len(end)
        return [end]
    encoded = httpx.Request("POST", "http://localhost", files=form.parts)
    headers["Content-Type"] = encoded.headers["content-type"]
    headers["Content-Length"] = encoded.headers.get("content-length")
    return encoded.stream  # type: ignore[return-value] # it can be iterated both ways


class _Count:
    """Counts what has been sent so far."""

    def __init__(self, limit: int | None, meter: Meter | None) -> None:
        self._sent = 0
        self._limit = limit
        self._meter = meter

    def sending(self, piece: Any) -> Iterator[bytes]:
        """Yield a piece as bytes; the next step comes when it has been sent."""
        data = piece.encode() if isinstance(piece, str) else bytes(piece)
        self._sent += len(data)
        _check(self._sent, self._limit)
        yield data
        if self._meter is not None:
            self._meter.add(len(data))

    def end(self) -> None:
        if self._meter is not None:
            self._meter.end()


def _check(length: int, limit: int | None) -> None:
    if limit is not None and limit < length:
        raise RequestError(
            "Request body larger than maxBodyLength limit",
            RequestError.ERR_BAD_REQUEST,
            request_was_sent=False,
        )


def _pieces(body: Iterable[Any], count: _Count) -> Iterator[bytes]:
    for piece in body:
        yield from count.sending(piece)
    count.end()


async def _async_pieces(body: Any, count: _Count) -> AsyncIterator[bytes]:
    if isinstance(body, Iterable):
        for data in _pieces(body, count):
            yield data
        return
    async for piece in body:
        for data in count.sending(piece):
            yield data
    count.end()
