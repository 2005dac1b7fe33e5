"""A server that signs users in with double tokens, waits and misbehaves as a test says.

    with AuthServer() as server:
        tokens = server.login("ada")
        server.answer("/auth/refresh", status=503, times=1)
        gate = server.hold("/items")  # answers to /items are kept back
        ...  # requests are started
        server.wait_for(5, "/items")  # five have arrived
        gate.open()

It serves, on a socket of its own:

    POST /auth/login      {"username", "password"}: tokens, or 401
    POST /auth/refresh    {"refresh_token"}: tokens, or 401
    any other path        with an access token {"user", "number"}, else 401

An answer is made when its request arrives; a gate keeps back what has been made.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from asyncio import StreamReader, StreamWriter
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Self

from attrs import define
from zustax.transport.testing import AuthorityError, IssuedTokens, TokenAuthority

from .http1 import HANG_UP, Answer, Seen, read_request
from .waiting import BOUND

USERS = {"ada": "lovelace", "bob": "builder"}

LOGIN = "/auth/login"
REFRESH = "/auth/refresh"

_BACKLOG = 1024

Behaviour = Callable[[Seen], Answer]


class Gate:
    """Keeps answers back until it is opened. Any thread may open it, also twice."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._opened = asyncio.Event()

    def open(self) -> None:
        """Let the answers go, also those that come later."""
        with suppress(RuntimeError):  # the server has ended, and nobody waits any more
            self._loop.call_soon_threadsafe(self._opened.set)

    async def passed(self) -> None:
        """Wait, in the loop of the server, until it is open."""
        await self._opened.wait()


@define
class _Turn:
    """A behaviour and for how many requests it holds; ``None``: for all."""

    behaviour: Behaviour
    times: int | None


class AuthServer:
    """The server. A context manager; it runs in a thread of its own.

    Args:
        authority: Who issues the tokens. Default: a new one that knows `USERS`.
        listening: ``False``: connections are refused until `listen` is called.

    Attributes:
        authority: Who issues the tokens.
    """

    def __init__(self, authority: TokenAuthority | None = None, *, listening: bool = True) -> None:
        self.authority = authority or TokenAuthority(users=USERS)
        self._socket = socket.socket()
        self._socket.bind(("127.0.0.1", 0))
        self._port = self._socket.getsockname()[1]
        self._is_to_listen = listening
        self._loop = asyncio.new_event_loop()
        self._stopping = asyncio.Event()
        self._listener: asyncio.Server | None = None
        self._thread = threading.Thread(target=self._run, name="auth-server", daemon=True)
        self._changed = threading.Condition()
        self._seen: list[Seen] = []
        self._connections = 0
        self._conversations: set[asyncio.Task[Any]] = set()
        self._greets = True
        self._turns: dict[str, list[_Turn]] = {}
        self._gates: dict[str, Gate] = {}
        self._all_gates: list[Gate] = []

    # --- its life ---

    def __enter__(self) -> Self:
        self._thread.start()
        if self._is_to_listen:
            self.listen()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(BOUND)
        self._socket.close()

    def listen(self) -> None:
        """Accept connections from now on."""
        serving = asyncio.start_server(self._converse, sock=self._socket, backlog=_BACKLOG)
        self._listener = asyncio.run_coroutine_threadsafe(serving, self._loop).result(BOUND)

    @property
    def url(self) -> str:
        """Its origin, which is also a base URL."""
        return f"http://127.0.0.1:{self._port}"

    # --- what it is told ---

    def login(self, username: str) -> IssuedTokens:
        """Begin a session for one of `USERS`, without a request."""
        return self.authority.login(username, USERS[username])

    def expire(self) -> None:
        """Let all access tokens of this moment expire."""
        self.authority.expire_access_tokens()

    def hold(self, path: str) -> Gate:
        """Keep back the answers to requests for ``path`` that arrive from now on.

        A gate that was set up for the same path before keeps what it has.
        """
        gate = Gate(self._loop)
        with self._changed:
            self._gates[path] = gate
            self._all_gates.append(gate)
        return gate

    def open_gates(self) -> None:
        """Open every gate there is."""
        with self._changed:
            self._gates.clear()
            gates = tuple(self._all_gates)
        for gate in gates:
            gate.open()

    def behave(self, path: str, behaviour: Behaviour, *, times: int | None = None) -> None:
        """Make the answers to ``path`` with ``behaviour``, after those that were told before.

        Args:
            path: Without a query.
            behaviour: Takes the request, and gives the answer.
            times: For how many requests. Default: for all that follow.
        """
        with self._changed:
            self._turns.setdefault(path, []).append(_Turn(behaviour, times))

    def answer(
        self,
        path: str,
        *,
        status: int = 200,
        body: Any = b"",
        headers: Mapping[str, str] | None = None,
        cut: int | None = None,
        times: int | None = None,
    ) -> None:
        """Give the same answer to requests for ``path``; see `Answer` and `behave`."""
        answer = Answer(status, body, headers or {}, cut)
        self.behave(path, lambda _seen: answer, times=times)

    def redirect(self, path: str, to: str, *, status: int = 307) -> None:
        """Send requests for ``path`` elsewhere."""
        self.answer(path, status=status, headers={"Location": to})

    def hang_up(self, path: str, *, when_done: bool = False, times: int | None = None) -> None:
        """Close the connection instead of answering.

        Args:
            path: Without a query.
            when_done: Whether what was asked for is done first: a refresh token is then rotated,
                and nobody learns of it.
            times: For how many requests. Default: for all that follow.
        """

        def behaviour(seen: Seen) -> Answer:
            if when_done:
                self.usual(seen)
            return HANG_UP

        self.behave(path, behaviour, times=times)

    def hang_up_on_connect(self) -> None:
        """Close connections as soon as they are made, before anything is read."""
        self._greets = False

    # --- what it saw ---

    @property
    def connections(self) -> int:
        """How many connections were made."""
        return self._connections

    def seen(self, path: str | None = None) -> list[Seen]:
        """The requests that arrived for ``path``, or all, in their order."""
        with self._changed:
            return [seen for seen in self._seen if path in (None, seen.path)]

    def count(self, path: str | None = None) -> int:
        """How many requests arrived for ``path``, or at all."""
        return len(self.seen(path))

    def wait_for(self, count: int, path: str | None = None, bound: float = BOUND) -> list[Seen]:
        """Block until ``count`` requests have arrived for ``path``, or at all.

        Args:
            count: How many, since the server began.
            path: Without a query. Default: any.
            bound: Seconds to wait at most.

        Returns:
            All that have arrived by then.

        Raises:
            AssertionError: There were fewer when the time was over.
        """
        with self._changed:
            if self._changed.wait_for(lambda: self.count(path) >= count, bound):
                return self.seen(path)
        raise AssertionError(
            f"{self.count(path)} requests for {path or 'any path'} arrived within {bound:g} "
            f"seconds, and not {count}; in all: {[(s.method, s.path) for s in self.seen()]}"
        )

    # --- what it does ---

    def usual(self, seen: Seen) -> Answer:
        """Answer as a server that behaves."""
        try:
            if seen.path == LOGIN:
                return Answer(body=self.authority.login(**seen.json()).as_dict())
            if seen.path == REFRESH:
                return Answer(body=self.authority.refresh(**seen.json()).as_dict())
            claims = self.authority.verify(seen.token or "")
        except AuthorityError as error:
            return Answer(error.status, {"error": error.code})
        return Answer(body={"user": claims.username, "number": claims.number})

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        await self._stopping.wait()
        if self._listener is not None:
            self._listener.close()
        # Connections that are just being accepted become conversations first, and end at once.
        while others := asyncio.all_tasks() - {asyncio.current_task()}:
            for conversation in self._conversations:
                conversation.cancel()
            await asyncio.wait(others)

    async def _converse(self, reader: StreamReader, writer: StreamWriter) -> None:
        self._connections += 1
        conversation = asyncio.current_task()
        assert conversation is not None
        self._conversations.add(conversation)
        # A client that is cancelled hangs up when it likes; the end of the test cancels the rest.
        with suppress(ConnectionError, asyncio.CancelledError):
            try:
                while self._is_open and (seen := await read_request(reader)):
                    if not await self._reply(seen, writer):
                        break
            finally:
                self._conversations.discard(conversation)
                writer.close()

    @property
    def _is_open(self) -> bool:
        return self._greets and not self._stopping.is_set()

    async def _reply(self, seen: Seen, writer: StreamWriter) -> bool:
        """Answer one request; whether the connection is kept."""
        answer, gate = self._arrived(seen)
        if gate is not None:
            await gate.passed()
        writer.write(answer.to_bytes(seen.method))
        await writer.drain()
        return answer.cut is None

    def _arrived(self, seen: Seen) -> tuple[Answer, Gate | None]:
        with self._changed:
            answer = self._behaviour(seen.path)(seen)
            self._seen.append(seen)
            self._changed.notify_all()
            return answer, self._gates.get(seen.path)

    def _behaviour(self, path: str) -> Behaviour:
        turns = self._turns.get(path)
        if not turns:
            return self.usual
        turn = turns[0]
        if turn.times is not None:
            turn.times -= 1
            if turn.times == 0:
                turns.pop(0)
        return turn.behaviour
