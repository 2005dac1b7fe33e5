"""What is recorded, for how long, and who is told."""

from __future__ import annotations

import logging
import threading
from contextlib import ExitStack
from typing import Any

import pytest
from zustax.transport import TraceEvent, create_sync, record

from ...support.clients import Client, SyncClient
from ...support.server import AuthServer
from ...support.waiting import BOUND
from ..conftest import only_async, only_sync
from .reading import kinds

EVENTS_OF_A_CALL = ["started", "sent", "received", "ended"]


@pytest.fixture(autouse=True)
def _open_server(server: AuthServer) -> None:
    server.answer("/open")


def get(client: Client, path: str = "/open") -> None:
    client.call(lambda api: api.get(path))


# --- when ---


def test_only_what_happens_in_the_block_is_recorded(client: Client) -> None:
    get(client)
    with record(client.api) as trace:
        get(client)
    get(client)
    assert kinds(trace.events) == EVENTS_OF_A_CALL
    assert client.api.observers == []


def test_a_call_that_goes_on_after_the_block_is_recorded_no_further(
    client: Client, server: AuthServer
) -> None:
    gate = server.hold("/open")
    told: list[str] = []
    with record(client.api, on_event=lambda event: told.append(event.kind)) as trace:
        call = client.start(lambda api: api.get("/open"))
        server.wait_for(1, "/open")
    gate.open()
    call.response()
    assert kinds(trace.events) == told == ["started", "sent"]


def test_a_call_that_began_before_the_block_is_not_recorded(
    client: Client, server: AuthServer
) -> None:
    gate = server.hold("/open")
    call = client.start(lambda api: api.get("/open"))
    server.wait_for(1, "/open")
    with record(client.api) as trace:
        gate.open()
        call.response()
    assert trace.events == ()
    assert str(trace) == "(nothing has happened)"


def test_an_exception_in_the_block_ends_the_record(client: Client) -> None:
    with pytest.raises(ZeroDivisionError), record(client.api) as trace:
        raise ZeroDivisionError
    get(client)
    assert trace.events == ()


# --- of whom ---


def same(value: Any) -> Any:
    return value


def pass_on(config: Any, proceed: Any) -> Any:
    return proceed(config)


def test_records_may_be_nested_and_see_the_same(client: Client) -> None:
    client.api.interceptors.request.use(same)
    client.api.interceptors.network.use(pass_on)
    client.api.interceptors.response.use(same)
    with record(client.api) as outer:
        get(client)
        with record(client.api) as inner:
            get(client)
    shown = [str(event) for event in inner.events]
    assert [str(event) for event in outer.events] == shown * 2
    assert kinds(inner.events) == EVENTS_OF_A_CALL
    assert "entered network 0 pass_on" in shown
    assert [call.number for call in outer.calls] == [1, 2]
    assert [call.number for call in inner.calls] == [1]


def test_records_may_end_in_any_order(client: Client) -> None:
    with ExitStack() as first, ExitStack() as second:
        earlier = first.enter_context(record(client.api))
        later = second.enter_context(record(client.api))
        first.close()
        get(client)
    assert earlier.events == ()
    assert kinds(later.events) == EVENTS_OF_A_CALL


def test_several_instances_are_recorded_together(client: Client, server: AuthServer) -> None:
    with create_sync(base_url=server.url) as other, record(client.api, other) as trace:
        other.get("/open")
        get(client)
    assert [(call.number, call.events[0].instance) for call in trace.calls] == [(1, 1), (2, 0)]


def test_an_instance_that_is_named_twice_is_recorded_once(client: Client) -> None:
    with record(client.api, client.api) as trace:
        get(client)
    assert kinds(trace.events) == EVENTS_OF_A_CALL


def test_an_instance_made_from_a_recorded_one_is_not_recorded(client: Client) -> None:
    with record(client.api) as trace:
        client.call(lambda api: api.create().get("/open"))
    assert trace.events == ()


def test_calls_of_many_threads_or_tasks_are_each_in_order(client: Client) -> None:
    with record(client.api) as trace:
        for call in [client.start(lambda api: api.get("/open")) for _ in range(20)]:
            call.response()
    assert sorted(call.number for call in trace.calls) == list(range(1, 21))
    assert all(kinds(call.events) == EVENTS_OF_A_CALL for call in trace.calls)


# --- how much ---


def test_beyond_the_limit_the_oldest_events_are_dropped_and_counted(client: Client) -> None:
    with record(client.api) as whole, record(client.api, limit=6) as trace:
        get(client)
        get(client)
    assert len(whole.events) == 8
    assert trace.dropped == 2
    assert [(e.kind, e.call) for e in trace.events] == [(e.kind, e.call) for e in whole.events[2:]]
    assert "2 earlier events were dropped" in str(trace)
    assert "2 earlier events were dropped" in trace.to_mermaid()


def test_within_the_limit_nothing_is_dropped(client: Client) -> None:
    with record(client.api, limit=4) as trace:
        get(client)
    assert (trace.dropped, len(trace.events)) == (0, 4)
    assert "dropped" not in str(trace)


def test_a_call_whose_beginning_was_dropped_is_shown_as_far_as_it_is_known(client: Client) -> None:
    with record(client.api, limit=2) as trace:
        get(client)
    (call,) = trace.calls
    assert kinds(call.events) == ["received", "ended"]
    assert (call.method, call.url, call.refresh, call.spans) == (None, None, None, ())
    assert call.started == call.events[0].time
    assert call.outcome == "fulfilled"


# --- live ---


def test_a_subscriber_is_told_of_every_event_in_order(client: Client) -> None:
    told: list[TraceEvent] = []
    with record(client.api, on_event=told.append) as trace:
        for call in [client.start(lambda api: api.get("/open")) for _ in range(10)]:
            call.response()
    assert tuple(told) == trace.events


def test_a_subscriber_is_told_of_what_happens_until_it_unsubscribes(client: Client) -> None:
    told: list[TraceEvent] = []
    with record(client.api) as trace:
        get(client)
        unsubscribe = trace.subscribe(told.append)
        get(client)
        unsubscribe()
        unsubscribe()
        get(client)
    assert [(event.kind, event.call) for event in told] == [(k, 2) for k in EVENTS_OF_A_CALL]


def test_a_subscriber_that_raises_is_logged_and_changes_nothing(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_event: TraceEvent) -> None:
        raise ZeroDivisionError("of the subscriber")

    told: list[TraceEvent] = []
    with record(client.api, on_event=fail) as trace, caplog.at_level(logging.ERROR, "zustax"):
        trace.subscribe(told.append)
        get(client)
    assert tuple(told) == trace.events
    assert kinds(trace.events) == EVENTS_OF_A_CALL
    assert [record.message for record in caplog.records] == ["a subscriber of a trace raised"] * 4


@only_sync
def test_a_subscriber_may_send_a_request_and_is_told_of_it_afterwards(client: SyncClient) -> None:
    told: list[tuple[int | None, str]] = []

    def ask_once(event: TraceEvent) -> None:
        told.append((event.call, event.kind))
        if event.call == 1 and event.kind == "sent":
            client.api.get("/open")

    with record(client.api, on_event=ask_once) as trace:
        client.api.get("/open")
    assert told == [(event.call, event.kind) for event in trace.events]
    assert told[1:4] == [(1, "sent"), (2, "started"), (2, "sent")]


@only_sync
def test_a_slow_subscriber_holds_up_nobody_else(client: SyncClient) -> None:
    is_told, may_go_on = threading.Event(), threading.Event()

    def hold(_event: TraceEvent) -> None:
        is_told.set()
        assert may_go_on.wait(BOUND)

    with record(client.api, on_event=hold):
        held = client.start(lambda api: api.get("/open"))
        assert is_told.wait(BOUND)
        client.start(lambda api: api.get("/open")).response()
        assert not held.is_done
        may_go_on.set()
        held.response()


# --- arguments ---


@pytest.mark.parametrize(
    ("instances", "options", "error", "message"),
    [
        ((), {}, TypeError, "at least one instance"),
        ((None,), {}, TypeError, "not None"),
        ((...,), {"limit": 0}, ValueError, "not 0"),
        ((...,), {"limit": 1.5}, TypeError, "not float"),
        ((...,), {"limit": True}, TypeError, "not bool"),
        ((...,), {"on_event": 5}, TypeError, "on_event must be callable, not 5"),
    ],
)
@only_async
def test_what_cannot_be_recorded_is_refused(
    client: Client,
    instances: tuple[Any, ...],
    options: dict[str, Any],
    error: type[Exception],
    message: str,
) -> None:
    recorded = [client.api if instance is ... else instance for instance in instances]
    with pytest.raises(error, match=message), record(*recorded, **options):
        pass
    assert client.api.observers == []


def test_an_async_subscriber_is_refused(client: Client) -> None:
    async def subscriber(_event: TraceEvent) -> None: ...

    with (
        pytest.raises(TypeError, match="on_event is async"),
        record(client.api, on_event=subscriber),
    ):
        pass
    with record(client.api) as trace, pytest.raises(TypeError, match="subscriber is async"):
        trace.subscribe(subscriber)


def test_the_repr_says_how_much_there_is(client: Client) -> None:
    with record(client.api) as trace:
        get(client)
    assert repr(trace) == "<Trace of 1 calls, 4 events>"
    assert repr(trace.events[2]).startswith("TraceEvent(time=")
    assert repr(trace.events[2]).endswith("kind='received', call=1, attempt=1, status=200)")
