"""A trace shows what was sent, and how that ended."""

from __future__ import annotations

import asyncio
from contextvars import copy_context
from typing import Any

from zustax.transport import AbortController, RequestError, TraceCall, create, record

from ...support.clients import Client, TaskCall
from ...support.server import AuthServer
from ..conftest import only_async
from .reading import kinds


def only_call(client: Client, *arguments: Any, **options: Any) -> TraceCall:
    """Send one request, whatever comes of it, and give what was recorded."""
    with record(client.api) as trace:
        client.start(lambda api: api.request(*arguments, **options)).outcome.exception(5.0)
    (call,) = trace.calls
    return call


def test_an_answered_call_has_its_method_url_and_status(client: Client, server: AuthServer) -> None:
    server.answer("/open", status=201)
    call = only_call(client, "/open", method="post")
    assert (call.method, call.url) == ("POST", f"{server.url}/open")
    assert (call.statuses, call.outcome) == ((201,), "fulfilled")
    assert str(call.events[-1]) == "ended: fulfilled 201"


def test_a_refused_status_is_an_answer_and_a_rejection(client: Client, server: AuthServer) -> None:
    server.answer("/broken", status=503)
    call = only_call(client, "/broken")
    assert kinds(call.events) == ["started", "sent", "received", "ended"]
    assert str(call.events[-1]) == "ended: rejected ERR_BAD_RESPONSE 503"


def test_a_failure_has_the_code_of_its_error(client: Client, server: AuthServer) -> None:
    server.hang_up("/gone")
    call = only_call(client, "/gone")
    assert kinds(call.events) == ["started", "sent", "failed", "ended"]
    assert [event.problem for event in call.events[-2:]] == [RequestError.ERR_NETWORK] * 2
    assert call.statuses == ()


def test_what_cannot_be_sent_was_not_sent(client: Client) -> None:
    call = only_call(client, "http:nowhere")
    assert call.url == "(an invalid URL)"
    assert (call.events[-1].problem, call.outcome) == (RequestError.ERR_INVALID_URL, "rejected")


def test_a_redirect_says_where_it_leads(client: Client, server: AuthServer) -> None:
    server.redirect("/old", "/new")
    server.answer("/new")
    followed: list[str] = []
    call = only_call(client, "/old", before_redirect=lambda request: followed.append(request.url))
    (redirected,) = (event for event in call.events if event.kind == "redirected")
    assert redirected.url == f"{server.url}/new"
    assert kinds(call.events) == ["started", "sent", "redirected", "received", "ended"]
    assert len(followed) == 1


def test_an_aborted_call_is_rejected(client: Client, server: AuthServer) -> None:
    server.hold("/slow")
    controller = AbortController()
    with record(client.api) as trace:
        call = client.start(lambda api: api.get("/slow", signal=controller.signal))
        server.wait_for(1, "/slow")
        controller.abort()
        server.open_gates()
        call.error()
    assert str(trace.events[-1]) == "ended: rejected ERR_CANCELED"


@only_async
def test_a_call_whose_task_is_cancelled_is_cancelled(client: Client, server: AuthServer) -> None:
    server.hold("/slow")
    with record(client.api) as trace:
        call = client.start(lambda api: api.get("/slow"))
        server.wait_for(1, "/slow")
        assert isinstance(call, TaskCall)
        call.cancel()
        assert isinstance(call.failure(), asyncio.CancelledError)
    (cancelled,) = trace.calls
    assert cancelled.outcome == "cancelled"
    assert cancelled.spans[0].problem == "CancelledError"


async def test_a_call_that_is_thrown_away_in_another_context_is_cancelled() -> None:
    async def adapter(_config: Any) -> Any:
        await asyncio.Event().wait()

    async with create(base_url="http://host", adapter=adapter) as api:
        with record(api) as trace:
            abandoned = api.get("/slow")
            copy_context().run(abandoned.send, None)
            abandoned.close()
    assert trace.calls[0].outcome == "cancelled"


def test_times_are_seconds_since_the_beginning_in_order(client: Client, server: AuthServer) -> None:
    server.answer("/open")
    with record(client.api) as trace:
        for call in [client.start(lambda api: api.get("/open")) for _ in range(5)]:
            call.response()
    times = [event.time for event in trace.events]
    assert times == sorted(times)
    assert times[0] >= 0.0


def test_an_adapter_is_given_the_options_that_it_would_be_given_anyway(client: Client) -> None:
    given: list[Any] = []

    def adapter(config: Any) -> Any:
        given.append(config)
        raise ConnectionError

    def send() -> None:
        client.start(lambda api: api.get("/open", params={"a": 1}, adapter=adapter)).failure()

    send()
    with record(client.api):
        send()
    bare, recorded = (config.given() for config in given)
    assert callable(recorded.pop("before_redirect"))
    assert recorded == bare


def test_a_call_under_way_has_no_end(client: Client, server: AuthServer) -> None:
    gate = server.hold("/slow")
    server.answer("/slow")
    with record(client.api) as trace:
        call = client.start(lambda api: api.get("/slow"))
        server.wait_for(1, "/slow")
    gate.open()
    call.response()
    (recorded,) = trace.calls
    assert (recorded.ended, recorded.outcome) == (None, None)
    assert [span.end for span in recorded.spans] == [None]
