"""The refresh fails for a reason that says nothing about the session: everything stays."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from zustax.transport import RefreshError, RequestError

from ...support.app import App
from ...support.server import REFRESH, AuthServer
from ...support.stores import STORE_KINDS, HandWritten, StoreKind
from .conftest import NewApp

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
