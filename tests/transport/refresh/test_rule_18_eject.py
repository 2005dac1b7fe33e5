"""Silent refresh can be taken off an instance at any time."""

from __future__ import annotations

from ...support.app import App
from ...support.server import REFRESH, AuthServer
from .conftest import NewApp


def test_rule_18_eject_while_a_refresh_runs_lets_it_finish_and_the_waiting_are_served(
    app: App, server: AuthServer
) -> None:
    server.expire()
    gate = server.hold(REFRESH)
    expired = app.get("/items")
    server.wait_for(1, REFRESH)
    waiting = app.get("/new")
    app.wait_for_waiting(2)
    app.handle.eject()
    gate.open()
    assert expired.response().status == waiting.response().status == 200
    assert app.tokens[0] == server.seen("/new")[0].token
    assert app.close() == ["token_refreshed"]


def test_rule_18_requests_that_start_after_it_leave_at_once_and_without_a_token(
    app: App, server: AuthServer
) -> None:
    server.expire()
    server.answer("/public")
    gate = server.hold(REFRESH)
    expired = app.get("/items")
    server.wait_for(1, REFRESH)
    app.handle.eject()
    assert app.get("/public").response().status == 200
    assert server.seen("/public")[0].authorization is None
    assert app.get("/other").error().status == 401
    gate.open()
    assert expired.response().status == 200
    assert server.count(REFRESH) == 1


def test_rule_18_a_rejection_after_it_still_logs_out(app: App, server: AuthServer) -> None:
    server.expire()
    server.answer(REFRESH, status=401)
    gate = server.hold(REFRESH)
    expired = app.get("/items")
    server.wait_for(1, REFRESH)
    app.handle.eject()
    gate.open()
    assert expired.error().status == 401
    assert app.tokens == (None, None)
    assert app.close() == ["login_required"]


def test_rule_18_it_leaves_other_instances_over_the_store_alone(
    new_app: NewApp, server: AuthServer
) -> None:
    first = new_app().login()
    second = new_app(store=first.store)
    first.handle.eject()
    first.handle.eject()
    server.expire()
    assert first.get("/items").error().status == 401
    assert second.get("/items").response().status == 200
