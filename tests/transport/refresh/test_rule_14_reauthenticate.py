"""A rejected refresh asks the user to log in before anybody is told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from zustax.transport import AbortController, CanceledError, RefreshError, Response, TokenPair
from zustax.transport.testing import IssuedTokens

from ...support.clients import Client
from ...support.server import LOGIN, REFRESH, USERS, AuthServer
from ...support.stores import STORE_KINDS, StoreKind
from .conftest import NewApp, only_async
from .dialog import Dialog
from .interrupted_stores import InterruptedUserStore

LEFT_ALONE = {"silent_refresh": False}


def pair(tokens: IssuedTokens) -> TokenPair:
    return TokenPair(tokens.access_token, tokens.refresh_token)


@pytest.fixture
def dialog(server: AuthServer, kind: type[Client]) -> Dialog:
    """A dialog in which ada logs in again."""
    return Dialog(kind, lambda: pair(server.login("ada")))


def lose_session(server: AuthServer) -> None:
    server.authority.revoke_all()


@pytest.mark.parametrize("store_kind", STORE_KINDS.values(), ids=STORE_KINDS)
def test_rule_14_the_waiting_requests_are_held_and_replayed_when_the_user_logs_in(
    new_app: NewApp, server: AuthServer, dialog: Dialog, store_kind: StoreKind
) -> None:
    app = new_app(store_kind=store_kind, reauthenticate=dialog.function).login()
    lose_session(server)
    calls = app.get_together(3)
    app.wait_for_waiting(3)
    calls.append(app.get("/new"))
    app.wait_for_waiting(4)
    assert not any(call.is_done for call in calls)
    dialog.close()
    assert [call.response().status for call in calls] == [200] * 4
    assert dialog.times_asked == 1
    assert server.authority.verify(app.tokens[0] or "").username == "ada"
    assert "login_required" not in app.close()


def test_rule_14_the_store_knows_that_somebody_is_logged_in(
    new_app: NewApp, server: AuthServer, dialog: Dialog
) -> None:
    app = new_app(reauthenticate=dialog.function).login()
    session = app.store.get_state().session_id
    lose_session(server)
    dialog.close()
    app.get("/items").response()
    assert app.store.get_state().is_login
    assert app.store.get_state().session_id not in (None, session)


def test_rule_14_requests_without_a_token_are_held_too(new_app: NewApp, dialog: Dialog) -> None:
    app = new_app(reauthenticate=dialog.function)
    calls = app.get_together(3)
    app.wait_for_waiting(3)
    dialog.close()
    assert [call.response().status for call in calls] == [200] * 3
    assert dialog.times_asked == 1


def raises() -> None:
    raise LookupError("the dialog is broken")


@pytest.mark.parametrize(
    "answer",
    [lambda: None, lambda: "token", lambda: {"access_token": "a"}, lambda: False, raises],
    ids=["None", "a str", "a dict", "False", "an exception"],
)
def test_rule_14_without_a_pair_it_is_given_up_as_without_a_dialog(
    new_app: NewApp, kind: type[Client], server: AuthServer, answer: Callable[[], Any]
) -> None:
    dialog = Dialog(kind, answer)
    app = new_app(reauthenticate=dialog.function).login()
    lose_session(server)
    calls = app.get_together(3)
    app.wait_for_waiting(3)
    dialog.close()
    errors = [call.error() for call in calls]
    assert [error.status for error in errors] == [401] * 3
    (cause,) = {error.__cause__ for error in errors}
    assert isinstance(cause, RefreshError)
    assert cause.rejected
    assert app.tokens == (None, None)
    assert dialog.times_asked == 1
    assert app.signals.wait_for("login_required")["reason"] == "refresh_rejected"
    assert app.close() == ["login_required"]


@only_async
def test_rule_14_a_dialog_that_was_cancelled_gives_no_pair(
    new_app: NewApp, kind: type[Client], server: AuthServer
) -> None:
    def dismissed() -> None:
        raise asyncio.CancelledError

    dialog = Dialog(kind, dismissed)
    dialog.close()
    app = new_app(reauthenticate=dialog.function).login()
    lose_session(server)
    assert app.get("/items").error().status == 401
    assert app.tokens == (None, None)
    assert app.close() == ["login_required"]


def test_rule_14_a_failure_of_the_refresh_asks_nobody(
    new_app: NewApp, server: AuthServer, dialog: Dialog
) -> None:
    app = new_app(reauthenticate=dialog.function).login()
    server.expire()
    server.answer(REFRESH, status=503)
    app.get("/items").error()
    assert dialog.times_asked == 0


def test_rule_14_the_next_rejection_asks_again(
    new_app: NewApp, server: AuthServer, dialog: Dialog
) -> None:
    app = new_app(reauthenticate=dialog.function).login()
    dialog.close()
    for times in (1, 2):
        lose_session(server)
        assert app.get("/items").response().status == 200
        assert dialog.times_asked == times


@only_async
def test_rule_14_it_may_be_plain_under_an_asynchronous_instance(
    new_app: NewApp, server: AuthServer
) -> None:
    app = new_app(reauthenticate=lambda: pair(server.login("ada"))).login()
    lose_session(server)
    assert app.get("/items").response().status == 200


def test_rule_14_the_timeout_does_not_bound_it(
    new_app: NewApp, server: AuthServer, dialog: Dialog
) -> None:
    app = new_app(reauthenticate=dialog.function, timeout=0.1).login()
    lose_session(server)
    call = app.get("/items")
    dialog.wait_until_asked()
    server.hold("/slow")
    app.get("/slow", timeout=1.3, extra=LEFT_ALONE).error()
    assert not call.is_done
    dialog.close()
    assert call.response().status == 200


@pytest.mark.parametrize("extra", [LEFT_ALONE, {}], ids=["marked", "unmarked"])
def test_rule_14_it_may_log_in_through_the_same_instance(
    new_app: NewApp, kind: type[Client], server: AuthServer, extra: dict[str, Any]
) -> None:
    credentials = {"username": "ada", "password": USERS["ada"]}

    def pair_in(response: Response) -> TokenPair:
        return TokenPair(response.data["access_token"], response.data["refresh_token"])

    async def asynchronous() -> TokenPair:
        api: Any = app.api
        return pair_in(await api.post(LOGIN, credentials, extra=extra))

    def plain() -> TokenPair:
        api: Any = app.api
        return pair_in(api.post(LOGIN, credentials, extra=extra))

    app = new_app(reauthenticate=asynchronous if kind.is_async else plain).login()
    lose_session(server)
    assert app.get("/items").response().status == 200
    (login,) = server.seen(LOGIN)
    assert login.authorization is None


def test_rule_14_it_may_have_logged_in_at_the_store_itself(
    new_app: NewApp, kind: type[Client], server: AuthServer
) -> None:
    def log_in() -> TokenPair:
        tokens = server.login("ada")
        app.store.login(tokens.access_token, tokens.refresh_token)
        return pair(tokens)

    dialog = Dialog(kind, log_in)
    dialog.close()
    app = new_app(reauthenticate=dialog.function).login()
    lose_session(server)
    assert app.get("/items").response().status == 200
    assert "login_required" not in app.close()


def test_rule_14_a_request_that_it_makes_after_logging_in_at_the_store_carries_the_new_token(
    new_app: NewApp, kind: type[Client], server: AuthServer
) -> None:
    def log_in() -> TokenPair:
        tokens = server.login("ada")
        app.store.login(tokens.access_token, tokens.refresh_token)
        return pair(tokens)

    async def asynchronous() -> TokenPair:
        api: Any = app.api
        tokens = log_in()
        await api.get("/me")
        return tokens

    def plain() -> TokenPair:
        api: Any = app.api
        tokens = log_in()
        api.get("/me")
        return tokens

    app = new_app(reauthenticate=asynchronous if kind.is_async else plain).login()
    lose_session(server)
    assert app.get("/items").response().status == 200
    assert server.seen("/me")[0].token == app.tokens[0]


def test_rule_14_a_logout_meanwhile_stays(
    new_app: NewApp, server: AuthServer, dialog: Dialog
) -> None:
    app = new_app(reauthenticate=dialog.function).login()
    lose_session(server)
    calls = app.get_together(3)
    app.wait_for_waiting(3)
    dialog.wait_until_asked()
    app.logout()
    dialog.close()
    assert [call.error().status for call in calls] == [401] * 3
    assert app.tokens == (None, None)
    assert app.close() == []


def test_rule_14_somebody_who_logs_in_meanwhile_stays_and_need_not_wait(
    new_app: NewApp, server: AuthServer, dialog: Dialog
) -> None:
    app = new_app(reauthenticate=dialog.function).login("ada")
    lose_session(server)
    old = app.get("/items")
    dialog.wait_until_asked()
    app.login("bob")
    assert app.get("/items").response().data["user"] == "bob"
    dialog.close()
    assert old.error().status == 401
    assert app.get("/items").response().data["user"] == "bob"
    assert app.close() == []


def test_rule_14_a_logout_in_the_instant_of_the_answer_stays(
    new_app: NewApp, kind: type[Client], server: AuthServer
) -> None:
    def log_in() -> TokenPair:
        app.store.after_next_look(app.logout)
        return pair(server.login("ada"))

    dialog = Dialog(kind, log_in)
    dialog.close()
    app = new_app(store=InterruptedUserStore(), reauthenticate=dialog.function).login()
    lose_session(server)
    assert app.get("/items").error().status == 401
    assert app.tokens == (None, None)


def test_rule_14_a_request_can_be_aborted_while_the_dialog_is_open(
    new_app: NewApp, server: AuthServer, dialog: Dialog
) -> None:
    app = new_app(reauthenticate=dialog.function).login()
    lose_session(server)
    controller = AbortController()
    leader = app.get("/items", signal=controller.signal)
    dialog.wait_until_asked()
    waiter = app.get("/items")
    app.wait_for_waiting(2)
    controller.abort()
    assert isinstance(leader.error(), CanceledError)
    dialog.close()
    assert waiter.response().status == 200


def test_rule_14_closing_the_instance_does_not_wait_for_the_user(
    new_app: NewApp, server: AuthServer, dialog: Dialog
) -> None:
    app = new_app(reauthenticate=dialog.function).login()
    lose_session(server)
    controller = AbortController()
    call = app.get("/items", signal=controller.signal)
    dialog.wait_until_asked()
    controller.abort()
    call.error()
    app.close()
    assert app.store.get_state().is_login
    dialog.close()


def test_rule_14_a_401_that_arrives_after_the_answer_is_replayed_too(
    new_app: NewApp, kind: type[Client], server: AuthServer
) -> None:
    dialog = Dialog(kind, lambda: pair(server.login("ada")))
    dialog.close()
    app = new_app(reauthenticate=dialog.function).login()
    lose_session(server)
    gate = server.hold("/late")
    late = app.get("/late")
    server.wait_for(1, "/late")
    assert app.get("/items").response().status == 200
    gate.open()
    assert late.response().status == 200
