"""A refresh call that could not connect may be tried again; one that was sent may not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from zustax.transport import json_refresh

from ...support.app import App
from ...support.clients import Client
from ...support.server import REFRESH, AuthServer
from .conftest import NewApp


@pytest.fixture
def closed(server: AuthServer) -> Iterator[AuthServer]:
    """A server for refreshes that refuses connections until it is told to listen."""
    with AuthServer(server.authority, listening=False) as closed:
        yield closed


class Attempts:
    """An HTTP client of a kind, and how often it has tried to reach a server.

    Args:
        kind: Of the instance that the client is for.
        server: Which one.
        opens_at: Before which attempt the server begins to listen.
    """

    def __init__(self, kind: type[Client], server: AuthServer, opens_at: int = 0) -> None:
        self.count = 0
        self._server = server
        self._opens_at = opens_at
        self.client = (
            httpx.AsyncClient(event_hooks={"request": [self._noted]})
            if kind.is_async
            else httpx.Client(event_hooks={"request": [self._note]})
        )

    async def _noted(self, request: Any) -> None:
        self._note(request)

    def _note(self, request: Any) -> None:
        if str(request.url).startswith(self._server.url):
            self.count += 1
            if self.count == self._opens_at:
                self._server.listen()


def refreshing_at(new_app: NewApp, refresher: AuthServer, attempts: Attempts) -> App:
    return new_app(defaults={"client": attempts.client}, url=f"{refresher.url}{REFRESH}").login()


@pytest.mark.parametrize("opens_at", [2, 3])
def test_rule_09_a_refused_connection_is_tried_again(
    new_app: NewApp, kind: type[Client], server: AuthServer, closed: AuthServer, opens_at: int
) -> None:
    attempts = Attempts(kind, closed, opens_at)
    app = refreshing_at(new_app, closed, attempts)
    server.expire()
    assert [call.response().status for call in app.get_together(3)] == [200] * 3
    assert attempts.count == opens_at
    assert closed.count(REFRESH) == 1
    assert app.close() == ["token_refreshed"]


def test_rule_09_a_connection_that_is_refused_for_ever_is_given_up(
    new_app: NewApp, kind: type[Client], server: AuthServer, closed: AuthServer
) -> None:
    attempts = Attempts(kind, closed)
    app = refreshing_at(new_app, closed, attempts)
    tokens = app.tokens
    server.expire()
    assert [call.error().status for call in app.get_together(3)] == [401] * 3
    assert attempts.count == 3
    assert app.tokens == tokens
    assert app.close() == ["refresh_failed"]


def test_rule_09_trying_again_ends_with_the_timeout(
    new_app: NewApp, kind: type[Client], server: AuthServer, closed: AuthServer
) -> None:
    attempts = Attempts(kind, closed)
    url = f"{closed.url}{REFRESH}"
    app = new_app(defaults={"client": attempts.client}, url=url, timeout=0.05).login()
    server.expire()
    assert app.get("/items").error().status == 401
    assert attempts.count == 1
    assert app.close() == ["refresh_failed"]


@pytest.mark.parametrize("when_done", [False, True], ids=["before the work", "after the work"])
def test_rule_09_a_failure_after_sending_is_not_tried_again(
    app: App, server: AuthServer, when_done: bool
) -> None:
    server.expire()
    server.hang_up(REFRESH, when_done=when_done)
    assert app.get("/items").error().status == 401
    assert server.count(REFRESH) == 1
    assert server.authority.journal.count("reuse") == 0
    assert app.close() == ["refresh_failed"]


def test_rule_09_a_connection_that_is_closed_before_anything_is_read_is_not_tried_again(
    new_app: NewApp, server: AuthServer
) -> None:
    """Nobody can tell whether a server that has accepted has read what was written."""
    with AuthServer(server.authority) as refresher:
        refresher.hang_up_on_connect()
        app = new_app(url=f"{refresher.url}{REFRESH}").login()
        server.expire()
        assert app.get("/items").error().status == 401
        assert refresher.connections == 1
        assert app.close() == ["refresh_failed"]


@pytest.mark.parametrize("status", [500, 503, 429])
def test_rule_09_an_answer_is_not_tried_again(app: App, server: AuthServer, status: int) -> None:
    server.expire()
    server.answer(REFRESH, status=status)
    app.get("/items").error()
    assert server.count(REFRESH) == 1


def test_rule_09_a_refresh_of_ones_own_is_not_tried_again(
    new_app: NewApp, server: AuthServer
) -> None:
    calls: list[str | None] = []

    def refresh(refresh_token: str | None) -> None:
        calls.append(refresh_token)
        raise ConnectionRefusedError

    app = new_app(refresh=refresh).login()
    server.expire()
    app.get("/items").error()
    assert len(calls) == 1


def test_rule_09_a_call_that_is_refused_before_it_is_sent_is_not_tried_again(
    new_app: NewApp, server: AuthServer
) -> None:
    sent: list[str | None] = []

    def send(refresh_token: str | None) -> Any:
        sent.append(refresh_token)
        return {"refresh_token": refresh_token}

    refresh = json_refresh(REFRESH, send=send, headers={"no name": "of a header"})
    app = new_app(refresh=refresh).login()
    server.expire()
    app.get("/items").error()
    assert len(sent) == 1
