"""One instance and one store through several event loops, one after the other."""

from __future__ import annotations

import asyncio
import gc
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from zustax.store import UserStore
from zustax.transport import create, silent_refresh

from ...support.server import REFRESH, AuthServer

KINDS: dict[str, dict[str, Any]] = {"httpx": {}, "aiohttp": {"adapter": "aiohttp"}}


@pytest.fixture(params=KINDS.values(), ids=list(KINDS))
def api(request: pytest.FixtureRequest, server: AuthServer) -> Iterator[Any]:
    """An instance at the top of a module, which the last loop closes."""
    api = create(base_url=server.url, **request.param)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # the loops end with connections open
        yield api
        asyncio.run(api.aclose())
        gc.collect()


@pytest.fixture
def store(server: AuthServer) -> UserStore:
    store, tokens = UserStore(), server.login("ada")
    store.login(tokens.access_token, tokens.refresh_token)
    return store


def test_each_loop_in_its_turn_is_served_and_refreshes_once(
    api: Any, store: UserStore, server: AuthServer
) -> None:
    silent_refresh(api, store)

    async def use() -> list[int]:
        responses = await asyncio.gather(*(api.get("/items") for _ in range(3)))
        return [response.status for response in responses]

    for refreshes in (1, 2, 3):
        server.expire()
        assert asyncio.run(use()) == [200] * 3
        assert server.count(REFRESH) == refreshes


@pytest.mark.parametrize("what", ["token", "refresh"])
def test_the_tokens_for_others_are_there_in_the_next_loop(
    api: Any, store: UserStore, server: AuthServer, what: str
) -> None:
    handle = silent_refresh(api, store)
    take: Callable[[], Any] = getattr(handle, what)

    async def use() -> str:
        token: str = await take()
        return token

    for _ in range(3):
        assert asyncio.run(use()) == store.get_state().access_token


def test_keep_fresh_begins_anew_in_the_next_loop(api: Any, store: UserStore) -> None:
    handle = silent_refresh(api, store)

    async def use() -> int:
        async with handle.keep_fresh():
            status: int = (await api.get("/items")).status
            return status

    assert [asyncio.run(use()) for _ in range(2)] == [200] * 2


def test_a_loop_that_ends_during_a_refresh_leaves_nothing_that_the_next_would_wait_for(
    api: Any, store: UserStore, server: AuthServer
) -> None:
    silent_refresh(api, store)
    server.expire()
    server.hang_up(REFRESH, times=1)
    gate = server.hold(REFRESH)

    async def leave() -> None:
        asyncio.ensure_future(api.get("/items"))  # noqa: RUF006 - its loop ends it
        await server.wait_for_async(1, REFRESH)

    async def use() -> int:
        status: int = (await api.get("/items")).status
        return status

    asyncio.run(leave())
    gate.open()
    assert asyncio.run(use()) == 200
    assert server.count(REFRESH) == 2
