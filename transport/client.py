"""The client of an HTTP library: made on first use, or handed in and left open."""

from __future__ import annotations

import functools
import ssl
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import httpx


class ClientHolder:
    """Holds the client that an instance, and all instances derived from it, send with.

    Args:
        make: Makes one. It is called where requests are sent: in the running loop, if there is one.
        close: Closes one; awaited.
        given: One that was handed in, which is never closed here; ``None``: one is made.

    Attributes:
        is_ours: Whether none was handed in.
    """

    def __init__(
        self,
        make: Callable[[], Any],
        close: Callable[[Any], Awaitable[Any]],
        given: Any = None,
    ) -> None:
        self._make = make
        self._close = close
        self._client = given
        self.is_ours = given is None
        self._lock = threading.Lock()

    def get(self) -> Any:
        """The client, made now if there is none yet."""
        if self._client is None:
            with self._lock:
                if self._client is None:
                    self._client = self._make()
        return self._client

    async def close(self) -> None:
        """Close the client if it was made here; the next use makes another."""
        if self.is_ours and self._client is not None:
            client, self._client = self._client, None
            await self._close(client)


@functools.cache
def ssl_context() -> ssl.SSLContext:
    """One for all clients: reading the certificates takes longer than everything else together."""
    return httpx.create_ssl_context()
