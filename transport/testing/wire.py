"""A connection as a fault has it in hands."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import Awaitable, Callable
from typing import TypeAlias

from .messages import Answer, SeenRequest, read_request

#: With these, closing a socket resets its connection: it lingers for no time.
_LINGER_ON_FOR_0 = struct.pack("ii", 1, 0)

Connected: TypeAlias = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Watch(asyncio.StreamReaderProtocol):
    """Notices that the client has left, even while the server reads nothing.

    Attributes:
        left: Set when the client has left.
        lost: Set when the connection is gone altogether.
    """

    def __init__(self, reader: asyncio.StreamReader, connected: Connected) -> None:
        super().__init__(reader, connected)
        self.left = asyncio.Event()
        self.lost = asyncio.Event()

    def eof_received(self) -> bool | None:
        """Called by the event loop when the client sends no more."""
        self.left.set()
        return super().eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by the event loop when the connection is gone."""
        self.left.set()
        self.lost.set()
        super().connection_lost(exc)


class Wire:
    """One connection to a client. Faults send on it, wait, and break it.

    Each method that waits ends with a `ConnectionError` once the client has left, which the server
    takes as the end of the conversation.

    Attributes:
        number: Its number, counted from 1.
        requests: How many requests it has brought so far.
    """

    def __init__(
        self, number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        watch = writer.transport.get_protocol()
        assert isinstance(watch, Watch)  # noqa: S101 - the server makes no other protocol
        self.number = number
        self.requests = 0
        self._reader = reader
        self._writer = writer
        self._watch = watch

    @property
    def is_open(self) -> bool:
        """True while the connection exists."""
        return not self._watch.lost.is_set()

    async def receive(self) -> SeenRequest | None:
        """The next request, ``None`` when there will be none."""
        request = await read_request(self._reader, self.number)
        self.requests += request is not None
        return request

    async def send(self, data: bytes) -> None:
        """Send bytes as they are, and wait until the client makes room for more."""
        self._writer.write(data)
        await self._writer.drain()

    async def pause(self, seconds: float) -> None:
        """Let time pass."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.stall(), seconds)

    async def stall(self) -> None:
        """Do nothing for as long as the client stays."""
        await self._watch.left.wait()
        raise ConnectionAbortedError("the client has left")

    async def wait_for(self, event: asyncio.Event) -> None:
        """Do nothing until ``event`` is set."""
        waits = [asyncio.ensure_future(one.wait()) for one in (event, self._watch.left)]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        if not event.is_set():
            raise ConnectionAbortedError("the client has left")

    def close(self) -> None:
        """Close it once all that was sent has left, as TCP does in good order (FIN)."""
        self._writer.close()

    def reset(self) -> None:
        """Break it off (RST); what the client has not read yet may be lost."""
        broken = self._writer.get_extra_info("socket")
        broken.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_ON_FOR_0)
        self.abort()

    def abort(self) -> None:
        """Drop what has not been sent yet, and close it."""
        self._writer.transport.abort()


#: What goes wrong on a connection: it sends what it likes on the `Wire`, which is closed behind it.
Fault: TypeAlias = Callable[[Wire], Awaitable[None]]

#: What a server gives back to a request.
Reply: TypeAlias = Answer | Fault


async def play(reply: Reply, wire: Wire, method: str) -> bool:
    """Give a reply on a wire to a request with ``method``; whether the connection is kept."""
    if not isinstance(reply, Answer):
        await reply(wire)
        return False
    if reply.delay:
        await wire.pause(reply.delay)
    await wire.send(reply.to_bytes(method))
    return reply.cut is None
