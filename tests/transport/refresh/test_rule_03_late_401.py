"""A 401 that arrives after the refresh has ended belongs to the old token."""

from __future__ import annotations

from zustax.transport import TokenPair

from ...support.app import App
from ...support.server import REFRESH, AuthServer
from .conftest import NewApp
from .interrupted_stores import InterruptedUserStore


def test_rule_03_a_401_that_arrives_after_the_refresh_is_replayed_without_another(
    app: App, server: AuthServer
) -> None:
    server.expire()
    gate = server.hold("/late")
    late = app.get("/late")
    server.wait_for(1, "/late")
    assert app.get("/items").response().status == 200
    gate.open()
    assert late.response().status == 200
    assert [seen.token == app.tokens[0] for seen in server.seen("/late")] == [False, True]
    assert server.count(REFRESH) == 1


def test_rule_03_a_401_that_arrives_after_two_refreshes_is_replayed_with_the_newest_token(
    app: App, server: AuthServer
) -> None:
    server.expire()
    gate = server.hold("/late")
    late = app.get("/late")
    server.wait_for(1, "/late")
    for _ in range(2):
        assert app.get("/items").response().status == 200
        server.expire()
    assert app.get("/items").response().status == 200
    gate.open()
    assert late.response().status == 200
    assert server.seen("/late")[1].token == app.tokens[0]
    assert server.count(REFRESH) == 3


def test_rule_03_a_401_for_the_new_token_is_refreshed(app: App, server: AuthServer) -> None:
    server.expire()
    app.get("/items").response()
    server.expire()
    gate = server.hold("/late")
    late = app.get("/late")
    server.wait_for(1, "/late")
    gate.open()
    assert late.response().status == 200
    assert server.count(REFRESH) == 2


def test_rule_03_a_late_401_waits_for_a_second_refresh_that_runs_by_then(
    app: App, server: AuthServer
) -> None:
    server.expire()
    late_gate = server.hold("/late")
    late = app.get("/late")
    server.wait_for(1, "/late")
    app.get("/items").response()
    server.expire()
    refresh = server.hold(REFRESH)
    expired = app.get("/items")
    server.wait_for(2, REFRESH)
    late_gate.open()
    app.wait_for_waiting(3)
    refresh.open()
    assert expired.response().status == 200
    assert late.response().status == 200
    assert server.count("/late") == 2
    assert server.count(REFRESH) == 2


def test_rule_03_a_late_401_after_a_failed_refresh_tries_again(
    app: App, server: AuthServer
) -> None:
    server.expire()
    server.answer(REFRESH, status=503, times=1)
    gate = server.hold("/late")
    late = app.get("/late")
    server.wait_for(1, "/late")
    assert app.get("/items").error().status == 401
    gate.open()
    assert late.response().status == 200
    assert server.count(REFRESH) == 2


def test_rule_03_a_401_that_arrives_after_a_refresh_by_cookie_has_begun_the_session_is_replayed(
    new_app: NewApp, server: AuthServer
) -> None:
    """A program starts with an empty store, and its first requests leave together."""

    def by_cookie(_refresh_token: str | None) -> TokenPair:
        return TokenPair(server.login("ada").access_token)

    app = new_app(refresh=by_cookie)
    gate = server.hold("/late")
    late = app.get("/late")
    server.wait_for(1, "/late")
    assert app.get("/items").response().status == 200
    gate.open()
    assert late.response().status == 200
    assert app.stats.refreshes == 1


def test_rule_03_the_token_may_be_renewed_in_the_instant_in_which_a_401_arrives(
    new_app: NewApp, server: AuthServer
) -> None:
    def renew() -> None:
        old = app.store.get_state()
        tokens = server.authority.refresh(old.refresh_token)
        app.store.set_state(
            {
                "access_token": tokens.access_token,
                "refresh_token": tokens.refresh_token,
                "session_id": old.session_id,
            }
        )

    app = new_app(store=InterruptedUserStore()).login()
    server.expire()
    gate = server.hold("/items")
    call = app.get("/items")
    server.wait_for(1, "/items")
    app.store.after_next_look(renew)
    gate.open()
    assert call.response().status == 200
    assert server.count(REFRESH) == 0
