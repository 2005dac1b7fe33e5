"""What stands between a client and its server: a forward proxy, and TLS before a plain server.

with ForwardProxy(credentials=("ada", "lovelace")) as proxy:
    create_sync(base_url=server.url, proxy={"host": "127.0.0.1", "port": proxy.port, ...})
    ...
    proxy.seen  # what it was asked for

with TlsFront(server.url) as front:
    create_sync(base_url=front.url)  # its certificate is signed by `front.authority`
"""

from __future__ import annotations

import asyncio
import base64
import ssl
import threading
from abc import ABC, abstractmethod
from asyncio import StreamReader, StreamWriter
from collections.abc import Mapping
from contextlib import suppress
from typing import Self
from urllib.parse import urlsplit

import trustme
from attrs import field, frozen

from .waiting import BOUND, wait_until

_HOST = "127.0.0.1"

#: Headers that are meant for the proxy alone (RFC 9110, section 7.6.1).
_FOR_THE_PROXY = ("proxy-authorization", "proxy-connection", "connection")


class Relay(ABC):
    """Accepts connections on a free port of 127.0.0.1. A context manager with a thread of its own.

    Attributes:
        port: Where it listens, inside of the block.
        connections: How many connections were made.
        open_connections: How many of them there are now.
    """

    port: int
    _server: asyncio.Server
    _tls: ssl.SSLContext | None = None

    def __init__(self) -> None:
        self.connections = 0
        self.open_connections = 0
        self._loop = asyncio.new_event_loop()
        self._stopping = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="relay", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        starting = asyncio.start_server(self._accept, _HOST, 0, ssl=self._tls)
        self._server = asyncio.run_coroutine_threadsafe(starting, self._loop).result(BOUND)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def stop_listening(self) -> None:
        """Refuse connections from now on."""
        self._loop.call_soon_threadsafe(self._server.close)
        wait_until(lambda: not self._server.is_serving())

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(BOUND)

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        await self._stopping.wait()
        self._server.close()
        await asyncio.sleep(0)  # connections that were just accepted begin, so as to be closed
        while others := asyncio.all_tasks() - {asyncio.current_task()}:
            for other in others:
                other.cancel()
            await asyncio.wait(others)

    async def _accept(self, reader: StreamReader, writer: StreamWriter) -> None:
        self.connections += 1
        self.open_connections += 1
        with suppress(OSError, asyncio.CancelledError, asyncio.IncompleteReadError):
            await self._converse(reader, writer)
        self.open_connections -= 1
        writer.close()

    @abstractmethod
    async def _converse(self, reader: StreamReader, writer: StreamWriter) -> None: ...


class TlsFront(Relay):
    """Takes TLS off what comes, and hands it on to a plain server.

    Args:
        server: The origin of that server.

    Attributes:
        authority: Who has signed its certificate.
    """

    def __init__(self, server: str) -> None:
        super().__init__()
        self._plain = urlsplit(server)
        self.authority = trustme.CA()
        self._tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self.authority.issue_cert(_HOST).configure_cert(self._tls)

    @property
    def url(self) -> str:
        """Its origin, which is also a base URL."""
        return f"https://{_HOST}:{self.port}"

    async def _converse(self, reader: StreamReader, writer: StreamWriter) -> None:
        await _connect(reader, writer, self._plain.hostname, self._plain.port)


@frozen
class Asked:
    """A request as a proxy sees it.

    Args:
        method: In upper case; ``CONNECT`` for a tunnel.
        target: An absolute URL, or host and port of a tunnel.
        headers: Values by name in lower case.
    """

    method: str
    target: str
    headers: Mapping[str, str] = field(repr=False)


class ForwardProxy(Relay):
    """A forward proxy: absolute URLs are fetched, and tunnels are made (RFC 9110, section 9.3.6).

    Args:
        credentials: User name and password that it asks for. Default: it asks for none.

    Attributes:
        seen: What it was asked for, in the order of its coming.
    """

    def __init__(self, credentials: tuple[str, str] | None = None) -> None:
        super().__init__()
        pair = ":".join(credentials).encode() if credentials else b""
        self._wanted = f"Basic {base64.b64encode(pair).decode()}" if credentials else None
        self.seen: list[Asked] = []

    @property
    def url(self) -> str:
        """Where it is, without credentials."""
        return f"http://{_HOST}:{self.port}"

    async def _converse(self, reader: StreamReader, writer: StreamWriter) -> None:
        while (asked := await _read_head(reader)) is not None:
            self.seen.append(asked)
            if self._wanted not in (None, asked.headers.get("proxy-authorization")):
                writer.write(
                    b"HTTP/1.1 407 Proxy Authentication Required\r\n"
                    b'Proxy-Authenticate: Basic realm="proxy"\r\nContent-Length: 0\r\n\r\n'
                )
                await writer.drain()
            elif asked.method == "CONNECT":
                host, _, port = asked.target.rpartition(":")
                writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
                await _connect(reader, writer, host, int(port))
                return
            else:
                writer.write(await _fetch(asked, reader))
                await writer.drain()


async def _read_head(reader: StreamReader) -> Asked | None:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.strip().split("\r\n")
    method, target, _version = first.split(" ")
    pairs = (line.partition(":") for line in lines)
    return Asked(method, target, {name.lower(): value.strip() for name, _, value in pairs})


async def _fetch(asked: Asked, reader: StreamReader) -> bytes:
    """What the server answers, as a whole; its connection serves this request alone."""
    url = urlsplit(asked.target)
    sent = {name: value for name, value in asked.headers.items() if name not in _FOR_THE_PROXY}
    path = f"{url.path or '/'}?{url.query}" if url.query else url.path or "/"
    lines = [f"{asked.method} {path} HTTP/1.1", "connection: close"]
    lines += [f"{name}: {value}" for name, value in sent.items()]
    body = await reader.readexactly(int(sent.get("content-length", 0)))
    there, back = await asyncio.open_connection(url.hostname, url.port)
    try:
        back.write("\r\n".join((*lines, "\r\n")).encode("latin-1") + body)
        return await there.read()
    finally:
        back.close()


async def _connect(
    reader: StreamReader, writer: StreamWriter, host: str | None, port: int | None
) -> None:
    """Hand on what comes on either side until one of them ends."""
    there, back = await asyncio.open_connection(host, port)
    ways = [asyncio.create_task(_copy(reader, back)), asyncio.create_task(_copy(there, writer))]
    try:
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    finally:
        back.close()  # first: what is awaited here may be cancelled
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)


async def _copy(source: StreamReader, target: StreamWriter) -> None:
    while data := await source.read(1 << 16):
        target.write(data)
        await target.drain()
