"""A server that signs users in, and waits and misbehaves as a test says.

    with MisbehavingServer() as server:
        tokens = server.login("ada")
        server.answer("/auth/refresh", status=503, times=1)
        server.fail("/items", faults.reset(), times=1)
        gate = server.hold("/items")  # replies to what comes for /items are kept back
        ...  # requests are started
        server.wait_for(5, "/items")  # five have arrived
        gate.open()

It talks HTTP/1.1 over sockets of 127.0.0.1, in a thread of its own: tests with and without an event
loop use it alike. A reply is made when its request arrives; gates and delays keep back what has
been made. What is told for a path holds in the order in which it was told.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from types import TracebackType
from typing import Any, Self

import attrs

from . import faults
from .authority import IssuedTokens, TokenAuthority
from .endpoints import Endpoints
from .listener import Listener
from .messages import Answer, SeenRequest
from .script import ANY, Behaviour, Gate, Script
from .waiting import BOUND, until, wait_until
from .wire import Fault, Reply, Wire, play

#: The passwords of those that an authority knows by default.
USERS = {"ada": "lovelace", "bob": "builder"}


class MisbehavingServer:
    """The server. A context manager; at the end of the block all connections are closed.

    An exception that a behaviour raises is answered 500, and raised at the end of the block.

    Args:
        authority: Who issues the tokens. Default: a new one that knows `USERS`.
        endpoints: Where it is reached.
        app: Answers instead of the authority where nothing else was told.
        listening: ``False``: connections are refused until `listen` is called.

    Attributes:
        authority: Who issues the tokens.
    """

    def __init__(
        self,
        authority: TokenAuthority | None = None,
        *,
        endpoints: Endpoints | None = None,
        app: Callable[[SeenRequest], Answer] | None = None,
        listening: bool = True,
    ) -> None:
        self.authority = authority or TokenAuthority(users=USERS)
        self._endpoints = endpoints or Endpoints()
        self._app = app
        self._is_to_listen = listening
        self._listener: Listener | None = None
        self._script = Script()
        self._lock = threading.Lock()
        self._seen: list[SeenRequest] = []
        self._mistakes: list[Exception] = []
        self._greets = True

    # --- its life ---

    def __enter__(self) -> Self:
        self._listener = Listener(self._converse)
        if self._is_to_listen:
            self.listen()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._running.stop()
        if error is None and self._mistakes:
            raise self._mistakes[0]

    def listen(self) -> None:
        """Accept connections from now on."""
        self._running.listen()

    @property
    def url(self) -> str:
        """Its origin, which is also a base URL.

        Raises:
            RuntimeError: It was not started.
        """
        return self._running.url

    @property
    def _running(self) -> Listener:
        if self._listener is None:
            raise RuntimeError("the server does not run: start it with `with MisbehavingServer()`")
        return self._listener

    # --- sessions ---

    def login(self, username: str = "ada", password: str | None = None) -> IssuedTokens:
        """Begin a session without a request.

        Args:
            username: Whose.
            password: Default: that of `USERS`.
        """
        return self.authority.login(username, USERS[username] if password is None else password)

    def expire(self) -> None:
        """Let all access tokens of this moment expire."""
        self.authority.expire_access_tokens()

    # --- what it is told; a path has no query, and may be "*" for every path ---

    def behave(self, path: str, behaviour: Behaviour, *, times: int | None = None) -> None:
        """Make the replies to ``path`` with ``behaviour``.

        Args:
            path: Whose requests; ``"*"``: all.
            behaviour: Takes the request, and gives an `Answer` or a fault. It is called in the
                thread of the server and must not wait: for that there are `hold` and `delay`.
            times: For how many requests. Default: for all that follow.
        """
        if times is not None and times < 1:
            raise ValueError(f"times must be a whole number from 1 up, or None, not {times!r}")
        self._script.add(path, behaviour, times)

    def answer(
        self,
        path: str,
        *,
        status: int = 200,
        body: Any = b"",
        headers: Mapping[str, str] | Iterable[tuple[str, str]] = (),
        cut: int | None = None,
        times: int | None = None,
    ) -> None:
        """Give the same `Answer` to requests for ``path``; see `behave`."""
        answer = Answer(status, body, headers, cut=cut)
        self.behave(path, lambda _request: answer, times=times)

    def redirect(self, path: str, to: str, *, status: int = 307, times: int | None = None) -> None:
        """Send requests for ``path`` elsewhere."""
        self.answer(path, status=status, headers={"Location": to}, times=times)

    def fail(
        self, path: str, fault: Fault, *, when_done: bool = False, times: int | None = None
    ) -> None:
        """Do what a fault does instead of answering.

        Args:
            path: Whose requests; ``"*"``: all.
            fault: One of `faults`, or of your own.
            when_done: Do what was asked for first: the server then rotates a refresh token, and
                the client never learns of it.
            times: For how many requests. Default: for all that follow.
        """

        def behaviour(request: SeenRequest) -> Reply:
            if when_done:
                self.usual(request)
            return fault

        self.behave(path, behaviour, times=times)

    def hang_up(self, path: str, *, when_done: bool = False, times: int | None = None) -> None:
        """Close the connection instead of answering; see `fail`."""
        self.fail(path, faults.hang_up(), when_done=when_done, times=times)

    def delay(self, path: str, seconds: float, *, times: int | None = None) -> None:
        """Send the usual answer late: a token may be dead when it is used, or its 401 out of date.

        Args:
            path: Whose requests; ``"*"``: all.
            seconds: How late.
            times: For how many requests. Default: for all that follow.
        """
        self.behave(
            path, lambda request: attrs.evolve(self.usual(request), delay=seconds), times=times
        )

    def hold(self, path: str) -> Gate:
        """Keep back the replies to requests for ``path`` that arrive from now on.

        A gate that was set up for the same path before keeps what it has.
        """
        gate = Gate(self._running.call_soon)
        self._script.put_gate(path, gate)
        return gate

    def open_gates(self) -> None:
        """Open every gate there is, and answer at once from now on."""
        self._script.open_gates()

    def hang_up_on_connect(self) -> None:
        """Close connections as soon as they are made, before anything is read."""
        self._greets = False

    def recover(self, path: str = ANY) -> None:
        """Behave again: forget what was told for ``path``, by default for all; gates stay."""
        self._script.forget(path)
        self._greets = True

    # --- what it saw ---

    @property
    def connections(self) -> int:
        """How many connections were made."""
        return len(self._running.wires)

    @property
    def open_connections(self) -> int:
        """How many connections there are now."""
        return sum(wire.is_open for wire in self._running.wires)

    @property
    def requests_by_connection(self) -> list[int]:
        """How many requests each connection has brought, in the order in which they were made."""
        return [wire.requests for wire in self._running.wires]

    def seen(self, path: str = ANY) -> list[SeenRequest]:
        """The requests that arrived for ``path``, or all, in their order."""
        with self._lock:
            return [seen for seen in self._seen if path in (ANY, seen.path)]

    def count(self, path: str = ANY) -> int:
        """How many requests arrived for ``path``, or at all."""
        return len(self.seen(path))

    def wait_for(self, count: int, path: str = ANY, bound: float = BOUND) -> list[SeenRequest]:
        """Block until ``count`` requests have arrived for ``path``, or at all.

        Args:
            count: How many, since the server began.
            path: Whose requests. Default: all.
            bound: Seconds to wait at most.

        Returns:
            All that have arrived by then.

        Raises:
            AssertionError: There were fewer when the time was over.
        """
        wait_until(
            lambda: self.count(path) >= count, bound, missing=lambda: self._missing(count, path)
        )
        return self.seen(path)

    async def wait_for_async(
        self, count: int, path: str = ANY, bound: float = BOUND
    ) -> list[SeenRequest]:
        """Like `wait_for`, and leave the event loop free meanwhile."""
        await until(
            lambda: self.count(path) >= count, bound, missing=lambda: self._missing(count, path)
        )
        return self.seen(path)

    def _missing(self, count: int, path: str) -> str:
        arrived = f"{self.count(path)} requests for {path} have arrived"
        return f"{arrived}, and not {count}; in all: {self.seen()}"

    # --- what it does ---

    def usual(self, request: SeenRequest) -> Answer:
        """Answer as a server that behaves."""
        if self._app is not None:
            return self._app(request)
        return self._endpoints.answer(self.authority, request)

    async def _converse(self, wire: Wire) -> None:
        while self._greets:
            try:
                request = await wire.receive()
            except ValueError:
                await wire.send(Answer(400, {"error": "this is no HTTP/1.1"}).to_bytes("GET"))
                return
            if request is None or not await self._reply(request, wire):
                return

    async def _reply(self, request: SeenRequest, wire: Wire) -> bool:
        """Reply to one request; whether the connection is kept."""
        reply, gate = self._arrived(request)
        if gate is not None:
            await wire.wait_for(gate.opened)
        is_kept = await play(reply, wire, request.method)
        return is_kept and request.headers.get("connection") != "close"

    def _arrived(self, request: SeenRequest) -> tuple[Reply, Gate | None]:
        """Make the reply, and then let it be known that the request has arrived."""
        reply = self._made(request)
        gate = self._script.gate(request.path)
        with self._lock:
            self._seen.append(request)
        return reply, gate

    def _made(self, request: SeenRequest) -> Reply:
        behaviour = self._script.next(request.path) or self.usual
        try:
            return behaviour(request)
        except Exception as mistake:
            self._mistakes.append(mistake)
            return Answer(500, {"error": "the behaviour of the test server raised"})
