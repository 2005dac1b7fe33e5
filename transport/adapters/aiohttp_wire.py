"""How a session of our own sends: headers in Latin-1 as axios and httpx do, and no stale answer."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import aiohttp

_END_OF_HEAD = b"\r\n\r\n"


class LeftoverError(aiohttp.ClientConnectionError):
    """The server had sent more than its last answer; nothing was sent on this connection."""


class OwnRequest(aiohttp.ClientRequest):
    """A request of aiohttp; what is ASCII goes the usual way."""

    async def send(self, conn: Any) -> aiohttp.ClientResponse:
        """Send it, unless what is left on the connection would be taken for its answer."""
        if conn.protocol.should_close:
            raise LeftoverError
        if not all(map(str.isascii, self.headers.values())):
            transport = _Latin1Transport(conn.protocol.transport)
            conn = _Instead(conn, protocol=_Instead(conn.protocol, transport=transport))
        return await super().send(conn)


class _Instead:
    """An object with one of its attributes replaced."""

    def __init__(self, original: Any, **replaced: Any) -> None:
        self.__dict__.update(replaced)
        self._original = original

    def __getattr__(self, name: str) -> Any:
        return getattr(self._original, name)


class _Latin1Transport(_Instead):
    """Encodes the head of a request anew: it is what is written first, maybe with more behind."""

    def write(self, data: Any) -> None:
        head, end, rest = bytes(data).partition(_END_OF_HEAD)
        self._original.write(head.decode().encode("latin-1") + end + rest)
        self.write = self._original.write  # type: ignore[method-assign]

    def writelines(self, pieces: Iterable[Any]) -> None:
        self.write(b"".join(pieces))
