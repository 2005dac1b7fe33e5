"""Threads, event loops and both kinds of instance over one store: still one refresh."""

from __future__ import annotations

import asyncio
import gc
import threading
from typing import Any

import pytest
from zustax.transport import RefreshError, RequestError, create, silent_refresh

from ...support.app import App
from ...support.clients import AsyncClient, Client, SyncClient
from ...support.server import REFRESH, AuthServer
from ...support.waiting import BOUND, until
from .conftest import NewApp

KINDS: dict[str, list[type[Client]]] = {
    "two event loops": [AsyncClient, AsyncClient],
    "async and sync": [AsyncClient, SyncClient],
    "sync and async": [SyncClient, AsyncClient],
    "two sync instances": [SyncClient, SyncClient],
}

every_pair = pytest.mark.parametrize("kinds", KINDS.values(), ids=KINDS)


@pytest.fixture
def kind() -> type[Client]:
    """Each test here says itself which kinds it takes."""
    return SyncClient


@pytest.fixture
def pair(new_app: NewApp, kinds: list[type[Client]]) -> tuple[App, App]:
    """Two programs over one store."""
    first = new_app(kind=kinds[0]).login()
    return first, new_app(kind=kinds[1], store=first.store)


def test_rule_15_sixteen_threads_refresh_once(new_app: NewApp, server: AuthServer) -> None:
    app = new_app().login()
    for refreshes in (1, 2, 3):
        server.expire()
        assert [call.response().status for call in app.get_together(16)] == [200] * 16
        assert server.count(REFRESH) == refreshes
    assert server.authority.journal.count("reuse") == 0


@every_pair
def test_rule_15_all_refresh_once_between_them(pair: tuple[App, App], server: AuthServer) -> None:
    server.expire()
    gate = server.hold("/items")
    calls = [app.get("/items") for _ in range(8) for app in pair]
    server.wait_for(16, "/items")
    gate.open()
    assert [call.response().status for call in calls] == [200] * 16
    assert server.count(REFRESH) == 1
    assert sum(app.stats.refreshes for app in pair) == 1
    assert sum(app.stats.replayed for app in pair) == 16


@every_pair
def test_rule_15_whoever_begins_the_refresh_the_others_wait_for_it(
    pair: tuple[App, App], server: AuthServer
) -> None:
    leader, other = pair
    server.expire()
    gate = server.hold(REFRESH)
    expired = leader.get("/items")
    server.wait_for(1, REFRESH)
    started = [other.get("/new") for _ in range(3)]
    other.wait_for_waiting(3)
    assert server.count("/new") == 0
    gate.open()
    assert [call.response().status for call in (expired, *started)] == [200] * 4
    assert leader.close() == ["token_refreshed"]
    assert other.close() == []


@every_pair
def test_rule_15_a_rejection_ends_it_for_all(pair: tuple[App, App], server: AuthServer) -> None:
    server.authority.revoke_all()
    gate = server.hold("/items")
    calls = [app.get("/items") for _ in range(4) for app in pair]
    server.wait_for(8, "/items")
    gate.open()
    errors = [call.error() for call in calls]
    assert [error.status for error in errors] == [401] * 8
    (cause,) = {error.__cause__ for error in errors}
    assert isinstance(cause, RefreshError)
    assert [name for app in pair for name in app.close()] == ["login_required"]


def test_rule_15_an_instance_used_from_another_loop_says_so(
    new_app: NewApp, server: AuthServer
) -> None:
    app = new_app(kind=AsyncClient).login()
    app.get("/items").response()
    elsewhere = AsyncClient(create(base_url=server.url))

    async def use(_its_own: object) -> Any:
        api: Any = app.api
        return await api.get("/items")

    failure = elsewhere.start(use).failure()
    assert isinstance(failure, RuntimeError)
    assert "another event loop" in str(failure)
    assert "create()" in str(failure)
    elsewhere.close()
    assert app.get("/items").response().status == 200
    assert server.count("/items") == 2


async def request(server: AuthServer, store: Any, **options: Any) -> asyncio.Task[Any]:
    """Start a request of an instance that nobody will close: each answer closes its connection."""
    api = create(base_url=server.url, headers={"Connection": "close"})
    silent_refresh(api, store, **options)
    return asyncio.ensure_future(api.get("/items"))


def test_rule_15_the_end_of_the_loop_that_runs_the_refresh_releases_who_waits_elsewhere(
    new_app: NewApp, server: AuthServer
) -> None:
    app = new_app().login()
    tokens = app.tokens
    server.expire()
    server.hold(REFRESH)
    may_end = threading.Event()

    async def main() -> None:
        running = await request(server, app.store)
        await until(may_end.is_set)
        assert not running.done()

    loop = threading.Thread(target=lambda: asyncio.run(main()), daemon=True)
    loop.start()
    server.wait_for(1, REFRESH)
    waiting = app.get("/new")
    app.wait_for_waiting(1)
    may_end.set()
    loop.join(BOUND)
    assert isinstance(waiting.error().__cause__, RefreshError)
    assert app.tokens == tokens


def test_rule_15_a_loop_that_is_stuck_keeps_nobody_waiting_for_ever(
    new_app: NewApp, server: AuthServer
) -> None:
    app = new_app().login()
    server.expire()
    is_stuck, may_go_on = threading.Event(), threading.Event()

    def refresh(_refresh_token: str | None) -> None:
        is_stuck.set()
        may_go_on.wait(BOUND)

    async def main() -> None:
        running = await request(server, app.store, refresh=refresh, timeout=0.1)
        await asyncio.wait([running])

    loop = threading.Thread(target=lambda: asyncio.run(main()), daemon=True)
    loop.start()
    assert is_stuck.wait(BOUND)
    waiting = app.get("/new")
    assert isinstance(waiting.error().__cause__, RefreshError)
    may_go_on.set()
    loop.join(BOUND)


def test_rule_15_a_loop_that_was_stuck_and_goes_on_finds_its_refresh_replaced(
    new_app: NewApp, server: AuthServer
) -> None:
    app = new_app().login()
    server.expire()
    is_stuck, may_go_on = threading.Event(), threading.Event()
    failures: list[dict[str, Any]] = []

    def stick() -> None:
        is_stuck.set()
        may_go_on.wait(BOUND)

    async def refresh(_refresh_token: str | None) -> None:
        asyncio.get_running_loop().call_soon(stick)
        await asyncio.sleep(BOUND)

    async def main() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, found: failures.append(found))
        running = await request(server, app.store, refresh=refresh, timeout=0.1)
        await asyncio.wait([running])
        assert isinstance(running.exception(), RequestError)
        await until(lambda: len(asyncio.all_tasks()) == 1)
        gc.collect()  # an error that was not retrieved is told when its task is collected

    loop = threading.Thread(target=lambda: asyncio.run(main()), daemon=True)
    loop.start()
    assert is_stuck.wait(BOUND)
    while (call := app.get("/new")).outcome.exception(BOUND) is not None:
        assert isinstance(call.failure(), RequestError)
    assert call.response().status == 200
    assert server.count(REFRESH) == 1
    may_go_on.set()
    loop.join(BOUND)
    assert failures == []
