"""A socket on which conversations are held, in an event loop in a thread of its own."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Awaitable, Callable

from .waiting import BOUND
from .wire import Watch, Wire

_BACKLOG = 1024

#: Bytes that the head of a request may have.
_HEAD_LIMIT = 1 << 20


class Listener:
    """Accepts connections on a free port of 127.0.0.1; until it listens, it refuses them.

    Args:
        converse: Talks to the client on a wire, which is closed behind it.

    Attributes:
        wires: All connections that were made, in their order.
    """

    def __init__(self, converse: Callable[[Wire], Awaitable[None]]) -> None:
        self._converse = converse
        self._socket = socket.socket()
        self._socket.bind(("127.0.0.1", 0))
        self._port: int = self._socket.getsockname()[1]
        self._loop = asyncio.new_event_loop()
        self._stopping = asyncio.Event()
        self._server: asyncio.Server | None = None
        self._thread = threading.Thread(target=self._run, name="zustax-testing", daemon=True)
        self._conversations: dict[asyncio.Task[None], Wire] = {}
        self.wires: list[Wire] = []
        self._thread.start()

    @property
    def url(self) -> str:
        """The origin of this socket."""
        return f"http://127.0.0.1:{self._port}"

    def listen(self) -> None:
        """Accept connections from now on."""
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(BOUND)

    def call_soon(self, function: Callable[[], object]) -> None:
        """Call ``function`` in the event loop, from any thread; nothing if that has ended."""
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(function)

    def stop(self) -> None:
        """Break off every conversation, and end."""
        self.call_soon(self._stopping.set)
        self._thread.join(BOUND)
        self._socket.close()

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve())

    async def _listen(self) -> None:
        self._server = await self._loop.create_server(
            self._new_protocol, sock=self._socket, backlog=_BACKLOG
        )

    def _new_protocol(self) -> Watch:
        return Watch(asyncio.StreamReader(_HEAD_LIMIT, self._loop), self._connected)

    async def _serve(self) -> None:
        await self._stopping.wait()
        # Connections that are just being accepted become conversations first, and end at once. A
        # server that is closed before that would leave them open.
        while others := asyncio.all_tasks() - {asyncio.current_task()}:
            for conversation, wire in self._conversations.items():
                wire.abort()
                conversation.cancel()
            await asyncio.wait(others)
        if self._server is not None:
            self._server.close()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        wire = Wire(len(self.wires) + 1, reader, writer)
        self.wires.append(wire)
        conversation = asyncio.current_task()
        assert conversation is not None  # noqa: S101 - a protocol calls this in a task
        self._conversations[conversation] = wire
        # A client hangs up when it likes; the end of the test cancels the rest.
        with contextlib.suppress(ConnectionError, asyncio.CancelledError):
            try:
                if not self._stopping.is_set():
                    await self._converse(wire)
            finally:
                del self._conversations[conversation]
                wire.close()
