"""The refresh token is rejected: the session is over, everybody hears of it, and nothing hangs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from zustax.transport import RefreshError, TokenPair

from ...support.app import App
from ...support.clients import Client
from ...support.server import REFRESH, AuthServer
from ...support.stores import STORE_KINDS, HandWritten, StoreKind
from .conftest import NewApp
from .interrupted_stores import InterruptedUserStore
from .own_refresh import OwnRefresh

REJECTING = (400, 401, 403)


def lose_session(server: AuthServer) -> None:
    """Let every token be refused from now on."""
    server.authority.revoke_all()


@pytest.mark.parametrize("status", REJECTING)
def test_rule_07_every_waiting_request_raises_its_own_401_with_the_refresh_error_as_cause(
    app: App, server: AuthServer, status: int
) -> None:
    server.expire()
    server.answer(REFRESH, status=status)
    paths = [f"/items/{number}" for number in range(5)]
    gate = server.hold(REFRESH)
    gates = [server.hold(path) for path in paths]
    calls = [app.get(path) for path in paths]
    for path, opened in zip(paths, gates, strict=True):
        server.wait_for(1, path)
        opened.open()
    app.wait_for_waiting(5)
    gate.open()
    errors = [call.error() for call in calls]
    assert [error.status for error in errors] == [401] * 5
    assert [error.config.url for error in errors if error.config] == paths
    (cause,) = {error.__cause__ for error in errors}
    assert isinstance(cause, RefreshError)
    assert cause.rejected
    assert server.count(REFRESH) == 1


@pytest.mark.parametrize("status", REJECTING)
def test_rule_07_login_required_is_sent_once(app: App, server: AuthServer, status: int) -> None:
    server.expire()
    server.answer(REFRESH, status=status)
    errors = [call.error() for call in app.get_together(5)]
    sent = app.signals.wait_for("login_required")
    assert sent["reason"] == "refresh_rejected"
    assert sent["error"] is errors[0].__cause__
    assert sent["config"].url == "/items"
    assert app.close() == ["login_required"]


def test_rule_07_the_config_that_is_signalled_keeps_what_the_caller_gave(
    app: App, server: AuthServer
) -> None:
    data = {"a": 1}
    lose_session(server)
    app.post("/items", data).error()
    assert app.signals.wait_for("login_required")["config"].data == data


@pytest.mark.parametrize("store_kind", STORE_KINDS.values(), ids=STORE_KINDS)
def test_rule_07_the_store_is_logged_out(
    new_app: NewApp, server: AuthServer, store_kind: StoreKind
) -> None:
    app = new_app(store_kind=store_kind).login()
    lose_session(server)
    app.get("/items").error()
    assert app.tokens == (None, None)


def test_rule_07_a_store_that_knows_whether_somebody_is_logged_in_knows_that_nobody_is(
    app: App, server: AuthServer
) -> None:
    lose_session(server)
    app.get("/items").error()
    assert not app.store.get_state().is_login


def test_rule_07_the_store_is_logged_out_before_anybody_is_released(
    app: App, server: AuthServer
) -> None:
    lose_session(server)
    seen: list[bool] = []
    app.api.interceptors.response.use(None, lambda _: seen.append(app.store.get_state().is_login))
    app.get("/items").result()
    assert seen == [False]


def test_rule_07_any_other_status_is_no_rejection(app: App, server: AuthServer) -> None:
    server.expire()
    server.answer(REFRESH, status=404)
    cause = app.get("/items").error().__cause__
    assert isinstance(cause, RefreshError)
    assert not cause.rejected
    assert app.tokens[1] is not None
    assert app.close() == ["refresh_failed"]


def test_rule_07_without_a_refresh_token_nothing_is_sent_to_the_refresh_url(
    new_app: NewApp, server: AuthServer
) -> None:
    app = new_app()
    app.store.login(server.login("ada").access_token, None)
    server.expire()
    errors = [call.error() for call in app.get_together(5)]
    assert [error.status for error in errors] == [401] * 5
    assert len({error.__cause__ for error in errors}) == 1
    assert app.signals.wait_for("login_required")["reason"] == "no_refresh_token"
    assert server.count(REFRESH) == 0
    assert app.tokens == (None, None)
    assert app.close() == ["login_required"]


def test_rule_07_requests_that_left_without_a_token_have_none_to_send(
    new_app: NewApp, server: AuthServer
) -> None:
    app = new_app()
    errors = [call.error() for call in app.get_together(5)]
    assert [error.status for error in errors] == [401] * 5
    (cause,) = {error.__cause__ for error in errors}
    assert isinstance(cause, RefreshError)
    assert app.signals.wait_for("login_required")["reason"] == "no_refresh_token"
    assert server.count(REFRESH) == 0
    assert app.close() == ["login_required"]


def test_rule_07_a_401_that_arrives_after_the_rejection_is_not_signalled_again(
    app: App, server: AuthServer
) -> None:
    lose_session(server)
    gate = server.hold("/late")
    late = app.get("/late")
    server.wait_for(1, "/late")
    cause = app.get("/items").error().__cause__
    gate.open()
    error = late.error()
    assert error.status == 401
    assert error.__cause__ is cause
    assert app.close() == ["login_required"]


def test_rule_07_an_anonymous_401_that_arrives_after_the_signal_is_not_signalled_again(
    new_app: NewApp, server: AuthServer
) -> None:
    app = new_app()
    gate = server.hold("/late")
    late = app.get("/late")
    server.wait_for(1, "/late")
    cause = app.get("/items").error().__cause__
    gate.open()
    assert late.error().__cause__ is cause
    assert app.close() == ["login_required"]


def test_rule_07_two_instances_over_one_store_are_told_once(
    new_app: NewApp, server: AuthServer
) -> None:
    first = new_app().login()
    second = new_app(store=first.store)
    lose_session(server)
    gate = server.hold("/items")
    calls = [app.get("/items") for app in (first, second) for _ in range(3)]
    server.wait_for(6, "/items")
    gate.open()
    assert len({call.error().__cause__ for call in calls}) == 1
    assert first.close() + second.close() == ["login_required"]


def test_rule_07_after_a_new_login_everything_works(app: App, server: AuthServer) -> None:
    lose_session(server)
    app.get("/items").error()
    app.login("bob")
    server.expire()
    assert app.get("/items").response().data["user"] == "bob"
    assert app.close() == ["login_required", "token_refreshed"]


def test_rule_07_another_refresh_token_of_the_same_session_is_adopted(
    app: App, server: AuthServer
) -> None:
    old = app.store.get_state()
    server.expire()
    server.answer(REFRESH, status=401)
    gate = server.hold(REFRESH)
    call = app.get("/items")
    server.wait_for(1, REFRESH)
    rotated = server.authority.refresh(old.refresh_token)
    app.store.set_state(
        {
            "access_token": rotated.access_token,
            "refresh_token": rotated.refresh_token,
            "session_id": old.session_id,
        }
    )
    gate.open()
    assert call.response().status == 200
    assert app.tokens == (rotated.access_token, rotated.refresh_token)
    assert (app.stats.adopted, app.stats.rejected) == (1, 0)
    assert app.close() == []


def test_rule_07_another_access_token_beside_the_rejected_refresh_token_saves_nothing(
    app: App, server: AuthServer
) -> None:
    server.expire()
    server.answer(REFRESH, status=401)
    gate = server.hold(REFRESH)
    call = app.get("/items")
    server.wait_for(1, REFRESH)
    app.store.set_state({"access_token": "another"})
    gate.open()
    assert call.error().status == 401
    assert app.tokens == (None, None)
    assert app.close() == ["login_required"]


def rejected_by_httpx() -> TokenPair:
    response = httpx.Response(403, request=httpx.Request("POST", "http://host/refresh"))
    response.raise_for_status()
    raise AssertionError


def rejected_by_its_own_word() -> TokenPair:
    raise RefreshError("the account is locked", rejected=True)


@pytest.mark.parametrize("rejected", [rejected_by_httpx, rejected_by_its_own_word])
def test_rule_07_a_refresh_of_ones_own_says_so_by_what_it_raises(
    new_app: NewApp, server: AuthServer, rejected: Callable[[], TokenPair]
) -> None:
    app = new_app(refresh=lambda _: rejected()).login()
    server.expire()
    cause = app.get("/items").error().__cause__
    assert isinstance(cause, RefreshError)
    assert cause.rejected
    assert app.signals.wait_for("login_required")["reason"] == "refresh_rejected"
    assert app.tokens == (None, None)


def test_rule_07_a_visitor_without_a_session_is_asked_for_once(
    new_app: NewApp, kind: type[Client], server: AuthServer
) -> None:
    own = OwnRefresh(kind)
    app = own.app = new_app(refresh=own.function)
    server.answer(REFRESH, status=400)
    errors = [app.get("/items").error() for _ in range(3)]
    assert [error.status for error in errors] == [401] * 3
    assert server.count(REFRESH) == 1
    assert app.close() == ["login_required"]


class MadeAnew(HandWritten):
    """A store that makes its state anew at each look."""

    def get_state(self) -> Any:
        state = super().get_state()
        return {"access_token": state.access_token, "refresh_token": state.refresh_token}


def test_rule_07_a_visitor_is_asked_for_once_also_if_each_look_makes_a_state(
    new_app: NewApp, kind: type[Client], server: AuthServer
) -> None:
    own = OwnRefresh(kind)
    kind_of_store = STORE_KINDS["hand-written"]
    app = own.app = new_app(store=MadeAnew(), store_kind=kind_of_store, refresh=own.function)
    server.answer(REFRESH, status=400)
    for _ in range(3):
        assert app.get("/items").error().status == 401
    assert server.count(REFRESH) == 1
    assert app.close() == ["login_required"]


def test_rule_07_a_rejected_refresh_of_ones_own_without_a_refresh_token_was_rejected(
    new_app: NewApp,
) -> None:
    app = new_app(refresh=lambda _: rejected_by_its_own_word())
    assert app.get("/items").error().status == 401
    assert app.signals.wait_for("login_required")["reason"] == "refresh_rejected"


@pytest.mark.parametrize("looks", [1, 2, 3, 4])
def test_rule_07_a_user_who_logs_in_in_the_same_instant_is_not_logged_out(
    new_app: NewApp, server: AuthServer, looks: int
) -> None:
    """``looks``: how often the rejection has looked at the store by then."""

    def refresh(_refresh_token: str | None) -> TokenPair:
        app.store.after_next_look(lambda: app.login("bob"), looks)
        return rejected_by_its_own_word()

    app = new_app(store=InterruptedUserStore(), refresh=refresh).login("ada")
    lose_session(server)
    assert app.get("/items").error().status == 401
    assert app.get("/items").response().data["user"] == "bob"
    assert app.stats.rejected == 0
    assert app.close() == []
