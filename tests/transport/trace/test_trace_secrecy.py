"""No token, password, cookie or value of a query is anywhere in a trace."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import pytest
from rich.console import Console
from zustax.transport import Headers, Trace, TraceEvent, record

from ...support.app import App
from ...support.clients import Client
from ...support.server import LOGIN, REFRESH, AuthServer
from ..leaks import LogRecorder, NotingAuthority, Secrets, leaks
from .conftest import NewApp


@pytest.fixture
def secrets() -> Secrets:
    return Secrets()


@pytest.fixture
def server(secrets: Secrets) -> Iterator[AuthServer]:
    with AuthServer(NotingAuthority(secrets)) as server:
        yield server


def shown(trace: Trace, *more: Any) -> dict[str, Any]:
    """Every form in which a trace may be seen."""
    rich = io.StringIO()
    Console(file=rich, width=1000).print(trace, list(trace.events), list(trace.calls))
    return {
        "trace": trace,
        "text": str(trace),
        "mermaid": trace.to_mermaid(),
        "rich": rich.getvalue(),
        "events": list(trace.events),
        "calls": list(trace.calls),
        "more": list(more),
    }


def misuse_secrets(app: App, secrets: Secrets, server: AuthServer) -> None:
    """Put a secret into every part of requests and answers, and let some fail."""
    host = server.url.removeprefix("http://")
    server.answer(
        "/items", status=302, headers={"Location": f"/end?access_token={secrets.new()}"}, times=1
    )
    app.get("/items").outcome.exception(5.0)
    app.get(f"/items?token={secrets.new()}#id={secrets.new()}").outcome.exception(5.0)
    app.get(f"http://ada:{secrets.new()}@{host}/items").outcome.exception(5.0)
    app.get(
        "/items",
        params={"code": secrets.new()},
        headers={"Authorization": f"Bearer {secrets.new()}", "Cookie": secrets.new()},
    ).outcome.exception(5.0)
    app.get("/items", auth=("ada", secrets.new())).outcome.exception(5.0)
    app.post("/items", {"password": secrets.new()}).outcome.exception(5.0)
    app.post("/items", secrets.new()).outcome.exception(5.0)
    login = {"username": "ada", "password": "lovelace"}
    app.post(LOGIN, login, extra={"silent_refresh": False}).response()
    app.get(f"http:{secrets.new()}").outcome.exception(5.0)


def test_a_trace_holds_no_secret(new_app: NewApp, server: AuthServer, secrets: Secrets) -> None:
    app = new_app().login()
    told: list[TraceEvent] = []
    with record(app.api, on_event=told.append) as trace:
        server.expire()
        misuse_secrets(app, secrets, server)
        server.expire()
        server.answer(REFRESH, status=401, body={"token": secrets.new()})
        app.get("/items").error()
    assert len(trace.events) > 50
    assert leaks(secrets, **shown(trace, *told)) == []


def test_what_a_handler_raises_is_named_and_not_quoted(client: Client, secrets: Secrets) -> None:
    def fail(_config: Any) -> Any:
        raise ValueError(secrets.new())

    client.api.interceptors.request.use(fail)
    with record(client.api) as trace:
        client.start(lambda api: api.get("/items")).failure()
    assert leaks(secrets, **shown(trace)) == []


def test_no_frame_of_a_trace_shows_what_passed_through_it(
    client: Client, secrets: Secrets, server: AuthServer
) -> None:
    server.answer("/login", body={"access_token": secrets.new()})

    def forward(value: Any) -> Any:
        return value

    def fail(response: Any) -> Any:
        raise ValueError("unreadable") from KeyError(type(response))

    client.api.interceptors.request.use(forward)
    client.api.interceptors.response.use(lambda response: response.data)
    client.api.interceptors.response.use(fail)
    headers = Headers({"Authorization": secrets.new()})
    with LogRecorder() as log, record(client.api) as trace:
        failure = client.start(lambda api: api.get("/login", headers=headers)).failure()
    assert isinstance(failure, ValueError)
    assert leaks(secrets, failure=failure, log=log, **shown(trace)) == []


def test_what_a_subscriber_raises_is_logged_without_frames_of_ours(
    client: Client, secrets: Secrets, server: AuthServer
) -> None:
    server.answer("/open")

    def fail(_event: TraceEvent) -> None:
        raise ValueError("of the subscriber")

    headers = Headers({"Authorization": secrets.new()})
    with LogRecorder() as log, record(client.api, on_event=fail):
        client.call(lambda api: api.get("/open", headers=headers))
    of_ours = [entry.getMessage() for entry in log if entry.name == "zustax"]
    assert of_ours == ["a subscriber of a trace raised"] * 4
    assert leaks(secrets, log=log) == []
