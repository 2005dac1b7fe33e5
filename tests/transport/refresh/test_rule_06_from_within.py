"""What the functions of an app may do while they refresh (6): no refresh waits for itself."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from zustax.store import UserStore
from zustax.transport import RefreshError, RequestConfig, TokenPair, create, silent_refresh

from ...support.waiting import until

NEW = TokenPair("new", "r2")


class Backend:
    """Takes the token ``new`` alone, and notes what it is sent."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, str | None]] = []
        self.transport = httpx.MockTransport(self.answer)

    def answer(self, request: httpx.Request) -> httpx.Response:
        sent = request.headers.get("authorization")
        self.seen.append((request.url.path, sent))
        is_open = request.url.path == "/auth" or sent == "Bearer new"
        return httpx.Response(200 if is_open else 401, json={})

    def instance(self) -> Any:
        return create(
            base_url="http://h", client=httpx.AsyncClient(transport=self.transport), timeout=10
        )


@pytest.fixture
def backend() -> Backend:
    return Backend()


@pytest.fixture
def store() -> UserStore:
    store = UserStore()
    store.login("old", "r")
    return store


async def test_rule_06_another_client_of_the_session_sends_for_the_refresh(
    backend: Backend, store: UserStore
) -> None:
    async def refresh(_token: str | None) -> TokenPair:
        async with httpx.AsyncClient(transport=backend.transport, auth=handle.auth()) as client:
            await client.post("http://h/auth")
        return NEW

    api = backend.instance()
    handle = silent_refresh(api, store, refresh=refresh, timeout=5)
    assert (await api.get("/a")).status == 200
    assert backend.seen == [("/a", "Bearer old"), ("/auth", None), ("/a", "Bearer new")]


async def test_rule_06_a_refresh_that_asks_for_a_token_fails_at_once(
    backend: Backend, store: UserStore
) -> None:
    asked: list[BaseException] = []

    async def refresh(_token: str | None) -> TokenPair:
        try:
            await handle.token()
        except RefreshError as error:
            asked.append(error)
        return NEW

    api = backend.instance()
    handle = silent_refresh(api, store, refresh=refresh, timeout=5)
    assert (await api.get("/a")).status == 200
    assert [str(error) for error in asked] == ["a refresh cannot wait for itself"]


async def test_rule_06_a_task_that_the_refresh_has_started_is_like_any_other_afterwards(
    backend: Backend, store: UserStore
) -> None:
    met: list[str] = []
    tasks: list[asyncio.Task[Any]] = []
    has_ended = asyncio.Event()

    async def beat() -> Any:
        await has_ended.wait()
        return await api.get("/beat")

    async def refresh(_token: str | None) -> TokenPair:
        tasks.append(asyncio.create_task(beat()))
        return NEW

    api = backend.instance()

    def meet(config: RequestConfig) -> RequestConfig:
        met.append(config.url)
        return config

    api.interceptors.request.use(meet)
    silent_refresh(api, store, refresh=refresh)
    await api.get("/a")
    has_ended.set()
    assert (await tasks[0]).status == 200
    assert met == ["/a", "/beat"]
    assert backend.seen[-1] == ("/beat", "Bearer new")


async def test_rule_11_another_client_takes_no_token_of_the_next_user(
    backend: Backend, store: UserStore
) -> None:
    may_end = asyncio.Event()
    is_running = asyncio.Event()

    async def refresh(_token: str | None) -> TokenPair:
        is_running.set()
        await may_end.wait()
        return NEW

    api = backend.instance()
    handle = silent_refresh(api, store, refresh=refresh)
    refreshed = asyncio.create_task(handle.refresh())
    await is_running.wait()
    async with httpx.AsyncClient(transport=backend.transport, auth=handle.auth()) as client:
        sent = asyncio.create_task(client.post("http://h/transfer"))
        await until(lambda: handle.stats.waited == 2)
        store.logout()
        store.login("bob's", "bob's r")
        may_end.set()
        assert (await sent).status_code == 401
    with pytest.raises(RefreshError):
        await refreshed
    assert backend.seen == [("/transfer", "Bearer old")]


def test_rule_18_an_ejected_handle_leaves_nothing_on_the_instance() -> None:
    api = create(base_url="http://h")
    for _ in range(3):
        handle = silent_refresh(api, UserStore())
        handle.eject()
        handle.eject()
    assert not api.before_send


async def test_a_token_in_a_body_or_a_url_goes_to_no_other_origin(
    backend: Backend, store: UserStore
) -> None:
    async def elsewhere(config: Any, proceed: Any) -> Any:
        moved = config.copy()
        moved.put(base_url="http://other", url=moved.url.replace("http://h", "http://other"))
        return await proceed(moved)

    for attach in (
        lambda config, token: config.put(params=[("key", token)]),
        lambda config, token: config.put(url=f"/a?key={token}"),
        lambda config, token: config.put(data=f'{{"key": "{token}"}}'.encode()),
    ):
        api = backend.instance()
        silent_refresh(api, store, refresh=lambda _token: NEW, attach=attach)
        api.interceptors.network.use(elsewhere)
        with pytest.raises(Exception, match="would take the access token to another origin"):
            await api.post("/a", {"n": 1})
    assert not backend.seen
