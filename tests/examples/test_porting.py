"""Modules that are pasted in front-end code, ported, and what zustax offers instead of each."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Awaitable, Callable, Iterator
from types import ModuleType
from typing import Any

import attrs
import pytest
from porting import (
    flag_and_queue,
    interceptors_in_store,
    refresh_by_cookie,
    shared_promise,
    token_in_defaults,
)
from zustax.store import UserStore
from zustax.transport import Instance, RequestError, Response, record, silent_refresh
from zustax.transport.testing import (
    Answer,
    AuthorityError,
    IssuedTokens,
    MisbehavingServer,
    SeenRequest,
    until,
)

MODULES = (
    flag_and_queue,
    interceptors_in_store,
    refresh_by_cookie,
    shared_promise,
    token_in_defaults,
)

REFRESH = "/auth/refresh"


@attrs.frozen
class Program:
    """A way of writing it.

    Args:
        api: Its instance.
        log_in: Gives its store a session.
        is_logged_in: Whether its store holds an access token.
    """

    api: Instance
    log_in: Callable[[MisbehavingServer], Awaitable[object]]
    is_logged_in: Callable[[], bool]


# --- the ports ---


def ported_flag_and_queue() -> Program:
    session = flag_and_queue.session

    async def log_in(server: MisbehavingServer) -> None:
        tokens = server.login("ada")
        session.set_state(
            {"access_token": tokens.access_token, "refresh_token": tokens.refresh_token}
        )

    return Program(flag_and_queue.api, log_in, lambda: bool(session.get_state().access_token))


def ported_shared_promise() -> Program:
    store = shared_promise.tokens

    async def log_in(server: MisbehavingServer) -> None:
        tokens = server.login("ada")
        store.set_state({"access": tokens.access_token, "refresh": tokens.refresh_token})

    return Program(shared_promise.api, log_in, lambda: bool(store.get_state().access))


def ported_interceptors_in_store() -> Program:
    get_state = interceptors_in_store.auth.get_state
    return Program(
        get_state()["api"],
        lambda _server: get_state()["login"]("ada", "lovelace"),
        lambda: get_state()["is_login"],
    )


def ported_refresh_by_cookie() -> Program:
    return Program(
        refresh_by_cookie.api,
        lambda _server: refresh_by_cookie.login("ada", "lovelace"),
        lambda: bool(refresh_by_cookie.auth.get_state().access_token),
    )


def ported_token_in_defaults() -> Program:
    store = token_in_defaults.auth_store

    async def log_in(server: MisbehavingServer) -> None:
        tokens = server.login("ada")
        store.set_state({"token": tokens.access_token, "refresh_token": tokens.refresh_token})

    return Program(token_in_defaults.client, log_in, lambda: bool(store.get_state().token))


PORTS = (
    ported_flag_and_queue,
    ported_interceptors_in_store,
    ported_refresh_by_cookie,
    ported_shared_promise,
    ported_token_in_defaults,
)


# --- what takes their place ---


def logged_in(make: Callable[[UserStore], Instance]) -> Program:
    store = UserStore()

    async def log_in(server: MisbehavingServer) -> None:
        tokens = server.login("ada")
        store.login(tokens.access_token, tokens.refresh_token)

    return Program(make(store), log_in, lambda: store.get_state().is_login)


def instead_of_flag_and_queue() -> Program:
    return logged_in(flag_and_queue.without_interceptors)


def instead_of_interceptors_in_store() -> Program:
    auth = interceptors_in_store.Auth()
    return Program(
        auth.api,
        lambda _server: auth.sign_in("ada", "lovelace"),
        lambda: auth.get_state().is_login,
    )


def instead_of_refresh_by_cookie() -> Program:
    store = UserStore()
    api = refresh_by_cookie.without_interceptors(store)

    async def log_in(_server: MisbehavingServer) -> None:
        user = {"username": "ada", "password": "lovelace"}
        response = await api.post("/auth/login", user, extra={"silent_refresh": False})
        store.login(response.data["access_token"], None)

    return Program(api, log_in, lambda: store.get_state().is_login)


def instead_of_shared_promise() -> Program:
    return logged_in(shared_promise.without_interceptors)


def instead_of_token_in_defaults() -> Program:
    return logged_in(token_in_defaults.without_interceptors)


INSTEAD = (
    instead_of_flag_and_queue,
    instead_of_interceptors_in_store,
    instead_of_refresh_by_cookie,
    instead_of_shared_promise,
    instead_of_token_in_defaults,
)


# --- the server ---


def use_cookies(server: MisbehavingServer) -> None:
    """Give the refresh token as a cookie, and take it from there."""

    def with_cookie(tokens: IssuedTokens) -> Answer:
        cookie = f"refresh={tokens.refresh_token}; Path=/auth; HttpOnly"
        return Answer(body={"access_token": tokens.access_token}, headers={"Set-Cookie": cookie})

    def refresh(seen: SeenRequest) -> Answer:
        token = seen.headers.get("cookie", "").removeprefix("refresh=")
        try:
            return with_cookie(server.authority.refresh(token))
        except AuthorityError as error:
            return Answer(error.status)

    server.behave("/auth/login", lambda _seen: with_cookie(server.login("ada")))
    server.behave(REFRESH, refresh)


@pytest.fixture
def server(
    make: Callable[[], Program], monkeypatch: pytest.MonkeyPatch
) -> Iterator[MisbehavingServer]:
    with MisbehavingServer() as server:
        monkeypatch.setenv("API_URL", server.url)
        if make in (ported_refresh_by_cookie, instead_of_refresh_by_cookie):
            use_cookies(server)
        yield server


@pytest.fixture
def program(make: Callable[[], Program], server: MisbehavingServer) -> Program:
    """Its modules are new: they hold state, and an instance serves one event loop."""
    for module in MODULES:
        anew(module)
    return make()


def anew(module: ModuleType) -> None:
    importlib.reload(module)


# --- what happens ---


async def meet_401_together(
    program: Program, server: MisbehavingServer, size: int
) -> list[asyncio.Task[Any]]:
    """Requests that have met a 401, all before the refresh is answered; it is held back."""
    server.expire()
    server.hold(REFRESH)
    answers = server.hold("/items")
    with record(program.api) as trace:
        requests = [asyncio.create_task(program.api.get("/items")) for _ in range(size)]
        await server.wait_for_async(size, "/items")
        answers.open()
        await until(lambda: sum(event.status == 401 for event in trace.events) >= size)
        await server.wait_for_async(1, REFRESH)
    return requests


def user_of(answer: Any) -> str:
    data = answer.data if isinstance(answer, Response) else answer
    user: str = data["user"]
    return user


@pytest.mark.parametrize("make", PORTS + INSTEAD)
async def test_requests_with_an_expired_token_are_sent_again_after_one_refresh(
    program: Program, server: MisbehavingServer
) -> None:
    async with program.api:
        await program.log_in(server)
        requests = await meet_401_together(program, server, size=5)
        server.open_gates()
        assert [user_of(answer) for answer in await asyncio.gather(*requests)] == ["ada"] * 5

    assert server.count(REFRESH) == 1
    tokens = [seen.token for seen in server.seen("/items")]
    (old,) = set(tokens[:5])
    (new,) = set(tokens[5:])
    assert (len(tokens), old == new) == (10, False)
    assert server.authority.journal.count("reuse") == 0


@pytest.mark.parametrize("make", PORTS + INSTEAD)
async def test_a_refresh_that_is_rejected_ends_every_request(
    program: Program, server: MisbehavingServer
) -> None:
    async with program.api:
        await program.log_in(server)
        server.authority.revoke_all()
        requests = await meet_401_together(program, server, size=3)
        server.open_gates()
        errors = await asyncio.gather(*requests, return_exceptions=True)
    assert [error.status for error in errors if isinstance(error, RequestError)] == [401] * 3
    assert (server.count(REFRESH), server.count("/items")) == (1, 3)


@pytest.mark.parametrize("make", PORTS + INSTEAD)
async def test_cancelling_the_request_that_began_the_refresh_leaves_the_others_alone(
    program: Program, server: MisbehavingServer
) -> None:
    async with program.api:
        await program.log_in(server)
        first, *others = await meet_401_together(program, server, size=3)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        server.open_gates()
        assert [user_of(answer) for answer in await asyncio.gather(*others)] == ["ada"] * 2
    assert server.count(REFRESH) == 1


# --- why not to stop at the port ---


async def refreshes_after_a_late_401(program: Program, server: MisbehavingServer) -> int:
    async with program.api:
        await program.log_in(server)
        server.expire()
        gate = server.hold("/reports")
        late = asyncio.create_task(program.api.get("/reports"))
        await server.wait_for_async(1, "/reports")
        await program.api.get("/items")
        gate.open()
        assert user_of(await late) == "ada"
    return server.count(REFRESH)


@pytest.mark.parametrize("make", PORTS)
async def test_a_port_refreshes_again_for_a_401_that_comes_late(
    program: Program, server: MisbehavingServer
) -> None:
    assert await refreshes_after_a_late_401(program, server) == 2


@pytest.mark.parametrize("make", INSTEAD)
async def test_silent_refresh_does_not_refresh_again_for_a_401_that_comes_late(
    program: Program, server: MisbehavingServer
) -> None:
    assert await refreshes_after_a_late_401(program, server) == 1


async def is_logged_in_after_a_503(program: Program, server: MisbehavingServer) -> bool:
    async with program.api:
        await program.log_in(server)
        server.expire()
        server.recover(REFRESH)
        server.answer(REFRESH, status=503)
        with pytest.raises(RequestError):
            await program.api.get("/items")
        assert server.count(REFRESH) == 1
    return program.is_logged_in()


@pytest.mark.parametrize(
    "make", [ported_flag_and_queue, ported_interceptors_in_store, ported_refresh_by_cookie]
)
async def test_a_port_logs_out_when_the_server_cannot_refresh_for_a_moment(
    program: Program, server: MisbehavingServer
) -> None:
    assert not await is_logged_in_after_a_503(program, server)


@pytest.mark.parametrize("make", INSTEAD)
async def test_silent_refresh_stays_logged_in_when_the_server_cannot_refresh_for_a_moment(
    program: Program, server: MisbehavingServer
) -> None:
    assert await is_logged_in_after_a_503(program, server)


@pytest.mark.parametrize("make", [ported_flag_and_queue])
async def test_a_caller_of_the_port_is_given_the_error_of_the_refresh_call(
    program: Program, server: MisbehavingServer
) -> None:
    assert await failed_url(program, server) == REFRESH


@pytest.mark.parametrize("make", [instead_of_flag_and_queue])
async def test_a_caller_of_silent_refresh_is_given_the_error_of_its_own_request(
    program: Program, server: MisbehavingServer
) -> None:
    assert await failed_url(program, server) == "/items"


async def failed_url(program: Program, server: MisbehavingServer) -> str:
    async with program.api:
        await program.log_in(server)
        server.authority.revoke_all()
        with pytest.raises(RequestError) as caught:
            await program.api.get("/items")
    assert caught.value.config is not None
    return caught.value.config.url


@pytest.mark.parametrize("make", [ported_token_in_defaults])
async def test_silent_refresh_leaves_a_token_in_the_defaults_alone(
    program: Program, server: MisbehavingServer
) -> None:
    store = UserStore()
    tokens = server.login("ada")
    store.login(tokens.access_token, tokens.refresh_token)
    api = token_in_defaults.client.create()
    api.defaults.headers.common["Authorization"] = "Bearer expired"
    silent_refresh(api, store)
    async with token_in_defaults.client:
        with pytest.raises(RequestError):
            await api.get("/items")
    assert server.count(REFRESH) == 0
