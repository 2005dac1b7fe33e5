"""Closing an instance while it refreshes."""

from __future__ import annotations

import asyncio
import gc
import weakref
from typing import Any

from zustax.store import UserStore
from zustax.transport import AbortController, Instance, create, silent_refresh

from ...support.app import App
from ...support.clients import AsyncClient
from ...support.server import REFRESH, AuthServer
from .conftest import NewApp, only_async


def close(api: Any) -> Any:
    """Close an instance of either kind."""
    return api.aclose() if isinstance(api, Instance) else api.close()


def test_closing_lets_a_running_refresh_finish_and_store_its_result(
    app: App, server: AuthServer
) -> None:
    old = app.tokens
    server.expire()
    gate = server.hold(REFRESH)
    controller = AbortController()
    call = app.get("/items", signal=controller.signal)
    server.wait_for(1, REFRESH)
    controller.abort()
    call.error()
    closing = app.client.start(close)
    assert not closing.is_done
    gate.open()
    closing.result()
    assert app.tokens != old
    assert server.authority.verify(app.tokens[0] or "").username == "ada"


def test_closing_leaves_no_request_hanging(app: App, server: AuthServer) -> None:
    server.expire()
    server.answer(REFRESH, status=503)
    gate = server.hold(REFRESH)
    calls = app.get_together(3)
    app.wait_for_waiting(3)
    closing = app.client.start(close)
    gate.open()
    closing.result()
    assert [call.error().status for call in calls] == [401] * 3


def test_closing_waits_for_a_refresh_no_longer_than_its_timeout(
    new_app: NewApp, server: AuthServer
) -> None:
    app = new_app(timeout=0.2).login()
    tokens = app.tokens
    server.expire()
    server.hold(REFRESH)
    app.get("/items")
    server.wait_for(1, REFRESH)
    app.close()
    assert app.tokens == tokens


def test_a_closed_instance_can_be_used_again(app: App, server: AuthServer) -> None:
    server.expire()
    app.client.call(close)
    assert app.get("/items").response().status == 200


@only_async
def test_a_closed_asynchronous_instance_can_be_used_in_the_next_loop(
    app: App, server: AuthServer
) -> None:
    app.get("/items").response()
    app.client.close()
    server.expire()
    assert isinstance(app.api, Instance)
    next_loop = AsyncClient(app.api)
    assert next_loop.start(lambda api: api.get("/items")).response().status == 200
    next_loop.close()


async def test_a_request_that_is_made_while_an_instance_closes_does_not_keep_it_in_its_loop(
    server: AuthServer,
) -> None:
    async def again(_error: Exception) -> Any:
        return await api.get("/items", validate_status=None)

    async def elsewhere() -> int:
        async with api:
            return (await api.get("/items", validate_status=None)).status

    api = create(base_url=server.url)
    api.interceptors.response.use(None, again)
    gate = server.hold("/slow")
    call = asyncio.ensure_future(api.get("/slow"))
    await asyncio.to_thread(server.wait_for, 1, "/slow")
    await api.aclose()
    assert await asyncio.to_thread(asyncio.run, elsewhere()) == 401
    gate.open()
    await asyncio.wait([call])


def test_a_store_is_let_go_with_the_last_instance_over_it() -> None:
    store = UserStore()
    silent_refresh(create(base_url="http://127.0.0.1"), store)
    reference = weakref.ref(store)
    del store
    gc.collect()
    assert reference() is None
