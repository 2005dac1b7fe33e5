"""One time-out for all reads and writes of an attempt: a blocked thread cannot be interrupted.

A server that sends a byte now and then would otherwise keep it for as long as it likes.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

#: Until when this thread may wait, by the monotonic clock.
_deadline: ContextVar[float | None] = ContextVar("deadline", default=None)

#: How the events of httpcore end that bring a new connection, or one with TLS upon it.
_OPENED = ("connect_tcp.complete", "connect_unix_socket.complete", "start_tls.complete")

#: How the event ends before which all of them have come, if it is no request to a proxy.
_LEAVING = ".send_request_headers.started"

#: Bytes that are written in one go.
_PIECE = 64 * 1024


@contextmanager
def reads_within(seconds: float) -> Iterator[None]:
    """Give all reads and writes of this thread inside the block so many seconds together."""
    token = _deadline.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        _deadline.reset(token)


def bound_connections(event: str, info: Mapping[str, Any]) -> None:
    """Bound the connections that a request opens: its ``trace`` extension."""
    if event.endswith(_OPENED):
        bound_stream(info["return_value"])
    elif event.endswith(_LEAVING) and info["request"].method != b"CONNECT":
        del info["request"].extensions["trace"]  # each event costs time, and no more is needed


def bound_stream(stream: Any) -> None:
    """Make a network stream of httpcore obey `reads_within`; a mock has none."""
    if stream is not None and not isinstance(stream.read, functools.partial):
        stream.read = functools.partial(_read, stream.read)
        stream.write = functools.partial(_write, stream.write)


def _left(timeout: float | None) -> float | None:
    deadline = _deadline.get()
    if deadline is None:
        return timeout
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left if timeout is None else min(timeout, left)


def _read(read: Callable[..., bytes], max_bytes: int, timeout: float | None = None) -> bytes:
    return read(max_bytes, _left(timeout))


def _write(write: Callable[..., None], buffer: bytes, timeout: float | None = None) -> None:
    for start in range(0, len(buffer), _PIECE):
        write(buffer[start : start + _PIECE], _left(timeout))
