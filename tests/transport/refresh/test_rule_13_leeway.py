"""A token that is about to expire is renewed before a request leaves with it."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from zustax.transport import RefreshError, TokenPair
from zustax.transport.refresh.expiry import Expiry, taken_from
from zustax.transport.refresh.tokens import Credentials
from zustax.transport.testing import Claims, Clock, TokenAuthority

from ...support.app import App
from ...support.server import REFRESH, USERS, AuthServer
from ...support.stores import STORE_KINDS
from .conftest import NewApp

TTL = 300.0
LEEWAY = 30.0

#: More than the leeway, however much the hosts differ.
LONG_BEFORE = 40.0


@pytest.fixture
def clock() -> Iterator[Clock]:
    """The clock of the program and, if nothing else is said, of the server."""
    clock = Clock()
    with taken_from(clock):
        yield clock


@pytest.fixture
def server(clock: Clock) -> Iterator[AuthServer]:
    authority = TokenAuthority(users=USERS, access_ttl=TTL, clock=clock)
    with AuthServer(authority) as server:
        yield server


@pytest.fixture
def app(new_app: NewApp, server: AuthServer, clock: Clock) -> App:
    """A program with a leeway, in which ada is logged in."""
    return logged_in(new_app(leeway=LEEWAY), server, clock)


def logged_in(app: App, server: AuthServer, clock: Clock) -> App:
    tokens = server.login("ada")
    app.store.login(tokens.access_token, tokens.refresh_token, expires_at=clock() + TTL)
    return app


def test_rule_13_a_token_within_its_leeway_is_renewed_before_the_request_leaves(
    app: App, server: AuthServer, clock: Clock
) -> None:
    clock.advance(TTL - LEEWAY)
    assert app.get("/items").response().status == 200
    assert (server.count(REFRESH), server.count("/items")) == (1, 1)
    assert server.seen("/items")[0].token == app.tokens[0]
    assert app.close() == ["token_refreshed"]


def test_rule_13_a_token_that_has_expired_is_renewed_before_the_request_leaves(
    app: App, server: AuthServer, clock: Clock
) -> None:
    clock.advance(2 * TTL)
    assert app.get("/items").response().status == 200
    assert (server.count(REFRESH), server.count("/items")) == (1, 1)


def test_rule_13_a_token_before_its_leeway_is_not(
    app: App, server: AuthServer, clock: Clock
) -> None:
    clock.advance(TTL - LONG_BEFORE)
    app.get("/items").response()
    assert server.count(REFRESH) == 0


def test_rule_13_without_a_leeway_none_is(
    new_app: NewApp, server: AuthServer, clock: Clock
) -> None:
    app = logged_in(new_app(), server, clock)
    clock.advance(TTL - 1)
    app.get("/items").response()
    assert server.count(REFRESH) == 0


def test_rule_13_requests_share_the_refresh(app: App, server: AuthServer, clock: Clock) -> None:
    clock.advance(TTL - LEEWAY)
    gate = server.hold(REFRESH)
    calls = [app.get("/items") for _ in range(5)]
    app.wait_for_waiting(5)
    gate.open()
    assert [call.response().status for call in calls] == [200] * 5
    assert (server.count(REFRESH), server.count("/items")) == (1, 5)


def test_rule_13_every_pair_is_renewed_in_its_turn(
    app: App, server: AuthServer, clock: Clock
) -> None:
    for refreshes in (1, 2, 3):
        clock.advance(TTL - LEEWAY)
        app.get("/items").response()
        app.get("/items").response()
        assert server.count(REFRESH) == refreshes


# --- when a token expires ---


def as_jwt(payload: object) -> str:
    segments = ({"alg": "none"}, payload)
    encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()) for part in segments]
    return ".".join(part.decode().rstrip("=") for part in encoded) + ".signature"


def claiming(payload: bytes) -> str:
    """Return a token with claims that Python would not write."""
    return f"a.{base64.urlsafe_b64encode(payload).decode()}.c"


def jwt_of(claims: Claims) -> str:
    return as_jwt({"sub": claims.username, "jti": claims.number, "exp": claims.expires_at})


def issuing_jwts(server: AuthServer, clock: Clock) -> None:
    server.authority = TokenAuthority(
        users=USERS, access_ttl=TTL, access_token_factory=jwt_of, clock=clock
    )


@pytest.mark.parametrize("store_kind", STORE_KINDS.values(), ids=STORE_KINDS)
def test_rule_13_a_json_web_token_says_itself_when_it_expires(
    new_app: NewApp, server: AuthServer, clock: Clock, store_kind: Any
) -> None:
    issuing_jwts(server, clock)
    app = new_app(leeway=LEEWAY, store_kind=store_kind).login()
    clock.advance(TTL - LONG_BEFORE)
    app.get("/items").response()
    assert server.count(REFRESH) == 0
    clock.advance(LONG_BEFORE - LEEWAY)
    app.get("/items").response()
    assert server.count(REFRESH) == 1


@pytest.mark.parametrize(
    "token",
    [
        "opaque",
        "only.two",
        "three.in.all",
        "a.%%%.c",
        as_jwt([]),
        as_jwt({}),
        as_jwt({"exp": "soon"}),
        as_jwt({"exp": True}),
        as_jwt({"exp": float("nan")}),
        as_jwt({"exp": float("inf")}),
        as_jwt({"exp": 10**400}),
        claiming(b'{"exp": 1' + b"0" * 5000 + b"}"),
        claiming(b'{"exp": -1e999}'),
        claiming(b"[" * 100_000),
        "a.\u00fc\u00fc\u00fc.c",
    ],
    ids=range(15),
)
def test_rule_13_a_token_of_which_nothing_is_known_is_not_renewed_early(
    clock: Clock, token: str
) -> None:
    expiry, now = Expiry(), Credentials(token, "refresh", "session")
    expiry.see(token, None)
    clock.advance(1e9)
    assert not expiry.is_due(now, LEEWAY)
    assert not expiry.lives(now)


def test_rule_13_expires_at_counts_before_what_the_token_says() -> None:
    clock = Clock(0.0)
    with taken_from(clock):
        token = as_jwt({"exp": 1000.0})
        expiry, now = Expiry(), Credentials(token, "refresh", "session", expires_at=2000.0)
        expiry.see(token, 2000.0)
        clock.advance(1500.0)
        assert not expiry.is_due(now, LEEWAY)
        clock.advance(480.0)
        assert expiry.is_due(now, LEEWAY)


def test_rule_13_what_the_answer_says_is_counted_from_its_receipt(
    app: App, server: AuthServer, clock: Clock
) -> None:
    clock.advance(TTL - LEEWAY)
    app.get("/items").response()
    assert app.store.get_state().expires_at == clock() + TTL


def test_rule_13_a_store_that_keeps_no_expiry_is_served_too(
    new_app: NewApp, server: AuthServer, clock: Clock
) -> None:
    app = new_app(leeway=LEEWAY, store_kind=STORE_KINDS["hand-written"]).login()
    clock.advance(2 * TTL)
    app.get("/items").response()
    assert (server.count(REFRESH), server.count("/items")) == (1, 2)
    clock.advance(TTL - LEEWAY)
    app.get("/items").response()
    assert (server.count(REFRESH), server.count("/items")) == (2, 3)


# --- a clock that is wrong, a life that is short ---


def test_rule_13_a_token_that_was_received_within_its_leeway_is_not_renewed_early(
    new_app: NewApp, server: AuthServer, clock: Clock
) -> None:
    app = logged_in(new_app(leeway=TTL), server, clock)
    for _ in range(3):
        clock.advance(50.0)
        app.get("/items").response()
    assert server.count(REFRESH) == 0


def test_rule_13_a_skewed_clock_does_not_refresh_before_every_request(
    new_app: NewApp, server: AuthServer, clock: Clock
) -> None:
    issuing_jwts(server, Clock(clock() - 3600.0))
    app = new_app(leeway=LEEWAY).login()
    for _ in range(3):
        assert app.get("/items").response().status == 200
    server.expire()
    for _ in range(3):
        assert app.get("/items").response().status == 200
    assert server.count(REFRESH) == 1


def test_rule_13_without_a_refresh_token_nothing_is_tried(
    new_app: NewApp, server: AuthServer, clock: Clock
) -> None:
    app = new_app(leeway=LEEWAY)
    app.store.login(server.login("ada").access_token, None, expires_at=clock() + TTL)
    clock.advance(TTL - 1)
    assert app.get("/items").response().status == 200
    assert app.close() == []


def test_rule_13_a_refresh_by_cookie_needs_no_refresh_token(
    new_app: NewApp, server: AuthServer, clock: Clock
) -> None:
    def by_cookie(refresh_token: str | None) -> TokenPair:
        assert refresh_token is None
        return TokenPair(server.login("ada").access_token, expires_at=clock() + TTL)

    app = new_app(leeway=LEEWAY, refresh=by_cookie)
    app.store.login(server.login("ada").access_token, None, expires_at=clock() + TTL)
    clock.advance(TTL - LEEWAY)
    app.get("/items").response()
    assert (app.stats.refreshes, app.stats.replayed) == (1, 0)


def test_rule_13_hosts_differ_by_a_tenth_of_the_leeway(clock: Clock) -> None:
    now = Credentials("access", "refresh", "session", expires_at=clock() + TTL)
    hosts = [Expiry() for _ in range(100)]
    for host in hosts:
        host.see("access", now.expires_at)

    def due() -> int:
        return sum(host.is_due(now, LEEWAY) for host in hosts)

    clock.advance(TTL - LEEWAY * 1.1 - 0.1)
    assert due() == 0
    clock.advance(LEEWAY * 0.05)
    assert 0 < due() < 100
    clock.advance(LEEWAY * 0.05 + 0.1)
    assert due() == 100


# --- an early refresh that brings nothing ---


def test_rule_13_if_it_fails_while_the_token_lives_the_requests_leave_with_it(
    app: App, server: AuthServer, clock: Clock
) -> None:
    tokens = app.tokens
    clock.advance(TTL - LEEWAY)
    server.answer(REFRESH, status=503)
    gate = server.hold(REFRESH)
    calls = [app.get("/items") for _ in range(3)]
    app.wait_for_waiting(3)
    gate.open()
    assert [call.response().status for call in calls] == [200] * 3
    assert [seen.token for seen in server.seen("/items")] == [tokens[0]] * 3
    assert app.tokens == tokens
    assert app.close() == ["refresh_failed"]


def test_rule_13_after_a_failure_it_is_tried_again_with_pauses_that_grow(
    app: App, server: AuthServer, clock: Clock
) -> None:
    clock.advance(TTL - LEEWAY)
    server.answer(REFRESH, status=503, times=2)
    for pause, refreshes in ((0.0, 1), (0.1, 1), (1.0, 2), (0.9, 2), (1.1, 3), (0.0, 3)):
        clock.advance(pause)
        assert app.get("/items").response().status == 200
        assert server.count(REFRESH) == refreshes


def test_rule_13_requests_leave_with_a_token_that_lives_however_often_it_has_failed(
    new_app: NewApp, server: AuthServer, clock: Clock
) -> None:
    app = new_app(leeway=5_000).login()
    app.store.set_state({"expires_at": clock() + 10_000})
    server.answer("/open")
    server.answer(REFRESH, status=503)
    clock.advance(6_000)
    for _ in range(60):
        clock.advance(20)
        assert app.get("/open").response().status == 200
    assert app.stats.paused == 0


def test_rule_13_if_it_fails_and_the_token_has_expired_the_request_was_never_sent(
    app: App, server: AuthServer, clock: Clock
) -> None:
    clock.advance(TTL)
    server.answer(REFRESH, status=503)
    error = app.get("/items").error()
    assert (error.response, error.request_was_sent) == (None, False)
    assert isinstance(error.__cause__, RefreshError)
    assert error.__notes__ == [f"the access token was not refreshed: {error.__cause__}"]
    assert server.count("/items") == 0


def test_rule_13_if_it_is_rejected_the_session_is_over(
    app: App, server: AuthServer, clock: Clock
) -> None:
    clock.advance(TTL - LEEWAY)
    server.answer(REFRESH, status=401)
    error = app.get("/items").error()
    assert (error.response, error.request_was_sent) == (None, False)
    assert app.tokens == (None, None)
    assert app.close() == ["login_required"]


@pytest.mark.parametrize(
    ("leeway", "error", "says"),
    [
        (0, ValueError, "leeway must be more than 0"),
        (-1.0, ValueError, "leeway must be more than 0"),
        (True, TypeError, "leeway must be a number"),
        ("30", TypeError, "leeway must be a number"),
    ],
)
def test_rule_13_a_leeway_that_means_nothing_is_refused(
    new_app: Callable[..., App], leeway: Any, error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        new_app(leeway=leeway)
