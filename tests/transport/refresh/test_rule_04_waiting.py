"""A request that starts while a refresh runs does not leave with a dead token."""

from __future__ import annotations

import pytest
from zustax.transport import RefreshError, RequestError

from ...support.app import App
from ...support.server import REFRESH, AuthServer
from .conftest import NewApp


def test_rule_04_a_request_that_starts_while_a_refresh_runs_waits_for_it(
    app: App, server: AuthServer
) -> None:
    server.expire()
    gate = server.hold(REFRESH)
    expired = app.get("/items")
    server.wait_for(1, REFRESH)
    started = [app.get("/new") for _ in range(5)]
    app.wait_for_waiting(6)
    assert server.count("/new") == 0
    gate.open()
    assert [call.response().status for call in (expired, *started)] == [200] * 6
    assert [seen.token for seen in server.seen("/new")] == [app.tokens[0]] * 5


def test_rule_04_a_request_of_another_instance_over_the_same_store_waits_too(
    new_app: NewApp, server: AuthServer
) -> None:
    first = new_app().login()
    second = new_app(store=first.store)
    server.expire()
    gate = server.hold(REFRESH)
    expired = first.get("/items")
    server.wait_for(1, REFRESH)
    started = second.get("/new")
    second.wait_for_waiting(1)
    assert server.count("/new") == 0
    gate.open()
    assert expired.response().status == started.response().status == 200
    assert server.count("/new") == 1


def test_rule_04_a_request_that_starts_after_the_refresh_leaves_at_once(
    app: App, server: AuthServer
) -> None:
    server.expire()
    app.get("/items").response()
    app.get("/new").response()
    assert server.count("/new") == 1
    assert app.stats.waited == 1


@pytest.mark.parametrize("status", [503, 401], ids=["fails", "is rejected"])
def test_rule_04_if_that_refresh_brings_nothing_the_request_was_never_sent(
    app: App, server: AuthServer, status: int
) -> None:
    server.expire()
    server.answer(REFRESH, status=status)
    gate = server.hold(REFRESH)
    expired = app.get("/items")
    server.wait_for(1, REFRESH)
    started = [app.get("/new") for _ in range(3)]
    app.wait_for_waiting(4)
    gate.open()
    cause = expired.error().__cause__
    assert isinstance(cause, RefreshError)
    for call in started:
        error = call.error()
        assert (error.response, error.status, error.request_was_sent) == (None, None, False)
        assert error.code == RequestError.ERR_TOKEN_REFRESH
        assert error.config is not None
        assert error.config.url == "/new"
        assert error.__cause__ is cause
    assert server.count("/new") == 0


def test_rule_04_the_config_of_its_error_keeps_what_the_caller_gave(
    app: App, server: AuthServer
) -> None:
    data = {"a": 1}
    server.expire()
    server.answer(REFRESH, status=503)
    gate = server.hold(REFRESH)
    app.get("/items")
    server.wait_for(1, REFRESH)
    started = app.post("/new", data)
    app.wait_for_waiting(2)
    gate.open()
    error = started.error()
    assert error.config is not None
    assert error.config.data == data


def test_rule_04_a_request_that_has_only_a_refresh_token_was_never_sent_either(
    new_app: NewApp, server: AuthServer
) -> None:
    app = new_app()
    app.store.set_state({"refresh_token": server.login("ada").refresh_token})
    server.authority.revoke_all()
    error = app.get("/items").error()
    assert error.response is None
    assert isinstance(error.__cause__, RefreshError)
    assert server.count("/items") == 0
    assert app.tokens == (None, None)
    assert app.close() == ["login_required"]
