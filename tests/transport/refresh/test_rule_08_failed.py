"""The refresh fails for a reason that says nothing about the session: everything stays."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from email.utils import formatdate
from typing import Any

import pytest
from zustax.transport import RefreshError, RequestError
from zustax.transport.refresh.expiry import taken_from
from zustax.transport.testing import Clock
from zustax.transport.testing.faults import hang_up

from ...support.app import App
from ...support.clients import Client
from ...support.server import REFRESH, AuthServer
from ...support.stores import STORE_KINDS, HandWritten, StoreKind
from .conftest import NewApp, only_sync

PAGE = {"Content-Type": "text/html; charset=utf-8"}
TEXT = {"Content-Type": "text/plain"}

#: What the server does to the first refresh call, by name.
FAILURES: dict[str, Callable[[AuthServer], None]] = {
    "500": lambda server: server.answer(REFRESH, status=500, times=1),
    "503": lambda server: server.answer(REFRESH, status=503, times=1),
    "429": lambda server: server.answer(REFRESH, status=429, times=1),
    "404": lambda server: server.answer(REFRESH, status=404, times=1),
    "304": lambda server: server.answer(REFRESH, status=304, times=1),
    "no body": lambda server: server.answer(REFRESH, times=1),
    "garbage": lambda server: server.answer(REFRESH, body=b"<html>maintenance</html>", times=1),
    "half a body": lambda server: server.answer(
        REFRESH, body={"access_token": "a"}, cut=90, times=1
    ),
    "a list": lambda server: server.answer(REFRESH, body=["access_token"], times=1),
    "no access token": lambda server: server.answer(REFRESH, body={"refresh_token": "r"}, times=1),
    "empty access token": lambda server: server.answer(REFRESH, body={"access_token": ""}, times=1),
    "null access token": lambda server: server.answer(
        REFRESH, body={"access_token": None}, times=1
    ),
    "a number": lambda server: server.answer(REFRESH, body={"access_token": 7}, times=1),
    "a wrong refresh token": lambda server: server.answer(
        REFRESH, body={"access_token": "a", "refresh_token": 7}, times=1
    ),
    "firewall": lambda server: server.answer(
        REFRESH, status=403, body=b"<html>Attention!</html>", headers=PAGE, times=1
    ),
    "firewall that says JSON": lambda server: server.answer(
        REFRESH, status=403, body=b" <!doctype html>", times=1
    ),
    "401 in words": lambda server: server.answer(
        REFRESH, status=401, body=b"RBAC: access denied", headers=TEXT, times=1
    ),
    "proxy": lambda server: server.answer(
        REFRESH, status=401, headers={"WWW-Authenticate": 'Basic realm="staging"'}, times=1
    ),
    "proxy of a domain": lambda server: server.answer(
        REFRESH, status=401, headers={"WWW-Authenticate": "Negotiate"}, times=1
    ),
    "407": lambda server: server.answer(REFRESH, status=407, body={"error": "proxy"}, times=1),
    "500 with an error of OAuth": lambda server: server.answer(
        REFRESH, status=500, body={"error": "invalid_grant"}, times=1
    ),
    "hung up": lambda server: server.hang_up(REFRESH, times=1),
}


@pytest.fixture(params=FAILURES.values(), ids=list(FAILURES))
def fail_once(request: pytest.FixtureRequest, server: AuthServer) -> Callable[[], None]:
    """Lets access tokens expire, and the next refresh fail."""

    def fail() -> None:
        server.expire()
        request.param(server)

    return fail


def test_rule_08_the_waiting_requests_raise_their_own_401_with_the_refresh_error_as_cause(
    app: App, server: AuthServer, fail_once: Callable[[], None]
) -> None:
    fail_once()
    gate = server.hold(REFRESH)
    calls = app.get_together(5)
    app.wait_for_waiting(5)
    gate.open()
    errors = [call.error() for call in calls]
    assert [error.status for error in errors] == [401] * 5
    (cause,) = {error.__cause__ for error in errors}
    assert isinstance(cause, RefreshError)
    assert not cause.rejected
    assert app.signals.wait_for("refresh_failed")["error"] is cause
    assert server.count(REFRESH) == 1
    assert app.close() == ["refresh_failed"]


def test_rule_08_a_refresh_token_in_the_path_of_the_refresh_call_is_not_logged(
    new_app: NewApp, server: AuthServer, kind: type[Client], caplog: pytest.LogCaptureFixture
) -> None:
    def refresh(token: str | None) -> Any:
        return app.api.get(f"/renew/{token}")

    async def refresh_async(token: str | None) -> Any:
        return await refresh(token)

    app = new_app(refresh=refresh_async if kind.is_async else refresh).login()
    server.expire()
    server.fail(f"/renew/{app.tokens[1]}", hang_up())
    error = app.get("/items").error()
    app.close()
    assert "the refresh call failed: " in caplog.text
    assert "/renew/[REDACTED ****]" in caplog.text
    for shown in (caplog.text, str(error.__cause__), str(error.__notes__)):
        assert (app.tokens[1] or "") not in shown


def test_rule_08_tokens_and_login_stay_and_the_next_401_tries_again(
    app: App, server: AuthServer, fail_once: Callable[[], None]
) -> None:
    tokens = app.tokens
    fail_once()
    app.get("/items").error()
    assert app.tokens == tokens
    assert app.store.get_state().is_login
    assert app.get("/items").response().status == 200
    assert server.count(REFRESH) == 2


@pytest.mark.parametrize("store_kind", STORE_KINDS.values(), ids=STORE_KINDS)
def test_rule_08_tokens_stay_in_every_kind_of_store(
    new_app: NewApp, server: AuthServer, store_kind: StoreKind
) -> None:
    app = new_app(store_kind=store_kind).login()
    tokens = app.tokens
    server.expire()
    server.answer(REFRESH, status=503, times=1)
    app.get("/items").error()
    assert app.tokens == tokens
    assert app.get("/items").response().status == 200


def test_rule_08_a_refresh_that_takes_longer_than_its_timeout_has_failed(
    new_app: NewApp, server: AuthServer
) -> None:
    app = new_app(timeout=0.2).login()
    tokens = app.tokens
    server.expire()
    server.hold(REFRESH)
    errors = [call.error() for call in app.get_together(3)]
    assert [error.status for error in errors] == [401] * 3
    assert len({error.__cause__ for error in errors}) == 1
    app.signals.wait_for("refresh_failed")
    assert app.tokens == tokens


def test_rule_08_a_refresh_that_is_slow_within_its_timeout_succeeds(
    new_app: NewApp, server: AuthServer
) -> None:
    app = new_app(timeout=4.0).login()
    server.expire()
    gate = server.hold(REFRESH)
    call = app.get("/items")
    server.wait_for(1, REFRESH)
    gate.open()
    assert call.response().status == 200


def test_rule_08_the_timeout_of_the_instance_is_not_that_of_the_refresh(
    new_app: NewApp, server: AuthServer
) -> None:
    app = new_app(defaults={"timeout": 0.2}).login()
    server.expire()
    gate = server.hold(REFRESH)
    server.hold("/slow")
    expired = app.get("/items", timeout=0)
    server.wait_for(1, REFRESH)
    slow = app.get("/slow", extra={"silent_refresh": False})
    assert slow.error().code == RequestError.ECONNABORTED
    gate.open()
    assert expired.response().status == 200


class Refusing(HandWritten):
    """A store that takes no tokens any more once it is `full`."""

    full = False

    def set_state(self, partial: Mapping[str, str | None], /) -> None:
        if self.full:
            raise OSError("no space left on device")
        super().set_state(partial)


def test_rule_08_a_store_that_refuses_the_new_tokens_has_failed_too(
    new_app: NewApp, server: AuthServer
) -> None:
    app = new_app(store=Refusing(), store_kind=STORE_KINDS["hand-written"]).login()
    tokens = app.tokens
    app.store.full = True
    server.expire()
    assert isinstance(app.get("/items").error().__cause__, RefreshError)
    assert app.tokens == tokens
    assert app.close() == ["refresh_failed"]


def not_a_pair(value: Any) -> Callable[[str | None], Any]:
    return lambda _refresh_token: value


@pytest.mark.parametrize("value", [None, "token", {"access_token": "a"}, ("a", "r"), 7])
def test_rule_08_a_refresh_of_ones_own_must_return_a_pair(
    new_app: NewApp, server: AuthServer, value: object
) -> None:
    app = new_app(refresh=not_a_pair(value)).login()
    tokens = app.tokens
    server.expire()
    cause = app.get("/items").error().__cause__
    assert isinstance(cause, RefreshError)
    assert "TokenPair" in str(cause)
    assert app.tokens == tokens
    assert app.close() == ["refresh_failed"]


@pytest.mark.parametrize(
    "error",
    [
        ValueError("a mistake of the caller's"),
        TimeoutError(),
        OSError("no route"),
        RequestError("no answer"),
        RefreshError("later"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_rule_08_a_refresh_of_ones_own_may_raise_anything(
    new_app: NewApp, server: AuthServer, error: Exception
) -> None:
    def refresh(_refresh_token: str | None) -> None:
        raise error

    app = new_app(refresh=refresh).login()
    tokens = app.tokens
    server.expire()
    cause = app.get("/items").error().__cause__
    assert isinstance(cause, RefreshError)
    assert error in (cause, cause.__cause__)
    assert app.tokens == tokens
    assert app.close() == ["refresh_failed"]


# --- a pause after failures ---


@pytest.fixture
def clock() -> Iterator[Clock]:
    """The time of day of the program."""
    clock = Clock()
    with taken_from(clock):
        yield clock


def fail(app: App, count: int = 1) -> None:
    """Make requests whose refresh fails, or is not tried."""
    for error in [app.get("/items").error() for _ in range(count)]:
        assert error.status == 401
        assert isinstance(error.__cause__, RefreshError)
        assert not error.__cause__.rejected


def test_rule_08_from_the_second_failure_in_a_row_it_pauses(
    app: App, server: AuthServer, clock: Clock
) -> None:
    server.expire()
    server.answer(REFRESH, status=503)
    fail(app, 8)
    assert (server.count(REFRESH), app.stats.paused) == (2, 6)
    refreshes = 2
    for pause in (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0):
        clock.advance(pause * 0.99)
        fail(app)
        assert server.count(REFRESH) == refreshes
        clock.advance(pause * 0.01)
        refreshes += 1
        fail(app)
        assert server.count(REFRESH) == refreshes
    assert app.store.get_state().is_login


def test_rule_08_a_success_ends_the_row(app: App, server: AuthServer, clock: Clock) -> None:
    server.expire()
    server.answer(REFRESH, status=503, times=2)
    fail(app, 2)
    clock.advance(1.0)
    assert app.get("/items").response().status == 200
    server.expire()
    server.answer(REFRESH, status=503, times=1)
    fail(app)
    assert app.get("/items").response().status == 200


def test_rule_08_another_login_ends_the_pause(app: App, server: AuthServer, clock: Clock) -> None:
    server.expire()
    server.answer(REFRESH, status=429, headers={"Retry-After": "60"}, times=1)
    fail(app, 3)
    assert server.count(REFRESH) == 1
    app.login("bob")
    server.expire()
    assert app.get("/items").response().data["user"] == "bob"


@pytest.mark.parametrize("status", [429, 503, 500])
@pytest.mark.parametrize("is_date", [False, True], ids=["seconds", "date"])
def test_rule_08_retry_after_counts_from_the_first_failure(
    app: App, server: AuthServer, clock: Clock, status: int, is_date: bool
) -> None:
    when = formatdate(clock() + 60, usegmt=True) if is_date else "60"
    server.expire()
    server.answer(REFRESH, status=status, headers={"Retry-After": when}, times=1)
    fail(app, 3)
    clock.advance(58.0)  # a date has whole seconds
    fail(app)
    assert server.count(REFRESH) == 1
    clock.advance(2.0)
    assert app.get("/items").response().status == 200


def test_rule_08_a_retry_after_that_says_nothing_is_none(app: App, server: AuthServer) -> None:
    for value in ("0", "-60", "soon", "", "60, 60", "nan", "inf", "Fri, 31 Feb 2020", "9" * 400):
        server.expire()
        server.answer(REFRESH, status=503, headers={"Retry-After": value}, times=1)
        fail(app)
        assert app.get("/items").response().status == 200


def test_rule_08_a_retry_after_of_years_is_an_hour(
    app: App, server: AuthServer, clock: Clock
) -> None:
    server.expire()
    server.answer(REFRESH, status=503, headers={"Retry-After": "1e99"}, times=1)
    fail(app, 2)
    clock.advance(3600.0)
    assert app.get("/items").response().status == 200


def test_rule_08_a_clock_that_was_set_back_makes_no_pause_longer(
    app: App, server: AuthServer, clock: Clock
) -> None:
    server.expire()
    server.answer(REFRESH, status=503, headers={"Retry-After": "60"}, times=1)
    fail(app, 2)
    with taken_from(lambda: clock() - 3600):
        assert app.get("/items").response().status == 200


def test_rule_08_a_request_that_needs_a_token_first_is_not_sent_in_a_pause(
    app: App, server: AuthServer, clock: Clock
) -> None:
    app.store.set_state({"access_token": None})
    server.answer(REFRESH, status=503)
    errors = [app.get("/items").error() for _ in range(4)]
    assert {error.code for error in errors} == {RequestError.ERR_TOKEN_REFRESH}
    assert (server.count(REFRESH), server.count("/items")) == (2, 0)


# --- it cannot even begin ---


@only_sync
def test_rule_08_a_refresh_whose_thread_cannot_start_has_failed_at_once(
    app: App, server: AuthServer
) -> None:
    server.expire()
    api: Any = app.api
    with no_more_threads(), pytest.raises(RequestError) as caught:
        api.get("/items")
    assert caught.value.status == 401
    assert isinstance(caught.value.__cause__, RefreshError)
    assert "could not be started" in str(caught.value.__cause__)
    assert app.get("/items").response().status == 200
    assert server.count(REFRESH) == 1
    assert app.close() == ["token_refreshed"]


@contextmanager
def no_more_threads() -> Iterator[None]:
    """Ask for stacks that no machine has, so that no thread can be started."""
    before = threading.stack_size(1 << 46)
    try:
        with pytest.raises(RuntimeError):
            threading.Thread(target=print).start()
        yield
    finally:
        threading.stack_size(before)
