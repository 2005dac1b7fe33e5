"""An observer goes around whole calls; a watcher hears of their refreshes."""

from __future__ import annotations

from typing import Any

import pytest
from zustax.transport.refresh.pending import watched_by

from ...support.app import App
from ...support.clients import Client
from ...support.server import AuthServer


def test_observers_go_around_a_call_the_first_one_outermost(
    client: Client, server: AuthServer
) -> None:
    server.answer("/open")
    ran: list[str] = []

    def observer(name: str) -> Any:
        async def observe(config: Any, chains: Any, run: Any) -> Any:
            ran.append(f"{name} {config.method}")
            outcome = await run(config, chains)
            ran.append(f"{name} {outcome.value.status} {outcome.failed}")
            return outcome

        return observe

    def handler(config: Any) -> Any:
        ran.append("handler")
        return config

    client.api.interceptors.request.use(handler)
    client.api.observers.extend([observer("outer"), observer("inner")])
    assert client.call(lambda api: api.get("/open")).status == 200
    assert ran == ["outer get", "inner get", "handler", "inner 200 False", "outer 200 False"]


def test_an_observer_may_hand_on_other_chains(client: Client, server: AuthServer) -> None:
    server.answer("/open")

    async def without_response_interceptors(config: Any, chains: Any, run: Any) -> Any:
        before, around, _after = chains
        return await run(config, (before, around, ()))

    client.api.interceptors.response.use(lambda response: response.status)
    assert client.call(lambda api: api.get("/open")) == 200
    client.api.observers.append(without_response_interceptors)
    assert client.call(lambda api: api.get("/open")).status == 200


def test_an_instance_made_from_another_has_observers_of_its_own(app: App) -> None:
    async def observe(config: Any, chains: Any, run: Any) -> Any:
        return await run(config, chains)

    app.api.observers.append(observe)
    assert app.api.create().observers == []


class Faulty:
    """A watcher with a bug."""

    def refresh_started(self, pending: Any) -> None: ...

    def refresh_ended(self, pending: Any, outcome: Any) -> None:
        raise ZeroDivisionError

    def wait_started(self, pending: Any) -> None: ...

    def wait_ended(self, pending: Any) -> None: ...


def test_a_watcher_that_raises_is_logged_and_changes_nothing(
    app: App, server: AuthServer, caplog: pytest.LogCaptureFixture
) -> None:
    async def observe(config: Any, chains: Any, run: Any) -> Any:
        with watched_by(Faulty()):
            return await run(config, chains)

    app.api.observers.append(observe)
    server.expire()
    assert [call.response().status for call in app.get_together(3)] == [200] * 3
    errors = [entry.message for entry in caplog.records if entry.levelname == "ERROR"]
    assert len(errors) == 1
    assert "Faulty.refresh_ended" in errors[0]
