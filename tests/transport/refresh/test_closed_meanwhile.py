"""Closing an instance while requests, a refresh, or another closing are under way."""

from __future__ import annotations

import asyncio
import gc
import warnings
from typing import Any

import pytest
from zustax.store import UserStore, create_store
from zustax.transport import (
    CanceledError,
    Instance,
    TokenPair,
    create,
    login_required,
    silent_refresh,
)

from ...support.app import App
from ...support.server import REFRESH, AuthServer
from ...support.waiting import until
from .conftest import NewApp, only_async


def close(api: Any) -> Any:
    """Close an instance of either kind."""
    return api.aclose() if isinstance(api, Instance) else api.close()


def test_requests_that_wait_for_a_refresh_are_told_that_the_instance_was_closed(
    app: App, server: AuthServer
) -> None:
    server.expire()
    gate = server.hold(REFRESH)
    calls = [app.get("/items") for _ in range(3)]
    app.wait_for_waiting(3)
    closing = app.client.start(close)
    gate.open()
    closing.result()
    for call in calls:
        error = call.error()
        assert isinstance(error, CanceledError)
        assert "closed" in str(error)
    assert app.tokens[0] is not None


@only_async  # a thread that reads cannot be interrupted: it is given its answer, or an error
def test_a_request_whose_answer_is_awaited_is_told_that_the_instance_was_closed(
    app: App, server: AuthServer
) -> None:
    gate = server.hold("/items")
    call = app.get("/items")
    server.wait_for(1, "/items")
    app.client.call(close)
    gate.open()
    error = call.error()
    assert isinstance(error, CanceledError)
    assert "closed" in str(error)


async def test_two_receivers_may_close_the_instance_both(server: AuthServer) -> None:
    done: list[str] = []
    store, api = UserStore(), create(base_url=server.url)
    silent_refresh(api, store)

    async def one(_sender: object, **_details: object) -> None:
        await api.aclose()
        done.append("one")

    async def two(_sender: object, **_details: object) -> None:
        await api.aclose()
        done.append("two")

    with login_required.connected_to(one, api), login_required.connected_to(two, api):
        with pytest.raises(Exception, match="401"):
            await api.get("/items")
        await until(lambda: len(done) == 2)


def test_an_instance_whose_loop_was_closed_serves_the_next_and_can_be_closed_there(
    server: AuthServer,
) -> None:
    api = create(base_url=server.url, validate_status=None)

    async def use() -> int:
        status: int = (await api.get("/items")).status
        return status

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # each loop has left its sockets
        assert [asyncio.run(use()) for _ in range(3)] == [401] * 3
        gc.collect()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        asyncio.run(api.aclose())
        gc.collect()
    with asyncio.Runner() as runner:
        assert runner.run(use()) == 401
        runner.run(api.aclose())


async def test_a_refresh_that_will_not_be_cancelled_does_not_hold_up_the_closing(
    server: AuthServer,
) -> None:
    released = asyncio.Event()

    async def stubborn(_refresh_token: str | None) -> TokenPair:
        while not released.is_set():
            try:
                await released.wait()
            except asyncio.CancelledError:
                continue
        return TokenPair("too late")

    store, api = UserStore(), create(base_url=server.url)
    silent_refresh(api, store, refresh=stubborn, timeout=0.1)
    store.login("dead", "refresh")
    request = asyncio.create_task(api.get("/items"))
    await until(lambda: server.count("/items") == 1)
    try:
        async with asyncio.timeout(20):
            await api.aclose()
            assert isinstance((await asyncio.gather(request, return_exceptions=True))[0], Exception)
    finally:
        released.set()


def test_a_dict_state_without_tokens_is_given_them(new_app: NewApp, server: AuthServer) -> None:
    store = create_store({"theme": "dark"})
    app = new_app(store=store, refresh=lambda _token: TokenPair(server.login("ada").access_token))
    assert app.get("/items").response().status == 200
    assert store.get_state()["theme"] == "dark"
