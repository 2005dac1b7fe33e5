"""A request that is cancelled or aborted is cancelled alone: the refresh goes on for the others."""

from __future__ import annotations

import asyncio
import gc
import warnings
from collections.abc import Callable
from typing import Any

import pytest
from attrs import define, field
from zustax.transport import AbortController, CanceledError, Instance, TokenPair, token_refreshed

from ...support.app import App
from ...support.clients import Call, TaskCall
from ...support.server import REFRESH, AuthServer
from ...support.waiting import until
from .conftest import NewApp, only_async

ENDS = ["leader", "waiter"]


def start_leader_and_waiter(
    app: App, server: AuthServer, controller: AbortController, aborted: str
) -> tuple[dict[str, Call], Callable[[], None]]:
    """Two requests that wait for a refresh which the first began; and what lets it end."""
    server.expire()
    gate = server.hold(REFRESH)
    signals = {name: controller.signal if name == aborted else None for name in ENDS}
    calls = {"leader": app.get("/items", signal=signals["leader"])}
    server.wait_for(1, REFRESH)
    calls["waiter"] = app.get("/items", signal=signals["waiter"])
    app.wait_for_waiting(2)
    return calls, gate.open


@pytest.mark.parametrize("aborted", ENDS)
def test_rule_10_aborting_one_request_aborts_it_alone(
    app: App, server: AuthServer, aborted: str
) -> None:
    controller = AbortController()
    calls, let_refresh_end = start_leader_and_waiter(app, server, controller, aborted)
    controller.abort()
    error = calls.pop(aborted).error()
    assert isinstance(error, CanceledError)
    assert error.config is not None
    let_refresh_end()
    (other,) = calls.values()
    assert other.response().status == 200
    assert server.authority.verify(app.tokens[0] or "").number == 2
    assert app.close() == ["token_refreshed"]


@pytest.mark.parametrize("aborted", ENDS)
def test_rule_10_aborting_after_the_refresh_is_too_late(
    app: App, server: AuthServer, aborted: str
) -> None:
    controller = AbortController()
    calls, let_refresh_end = start_leader_and_waiter(app, server, controller, aborted)
    let_refresh_end()
    assert [call.response().status for call in calls.values()] == [200, 200]
    controller.abort()
    assert app.get("/items").response().status == 200


@pytest.mark.parametrize("cancelled", ENDS)
@only_async
def test_rule_10_cancelling_one_request_cancels_it_alone(
    app: App, server: AuthServer, cancelled: str
) -> None:
    calls, let_refresh_end = start_leader_and_waiter(app, server, AbortController(), "")
    task = calls.pop(cancelled)
    assert isinstance(task, TaskCall)
    task.cancel()
    assert isinstance(task.failure(), asyncio.CancelledError)
    let_refresh_end()
    (other,) = calls.values()
    assert other.response().status == 200
    assert server.count(REFRESH) == 1
    assert app.close() == ["token_refreshed"]


@only_async
def test_rule_10_with_all_requests_cancelled_the_result_is_still_stored(
    app: App, server: AuthServer
) -> None:
    old = app.tokens
    calls, let_refresh_end = start_leader_and_waiter(app, server, AbortController(), "")
    for call in calls.values():
        assert isinstance(call, TaskCall)
        call.cancel()
        call.failure()
    let_refresh_end()
    app.signals.wait_for("token_refreshed")
    assert app.tokens != old
    assert app.get("/items").response().status == 200
    assert server.count(REFRESH) == 1


def test_rule_10_with_all_requests_aborted_the_result_is_still_stored(
    app: App, server: AuthServer
) -> None:
    server.expire()
    gate = server.hold(REFRESH)
    controller = AbortController()
    calls = [app.get("/items", signal=controller.signal) for _ in range(3)]
    app.wait_for_waiting(3)
    controller.abort()
    assert [type(call.error()) for call in calls] == [CanceledError] * 3
    gate.open()
    app.signals.wait_for("token_refreshed")
    assert app.get("/items").response().status == 200
    assert server.count(REFRESH) == 1


def test_rule_10_a_request_that_waits_to_leave_can_be_aborted(app: App, server: AuthServer) -> None:
    server.expire()
    gate = server.hold(REFRESH)
    expired = app.get("/items")
    server.wait_for(1, REFRESH)
    controller = AbortController()
    started = app.get("/new", signal=controller.signal)
    app.wait_for_waiting(2)
    controller.abort()
    assert isinstance(started.error(), CanceledError)
    gate.open()
    assert expired.response().status == 200
    assert server.count("/new") == 0


@only_async
def test_rule_10_a_timeout_around_a_request_that_waits_ends_that_request_alone(
    app: App, server: AuthServer
) -> None:
    async def impatient(api: Instance) -> None:
        async with asyncio.timeout(0.05):
            await api.get("/new")

    server.expire()
    gate = server.hold(REFRESH)
    expired = app.get("/items")
    server.wait_for(1, REFRESH)
    assert isinstance(app.client.start(impatient).failure(), TimeoutError)
    gate.open()
    assert expired.response().status == 200
    assert server.count("/new") == 0


@only_async
def test_rule_10_a_request_that_is_both_aborted_and_cancelled_is_cancelled(
    app: App, server: AuthServer
) -> None:
    controller = AbortController()

    async def both(api: Instance) -> None:
        request = asyncio.ensure_future(api.get("/items", signal=controller.signal))
        await until(lambda: server.count(REFRESH) == 1)
        controller.abort()
        request.cancel()
        await request

    server.expire()
    gate = server.hold(REFRESH)
    assert isinstance(app.client.start(both).failure(), asyncio.CancelledError)
    gate.open()
    assert app.get("/items").response().status == 200


# --- both sides of the moment in which the refresh ends, within one turn of the event loop ---


@define
class Moment:
    """A refresh that ends when it is told to, and the request that is cancelled about then."""

    server: AuthServer
    began: asyncio.Event = field(factory=asyncio.Event)
    ends: asyncio.Event = field(factory=asyncio.Event)
    victim: asyncio.Task[Any] | None = None

    async def refresh(self, refresh_token: str | None) -> TokenPair:
        self.began.set()
        await self.ends.wait()
        tokens = self.server.authority.refresh(refresh_token or "")
        return TokenPair(tokens.access_token, tokens.refresh_token)

    def cancel(self) -> None:
        assert self.victim is not None
        self.victim.cancel()


def cancelled_first(_app: App, moment: Moment) -> None:
    moment.cancel()
    moment.ends.set()


def ended_first(_app: App, moment: Moment) -> None:
    moment.ends.set()
    moment.cancel()


def cancelled_as_the_tokens_are_stored(app: App, moment: Moment) -> None:
    app.store.subscribe(lambda _state, _before: moment.cancel())
    moment.ends.set()


def cancelled_as_the_requests_are_released(app: App, moment: Moment) -> None:
    token_refreshed.connect(lambda _sender, tokens: moment.cancel(), app.api)
    moment.ends.set()


@only_async
@pytest.mark.parametrize("cancelled", ENDS)
@pytest.mark.parametrize(
    "happens",
    [
        cancelled_first,
        ended_first,
        cancelled_as_the_tokens_are_stored,
        cancelled_as_the_requests_are_released,
    ],
)
def test_rule_10_in_whichever_order_the_refresh_ends_and_a_request_is_cancelled(
    new_app: NewApp,
    server: AuthServer,
    happens: Callable[[App, Moment], None],
    cancelled: str,
) -> None:
    moment = Moment(server)
    app = new_app(refresh=moment.refresh).login()
    server.expire()

    async def scenario(api: Instance) -> dict[str, Any]:
        tasks = {"leader": asyncio.ensure_future(api.get("/items"))}
        await moment.began.wait()
        tasks["waiter"] = asyncio.ensure_future(api.get("/items"))
        await until(lambda: app.stats.waited == 2)
        moment.victim = tasks[cancelled]
        happens(app, moment)
        outcomes = await asyncio.gather(*tasks.values(), return_exceptions=True)
        return dict(zip(tasks, outcomes, strict=True))

    outcomes = app.client.call(scenario)
    assert isinstance(outcomes.pop(cancelled), asyncio.CancelledError)
    (other,) = outcomes.values()
    assert other.status == 200
    assert server.authority.verify(app.tokens[0] or "").number == 2
    assert server.count("/items") == 2


@pytest.mark.parametrize("aborted", ENDS)
def test_rule_10_aborting_one_request_as_the_tokens_are_stored_aborts_it_alone(
    app: App, server: AuthServer, aborted: str
) -> None:
    controller = AbortController()
    calls, let_refresh_end = start_leader_and_waiter(app, server, controller, aborted)
    app.store.subscribe(lambda _state, _before: controller.abort())
    let_refresh_end()
    assert isinstance(calls.pop(aborted).error(), CanceledError)
    (other,) = calls.values()
    assert other.response().status == 200


@pytest.mark.parametrize("how", ["abort", "cancel"])
def test_rule_10_cancelling_while_a_refused_stream_waits_gives_the_stream_back(
    app: App, server: AuthServer, how: str
) -> None:
    """What is never closed is warned of when it is collected."""
    server.expire()
    server.answer("/items", status=401, body=b"x" * 100_000, times=1)
    controller = AbortController()
    gate = server.hold(REFRESH)
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        call = app.get("/items", response_type="stream", signal=controller.signal)
        app.wait_for_waiting(1)
        if how == "cancel" and isinstance(call, TaskCall):
            call.cancel()
        else:
            controller.abort()
        assert isinstance(call.failure(), (CanceledError, asyncio.CancelledError))
        gate.open()
        del call
        gc.collect()
        assert app.get("/items").response().status == 200
    assert [str(one.message) for one in warned if one.category is ResourceWarning] == []
