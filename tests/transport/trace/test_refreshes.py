"""A trace shows the refreshes that calls start, who waits for them, and what is sent again."""

from __future__ import annotations

import asyncio
from typing import Any

from zustax.transport import Trace, record

from ...support.app import App
from ...support.clients import TaskCall
from ...support.server import REFRESH, AuthServer
from ...support.waiting import wait_until
from ..conftest import only_async
from .conftest import NewApp
from .reading import counts, kinds

STORM = 20


def own_calls(trace: Trace) -> list[Any]:
    """The calls that are no part of a refresh."""
    return [call for call in trace.calls if call.refresh is None]


def refresh_outcomes(trace: Trace) -> list[str | None]:
    return [event.outcome for event in trace.events if event.kind == "refresh_ended"]


def test_a_storm_of_401_is_one_refresh_and_a_wait_and_a_replay_for_each(
    app: App, server: AuthServer
) -> None:
    server.expire()
    with record(app.api) as trace:
        for call in app.get_together(STORM):
            call.response()
    calls = own_calls(trace)
    assert [call.outcome for call in calls] == ["fulfilled"] * STORM
    assert [call.statuses for call in calls] == [(401, 200)] * STORM
    happened = counts(trace)
    assert happened["refresh_started"] == happened["refresh_ended"] == 1
    assert refresh_outcomes(trace) == ["renewed"]
    assert happened["waiting"] == happened["waited"] == app.stats.waited
    replays = [event for event in trace.events if event.kind == "sent" and event.is_replay]
    assert len(replays) == app.stats.replayed == STORM


def test_a_call_that_meets_a_401_waits_and_is_sent_again(app: App, server: AuthServer) -> None:
    server.expire()
    with record(app.api) as trace:
        app.get("/items").response()
    (call,) = own_calls(trace)
    assert kinds(call.events) == [
        "started",
        "sent",
        "received",
        "refresh_started",
        "waiting",
        "waited",
        "sent",
        "received",
        "ended",
    ]
    assert [(span.kind, span.status or span.refresh) for span in call.spans] == [
        ("request", 401),
        ("refresh", 1),
        ("request", 200),
    ]


def test_the_refresh_call_is_a_call_of_its_own(app: App, server: AuthServer) -> None:
    server.expire()
    with record(app.api) as trace:
        app.get("/items").response()
    (call,) = (call for call in trace.calls if call.refresh is not None)
    assert (call.method, call.url) == ("POST", f"{server.url}{REFRESH}")
    assert (call.refresh, call.statuses) == (1, (200,))
    assert str(call.events[0]).endswith(" for refresh 1")


def test_a_refresh_has_ended_before_anybody_is_said_to_go_on(app: App, server: AuthServer) -> None:
    server.expire()
    with record(app.api) as trace:
        for call in app.get_together(STORM):
            call.response()
    in_order = [event.kind for event in trace.events]
    assert in_order.index("refresh_ended") < in_order.index("waited")


def test_a_request_that_starts_during_a_refresh_waits_before_it_is_sent(
    app: App, server: AuthServer
) -> None:
    server.expire()
    gate = server.hold(REFRESH)
    with record(app.api) as trace:
        calls = [app.get("/items")]
        server.wait_for(1, REFRESH)
        calls.append(app.get("/late"))
        app.wait_for_waiting(2)
        gate.open()
        for call in calls:
            call.response()
    late = own_calls(trace)[1]
    assert kinds(late.events) == ["started", "waiting", "waited", "sent", "received", "ended"]


def test_each_refresh_has_a_number(app: App, server: AuthServer) -> None:
    with record(app.api) as trace:
        for _ in range(2):
            server.expire()
            app.get("/items").response()
    started = [event.refresh for event in trace.events if event.kind == "refresh_started"]
    waited = [event.refresh for event in trace.events if event.kind == "waited"]
    assert started == waited == [1, 2]


def test_a_refresh_that_fails_leaves_each_call_with_its_401(app: App, server: AuthServer) -> None:
    server.expire()
    server.answer(REFRESH, status=503)
    with record(app.api) as trace:
        for call in app.get_together(3):
            call.error()
    assert set(refresh_outcomes(trace)) == {"failed"}
    assert [call.statuses for call in own_calls(trace)] == [(401,)] * 3
    assert {str(call.events[-1]) for call in own_calls(trace)} == {
        "ended: rejected ERR_BAD_REQUEST 401"
    }


def test_a_refresh_that_is_rejected_says_so(app: App, server: AuthServer) -> None:
    server.expire()
    server.answer(REFRESH, status=401)
    with record(app.api) as trace:
        app.get("/items").error()
    assert refresh_outcomes(trace) == ["rejected"]


def test_a_refresh_whose_session_has_ended_is_discarded(app: App, server: AuthServer) -> None:
    server.expire()
    gate = server.hold(REFRESH)
    with record(app.api) as trace:
        call = app.get("/items")
        server.wait_for(1, REFRESH)
        app.logout()
        gate.open()
        call.error()
    assert refresh_outcomes(trace) == ["discarded"]


def test_a_call_that_a_refresh_function_makes_is_a_part_of_the_refresh(
    new_app: NewApp, server: AuthServer
) -> None:
    def refused(_refresh_token: str | None) -> Any:
        return app.api.get("/custom")

    app = new_app(refresh=refused).login()
    server.expire()
    server.answer("/custom", status=401)
    with record(app.api) as trace:
        app.get("/items").error()
    (call,) = (call for call in trace.calls if call.refresh is not None)
    assert (call.url, call.statuses) == (f"{server.url}/custom", (401,))


@only_async
def test_a_refresh_goes_on_when_the_call_that_started_it_is_cancelled(
    app: App, server: AuthServer
) -> None:
    server.expire()
    gate = server.hold(REFRESH)
    with record(app.api) as trace:
        leader = app.get("/items")
        server.wait_for(1, REFRESH)
        waiter = app.get("/others")
        app.wait_for_waiting(2)
        assert isinstance(leader, TaskCall)
        leader.cancel()
        assert isinstance(leader.failure(), asyncio.CancelledError)
        gate.open()
        waiter.response()
    first, second = own_calls(trace)
    assert (first.outcome, second.outcome) == ("cancelled", "fulfilled")
    assert kinds(first.events)[-2:] == ["waited", "ended"]
    assert refresh_outcomes(trace) == ["renewed"]


def test_a_refresh_that_outlives_the_record_is_not_recorded_to_its_end(
    app: App, server: AuthServer
) -> None:
    server.expire()
    gate = server.hold(REFRESH)
    with record(app.api) as trace:
        call = app.get("/items")
        server.wait_for(1, REFRESH)
        wait_until(lambda: counts(trace)["waiting"])
    gate.open()
    call.response()
    assert refresh_outcomes(trace) == []


def test_instances_over_one_store_wait_for_the_same_refresh(
    app: App, new_app: NewApp, server: AuthServer
) -> None:
    other = new_app(store=app.store)
    server.expire()
    gate = server.hold(REFRESH)
    with record(app.api, other.api) as trace:
        calls = [app.get("/items")]
        server.wait_for(1, REFRESH)
        calls.append(other.get("/items"))
        other.wait_for_waiting(1)
        gate.open()
        for call in calls:
            call.response()
    assert [event.refresh for event in trace.events if event.kind == "waiting"] == [1, 1]
    assert [call.events[0].instance for call in own_calls(trace)] == [0, 1]
