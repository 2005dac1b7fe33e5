"""Who listens can neither break a request nor delay it."""

from __future__ import annotations

import asyncio
import functools
import gc
import re
import threading
from collections.abc import Callable
from typing import Any

import pytest
from zustax.transport import (
    Instance,
    Signal,
    create_sync,
    login_required,
    refresh_failed,
    token_refreshed,
)

from ...support.app import App
from ...support.clients import Client
from ...support.server import REFRESH, AuthServer
from ...support.signals import SIGNALS
from ...support.waiting import BOUND, until, wait_until
from .conftest import NewApp, only_async, only_sync


def refreshed(app: App) -> None:
    app.server.expire()
    assert app.get("/items").response().status == 200


def failed(app: App) -> None:
    app.server.expire()
    app.server.answer(REFRESH, status=503, times=1)
    assert app.get("/items").error().status == 401


def rejected(app: App) -> None:
    app.server.authority.revoke_all()
    assert app.get("/items").error().status == 401


def still_unauthorized(app: App) -> None:
    app.server.answer("/forbidden", status=401)
    assert app.get("/forbidden").error().status == 401


#: What makes each signal be sent, to the end of a request.
OCCASIONS: dict[str, tuple[Callable[[App], None], Signal]] = {
    "refreshed": (refreshed, token_refreshed),
    "failed": (failed, refresh_failed),
    "rejected": (rejected, login_required),
    "still unauthorized": (still_unauthorized, login_required),
}

every_occasion = pytest.mark.parametrize(("happen", "signal"), OCCASIONS.values(), ids=OCCASIONS)


class MistakeError(Exception):
    """What a receiver or listener raises."""


def raises(*_args: object, **_details: object) -> None:
    raise MistakeError


# --- listeners of the store ---


@pytest.mark.parametrize("happen", [refreshed, failed, rejected, still_unauthorized])
def test_rule_17_a_listener_that_raises_changes_nothing_for_any_request(
    app: App, happen: Callable[[App], None]
) -> None:
    app.store.subscribe(raises)
    happen(app)


def test_rule_17_a_listener_that_raises_does_not_undo_the_refresh(
    app: App, server: AuthServer
) -> None:
    app.store.subscribe(raises)
    server.expire()
    assert [call.response().status for call in app.get_together(5)] == [200] * 5
    assert app.get("/items").response().status == 200
    assert server.count(REFRESH) == 1
    assert app.close() == ["token_refreshed"]


def test_rule_17_a_listener_that_raises_does_not_undo_the_logout(app: App) -> None:
    app.store.subscribe(raises)
    rejected(app)
    assert app.tokens == (None, None)
    assert app.close() == ["login_required"]


def test_rule_17_what_a_listener_raised_is_logged(
    app: App, caplog: pytest.LogCaptureFixture
) -> None:
    app.store.subscribe(raises)
    refreshed(app)
    assert MistakeError in logged_exceptions(caplog)


# --- receivers that raise ---


@every_occasion
def test_rule_17_a_receiver_that_raises_silences_no_other(
    app: App, happen: Callable[[App], None], signal: Signal
) -> None:
    received: list[str] = []
    signal.connect(lambda _sender, **_: received.append("before"), app.api)
    signal.connect(raises, app.api)
    signal.connect(lambda _sender, **_: received.append("after"), app.api)
    happen(app)
    app.close()
    assert received == ["before", "after"]


@every_occasion
def test_rule_17_what_a_receiver_raised_is_logged(
    app: App, happen: Callable[[App], None], signal: Signal, caplog: pytest.LogCaptureFixture
) -> None:
    signal.connect(raises, app.api)
    happen(app)
    app.close()
    assert logged_exceptions(caplog) == [MistakeError]


@only_async
def test_rule_17_what_an_async_receiver_raised_is_logged(
    app: App, caplog: pytest.LogCaptureFixture
) -> None:
    async def receiver(_sender: object, **_details: object) -> None:
        raise MistakeError

    token_refreshed.connect(receiver, app.api)
    refreshed(app)
    app.close()
    assert logged_exceptions(caplog) == [MistakeError]


# --- receivers that take their time ---


@only_sync
@every_occasion
def test_rule_17_a_receiver_that_blocks_delays_nobody(
    app: App, happen: Callable[[App], None], signal: Signal
) -> None:
    may_go_on = threading.Event()
    received: list[bool] = []
    signal.connect(lambda _sender, **_: received.append(may_go_on.wait(BOUND)), app.api)
    happen(app)
    app.login("bob")
    refreshed(app)
    assert received == []
    may_go_on.set()
    wait_until(lambda: True in received)


@only_async
@every_occasion
def test_rule_17_an_async_receiver_that_waits_delays_nobody(
    app: App, happen: Callable[[App], None], signal: Signal
) -> None:
    may_go_on = threading.Event()
    received: list[str] = []

    async def receiver(_sender: object, **_details: object) -> None:
        await until(may_go_on.is_set)
        received.append("received")

    signal.connect(receiver, app.api)
    happen(app)
    app.login("bob")
    refreshed(app)
    assert received == []
    may_go_on.set()
    wait_until(lambda: received)


@only_async
def test_rule_17_closing_does_not_wait_for_ever_for_an_async_receiver(app: App) -> None:
    ended: list[str] = []

    async def receiver(_sender: object, **_details: object) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("ended")

    token_refreshed.connect(receiver, app.api)
    refreshed(app)
    app.close()
    assert ended == ["ended"]


@only_async
def test_rule_17_an_async_receiver_may_close_the_instance(app: App) -> None:
    closed: list[str] = []

    async def receiver(sender: Instance, **_details: object) -> None:
        await sender.aclose()
        closed.append("closed")

    login_required.connect(receiver, app.api)
    rejected(app)
    wait_until(lambda: closed)


@only_sync
def test_rule_17_a_receiver_may_close_the_instance(app: App) -> None:
    closed: list[str] = []

    def receiver(sender: Any, **_details: object) -> None:
        sender.close()
        closed.append("closed")

    login_required.connect(receiver, app.api)
    rejected(app)
    wait_until(lambda: closed)


# --- receivers that make requests ---


def test_rule_17_a_receiver_may_make_requests_with_the_instance(
    app: App, kind: type[Client]
) -> None:
    users: list[str] = []

    async def asynchronous(sender: Any, **_details: object) -> None:
        users.append((await sender.get("/me")).data["user"])

    def plain(sender: Any, **_details: object) -> None:
        users.append(sender.get("/me").data["user"])

    token_refreshed.connect(asynchronous if kind.is_async else plain, app.api)
    refreshed(app)
    wait_until(lambda: users == ["ada"])


# --- which receivers are called ---


class AsyncCallable:
    """An object with an async ``__call__``."""

    def __init__(self) -> None:
        self.received = False

    async def __call__(self, _sender: object, **_details: object) -> None:
        self.received = True


@only_async
def test_rule_17_an_async_receiver_of_any_form_is_run(app: App) -> None:
    receiver = AsyncCallable()
    token_refreshed.connect(receiver, app.api)
    refreshed(app)
    wait_until(lambda: receiver.received)


@only_async
def test_rule_17_a_plain_receiver_that_gives_an_awaitable_is_run_to_its_end(app: App) -> None:
    receiver = AsyncCallable()
    token_refreshed.connect(lambda sender, **details: receiver(sender, **details), app.api)
    refreshed(app)
    wait_until(lambda: receiver.received)


@pytest.mark.parametrize("signal", SIGNALS.values(), ids=SIGNALS)
def test_rule_17_an_async_receiver_is_refused_on_a_synchronous_instance(signal: Signal) -> None:
    async def receiver(_sender: object, **_details: object) -> None:
        """Never called."""

    api = create_sync(base_url="http://127.0.0.1")
    for each in (receiver, AsyncCallable()):
        with pytest.raises(TypeError, match="plain function"):
            signal.connect(each, api)
    assert not signal.has_receivers_for(api)


@only_sync
def test_rule_17_an_async_receiver_for_any_sender_is_passed_over_by_a_synchronous_instance(
    app: App, caplog: pytest.LogCaptureFixture
) -> None:
    receiver = AsyncCallable()
    token_refreshed.connect(receiver)
    try:
        refreshed(app)
        assert app.close() == ["token_refreshed"]
    finally:
        token_refreshed.disconnect(receiver)
    assert not receiver.received
    assert logged_exceptions(caplog) == [TypeError]


def test_rule_17_receivers_are_called_in_the_order_in_which_they_connected(app: App) -> None:
    order: list[int] = []
    for number in range(20):
        token_refreshed.connect(lambda _sender, tokens, n=number: order.append(n), app.api)
    refreshed(app)
    app.close()
    assert order == list(range(20))


def test_rule_17_receivers_of_any_sender_and_of_this_one_keep_their_order(app: App) -> None:
    order: list[str] = []
    any_sender = token_refreshed.connect(lambda _sender, tokens: order.append("any"))
    token_refreshed.connect(lambda _sender, tokens: order.append("this"), app.api)
    try:
        refreshed(app)
        app.close()
    finally:
        token_refreshed.disconnect(any_sender)
    assert order == ["any", "this"]


def test_rule_17_a_receiver_that_nobody_else_refers_to_is_held(app: App) -> None:
    received: list[object] = []
    token_refreshed.connect(lambda _sender, tokens: received.append(tokens), app.api)
    gc.collect()
    refreshed(app)
    app.close()
    assert len(received) == 1


def test_rule_17_a_receiver_that_is_connected_weakly_is_forgotten(app: App) -> None:
    received: list[object] = []
    token_refreshed.connect(lambda _sender, tokens: received.append(tokens), app.api, weak=True)
    gc.collect()
    refreshed(app)
    app.close()
    assert received == []


def test_rule_17_a_receiver_of_another_instance_is_not_called(app: App, new_app: NewApp) -> None:
    other = new_app().login("bob")
    refreshed(app)
    app.close()
    assert other.close() == []


def test_rule_17_a_receiver_that_was_disconnected_is_not_called(app: App) -> None:
    received: list[object] = []
    receiver = token_refreshed.connect(lambda _sender, tokens: received.append(tokens), app.api)
    token_refreshed.disconnect(receiver, app.api)
    refreshed(app)
    app.close()
    assert received == []


def test_rule_17_a_receiver_must_be_callable() -> None:
    with pytest.raises(TypeError, match="callable"):
        token_refreshed.connect("receiver")  # type: ignore[type-var]  # pyright: ignore[reportArgumentType]


TOO_FEW: list[tuple[Signal, Callable[..., Any], str]] = [
    (login_required, lambda: None, "(sender, reason, error, config)"),
    (login_required, lambda sender, reason: None, "(sender, reason, error, config)"),
    (refresh_failed, lambda error: None, "(sender, error)"),
    (token_refreshed, lambda sender, pair: None, "(sender, tokens)"),
    (token_refreshed, lambda sender, tokens, more: None, "(sender, tokens)"),
]


@pytest.mark.parametrize(("signal", "receiver", "signature"), TOO_FEW)
def test_rule_17_a_receiver_that_could_not_be_called_is_refused(
    signal: Signal, receiver: Callable[..., Any], signature: str
) -> None:
    before = len(signal.receivers)
    with pytest.raises(TypeError, match=re.escape(f"takes {signature}")):
        signal.connect(receiver)
    assert len(signal.receivers) == before


class Window:
    def show_login(self, _sender: object, reason: str, **_details: object) -> None:
        """Called with the reason."""


@pytest.mark.parametrize(
    "receiver",
    [
        lambda sender, reason, error, config: None,
        lambda *sender, reason, **details: None,
        lambda sender, config, reason="", error=None, more=None: None,
        functools.partial(lambda text, sender, **details: None, "login"),
        Window().show_login,
        dict,  # which does not say what it takes
    ],
)
def test_rule_17_a_receiver_may_take_the_details_in_any_way(receiver: Callable[..., Any]) -> None:
    with login_required.connected_to(receiver):
        assert login_required.receivers


def logged_exceptions(caplog: pytest.LogCaptureFixture) -> list[type[BaseException] | None]:
    return [
        record.exc_info[0]
        for record in caplog.records
        if record.exc_info and record.name == "zustax"
    ]
