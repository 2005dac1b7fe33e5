"""Renewing the token in the background, as long as a block runs."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from zustax.store import UserStore
from zustax.transport import Instance, create, create_sync, silent_refresh
from zustax.transport.refresh import keep_fresh
from zustax.transport.refresh.expiry import taken_from
from zustax.transport.testing import Clock, TokenAuthority

from ...support.app import App
from ...support.clients import Call
from ...support.server import REFRESH, USERS, AuthServer
from ...support.waiting import BOUND, until, wait_until
from .conftest import NewApp, only_sync

TTL = 300.0
LEEWAY = 30.0


@pytest.fixture(autouse=True)
def _short_ticks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keep_fresh, "_TICK", 0.005)


@pytest.fixture
def clock() -> Iterator[Clock]:
    clock = Clock()
    with taken_from(clock):
        yield clock


@pytest.fixture
def server(clock: Clock) -> Iterator[AuthServer]:
    with AuthServer(TokenAuthority(users=USERS, access_ttl=TTL, clock=clock)) as server:
        yield server


class LookedAt(UserStore):
    """A store that counts how often somebody looks at it."""

    looks = 0

    def get_state(self) -> Any:
        self.looks += 1
        return super().get_state()


def logged_in(app: App, clock: Clock) -> App:
    tokens = app.server.login("ada")
    app.store.login(tokens.access_token, tokens.refresh_token, expires_at=clock() + TTL)
    return app


@pytest.fixture
def app(new_app: NewApp, clock: Clock) -> App:
    return logged_in(new_app(store=LookedAt(), leeway=LEEWAY), clock)


class Block:
    """A block in which the token of a program is kept fresh. It is entered at once."""

    def __init__(self, app: App) -> None:
        self._is_over = threading.Event()
        self._is_inside = threading.Event()
        asynchronous = isinstance(app.api, Instance)
        self._call: Call = app.client.start(
            lambda _api: self._asynchronous(app) if asynchronous else self._plain(app)
        )
        assert self._is_inside.wait(BOUND)

    def leave(self) -> None:
        self._is_over.set()
        self._call.result()

    async def _asynchronous(self, app: App) -> None:
        async with app.handle.keep_fresh():
            self._is_inside.set()
            await until(self._is_over.is_set)

    def _plain(self, app: App) -> None:
        with app.handle.keep_fresh():
            self._is_inside.set()
            assert self._is_over.wait(BOUND)


def look_often(app: App) -> None:
    """Let some ticks go by."""
    looks = app.store.looks
    wait_until(lambda: app.store.looks > looks + 10)


def test_the_token_is_renewed_without_any_request(
    app: App, server: AuthServer, clock: Clock
) -> None:
    block = Block(app)
    look_often(app)
    assert server.count(REFRESH) == 0
    for refreshes in (1, 2):
        clock.advance(TTL - LEEWAY)
        app.signals.wait_for("token_refreshed", refreshes)
    block.leave()
    assert app.get("/items").response().status == 200
    assert server.count(REFRESH) == 2


def test_without_a_leeway_it_is_renewed_shortly_before_it_expires(
    new_app: NewApp, server: AuthServer, clock: Clock
) -> None:
    app = logged_in(new_app(store=LookedAt()), clock)
    block = Block(app)
    clock.advance(TTL * 0.7)
    look_often(app)
    assert server.count(REFRESH) == 0
    clock.advance(TTL * 0.1)
    app.signals.wait_for("token_refreshed")
    block.leave()


def test_it_ends_with_the_block(app: App, server: AuthServer, clock: Clock) -> None:
    before = threading.active_count()
    block = Block(app)
    block.leave()
    wait_until(lambda: threading.active_count() <= before)
    clock.advance(TTL - LEEWAY)
    assert app.stats.refreshes == 0


def test_a_request_waits_for_the_renewal_that_is_under_way(
    app: App, server: AuthServer, clock: Clock
) -> None:
    block = Block(app)
    gate = server.hold(REFRESH)
    clock.advance(TTL - LEEWAY)
    server.wait_for(1, REFRESH)
    call = app.get("/items")
    app.wait_for_waiting(1)
    gate.open()
    assert call.response().status == 200
    block.leave()
    assert server.count(REFRESH) == 1


def test_while_nobody_is_logged_in_nothing_happens(
    new_app: NewApp, server: AuthServer, clock: Clock
) -> None:
    app = new_app(store=LookedAt(), leeway=LEEWAY)
    block = Block(app)
    clock.advance(TTL)
    look_often(app)
    assert app.stats.refreshes == 0
    logged_in(app, clock)
    clock.advance(TTL - LEEWAY)
    app.signals.wait_for("token_refreshed")
    block.leave()


def test_after_a_failure_it_is_tried_again_when_some_time_has_passed(
    app: App, server: AuthServer, clock: Clock
) -> None:
    server.answer(REFRESH, status=503, times=2)
    block = Block(app)
    clock.advance(TTL - LEEWAY)
    app.signals.wait_for("refresh_failed", 1)
    look_often(app)
    assert server.count(REFRESH) == 1
    clock.advance(1.0)
    app.signals.wait_for("refresh_failed", 2)
    look_often(app)
    assert server.count(REFRESH) == 2
    clock.advance(2.0)
    app.signals.wait_for("token_refreshed")
    block.leave()


def test_a_rejection_is_told_and_ends_it_until_the_next_login(
    app: App, server: AuthServer, clock: Clock
) -> None:
    block = Block(app)
    server.authority.revoke_all()
    clock.advance(TTL - LEEWAY)
    sent = app.signals.wait_for("login_required")
    assert sent["reason"] == "refresh_rejected"
    assert not sent["config"].url
    look_often(app)
    logged_in(app, clock)
    clock.advance(TTL - LEEWAY)
    app.signals.wait_for("token_refreshed")
    block.leave()
    assert app.close() == ["login_required", "token_refreshed"]


@only_sync
def test_its_thread_does_not_keep_a_program_alive(app: App) -> None:
    before = set(threading.enumerate())
    with app.handle.keep_fresh():
        (thread,) = set(threading.enumerate()) - before
        assert thread.daemon


def test_a_block_is_entered_once_at_a_time() -> None:
    with create_sync(base_url="http://127.0.0.1") as api:
        fresh = silent_refresh(api, UserStore()).keep_fresh()
        with fresh, pytest.raises(RuntimeError, match="running already"):
            fresh.__enter__()
        with fresh:
            assert repr(fresh) == "<KeepFresh running>"
        assert repr(fresh) == "<KeepFresh not running>"


@pytest.mark.parametrize(
    ("make", "method", "says"),
    [(create, "__enter__", "write: async with"), (create_sync, "__aenter__", "write: with")],
)
async def test_the_kind_of_block_is_that_of_the_instance(
    make: Callable[..., Any], method: str, says: str
) -> None:
    fresh = silent_refresh(make(base_url="http://127.0.0.1"), UserStore()).keep_fresh()
    with pytest.raises(TypeError, match=says):
        await getattr(fresh, method)()


async def test_closing_the_instance_inside_ends_it() -> None:
    async with create(base_url="http://127.0.0.1") as api:
        fresh = silent_refresh(api, UserStore()).keep_fresh()
        async with fresh:
            await api.aclose()
            assert repr(fresh) == "<KeepFresh not running>"
