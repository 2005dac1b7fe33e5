"""``handle.token()`` and ``handle.refresh()``: tokens for what does not go through the instance."""

from __future__ import annotations

from typing import Any

import pytest
from zustax.transport import RefreshError
from zustax.transport.testing import Clock, TokenAuthority

from ...support.app import App
from ...support.clients import Call, TaskCall
from ...support.server import REFRESH, USERS, AuthServer
from .conftest import NewApp, only_async

TTL = 300.0


def token(app: App) -> Call:
    return app.client.start(lambda _api: app.handle.token())


def refresh(app: App) -> Call:
    return app.client.start(lambda _api: app.handle.refresh())


def refusal(call: Call) -> RefreshError:
    """Return what a call has raised, which shows no token."""
    error = call.failure()
    assert isinstance(error, RefreshError)
    return error


@pytest.fixture
def clock_and_server(clock: Clock) -> Any:
    authority = TokenAuthority(users=USERS, access_ttl=TTL, clock=clock)
    with AuthServer(authority) as server:
        yield server


@pytest.fixture
def clock() -> Any:
    with Clock() as clock:
        yield clock


def login(app: App, server: AuthServer, clock: Clock) -> App:
    tokens = server.login("ada")
    app.store.login(tokens.access_token, tokens.refresh_token, expires_at=clock() + TTL)
    return app


# --- token() ---


def test_a_token_that_lives_is_given_as_it_is(app: App, server: AuthServer) -> None:
    assert token(app).result() == app.tokens[0]
    assert server.count() == 0


def test_a_token_that_has_expired_is_refreshed_first(
    new_app: NewApp, clock_and_server: AuthServer, clock: Clock
) -> None:
    server = clock_and_server
    app = login(new_app(defaults={"base_url": server.url}), server, clock)
    old = token(app).result()
    clock.advance(TTL)
    renewed = [call.result() for call in [token(app) for _ in range(3)]]
    assert set(renewed) == {app.tokens[0]} != {old}
    assert server.count(REFRESH) == 1
    assert app.close() == ["token_refreshed"]


def test_a_token_that_is_due_is_refreshed_first_and_given_if_that_fails(
    new_app: NewApp, clock_and_server: AuthServer, clock: Clock
) -> None:
    server = clock_and_server
    app = login(new_app(defaults={"base_url": server.url}, leeway=30.0), server, clock)
    old = app.tokens[0]
    clock.advance(TTL - 30.0)
    server.answer(REFRESH, status=503, times=1)
    assert token(app).result() == old
    clock.advance(2.0)
    assert token(app).result() == app.tokens[0] != old
    assert server.count(REFRESH) == 2


def test_a_token_that_is_missing_is_fetched_with_the_refresh_token(
    app: App, server: AuthServer
) -> None:
    app.store.set_state({"access_token": None})
    assert token(app).result() == app.tokens[0] is not None
    assert server.count(REFRESH) == 1


def test_a_token_waits_for_the_refresh_under_way(app: App, server: AuthServer) -> None:
    server.expire()
    gate = server.hold(REFRESH)
    request = app.get("/items")
    server.wait_for(1, REFRESH)
    waiting = token(app)
    app.wait_for_waiting(2)
    gate.open()
    assert request.response().status == 200
    assert waiting.result() == app.tokens[0]
    assert server.count(REFRESH) == 1


def test_without_a_login_there_is_no_token(new_app: NewApp, server: AuthServer) -> None:
    app = new_app()
    assert refusal(token(app)).rejected
    assert refusal(token(app)).rejected
    assert server.count() == 0
    assert app.close() == ["login_required"]


# --- refresh() ---


def test_a_refresh_is_made_now_whatever_the_clock_says(app: App, server: AuthServer) -> None:
    old = app.tokens[0]
    assert refresh(app).result() == app.tokens[0] != old
    assert app.get("/items").response().status == 200
    assert server.count(REFRESH) == 1
    assert app.close() == ["token_refreshed"]


def test_refreshes_and_requests_share_one(app: App, server: AuthServer) -> None:
    server.expire()
    gate = server.hold(REFRESH)
    calls = [refresh(app), token(app), refresh(app)]
    server.wait_for(1, REFRESH)
    request = app.get("/items")
    app.wait_for_waiting(3)
    gate.open()
    assert request.response().status == 200
    renewed = calls[0].result()
    assert (renewed, calls[2].result()) == (app.tokens[0], app.tokens[0])
    assert server.count(REFRESH) == 1


def test_a_session_that_is_over_is_an_error_that_says_so(app: App, server: AuthServer) -> None:
    secrets = app.tokens
    server.authority.revoke_all()
    errors = [refusal(call(app)) for call in (refresh, token, refresh, token)]
    assert [error.rejected for error in errors] == [True] * 4
    assert not any(secret in repr(error) for error in errors for secret in secrets if secret)
    assert not app.store.get_state().is_login
    assert server.count(REFRESH) == 1
    assert app.close() == ["login_required"]


def test_a_refresh_that_failed_is_an_error_and_the_session_stays(
    app: App, server: AuthServer
) -> None:
    server.answer(REFRESH, status=503)
    errors = [refusal(refresh(app)) for _ in range(4)]
    assert [error.rejected for error in errors] == [False] * 4
    assert server.count(REFRESH) == 2  # the others fall into the pause
    assert token(app).result() == app.tokens[0]
    assert app.store.get_state().is_login


@pytest.mark.parametrize("successor", [None, "bob"])
def test_a_session_that_ends_meanwhile_has_no_token_to_give(
    app: App, server: AuthServer, successor: str | None
) -> None:
    gate = server.hold(REFRESH)
    call = refresh(app)
    server.wait_for(1, REFRESH)
    app.logout()
    if successor:
        app.login(successor)
    gate.open()
    assert "ended" in str(refusal(call))


@only_async
def test_cancelling_one_who_waits_leaves_the_others_alone(app: App, server: AuthServer) -> None:
    gate = server.hold(REFRESH)
    calls = [refresh(app) for _ in range(3)]
    app.wait_for_waiting(3)
    first = calls[0]
    assert isinstance(first, TaskCall)
    first.cancel()
    gate.open()
    assert {call.result() for call in calls[1:]} == {app.tokens[0]}
    assert server.count(REFRESH) == 1
