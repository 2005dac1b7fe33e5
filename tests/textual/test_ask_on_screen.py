"""A screen as the `reauthenticate` of a silent refresh, from wherever that is called."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest
from textual.app import App
from textual.screen import Screen
from textual.widgets import Input
from zustax.store import UserStore
from zustax.transport import (
    RequestError,
    SyncInstance,
    TokenPair,
    create,
    create_sync,
    silent_refresh,
)
from zustax.transport.textual import LoginScreen, ask_on_screen

from ..support.server import AuthServer
from ..support.waiting import BOUND, until

REQUESTS = 3


class Dialog(Screen[TokenPair | None]):
    """A screen that a test dismisses."""


class Host(App[None]):
    """An app over a session that is revoked."""

    def __init__(self, server: AuthServer) -> None:
        super().__init__()
        self.server = server
        self.store = UserStore()
        tokens = server.login("ada")
        self.store.login(tokens.access_token, tokens.refresh_token)
        server.authority.revoke_all()

    @property
    def dialogs(self) -> list[Dialog]:
        return [screen for screen in self.screen_stack if isinstance(screen, Dialog)]

    def new_pair(self) -> TokenPair:
        tokens = self.server.login("ada")
        return TokenPair(tokens.access_token, tokens.refresh_token)


# Ways to make requests that meet the end of the session: each gives their statuses.

Requests = Callable[[Host], Awaitable[list[int | None]]]


async def in_tasks(app: Host) -> list[int | None]:
    async with create(base_url=app.server.url) as api:
        silent_refresh(api, app.store, reauthenticate=ask_on_screen(app, Dialog))
        return await asyncio.gather(*(status_of(api.get("/items")) for _ in range(REQUESTS)))


async def in_a_worker(app: Host) -> list[int | None]:
    statuses: list[int | None] = await app.run_worker(in_tasks(app)).wait()
    return statuses


async def in_another_loop(app: Host) -> list[int | None]:
    statuses: list[int | None] = await in_thread(lambda: asyncio.run(in_tasks(app)))
    return statuses


async def in_threads(app: Host) -> list[int | None]:
    def send() -> list[int | None]:
        with (
            create_sync(base_url=app.server.url) as api,
            ThreadPoolExecutor(REQUESTS) as threads,
        ):
            silent_refresh(api, app.store, reauthenticate=ask_on_screen(app, Dialog))
            calls = [threads.submit(lambda: api.get("/items")) for _ in range(REQUESTS)]
            return [status_of_call(call) for call in calls]

    statuses: list[int | None] = await in_thread(send)
    return statuses


async def in_thread(work: Callable[[], Any]) -> Any:
    """What it gives; the thread is none of the event loop's own."""
    result: Future[Any] = Future()

    def run() -> None:
        try:
            result.set_result(work())
        except BaseException as error:
            result.set_exception(error)

    threading.Thread(target=run, name="requests").start()
    return await asyncio.wrap_future(result)


async def status_of(request: Awaitable[Any]) -> int | None:
    try:
        status: int = (await request).status
    except RequestError as error:
        return error.status
    return status


def status_of_call(call: Future[Any]) -> int | None:
    try:
        status: int = call.result().status
    except RequestError as error:
        return error.status
    return status


@pytest.fixture(
    params=[in_tasks, in_a_worker, in_another_loop, in_threads], ids=lambda way: way.__name__
)
def requests(request: pytest.FixtureRequest) -> Requests:
    way: Requests = request.param
    return way


async def start(app: Host, requests: Requests) -> asyncio.Future[list[int | None]]:
    """Start the requests, and answer none before all have left: none waits for the refresh."""
    app.server.hold("/items")
    before = app.server.count("/items")
    sent = asyncio.ensure_future(requests(app))
    await app.server.wait_for_async(before + REQUESTS, "/items")
    app.server.open_gates()
    return sent


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    yield
    for thread in threading.enumerate():
        if thread.name == "requests":
            thread.join(BOUND)
            assert not thread.is_alive()


async def test_the_requests_wait_for_one_dialog_and_go_on_after_the_login(
    server: AuthServer, requests: Requests
) -> None:
    app = Host(server)
    async with app.run_test():
        sent = await start(app, requests)
        await until(lambda: app.dialogs)
        assert not sent.done()
        (dialog,) = app.dialogs
        dialog.dismiss(app.new_pair())
        assert await sent == [200] * REQUESTS
        assert app.dialogs == []


async def test_they_fail_with_their_own_401_when_the_user_gives_up(
    server: AuthServer, requests: Requests
) -> None:
    app = Host(server)
    async with app.run_test():
        sent = await start(app, requests)
        await until(lambda: app.dialogs)
        app.dialogs[0].dismiss(None)
        assert await sent == [401] * REQUESTS


async def test_they_fail_when_the_app_ends_while_it_asks(
    server: AuthServer, requests: Requests
) -> None:
    app = Host(server)
    async with app.run_test():
        sent = await start(app, requests)
        await until(lambda: app.dialogs)
        app.exit()
    if requests is not in_a_worker:  # which has ended with the app
        assert await sent == [401] * REQUESTS
    await asyncio.wait([sent])


async def test_an_app_that_does_not_run_asks_nobody(server: AuthServer, requests: Requests) -> None:
    app = Host(server)
    if requests is not in_a_worker:
        assert await (await start(app, requests)) == [401] * REQUESTS
    async with app.run_test():
        pass
    if requests is not in_a_worker:
        assert await (await start(app, requests)) == [401] * REQUESTS


async def test_it_needs_no_thread_of_those_that_wait_for_it(server: AuthServer) -> None:
    app = Host(server)
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(REQUESTS))
    make_screen = partial(LoginScreen, lambda username, password: app.new_pair(), username="ada")
    busy: list[int] = []

    def send(api: SyncInstance) -> int:
        busy.append(threading.get_ident())
        status: int = api.get("/items").status
        return status

    with create_sync(base_url=server.url) as blocking:
        async with create(base_url=server.url) as api, app.run_test() as pilot:
            for instance in (api, blocking):
                silent_refresh(instance, app.store, reauthenticate=ask_on_screen(app, make_screen))
            first = asyncio.ensure_future(status_of(api.get("/items")))
            await until(lambda: isinstance(app.screen, LoginScreen) and app.screen.is_mounted)
            others = asyncio.gather(*(asyncio.to_thread(send, blocking) for _ in range(REQUESTS)))
            await until(lambda: len(set(busy)) == REQUESTS)
            app.screen.query_one("#password", Input).value = "lovelace"
            await pilot.press("enter")
            assert await first == 200
            assert await others == [200] * REQUESTS


async def test_a_screen_that_cannot_be_made_ends_the_app_and_not_in_silence(
    server: AuthServer,
) -> None:
    def make() -> Dialog:
        raise ZeroDivisionError

    app = Host(server)
    reauthenticate = ask_on_screen(app, make)

    async def run() -> None:
        async with app.run_test():
            assert await reauthenticate() is None

    with pytest.raises(Exception, match=r"ZeroDivisionError|division") as caught:
        await run()
    assert "ZeroDivisionError" in repr(caught.value) + repr(caught.value.__cause__)
