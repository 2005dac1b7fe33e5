"""The refresh call itself never passes through silent refresh, and always finds a connection."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import aiohttp
import httpx
import httpx2
import pytest
from zustax.store import UserStore
from zustax.transport import RefreshError, TokenPair, create, create_sync, silent_refresh

from ...support.app import App
from ...support.clients import TLS, Client
from ...support.server import REFRESH, AuthServer
from .conftest import NewApp, only_async
from .own_refresh import OwnRefresh

#: Seconds for a hundred streams, on a machine that has other things to do.
PATIENCE = 20.0


def test_rule_06_its_own_401_cannot_deadlock(app: App, server: AuthServer) -> None:
    server.expire()
    server.answer(REFRESH, status=401)
    assert [call.error().status for call in app.get_together(5)] == [401] * 5
    assert server.count(REFRESH) == 1


def test_rule_06_it_carries_no_access_token_and_runs_no_interceptor(
    app: App, server: AuthServer
) -> None:
    urls: list[str] = []

    def note(config: Any) -> Any:
        urls.append(config.url)
        return config

    app.api.interceptors.request.use(note)
    server.expire()
    app.get("/items").response()
    (seen,) = server.seen(REFRESH)
    assert seen.authorization is None
    assert urls == ["/items"]


def test_rule_06_it_is_sent_like_every_request_of_the_instance(
    new_app: NewApp, server: AuthServer
) -> None:
    app = new_app(defaults={"headers": {"X-App": "demo"}}).login()
    server.expire()
    app.get("/items").response()
    (seen,) = server.seen(REFRESH)
    assert seen.method == "POST"
    assert seen.headers["x-app"] == "demo"
    assert list(seen.json()) == ["refresh_token"]


@pytest.mark.parametrize("response_type", ["text", "bytes"])
def test_rule_06_its_answer_is_read_as_json_whatever_the_instance_reads(
    new_app: NewApp, server: AuthServer, response_type: str
) -> None:
    app = new_app(defaults={"response_type": response_type}).login()
    server.expire()
    assert app.get("/items").response().status == 200


def test_rule_06_a_redirect_elsewhere_does_not_take_the_refresh_token_along(
    app: App, server: AuthServer
) -> None:
    with AuthServer() as elsewhere:
        server.redirect(REFRESH, f"{elsewhere.url}{REFRESH}")
        server.expire()
        assert app.get("/items").error().status == 401
        assert [seen.body for seen in elsewhere.seen()] == []


def test_rule_06_a_refresh_of_ones_own_may_use_the_same_instance(
    new_app: NewApp, kind: type[Client], server: AuthServer
) -> None:
    own = OwnRefresh(kind)
    app = own.app = new_app(refresh=own.function).login()
    server.expire()
    assert [call.response().status for call in app.get_together(5)] == [200] * 5
    (seen,) = server.seen(REFRESH)
    assert seen.authorization is None


def test_rule_06_a_401_to_a_refresh_of_ones_own_through_the_same_instance_is_a_rejection(
    new_app: NewApp, kind: type[Client], server: AuthServer
) -> None:
    own = OwnRefresh(kind)
    app = own.app = new_app(refresh=own.function).login()
    server.authority.revoke_all()
    errors = [call.error() for call in app.get_together(5)]
    assert [error.status for error in errors] == [401] * 5
    assert {getattr(error.__cause__, "rejected", None) for error in errors} == {True}
    assert server.count(REFRESH) == 1
    assert app.close() == ["login_required"]


@pytest.mark.parametrize("is_rejected", [False, True], ids=["renewed", "rejected"])
def test_rule_06_a_refresh_of_ones_own_is_spared_by_the_interceptors_of_the_program(
    new_app: NewApp, kind: type[Client], server: AuthServer, is_rejected: bool
) -> None:
    def rewrite(error: Exception) -> Any:
        raise LookupError("something is wrong") from None

    def mark(config: Any) -> Any:
        config.headers["X-App"] = "1"
        return config

    own = OwnRefresh(kind)
    app = own.app = new_app(refresh=own.function).login()
    app.api.interceptors.request.use(mark)
    app.api.interceptors.response.use(lambda response: response.data, rewrite)
    server.expire()
    if is_rejected:
        server.authority.revoke_all()
        assert isinstance(app.get("/items").failure(), LookupError)
        assert app.close() == ["login_required"]
    else:
        assert app.get("/items").result()["user"] == "ada"
        assert app.close() == ["token_refreshed"]
    assert ["x-app" in seen.headers for seen in server.seen(REFRESH)] == [False]


def test_rule_06_a_refresh_of_ones_own_may_use_another_instance_over_the_same_store(
    new_app: NewApp, kind: type[Client], server: AuthServer
) -> None:
    own = OwnRefresh(kind)
    app = new_app(refresh=own.function).login()
    own.app = new_app(beside=app, store=app.store)
    server.expire()
    assert app.get("/items").response().status == 200
    assert server.seen(REFRESH)[0].authorization is None


def test_rule_06_a_refresh_of_ones_own_may_use_an_instance_over_another_store(
    new_app: NewApp, kind: type[Client], server: AuthServer
) -> None:
    own = OwnRefresh(kind)
    app = new_app(refresh=own.function).login()
    own.app = new_app(beside=app).login("bob")
    server.expire()
    own.app.get("/items").response()
    assert app.get("/items").response().status == 200
    assert server.seen(REFRESH)[1].token == own.app.tokens[0]


def test_rule_06_a_refresh_whose_session_has_ended_does_not_borrow_the_new_ones_token(
    new_app: NewApp, kind: type[Client], server: AuthServer
) -> None:
    own = OwnRefresh(kind, asks_first="/captcha")
    server.answer("/captcha")
    app = own.app = new_app(refresh=own.function).login("ada")
    server.expire()
    captcha = server.hold("/captcha")
    old = app.get("/items")
    server.wait_for(1, "/captcha")
    app.login("bob")
    captcha.open()
    assert old.error().status == 401
    (seen,) = server.seen(REFRESH)
    assert seen.authorization is None


def test_rule_06_a_refresh_whose_session_has_ended_does_not_wait_for_that_of_the_new_one(
    new_app: NewApp, kind: type[Client], server: AuthServer
) -> None:
    own = OwnRefresh(kind, asks_first="/captcha")
    server.answer("/captcha")
    app = own.app = new_app(refresh=own.function).login("ada")
    server.expire()
    captcha = server.hold("/captcha")
    old = app.get("/items")
    server.wait_for(1, "/captcha")
    app.login("bob")
    server.expire()
    server.hold("/captcha").open()
    refresh = server.hold(REFRESH)
    new = app.get("/items")
    server.wait_for(1, REFRESH)
    captcha.open()
    server.wait_for(2, REFRESH)
    refresh.open()
    assert new.response().data["user"] == "bob"
    assert old.error().status == 401


def test_rule_06_a_refresh_of_ones_own_is_given_none_where_there_is_no_refresh_token(
    new_app: NewApp, server: AuthServer
) -> None:
    given: list[str | None] = []

    def by_cookie(refresh_token: str | None) -> TokenPair:
        given.append(refresh_token)
        return TokenPair(server.login("ada").access_token)

    app = new_app(refresh=by_cookie)
    app.store.set_state({"access_token": server.login("ada").access_token})
    server.expire()
    assert app.get("/items").response().status == 200
    assert given == [None]
    assert app.tokens[1] is None


def test_rule_06_a_refresh_of_ones_own_may_begin_a_session_where_there_was_none(
    new_app: NewApp, server: AuthServer
) -> None:
    def by_cookie(_refresh_token: str | None) -> TokenPair:
        return TokenPair(server.login("ada").access_token)

    app = new_app(refresh=by_cookie)
    assert app.get("/items").response().status == 200
    assert app.store.get_state().is_login
    assert app.close() == ["token_refreshed"]


def test_rule_06_a_refresh_of_ones_own_is_not_asked_after_a_logout_until_a_login(
    new_app: NewApp, server: AuthServer
) -> None:
    def by_cookie(_refresh_token: str | None) -> TokenPair:
        return TokenPair(server.login("ada").access_token)

    app = new_app(refresh=by_cookie)
    assert app.get("/items").response().status == 200
    app.logout()
    for _ in range(3):
        assert app.get("/items").error().status == 401
    assert app.stats.refreshes == 1
    app.login()
    server.expire()
    assert app.get("/items").response().status == 200
    assert app.stats.refreshes == 2


def test_rule_06_a_refresh_of_ones_own_that_was_rejected_is_not_asked_again_until_a_login(
    new_app: NewApp, server: AuthServer
) -> None:
    asked = 0

    def by_cookie(_refresh_token: str | None) -> TokenPair:
        nonlocal asked
        asked += 1
        if asked == 2:
            raise RefreshError("the cookie has expired", rejected=True)
        return TokenPair(server.login("ada").access_token)

    app = new_app(refresh=by_cookie)
    app.get("/items").response()
    server.authority.revoke_all()
    errors = [app.get("/items").error() for _ in range(3)]
    assert [error.status for error in errors] == [401] * 3
    assert {str(error.__cause__) for error in errors} == {"the cookie has expired"}
    assert asked == 2
    app.login()
    server.expire()
    assert app.get("/items").response().status == 200
    assert asked == 3
    assert app.close() == ["token_refreshed", "login_required", "token_refreshed"]


@only_async
def test_rule_06_a_refresh_of_ones_own_may_be_plain_under_an_asynchronous_instance(
    new_app: NewApp, server: AuthServer
) -> None:
    def plain(refresh_token: str | None) -> TokenPair:
        tokens = server.authority.refresh(refresh_token or "")
        return TokenPair(tokens.access_token, tokens.refresh_token)

    app = new_app(refresh=plain).login()
    server.expire()
    assert [call.response().status for call in app.get_together(5)] == [200] * 5


# --- connections ---

#: How many connections an instance has by default.
ALL = 100

ONE: dict[str, Callable[[], Any]] = {
    "httpx": lambda: httpx.AsyncClient(limits=httpx.Limits(max_connections=1), verify=TLS),
    "httpx2": lambda: httpx2.AsyncClient(limits=httpx2.Limits(max_connections=1), verify=TLS),
    "aiohttp": lambda: aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=1)),
}

ONE_IN_A_THREAD: dict[str, Callable[[], Any]] = {
    "httpx": lambda: httpx.Client(limits=httpx.Limits(max_connections=1), verify=TLS),
    "httpx2": lambda: httpx2.Client(limits=httpx2.Limits(max_connections=1), verify=TLS),
}


def expired_store(server: AuthServer) -> UserStore:
    store, tokens = UserStore(), server.login("ada")
    store.login(tokens.access_token, tokens.refresh_token)
    server.expire()
    return store


@pytest.mark.parametrize("one_connection", ONE.values(), ids=ONE)
async def test_rule_06_a_refused_stream_gives_its_connection_to_the_refresh(
    server: AuthServer, one_connection: Callable[[], Any]
) -> None:
    async with one_connection() as client:
        api = create(client=client, base_url=server.url)
        silent_refresh(api, expired_store(server))
        for _ in range(2):
            async with (await api.get("/items", response_type="stream")).data as stream:
                assert b"ada" in await stream.read()
            server.expire()


@pytest.mark.parametrize("one_connection", ONE_IN_A_THREAD.values(), ids=ONE_IN_A_THREAD)
def test_rule_06_a_refused_stream_gives_its_connection_to_the_refresh_in_a_thread_too(
    server: AuthServer, one_connection: Callable[[], Any]
) -> None:
    with one_connection() as client:
        api = create_sync(client=client, base_url=server.url)
        silent_refresh(api, expired_store(server))
        for _ in range(2):
            with api.get("/items", response_type="stream").data as stream:
                assert b"ada" in stream.read()
            server.expire()


def test_rule_06_as_many_refused_streams_as_there_are_connections_are_all_served(
    app: App, server: AuthServer
) -> None:
    async def read(api: Any) -> Any:
        async with (await api.get("/items", response_type="stream")).data as stream:
            return await stream.read()

    def read_now(api: Any) -> Any:
        with api.get("/items", response_type="stream").data as stream:
            return stream.read()

    server.expire()
    gate = server.hold("/items")
    send = read if app.client.is_async else read_now
    calls = [app.client.start(send) for _ in range(ALL)]
    server.wait_for(ALL, "/items", PATIENCE)
    gate.open()
    assert {b"ada" in call.result(PATIENCE) for call in calls} == {True}
    assert server.count(REFRESH) == 1
