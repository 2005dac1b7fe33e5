"""One time-out for all reads of an attempt, for clients that have only one for each read.

A blocked thread cannot be interrupted. So a server that sends a byte now and then would keep it for
as long as it likes, unless every read is given no more than what is left of the time.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

#: Until when this thread may read, by the monotonic clock.
_deadline: ContextVar[float | None] = ContextVar("deadline", default=None)

#: What a read is given that begins after the time is over; 0 would mean not to wait at all.
_LEAST = 0.001

#: How the events of httpcore end that bring a new connection, or one with TLS upon it.
_OPENED = ("connect_tcp.complete", "connect_unix_socket.complete", "start_tls.complete")

#: How the event ends before which all of them have come, if it is no request to a proxy.
_LEAVING = ".send_request_headers.started"


@contextmanager
def reads_within(seconds: float) -> Iterator[None]:
    """Give all reads of this thread inside the block so many seconds together."""
    token = _deadline.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        _deadline.reset(token)


def bound_connections(event: str, info: Mapping[str, Any]) -> None:
    """Let connections that are opened heed `reads_within`: the ``trace`` of a request of httpx."""
    if event.endswith(_OPENED):
        bound_reads(info["return_value"])
    elif event.endswith(_LEAVING) and info["request"].method != b"CONNECT":
        del info["request"].extensions["trace"]  # each event costs time, and no more is needed


def bound_reads(stream: Any) -> None:
    """Let a connection heed `reads_within`; again does nothing.

    Args:
        stream: A network stream of httpcore. ``None``: a mock has none.
    """
    if stream is not None and not isinstance(stream.read, _ReadInTime):
        stream.read = _ReadInTime(stream.read)


class _ReadInTime:
    """Reads of a connection, each given what is left of the time.

    Args:
        read: The method of the connection.
    """

    def __init__(self, read: Callable[..., bytes]) -> None:
        self._read = read

    def __call__(self, max_bytes: int, timeout: float | None = None) -> bytes:
        deadline = _deadline.get()
        if deadline is not None:
            left = max(deadline - time.monotonic(), _LEAST)
            timeout = left if timeout is None else min(timeout, left)
        return self._read(max_bytes, timeout)
