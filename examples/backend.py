# /// script
# requires-python = ">=3.11"
# dependencies = ["starlette", "uvicorn", "zustax"]
#
# [tool.uv.sources]
# zustax = { path = "..", editable = true }
# ///
"""A backend that signs users in with double tokens, to try a client against.

Alone:

    uv run examples/backend.py --port 3001 --access-ttl 2

In a program or a test:

    with running_backend(access_ttl=2.0) as backend:
        httpx.post(f"{backend.base_url}/auth/login", json={"username": ..., "password": ...})
        backend.requests, backend.authority.journal  # what it met

What it serves, below /api:

    POST /auth/login     {"username", "password"} -> tokens
    POST /auth/refresh   {"refresh_token"} -> tokens; 401 if the token is refused
    POST /auth/logout    a bearer token, or {"refresh_token"}
    GET  /me             who is signed in
    GET  /items, /reports, /archive    at once, after 0.05 s, after 0.2 s
    POST /echo           the JSON that it was sent

All but /auth ask for an access token, and answer 401 with a challenge (RFC 6750, section 3).
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import math
import socket
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import Any

import attrs
import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.types import Message, Receive, Scope, Send
from zustax.transport.testing import (
    AuthorityError,
    Claims,
    InvalidTokenError,
    IssuedTokens,
    TokenAuthority,
)

DEMO_USERS = {"ada": "lovelace", "bob": "builder"}

ACCESS_TTL = 300.0
REFRESH_TTL = 86_400.0

CHALLENGE = 'Bearer realm="api"'
CHALLENGE_INVALID_TOKEN = 'Bearer error="invalid_token"'


@attrs.frozen
class Resource:
    """Something protected.

    Args:
        name: Its path, and the key in its JSON.
        seconds: How long it takes to answer.
        content: What it answers.
    """

    name: str
    seconds: float
    content: list[dict[str, Any]]


RESOURCES = (
    Resource("items", 0.0, [{"id": 1, "name": "pencil"}, {"id": 2, "name": "paper"}]),
    Resource("reports", 0.05, [{"id": 1, "title": "Sales"}, {"id": 2, "title": "Stock"}]),
    Resource("archive", 0.2, [{"id": 1, "year": 1842}, {"id": 2, "year": 1843}]),
)


@attrs.frozen
class ServedRequest:
    """A request that was answered."""

    method: str
    path: str
    status: int


class Backend:
    """The ASGI application.

    Args:
        authority: Issues and judges the tokens; its journal notes what became of them.
        base_url: Where the application is reached.
        refresh_delay: Seconds that a refresh takes.
    """

    def __init__(
        self, authority: TokenAuthority, base_url: str, *, refresh_delay: float = 0.0
    ) -> None:
        self.authority = authority
        self.base_url = base_url
        self._refresh_delay = refresh_delay
        self._requests: list[ServedRequest] = []
        self._closing = asyncio.Event()
        routes = [
            Route("/auth/login", self._login, methods=["POST"]),
            Route("/auth/refresh", self._refresh, methods=["POST"]),
            Route("/auth/logout", self._logout, methods=["POST"]),
            Route("/me", self._me),
            Route("/echo", self._echo, methods=["POST"]),
            *(Route(f"/{resource.name}", self._serve(resource)) for resource in RESOURCES),
        ]
        # Starlette would have each handler take any exception, hence the loose type.
        handlers: dict[Any, Any] = {
            HTTPException: _answer_http_error,
            AuthorityError: _answer_refusal,
        }
        self._app = Starlette(routes=[Mount("/api", routes=routes)], exception_handlers=handlers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_and_note(message: Message) -> None:
            # Noted first: a client that has the answer also finds the entry.
            if message["type"] == "http.response.start":
                self._requests.append(
                    ServedRequest(scope["method"], scope["path"], message["status"])
                )
            await send(message)

        await self._app(scope, receive, send_and_note)

    @property
    def requests(self) -> tuple[ServedRequest, ...]:
        """What was answered so far, in the order of the answers."""
        return tuple(self._requests)

    def close(self) -> None:
        """Let no request pause any longer: those that do are answered with 503."""
        self._closing.set()

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._closing.wait()
                raise HTTPException(503, "the backend is shutting down")

    # A crash report prints the local variables of each frame that an exception passed. So none,
    # here and in the functions below, holds a token or a password when something is raised.

    async def _login(self, request: Request) -> Response:
        fields = await _read_texts(request, "username", "password")
        tokens = self.authority.login(fields["username"], fields.pop("password"))
        return _answer_tokens(tokens, user=fields["username"])

    async def _refresh(self, request: Request) -> Response:
        # Read before the pause: a client that leaves during it has its token rotated all the same.
        await _read_json(request)
        await self._pause(self._refresh_delay)
        fields = await _read_texts(request, "refresh_token")
        return _answer_tokens(self.authority.refresh(fields.pop("refresh_token")))

    async def _logout(self, request: Request) -> Response:
        token = _bearer_token(request)
        if not token:
            fields = await _read_texts(request, "refresh_token")
            token = fields["refresh_token"]
        self.authority.logout(token)
        return Response(status_code=204)

    async def _me(self, request: Request) -> Response:
        return JSONResponse({"user": self._signed_in(request).username})

    async def _echo(self, request: Request) -> Response:
        self._signed_in(request)
        await _read_json(request)
        return Response(await request.body(), media_type="application/json")

    def _serve(self, resource: Resource) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            self._signed_in(request)
            await self._pause(resource.seconds)
            return JSONResponse({resource.name: resource.content})

        return endpoint

    def _signed_in(self, request: Request) -> Claims:
        # Without any token there is no error to name in the challenge (RFC 6750, section 3.1).
        if not _bearer_token(request):
            raise HTTPException(401, "an access token is missing", {"WWW-Authenticate": CHALLENGE})
        return self.authority.verify(_bearer_token(request))


def _bearer_token(request: Request) -> str:
    """Give the bearer token of a request, empty if there is none."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


async def _read_json(request: Request) -> Any:
    try:
        return json.loads(await request.body())
    # A client that left in the middle of its body is answered too, but does not hear it.
    except (ValueError, RecursionError, ClientDisconnect):
        refusal = HTTPException(400, "the body is not JSON")
    # Raised out here: the error of the parser holds the body.
    raise refusal


async def _read_texts(request: Request, *names: str) -> dict[str, str]:
    body = await _read_json(request)
    fields = body if isinstance(body, dict) else {}
    missing = [name for name in names if not isinstance(fields.get(name), str)]
    if missing:
        del body, fields
        raise HTTPException(
            400, f"the body must be a JSON object with a text for {', '.join(missing)}"
        )
    return {name: fields[name] for name in names}


def _answer_tokens(tokens: IssuedTokens, **more: str) -> Response:
    # No cache may keep tokens (RFC 6749, section 5.1).
    return JSONResponse(tokens.as_dict() | more, headers={"Cache-Control": "no-store"})


def _answer_error(
    status: int, code: str, description: str, headers: Mapping[str, str] | None
) -> Response:
    content = {"error": code, "error_description": description}
    return JSONResponse(content, status_code=status, headers=headers)


async def _answer_refusal(_request: Request, error: AuthorityError) -> Response:
    is_token = isinstance(error, InvalidTokenError)
    challenge = CHALLENGE_INVALID_TOKEN if is_token else CHALLENGE
    return _answer_error(error.status, error.code, str(error), {"WWW-Authenticate": challenge})


async def _answer_http_error(_request: Request, error: HTTPException) -> Response:
    is_bad_request = error.status_code == HTTPStatus.BAD_REQUEST
    code = "invalid_request" if is_bad_request else HTTPStatus(error.status_code).name.lower()
    return _answer_error(error.status_code, code, error.detail, error.headers)


class _Server(uvicorn.Server):
    """Uvicorn on a socket that is bound already; says when it serves.

    Args:
        backend: What to serve.
        on_started: Called in the server's thread once connections are accepted.
    """

    def __init__(self, backend: Backend, on_started: Callable[[], None]) -> None:
        config = uvicorn.Config(
            backend,
            loop="asyncio",
            http="h11",
            ws="none",
            lifespan="off",
            backlog=2048,  # of connections that wait to be accepted
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=1,
        )
        super().__init__(config)
        self._backend = backend
        self._on_started = on_started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._on_started()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._backend.close()
        await super().shutdown(sockets)


@contextlib.contextmanager
def running_backend(
    *,
    access_ttl: float = ACCESS_TTL,
    refresh_ttl: float = REFRESH_TTL,
    rotate: bool = True,
    refresh_delay: float = 0.0,
    clock: Callable[[], float] = time.time,
) -> Iterator[Backend]:
    """Run a backend in a thread of its own, on a free port of 127.0.0.1.

    It accepts connections when the block begins, and is gone when the block has ended.

    Args:
        access_ttl: Seconds that an access token lives.
        refresh_ttl: Seconds that a refresh token lives.
        rotate: Whether a refresh gives a new refresh token.
        refresh_delay: Seconds that a refresh takes.
        clock: Gives the time in epoch seconds.
    """
    authority = TokenAuthority(
        users=DEMO_USERS,
        access_ttl=access_ttl,
        refresh_ttl=refresh_ttl,
        rotate=rotate,
        clock=clock,
    )
    with _listen("127.0.0.1", 0) as listener, ThreadPoolExecutor(1, "backend") as threads:
        backend = Backend(authority, _base_url(listener), refresh_delay=refresh_delay)
        started = threading.Event()
        server = _Server(backend, started.set)
        serving = threads.submit(server.run, [listener])
        serving.add_done_callback(lambda _: started.set())
        try:
            if not started.wait(timeout=10.0):
                raise TimeoutError("the backend did not start within 10 seconds")
            # Has it ended already, its result below is the exception that says why.
            if not serving.done():
                yield backend
        finally:
            server.should_exit = True
            serving.result()


def _listen(host: str, port: int) -> socket.socket:
    return socket.create_server((host, port))


def _base_url(listener: socket.socket) -> str:
    host, port = listener.getsockname()
    return f"http://{host}:{port}/api"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the backend until it is interrupted.

    Args:
        arguments: The command line without the program's name; ``None`` takes the process's own.

    Returns:
        The exit code: 1 if the address cannot be had, else 0.
    """
    options = _parser().parse_args(arguments)
    try:
        listener = _listen(options.host, options.port)
    except OSError as error:
        print(f"cannot listen: {error.strerror}; choose another --host or --port", file=sys.stderr)
        return 1
    authority = TokenAuthority(
        users=DEMO_USERS,
        access_ttl=options.access_ttl,
        refresh_ttl=options.refresh_ttl,
        rotate=options.rotate,
    )
    with listener, contextlib.suppress(KeyboardInterrupt):
        backend = Backend(authority, _base_url(listener), refresh_delay=options.refresh_delay)
        _Server(backend, lambda: _announce(backend)).run([listener])
    return 0


def _announce(backend: Backend) -> None:
    name, password = next(iter(DEMO_USERS.items()))
    print(f"{backend.base_url} (log in as {name} with the password {password})", flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description="A backend that signs users in with double tokens.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add("--host", default="127.0.0.1", help="name or IPv4 address to listen on")
    add("--port", type=port, default=3001, help="port to listen on; 0 takes a free one")
    add("--access-ttl", type=seconds, default=ACCESS_TTL, help="seconds an access token lives")
    add("--refresh-ttl", type=seconds, default=REFRESH_TTL, help="seconds a refresh token lives")
    add("--refresh-delay", type=seconds, default=0.0, help="seconds a refresh takes")
    add(
        "--rotate",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="give a new refresh token with each refresh",
    )
    return parser


# Named as argparse should call them in its errors.


def port(text: str) -> int:
    number = int(text)
    if number not in range(65_536):
        raise argparse.ArgumentTypeError(f"{number} is not a port; choose one from 0 to 65535")
    return number


def seconds(text: str) -> float:
    number = float(text)
    if not (math.isfinite(number) and number >= 0):
        raise argparse.ArgumentTypeError(f"{text} is not a number of seconds from 0 up")
    return number


if __name__ == "__main__":
    sys.exit(main())
