"""A program that runs for long: thousands of refreshes leave nothing behind."""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from zustax.store import UserStore
from zustax.transport import (
    RefreshError,
    RequestConfig,
    RequestError,
    Response,
    TokenPair,
    create,
    create_sync,
    silent_refresh,
)

from ...support.waiting import wait_until

FEW = 50
MANY = 200


class Backend:
    """Answers requests and refreshes in this process, at once."""

    def __init__(self) -> None:
        self.number = 0

    def answer(self, config: RequestConfig) -> Response:
        is_good = config.headers.get("Authorization") == f"Bearer access-{self.number}"
        return Response(b"{}", 200 if is_good else 401, "", {}, config)

    def refresh(self, _refresh_token: str | None) -> TokenPair:
        return TokenPair(f"access-{self.number}", f"refresh-{self.number}")

    def set_up(self, make: Any) -> Any:
        store = UserStore()
        store.login("access-0", "refresh-0")
        api = make(base_url="http://127.0.0.1", adapter=self.answer)
        silent_refresh(api, store, refresh=self.refresh)
        return api


@contextmanager
def without_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def ours() -> Counter[str]:
    """How many objects of our own classes there are."""
    return Counter(
        kind.__qualname__
        for kind in map(type, gc.get_objects())
        if str(kind.__module__).startswith("zustax")
    )


async def refresh_often(api: Any, backend: Backend, times: int) -> None:
    for _ in range(times):
        backend.number += 1
        assert (await api.get("/items")).status == 200


async def test_refreshes_leave_no_object_behind_even_without_the_garbage_collector() -> None:
    backend = Backend()
    async with backend.set_up(create) as api:
        await refresh_often(api, backend, FEW)
        with without_collector():
            before = ours()
            await refresh_often(api, backend, MANY)
            assert sum((ours() - before).values()) < FEW


def test_refreshes_in_threads_leave_no_object_and_no_thread_behind() -> None:
    backend = Backend()
    with backend.set_up(create_sync) as api, without_collector():
        api.get("/items")
        before = ours()
        for _ in range(MANY):
            backend.number += 1
            assert api.get("/items").status == 200
        wait_until(lambda: sum((ours() - before).values()) < FEW)


@pytest.mark.parametrize("status", [200, 404])
async def test_requests_leave_no_object_behind_even_without_the_garbage_collector(
    status: int,
) -> None:
    def answer(config: RequestConfig) -> Response:
        return Response(b"{}", status, "", {}, config)

    store = UserStore()
    store.login("access-0", "refresh-0")
    async with create(base_url="http://127.0.0.1", adapter=answer, validate_status=None) as api:
        silent_refresh(api, store)
        await api.get("/items")
        with without_collector():
            before = ours()
            for _ in range(MANY):
                await api.get("/items")
            assert sum((ours() - before).values()) < FEW


@pytest.mark.parametrize("status", [401, 404])
async def test_failures_leave_nothing_behind_that_only_the_garbage_collector_frees(
    status: int,
) -> None:
    def answer(config: RequestConfig) -> Response:
        return Response(b"{}", status, "", {}, config)

    def refresh(_refresh_token: str | None) -> TokenPair:
        raise RefreshError("no")

    store = UserStore()
    store.login("access-0", "refresh-0")
    async with create(base_url="http://127.0.0.1", adapter=answer) as api:
        silent_refresh(api, store, refresh=refresh)

        async def fail() -> None:
            with pytest.raises(RequestError):
                await api.get("/items")

        await fail()
        with without_collector():
            for _ in range(MANY):
                await fail()
            assert gc.collect() < FEW
