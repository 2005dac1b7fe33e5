"""Hundreds of requests that meet an expired token at once."""

from __future__ import annotations

import itertools
import ssl

import httpx
import pytest

from ...support.clients import Client
from ...support.server import REFRESH, AuthServer
from .conftest import NewApp, only_async

MANY = 500

#: Seconds: so many take their time on a machine that has other things to do.
PATIENCE = 40.0


class Spread(httpx.AsyncBaseTransport):
    """Spreads requests over pools: one pool takes ever longer, the more connections it has."""

    def __init__(self) -> None:
        context = ssl.create_default_context()
        self._pools = [httpx.AsyncHTTPTransport(verify=context) for _ in range(MANY)]
        self._turns = itertools.cycle(self._pools)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return await next(self._turns).handle_async_request(request)

    async def aclose(self) -> None:
        for pool in self._pools:
            await pool.aclose()


@pytest.mark.slow
@only_async
def test_five_hundred_at_once_are_one_refresh_and_five_hundred_answers(
    new_app: NewApp, server: AuthServer
) -> None:
    """That no task is left over and nothing was complained about is seen to when it is closed."""
    client = httpx.AsyncClient(transport=Spread(), timeout=None)
    app = new_app(defaults={"client": client}, timeout=PATIENCE).login()
    server.expire()
    gate = server.hold("/items")
    calls = [app.get("/items") for _ in range(MANY)]
    server.wait_for(MANY, "/items", PATIENCE)
    gate.open()
    assert [call.response(PATIENCE).status for call in calls] == [200] * MANY
    assert server.count(REFRESH) == 1
    assert server.count("/items") == 2 * MANY
    assert app.close() == ["token_refreshed"]


def test_more_requests_than_connections_are_one_refresh_too(
    new_app: NewApp, kind: type[Client], server: AuthServer
) -> None:
    few = httpx.Limits(max_connections=4)
    client = (httpx.AsyncClient if kind.is_async else httpx.Client)(limits=few, timeout=None)
    app = new_app(defaults={"client": client}).login()
    server.expire()
    calls = [app.get("/items") for _ in range(40)]
    assert [call.response(PATIENCE).status for call in calls] == [200] * 40
    assert server.count(REFRESH) == 1
