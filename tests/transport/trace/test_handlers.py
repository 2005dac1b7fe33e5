"""A trace shows each handler when it runs, in axios's order, and what came of it."""

from __future__ import annotations

from typing import Any

import pytest
from zustax.transport import TraceHandler, record

from ...support.clients import Client
from ...support.server import AuthServer
from .reading import handlers, kinds


@pytest.fixture(autouse=True)
def _open_server(server: AuthServer) -> None:
    server.answer("/open", body={"is": "open"})


def first(value: Any) -> Any:
    return value


def second(value: Any) -> Any:
    return value


def fail(_value: Any) -> Any:
    raise ValueError("as it was told to")


def explain(error: Exception) -> Any:
    raise RuntimeError("explained") from error


def recover(_error: Exception) -> Any:
    return "recovered"


class Counting:
    def __call__(self, value: Any) -> Any:
        return value


def test_request_handlers_run_last_in_first_out_and_response_handlers_first_in_first_out(
    client: Client,
) -> None:
    for chain in (client.api.interceptors.request, client.api.interceptors.response):
        chain.use(first)
        chain.use(second)
    with record(client.api) as trace:
        client.call(lambda api: api.get("/open"))
    assert handlers(trace.events) == [
        "request 1 second",
        "request 0 first",
        "response 0 first",
        "response 1 second",
    ]
    assert kinds(trace.events) == ["started", "sent", "received", "ended"]


def test_an_exception_goes_to_the_next_rejected_which_may_recover(client: Client) -> None:
    response = client.api.interceptors.response
    response.use(fail, recover)  # its own exception is not its business
    response.use(first, explain)
    response.use(None, recover)
    response.use(second, explain)
    with record(client.api) as trace:
        assert client.call(lambda api: api.get("/open")) == "recovered"
    assert handlers(trace.events) == [
        "response 0 fail",
        "raised ValueError",
        "response 1 explain (on_rejected)",
        "raised RuntimeError",
        "response 2 recover (on_rejected)",
        "recovered",
        "response 3 second",
    ]
    assert trace.calls[0].outcome == "fulfilled"


def test_a_request_handler_that_raises_keeps_the_request_from_being_sent(client: Client) -> None:
    client.api.interceptors.request.use(fail)
    with record(client.api) as trace, pytest.raises(ValueError, match="as it was told to"):
        client.call(lambda api: api.get("/open"))
    assert kinds(trace.events) == ["started", "ended"]
    assert str(trace.events[-1]) == "ended: rejected ValueError"


def test_where_all_are_synchronous_an_exception_goes_to_its_own_pair(client: Client) -> None:
    request = client.api.interceptors.request
    request.use(first, synchronous=True)
    request.use(fail, recover, synchronous=True)
    with record(client.api) as trace:
        client.call(lambda api: api.get("/open"))
    assert handlers(trace.events) == [
        "request 1 fail",
        "raised ValueError",
        "request 1 recover (on_rejected)",
        "recovered",
    ]
    assert kinds(trace.events) == ["started", "sent", "received", "ended"]


def test_a_handler_that_is_skipped_is_not_shown(client: Client) -> None:
    client.api.interceptors.request.use(first, run_when=lambda _config: False)
    client.api.interceptors.request.use(second, run_when=lambda _config: True)
    with record(client.api) as trace:
        client.call(lambda api: api.get("/open"))
    assert handlers(trace.events) == ["request 1 second"]


def test_network_handlers_go_around_the_sending(client: Client) -> None:
    runtime = client.api.runtime

    async def outer(config: Any, proceed: Any) -> Any:
        return await runtime.settle(proceed(config))

    async def inner(config: Any, proceed: Any) -> Any:
        return await runtime.settle(proceed(config))

    for around in (outer, inner):
        client.api.interceptors.network.use(runtime.adapt(around))
    with record(client.api) as trace:
        client.call(lambda api: api.get("/open"))
    shown = [str(event).removesuffix(": returned").split(" http")[0] for event in trace.events]
    assert shown[1:-1] == [
        "entered network 0 outer",
        "entered network 1 inner",
        "sent GET",
        "received 200",
        "left network 1 inner",
        "left network 0 outer",
    ]


def test_a_network_handler_may_send_a_request_again(client: Client) -> None:
    runtime = client.api.runtime

    async def twice(config: Any, proceed: Any) -> Any:
        await runtime.settle(proceed(config))
        return await runtime.settle(proceed(config))

    client.api.interceptors.network.use(runtime.adapt(twice))
    with record(client.api) as trace:
        client.call(lambda api: api.get("/open"))
    assert [event.attempt for event in trace.events if event.kind == "sent"] == [1, 2]
    assert trace.calls[0].statuses == (200, 200)


def test_a_handler_is_called_by_its_qualified_name(client: Client) -> None:
    def local(value: Any) -> Any:
        return value

    client.api.interceptors.request.use(Counting())
    number = client.api.interceptors.request.use(local)
    with record(client.api) as trace:
        client.call(lambda api: api.get("/open"))
    shown = [event.handler for event in trace.events if event.kind == "entered"]
    assert shown == [
        TraceHandler("request", number, local.__qualname__),
        TraceHandler("request", 0, "Counting"),
    ]
    assert str(shown[0]) == "request 1 local"


def test_a_call_that_a_handler_makes_is_a_call_of_its_own(client: Client) -> None:
    runtime = client.api.runtime

    async def ask_before(config: Any) -> Any:
        if not config.extra.get("inner"):
            await runtime.settle(client.api.get("/open", extra={"inner": True}))
        return config

    client.api.interceptors.request.use(runtime.adapt(ask_before))
    with record(client.api) as trace:
        client.call(lambda api: api.get("/open"))
    assert [(event.call, event.kind) for event in trace.events if event.handler is None] == [
        (1, "started"),
        (2, "started"),
        (2, "sent"),
        (2, "received"),
        (2, "ended"),
        (1, "sent"),
        (1, "received"),
        (1, "ended"),
    ]
