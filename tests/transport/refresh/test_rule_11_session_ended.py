"""Somebody logs out, or somebody else in, while a refresh runs: it is as if it had never begun."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from zustax.transport import RefreshError, TokenPair

from ...support.app import App
from ...support.server import REFRESH, AuthServer
from ...support.stores import STORE_KINDS, StoreKind
from .conftest import NewApp
from .interrupted_stores import InterruptedHandWritten, InterruptedUserStore


def logout(app: App) -> None:
    app.logout()


def login_as_another(app: App) -> None:
    app.login("bob")


def login_anew(app: App) -> None:
    app.logout()
    app.login("ada")


ENDINGS = [logout, login_as_another, login_anew]

#: What the server answers to the refresh call of the session that has ended.
ANSWERS: dict[str, Callable[[AuthServer], None]] = {
    "refreshed": lambda server: None,
    "rejected": lambda server: server.answer(REFRESH, status=401),
    "failed": lambda server: server.answer(REFRESH, status=503),
}

every_store = pytest.mark.parametrize("store_kind", STORE_KINDS.values(), ids=STORE_KINDS)
every_ending = pytest.mark.parametrize("end_session", ENDINGS)
every_answer = pytest.mark.parametrize("tell", ANSWERS.values(), ids=ANSWERS)


@every_store
@every_ending
@every_answer
def test_rule_11_the_result_is_thrown_away_and_the_old_requests_raise_their_own_401(
    new_app: NewApp,
    server: AuthServer,
    store_kind: StoreKind,
    end_session: Callable[[App], None],
    tell: Callable[[AuthServer], None],
) -> None:
    app = new_app(store_kind=store_kind).login("ada")
    server.expire()
    tell(server)
    gate = server.hold(REFRESH)
    calls = app.get_together(3)
    app.wait_for_waiting(3)
    server.wait_for(1, REFRESH)
    end_session(app)
    expected = app.tokens
    gate.open()
    errors = [call.error() for call in calls]
    assert [error.status for error in errors] == [401] * 3
    assert [error.__cause__ for error in errors] == [None] * 3
    assert app.close() == []
    assert app.tokens == expected
    assert server.count("/items") == 3


@every_ending
def test_rule_11_a_request_that_waited_to_leave_was_never_sent(
    app: App, server: AuthServer, end_session: Callable[[App], None]
) -> None:
    server.expire()
    gate = server.hold(REFRESH)
    app.get("/items")
    server.wait_for(1, REFRESH)
    started = app.get("/new")
    app.wait_for_waiting(2)
    end_session(app)
    gate.open()
    error = started.error()
    assert error.response is None
    assert not error.request_was_sent
    assert isinstance(error.__cause__, RefreshError)
    assert server.count("/new") == 0


@every_store
def test_rule_11_requests_of_the_new_session_do_not_wait_for_the_old_refresh(
    new_app: NewApp, server: AuthServer, store_kind: StoreKind
) -> None:
    app = new_app(store_kind=store_kind).login("ada")
    server.expire()
    gate = server.hold(REFRESH)
    old = app.get("/items")
    server.wait_for(1, REFRESH)
    app.login("bob")
    assert app.get("/items").response().data["user"] == "bob"
    gate.open()
    assert old.error().status == 401
    assert app.get("/items").response().data["user"] == "bob"


@every_store
def test_rule_11_the_new_session_refreshes_while_the_old_refresh_is_still_running(
    new_app: NewApp, server: AuthServer, store_kind: StoreKind
) -> None:
    app = new_app(store_kind=store_kind).login("ada")
    server.expire()
    old_refresh = server.hold(REFRESH)
    old = app.get("/items")
    server.wait_for(1, REFRESH)
    app.login("bob")
    server.expire()
    server.hold(REFRESH).open()
    assert [call.response().data["user"] for call in app.get_together(3)] == ["bob"] * 3
    tokens = app.tokens
    old_refresh.open()
    assert old.error().status == 401
    assert app.close() == ["token_refreshed"]
    assert app.tokens == tokens
    assert server.count(REFRESH) == 2


def test_rule_11_the_old_refresh_may_end_while_that_of_the_new_session_is_running(
    app: App, server: AuthServer
) -> None:
    server.expire()
    old_refresh = server.hold(REFRESH)
    old = app.get("/items")
    server.wait_for(1, REFRESH)
    app.login("bob")
    server.expire()
    new_refresh = server.hold(REFRESH)
    new = app.get("/items")
    server.wait_for(2, REFRESH)
    old_refresh.open()
    assert old.error().status == 401
    started = app.get("/new")
    app.wait_for_waiting(3)
    new_refresh.open()
    assert new.response().data["user"] == started.response().data["user"] == "bob"
    assert app.close() == ["token_refreshed"]


@every_ending
def test_rule_11_a_401_whose_session_has_ended_meanwhile_is_raised_as_it_is(
    app: App, server: AuthServer, end_session: Callable[[App], None]
) -> None:
    server.expire()
    gate = server.hold("/late")
    late = app.get("/late")
    server.wait_for(1, "/late")
    end_session(app)
    gate.open()
    error = late.error()
    assert (error.status, error.__cause__) == (401, None)
    assert server.count(REFRESH) == 0
    assert app.close() == []


def test_rule_11_a_401_to_a_request_without_a_token_is_raised_as_it_is_after_a_login(
    new_app: NewApp, server: AuthServer
) -> None:
    app = new_app()
    gate = server.hold("/late")
    late = app.get("/late")
    server.wait_for(1, "/late")
    app.login("bob")
    gate.open()
    error = late.error()
    assert (error.status, error.__cause__) == (401, None)
    assert app.close() == []


def test_rule_11_an_earlier_rejection_is_no_cause_of_a_401_that_is_raised_as_it_is(
    new_app: NewApp, server: AuthServer
) -> None:
    app = new_app()
    app.get("/items").error()
    gate = server.hold("/late")
    late = app.get("/late")
    server.wait_for(1, "/late")
    app.login("bob")
    gate.open()
    assert late.error().__cause__ is None


def test_rule_11_what_the_caller_changes_within_the_session_does_not_end_it(
    app: App, server: AuthServer
) -> None:
    server.expire()
    gate = server.hold(REFRESH)
    call = app.get("/items")
    server.wait_for(1, REFRESH)
    app.store.set_state({"expires_at": 7.0})
    gate.open()
    assert call.response().status == 200


def test_rule_11_a_listener_that_logs_out_as_the_tokens_are_stored_has_logged_out(
    app: App, server: AuthServer
) -> None:
    def log_out(token: str | None, _before: str | None) -> None:
        if token is not None:
            app.logout()

    app.store.subscribe(lambda state: state.access_token, log_out)
    server.expire()
    assert [call.error().status for call in app.get_together(3)] == [401] * 3
    assert app.tokens == (None, None)
    assert server.count("/items") == 3


@every_ending
def test_rule_11_it_may_happen_in_the_instant_in_which_a_401_arrives(
    new_app: NewApp, server: AuthServer, end_session: Callable[[App], None]
) -> None:
    app = new_app(store=InterruptedUserStore()).login("ada")
    server.expire()
    gate = server.hold("/items")
    call = app.get("/items")
    server.wait_for(1, "/items")
    app.store.after_next_look(lambda: end_session(app))
    gate.open()
    error = call.error()
    assert (error.status, error.__cause__) == (401, None)
    assert server.count(REFRESH) == 0
    assert app.close() == []


@pytest.mark.parametrize("store", [InterruptedUserStore, InterruptedHandWritten])
@every_ending
def test_rule_11_it_may_happen_in_the_instant_in_which_the_refresh_ends(
    new_app: NewApp,
    server: AuthServer,
    store: type[InterruptedUserStore | InterruptedHandWritten],
    end_session: Callable[[App], None],
    caplog: pytest.LogCaptureFixture,
) -> None:
    expected: list[object] = []

    def end() -> None:
        end_session(app)
        expected.append(app.tokens)

    def refresh(refresh_token: str | None) -> TokenPair:
        tokens = server.authority.refresh(refresh_token or "")
        app.store.after_next_look(end)
        return TokenPair(tokens.access_token, tokens.refresh_token)

    kind = STORE_KINDS["UserStore" if store is InterruptedUserStore else "hand-written"]
    app = new_app(store=store(), store_kind=kind, refresh=refresh).login("ada")
    server.expire()
    assert app.get("/items").error().status == 401
    assert [app.tokens] == expected
    assert app.close() == []
    assert [record.message for record in caplog.records if record.levelname == "ERROR"] == []
