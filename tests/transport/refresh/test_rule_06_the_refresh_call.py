"""The refresh call itself never passes through silent refresh."""

from __future__ import annotations

from typing import Any

import pytest
from zustax.transport import RefreshError, TokenPair

from ...support.app import App
from ...support.clients import Client
from ...support.server import REFRESH, AuthServer
from .conftest import NewApp, only_async
from .own_refresh import OwnRefresh


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
