"""The HTTP client of an instance: made on first use, or handed in and left open."""

from __future__ import annotations

import functools
import ssl
import threading
from typing import Any

import httpx

from .runtime import Runtime


class ClientHolder:
    """Holds the client that an instance, and all instances derived from it, send with.

    Args:
        client: One that was handed in, which is never closed here; ``None``: one is made.
        is_async: Which kind it is, or is to be.

    Attributes:
        closings: How often an instance that it belongs to was closed.

    Raises:
        TypeError: The client is of the other kind.
    """

    def __init__(self, client: Any, *, is_async: bool) -> None:
        if client is not None and not _is_client(client, is_async=is_async):
            wanted = "an asynchronous" if is_async else "a synchronous"
            maker = "create_sync()" if is_async else "create()"
            raise TypeError(
                f"client must be {wanted} HTTP client, not {type(client).__name__}; "
                f"for that use {maker}"
            )
        self._make = httpx.AsyncClient if is_async else httpx.Client
        self._client = client
        self.closings = 0
        self._is_ours = client is None
        self._lock = threading.Lock()

    def get(self) -> Any:
        """The client, made now if there is none yet."""
        if self._client is None:
            with self._lock:
                if self._client is None:
                    self._client = self._new()
        return self._client

    def _new(self) -> Any:
        client = self._make(timeout=None, verify=_ssl_context())
        # What is accepted is said by the defaults of the instance, where it can be taken out.
        del client.headers["accept"]
        return client

    @property
    def authorizes(self) -> bool:
        """Whether it is one that was handed in and puts an ``Authorization`` of its own."""
        client: Any = None if self._is_ours else self._client
        return client is not None and (client.auth is not None or "authorization" in client.headers)

    async def close(self, runtime: Runtime) -> None:
        """Close the client if it was made here; the next use makes another."""
        if self._is_ours and self._client is not None:
            client, self._client = self._client, None
            await runtime.close(client)


@functools.cache
def _ssl_context() -> ssl.SSLContext:
    """One for all clients: reading the certificates takes longer than everything else together."""
    return httpx.create_ssl_context()


def _is_client(value: Any, *, is_async: bool) -> bool:
    """Whether it is an HTTP client of this kind: httpx's and httpx2's share no class."""
    has_methods = all(callable(getattr(value, name, None)) for name in ("build_request", "send"))
    return has_methods and not isinstance(value, type) and hasattr(value, "aclose") is is_async
