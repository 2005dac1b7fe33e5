"""``handle.auth()``: clients of httpx and httpx2 that are not ours share the session."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import httpx2
import pytest
from zustax.store import UserStore
from zustax.transport import create, create_sync, silent_refresh
from zustax.transport.testing import Answer, Clock, TokenAuthority

from ...support.app import App
from ...support.clients import TLS, AsyncClient, Call, Client, SyncClient
from ...support.server import REFRESH, USERS, AuthServer
from ...support.waiting import until
from ..leaks import Secrets, leaks
from .conftest import NewApp

KINDS = {
    "sync httpx": (SyncClient, httpx),
    "async httpx": (AsyncClient, httpx),
    "sync httpx2": (SyncClient, httpx2),
    "async httpx2": (AsyncClient, httpx2),
}

NewGuest = Callable[..., "Guest"]


class Guest:
    """A client that the program did not get from us, and gave ``handle.auth()``."""

    def __init__(self, app: App, library: ModuleType, **options: Any) -> None:
        self._app = app
        make = library.AsyncClient if app.client.is_async else library.Client
        auth = app.handle.auth(library)
        self.client: Any = make(**{"base_url": app.server.url, "verify": TLS, **options}, auth=auth)

    def get(self, path: str, **options: Any) -> Call:
        return self._app.client.start(lambda _api: self.client.get(path, **options))

    def post(self, path: str, **options: Any) -> Call:
        return self._app.client.start(lambda _api: self.client.post(path, **options))

    def close(self) -> None:
        if not self.client.is_closed:
            is_async = self._app.client.is_async
            close = self.client.aclose if is_async else self.client.close
            self._app.client.call(lambda _api: close())

    def close_all(self) -> list[str]:
        """Close the client and the program, and give the names of all that was signalled."""
        self.close()
        return self._app.close()


@pytest.fixture(params=KINDS.values(), ids=list(KINDS))
def kind_and_library(request: pytest.FixtureRequest) -> tuple[type[Client], ModuleType]:
    found: tuple[type[Client], ModuleType] = request.param
    return found


@pytest.fixture
def kind(kind_and_library: tuple[type[Client], ModuleType]) -> type[Client]:
    return kind_and_library[0]


@pytest.fixture
def new_guest(
    new_app: NewApp, kind_and_library: tuple[type[Client], ModuleType]
) -> Iterator[NewGuest]:
    """Makes clients of a program; it takes the program and options of the client."""
    with ExitStack() as guests:

        def make(app: App, **options: Any) -> Guest:
            guest = Guest(app, kind_and_library[1], **options)
            guests.callback(guest.close)
            guests.callback(app.server.open_gates)
            return guest

        yield make


@pytest.fixture
def guest(app: App, new_guest: NewGuest) -> Guest:
    return new_guest(app)


@pytest.fixture
def elsewhere() -> Iterator[AuthServer]:
    with AuthServer(app=lambda _seen: Answer(body={})) as elsewhere:
        yield elsewhere


def statuses(calls: list[Call]) -> list[int]:
    return [call.result().status_code for call in calls]


# --- one session ---


def test_one_refresh_serves_the_client_and_the_instance(
    app: App, guest: Guest, server: AuthServer
) -> None:
    server.expire()
    gate = server.hold("/items")
    guests, own = [guest.get("/items") for _ in range(5)], [app.get("/items") for _ in range(5)]
    server.wait_for(10, "/items")
    gate.open()
    assert statuses(guests) == [200] * 5
    assert [call.response().status for call in own] == [200] * 5
    assert server.count(REFRESH) == 1
    assert guest.get("/items").result().json()["user"] == "ada"
    assert app.stats.replayed == 10
    assert guest.close_all() == ["token_refreshed"]


def test_a_request_that_starts_during_a_refresh_waits_for_it(
    app: App, guest: Guest, server: AuthServer
) -> None:
    server.expire()
    gate = server.hold(REFRESH)
    first = app.get("/items")
    server.wait_for(1, REFRESH)
    second = guest.get("/new")
    app.wait_for_waiting(2)
    assert server.count("/new") == 0
    gate.open()
    assert (first.response().status, second.result().status_code) == (200, 200)


def test_the_token_takes_the_place_of_another_authorization(
    app: App, new_guest: NewGuest, server: AuthServer
) -> None:
    guest = new_guest(app, headers={"Authorization": "Bearer unused"})
    server.expire()
    assert guest.get("/items").result().status_code == 200
    assert "Bearer unused" not in [seen.authorization for seen in server.seen()]


def test_a_token_that_is_due_is_refreshed_before_the_request_leaves(
    new_app: NewApp, new_guest: NewGuest
) -> None:
    with Clock() as clock:
        authority = TokenAuthority(users=USERS, access_ttl=300.0, clock=clock)
        with AuthServer(authority) as server:
            app = new_app(defaults={"base_url": server.url}, leeway=30.0)
            guest = new_guest(app, base_url=server.url)
            tokens = server.login("ada")
            app.store.login(
                tokens.access_token, tokens.refresh_token, expires_at=clock() + tokens.expires_in
            )
            clock.advance(290.0)
            assert guest.get("/items").result().status_code == 200
            assert (server.count(REFRESH), server.count("/items")) == (1, 1)
            guest.close_all()


# --- no new token ---


def test_a_client_whose_session_is_over_gets_its_401(
    app: App, guest: Guest, server: AuthServer
) -> None:
    server.authority.revoke_all()
    gate = server.hold("/items")
    calls = [guest.get("/items") for _ in range(3)]
    server.wait_for(3, "/items")
    gate.open()
    assert statuses(calls) == [401] * 3
    assert guest.get("/items").result().status_code == 401
    assert app.tokens == (None, None)
    assert guest.close_all() == ["login_required"]


def test_a_client_whose_refresh_failed_gets_its_401(
    app: App, guest: Guest, server: AuthServer
) -> None:
    server.expire()
    server.answer(REFRESH, status=503)
    response = guest.get("/items").result()
    assert (response.status_code, response.json()["error"]) == (401, "invalid_token")
    assert app.store.get_state().is_login
    assert guest.close_all() == ["refresh_failed"]


@pytest.mark.parametrize("status", [401, 503])
def test_a_client_that_waited_before_it_sent_gets_a_401_too(
    app: App, guest: Guest, server: AuthServer, status: int
) -> None:
    server.expire()
    server.answer(REFRESH, status=status)
    gate = server.hold(REFRESH)
    first = app.get("/items")
    server.wait_for(1, REFRESH)
    second = guest.get("/new")
    app.wait_for_waiting(2)
    gate.open()
    assert first.error().status == 401
    assert second.result().status_code == 401
    assert server.count(REFRESH) == 1
    assert guest.close_all() == ["login_required" if status == 401 else "refresh_failed"]


def test_a_client_whose_new_token_is_refused_too_gets_that_401(
    app: App, guest: Guest, server: AuthServer
) -> None:
    server.answer("/items", status=401)
    assert guest.get("/items").result().status_code == 401
    assert server.count("/items") == 2
    assert app.signals.wait_for("login_required")["reason"] == "still_unauthorized"
    assert guest.close_all() == ["token_refreshed", "login_required"]


def test_without_a_login_the_client_gets_its_401(
    new_app: NewApp, new_guest: NewGuest, server: AuthServer
) -> None:
    app = new_app()
    guest = new_guest(app)
    assert [guest.get("/items").result().status_code for _ in range(2)] == [401] * 2
    assert [seen.authorization for seen in server.seen()] == [None] * 2
    assert guest.close_all() == ["login_required"]


def test_a_refusal_in_the_body_is_refreshed(
    new_app: NewApp, new_guest: NewGuest, server: AuthServer
) -> None:
    app = new_app(should_refresh=lambda response: b"expired" in response.data).login()
    guest = new_guest(app)
    server.answer("/items", body={"error": "expired"}, times=1)
    assert guest.get("/items").result().json()["user"] == "ada"
    assert server.count(REFRESH) == 1


# --- origins ---


def test_no_other_origin_is_given_the_token(
    app: App, new_guest: NewGuest, server: AuthServer, elsewhere: AuthServer
) -> None:
    guest = new_guest(app, follow_redirects=True)
    elsewhere.answer("/refused", status=401)
    server.redirect("/moved", f"{elsewhere.url}/items")
    assert guest.get(f"{elsewhere.url}/items").result().status_code == 200
    assert guest.get(f"{elsewhere.url}/refused").result().status_code == 401
    assert guest.get("/moved").result().status_code == 200
    assert [seen.authorization for seen in elsewhere.seen()] == [None] * 3
    assert server.count(REFRESH) == 0


@pytest.mark.parametrize("path", ["/refused", "/back"])
@pytest.mark.parametrize("is_listed", [False, True], ids=["unlisted", "listed"])
def test_a_401_behind_a_redirect_that_dropped_the_token_was_not_about_it(
    new_app: NewApp,
    new_guest: NewGuest,
    server: AuthServer,
    elsewhere: AuthServer,
    path: str,
    is_listed: bool,
) -> None:
    app = new_app(origins=[elsewhere.url] if is_listed else None).login()
    guest = new_guest(app, follow_redirects=True)
    elsewhere.answer("/refused", status=401)
    elsewhere.redirect("/back", f"{server.url}/items")
    server.redirect("/moved", f"{elsewhere.url}{path}")
    assert guest.get("/moved").result().status_code == 401
    assert server.count(REFRESH) == 0
    assert guest.close_all() == []


def test_a_redirect_within_the_own_origin_keeps_the_token(
    app: App, new_guest: NewGuest, server: AuthServer
) -> None:
    guest = new_guest(app, follow_redirects=True)
    server.redirect("/moved", f"{server.url}/items")
    server.expire()
    assert guest.get("/moved").result().json()["user"] == "ada"
    assert server.count(REFRESH) == 1


def test_a_listed_origin_is_given_the_token_and_its_401_is_refreshed(
    new_app: NewApp, new_guest: NewGuest, server: AuthServer
) -> None:
    with AuthServer(server.authority) as listed:
        app = new_app(origins=[listed.url]).login()
        guest = new_guest(app)
        server.expire()
        assert guest.get(f"{listed.url}/items").result().status_code == 200
        guest.close()


# --- bodies ---


class Parts:
    """A body that can be gone through twice."""

    def __iter__(self) -> Iterator[bytes]:
        return iter([b"one ", b"two"])


class AsyncParts:
    """The same for an asynchronous client."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for part in Parts():
            yield part


def test_a_body_that_can_be_sent_twice_is(
    kind: type[Client], guest: Guest, server: AuthServer
) -> None:
    bodies: list[dict[str, Any]] = [
        {"content": b"one two"},
        {"json": {"one": 2}},
        {"data": {"one": "two"}},
        {"files": {"file": ("a.txt", b"one two")}},
        {"content": AsyncParts() if kind.is_async else Parts()},
    ]
    for options in bodies:
        server.expire()
        assert guest.post("/items", **options).result().status_code == 200
        first, second = server.seen("/items")[-2:]
        assert first.body == second.body != b""


def used_up(kind: type[Client]) -> list[dict[str, Any]]:
    """Return bodies that can be read only once."""
    files = {"files": {"file": ("a.txt", Pipe())}}
    if kind.is_async:
        return [{"content": AsyncParts().__aiter__()}, {"content": Once()}, files]
    generator = (part for part in Parts())
    return [{"content": generator}, {"content": iter(Parts())}, {"content": Pipe()}, files]


class Once:
    """An async iterator that is no generator."""

    def __init__(self) -> None:
        self._parts = iter([b"one ", b"two"])

    def __aiter__(self) -> Once:
        return self

    async def __anext__(self) -> bytes:
        for part in self._parts:
            return part
        raise StopAsyncIteration


class Pipe(io.BytesIO):
    """A file that cannot seek."""

    def __init__(self) -> None:
        super().__init__(b"one two")

    def seekable(self) -> bool:
        return False

    def seek(self, *_: object) -> int:
        raise io.UnsupportedOperation

    def tell(self) -> int:
        raise io.UnsupportedOperation

    def fileno(self) -> int:
        raise io.UnsupportedOperation


def test_a_body_that_was_used_up_is_not_sent_again(
    kind: type[Client], guest: Guest, server: AuthServer
) -> None:
    for options in used_up(kind):
        server.expire()
        before = server.count("/items")
        assert guest.post("/items", **options).result().status_code == 401
        (seen,) = server.seen("/items")[before:]
        assert b"one two" in seen.body
        assert guest.get("/items").result().status_code == 200


@pytest.mark.parametrize("by", ["content", "files"])
def test_a_file_is_sent_again_from_where_it_stood(
    kind: type[Client], guest: Guest, server: AuthServer, tmp_path: Path, by: str
) -> None:
    if kind.is_async:  # such a client takes a plain file in a form only
        by = "files"
    path = tmp_path / "file"
    path.write_bytes(b"one two")
    server.expire()
    with path.open("rb") as file:
        options: Any = {"content": file} if by == "content" else {"files": {"file": file}}
        response = guest.post("/items", **options).result()
    first, second = server.seen("/items")
    assert (response.status_code, second.body) == (200, first.body)
    assert b"one two" in first.body


# --- streams, threads, loops ---


def test_a_stream_is_refreshed_with_the_only_connection_of_its_pool(
    app: App, new_guest: NewGuest, kind_and_library: Any, server: AuthServer
) -> None:
    _, library = kind_and_library
    guest = new_guest(app, limits=library.Limits(max_connections=1))
    server.expire()

    async def read(_api: Any) -> bytes:
        async with guest.client.stream("GET", "/items") as response:
            return bytes(await response.aread())

    def read_now(_api: Any) -> bytes:
        with guest.client.stream("GET", "/items") as response:
            return bytes(response.read())

    call = app.client.start(read if app.client.is_async else read_now)
    assert b"ada" in call.result()


def test_threads_share_one_client_and_one_refresh(server: AuthServer) -> None:
    client = SyncClient.create(base_url=server.url)
    with App(server, client).login() as app:
        guest = Guest(app, httpx)
        for refreshes in (1, 2):
            server.expire()
            gate = server.hold("/items")
            calls = [guest.get("/items") for _ in range(16)]
            server.wait_for(16 * (2 * refreshes - 1), "/items")
            gate.open()
            assert statuses(calls) == [200] * 16
            assert server.count(REFRESH) == refreshes
        guest.close()


async def test_an_asynchronous_client_takes_the_auth_of_a_synchronous_instance(
    server: AuthServer,
) -> None:
    with create_sync(base_url=server.url) as api:
        store = UserStore()
        handle = silent_refresh(api, store)
        tokens = server.login("ada")
        store.login(tokens.access_token, tokens.refresh_token)
        server.expire()
        async with httpx.AsyncClient(base_url=server.url, auth=handle.auth(), verify=TLS) as client:
            responses = await asyncio.gather(*(client.get("/items") for _ in range(5)))
        assert [response.status_code for response in responses] == [200] * 5
        assert server.count(REFRESH) == 1


async def test_a_request_that_is_cancelled_while_it_waits_leaves_the_others_alone(
    server: AuthServer,
) -> None:
    async with create(base_url=server.url) as api:
        store = UserStore()
        handle = silent_refresh(api, store)
        tokens = server.login("ada")
        store.login(tokens.access_token, tokens.refresh_token)
        server.expire()
        auth = handle.auth()
        async with httpx.AsyncClient(base_url=server.url, auth=auth, verify=TLS) as client:
            with server.hold(REFRESH):
                tasks = [asyncio.create_task(client.get("/items")) for _ in range(3)]
                await server.wait_for_async(1, REFRESH)
                await until(lambda: handle.stats.waited == 3)
                tasks[0].cancel()
                await asyncio.wait(tasks[:1])
            assert [(await task).status_code for task in tasks[1:]] == [200] * 2
    assert tasks[0].cancelled()
    assert server.count(REFRESH) == 1


async def test_a_request_that_is_cancelled_before_it_is_sent_shows_no_token(
    server: AuthServer,
) -> None:
    secrets, errors = Secrets(), list[BaseException]()
    async with create(base_url=server.url) as api:
        store = UserStore()
        handle = silent_refresh(api, store)
        tokens = server.login("ada")
        store.login(secrets.note(tokens.access_token), secrets.note(tokens.refresh_token))
        async with httpx.AsyncClient(base_url=server.url, auth=handle.auth(), verify=TLS) as client:

            async def get() -> None:
                try:
                    await client.get("/items")
                except asyncio.CancelledError as error:
                    errors.append(error)

            with server.hold(REFRESH):
                refreshed = asyncio.create_task(handle.refresh())
                await server.wait_for_async(1, REFRESH)
                waiting = asyncio.create_task(get())
                await until(lambda: handle.stats.waited == 2)
                waiting.cancel()
                await waiting
            await refreshed
    assert leaks(secrets, error=errors[0]) == []


def test_a_synchronous_client_needs_the_auth_of_a_synchronous_instance(server: AuthServer) -> None:
    handle = silent_refresh(create(base_url=server.url), UserStore())
    with (
        httpx.Client(base_url=server.url, auth=handle.auth(), verify=TLS) as client,
        pytest.raises(TypeError, match=r"create_sync\(\)"),
    ):
        client.get("/items")
    assert server.count() == 0


@pytest.mark.parametrize("options", [{"header": "X-Token"}, {"attach": lambda config, token: None}])
def test_a_token_in_another_place_is_not_for_other_clients(options: dict[str, Any]) -> None:
    with create_sync(base_url="http://127.0.0.1:1") as api:
        handle = silent_refresh(api, UserStore(), **options)
        with pytest.raises(TypeError, match="Authorization"):
            handle.auth()


# --- an SDK ---


class Sdk:
    """Made like the SDKs of many services: it takes an HTTP client, and raises its own errors."""

    class Error(Exception):
        """The service has refused."""

    def __init__(self, api_key: str, http_client: httpx.Client) -> None:
        self._http = http_client
        self._headers = {"Authorization": f"Bearer {api_key}"}

    def user(self) -> str:
        for tries_left in (1, 0):
            request = self._http.build_request("GET", "/items", headers=self._headers)
            try:
                response = self._http.send(request, stream=True)
                response.raise_for_status()
                return str(json.loads(response.read())["user"])
            except httpx.HTTPStatusError as error:
                error.response.close()
                if not tries_left or error.response.status_code < 500:
                    raise self.Error(error.response.status_code) from error
        raise AssertionError


def test_an_sdk_that_takes_a_client_has_silent_refresh(server: AuthServer) -> None:
    with App(server, SyncClient.create(base_url=server.url)).login() as app:
        guest = Guest(app, httpx)
        sdk = Sdk("unused", guest.client)
        server.expire()
        calls = [app.client.start(lambda _api: sdk.user()) for _ in range(8)]
        assert [call.result() for call in calls] == ["ada"] * 8
        server.authority.revoke_all()
        with pytest.raises(Sdk.Error, match="401"):
            sdk.user()
        assert guest.close_all() == ["token_refreshed", "login_required"]
