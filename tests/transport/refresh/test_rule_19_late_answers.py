"""An answer that comes after the time-out is still used, and no second refresh begins before."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from zustax.store import FileStorage, UserStore
from zustax.transport import RefreshError, TokenPair
from zustax.transport.testing.faults import stall

from ...support.app import App
from ...support.server import REFRESH, AuthServer
from ...support.waiting import wait_until
from .conftest import NewApp, only_async

#: Seconds. Those who wait are told then, and the answer is used for as long again.
TIMEOUT = 0.3


@pytest.fixture
def app(new_app: NewApp) -> App:
    """A program with a short time-out, in which ada is logged in."""
    return new_app(timeout=TIMEOUT).login()


def is_told(call: Any) -> None:
    """See that a request was told at the time-out."""
    error = call.error()
    assert error.status == 401
    assert isinstance(error.__cause__, RefreshError)
    assert "took longer than" in str(error.__cause__)


def test_rule_19_an_answer_that_comes_late_is_stored(app: App, server: AuthServer) -> None:
    old = app.tokens
    server.expire()
    gate = server.hold(REFRESH)
    for call in app.get_together(3):
        is_told(call)
    assert app.tokens == old
    gate.open()
    wait_until(lambda: app.tokens != old)
    assert app.get("/items").response().status == 200
    assert server.count(REFRESH) == 1
    assert (app.stats.refreshes, app.stats.failed) == (1, 1)
    assert app.close() == ["refresh_failed", "token_refreshed"]


def test_rule_19_a_request_that_starts_meanwhile_waits_for_the_late_answer(
    app: App, server: AuthServer
) -> None:
    server.expire()
    gate = server.hold(REFRESH)
    is_told(app.get("/items"))
    later = [app.get("/items") for _ in range(3)]
    app.wait_for_waiting(4)
    gate.open()
    assert [call.response().status for call in later] == [200] * 3
    assert server.count(REFRESH) == 1
    assert server.count("/items") == 4
    assert server.authority.journal.count("reuse") == 0


def test_rule_19_a_401_that_arrives_meanwhile_begins_no_second_refresh(
    app: App, server: AuthServer
) -> None:
    server.expire()
    gate, late_gate = server.hold(REFRESH), server.hold("/late")
    late = app.get("/late")
    server.wait_for(1, "/late")
    is_told(app.get("/items"))
    late_gate.open()
    app.wait_for_waiting(2)
    gate.open()
    assert late.response().status == 200
    assert server.count(REFRESH) == 1


@pytest.mark.parametrize("status", [401, 503])
def test_rule_19_a_late_refusal_counts_as_it_would_have_in_time(
    app: App, server: AuthServer, status: int
) -> None:
    server.expire()
    server.answer(REFRESH, status=status)
    gate = server.hold(REFRESH)
    is_told(app.get("/items"))
    waiting = app.get("/items")
    app.wait_for_waiting(2)
    gate.open()
    cause = waiting.error().__cause__
    assert isinstance(cause, RefreshError)
    assert cause.rejected == (status == 401)
    assert app.store.get_state().is_login == (status != 401)
    assert app.stats.failed == 1
    assert app.close() == ["refresh_failed", *(["login_required"] if status == 401 else [])]


def test_rule_19_an_answer_that_never_comes_ends_it_after_twice_the_timeout(
    app: App, server: AuthServer
) -> None:
    server.expire()
    server.fail(REFRESH, stall(), times=1)
    is_told(app.get("/items"))
    assert isinstance(app.get("/items").error().__cause__, RefreshError)  # it waits for the end
    assert app.stats.failed == 1
    assert app.get("/items").response().status == 200
    assert server.count(REFRESH) == 2
    assert app.close() == ["refresh_failed", "token_refreshed"]


@pytest.mark.parametrize("successor", [None, "bob"])
def test_rule_19_the_late_answer_of_a_session_that_has_ended_is_thrown_away(
    app: App, server: AuthServer, successor: str | None
) -> None:
    server.expire()
    gate = server.hold(REFRESH)
    is_told(app.get("/items"))
    app.logout()
    if successor:
        app.login(successor)
    tokens = app.tokens
    gate.open()
    assert app.close() == ["refresh_failed"]
    assert app.tokens == tokens


def test_rule_19_other_processes_do_not_send_the_token_meanwhile(
    new_app: NewApp, server: AuthServer, tmp_path: Path
) -> None:
    first, second = (
        new_app(store=UserStore(storage=FileStorage(tmp_path), sync=False), timeout=TIMEOUT)
        for _ in range(2)
    )
    first.login()
    second.store.persist.rehydrate()
    server.expire()
    gate = server.hold(REFRESH)
    is_told(first.get("/items"))
    waiting = second.get("/items")
    second.wait_for_waiting(1)
    gate.open()
    wait_until(lambda: waiting.is_done)
    assert second.get("/items").response().status == 200
    assert server.count(REFRESH) == 1
    assert first.tokens == second.tokens


@only_async
def test_rule_19_an_event_loop_that_was_blocked_does_not_lose_the_answer(
    app: App, server: AuthServer
) -> None:
    async def block(_api: object) -> None:
        gate.open()
        time.sleep(4 * TIMEOUT)  # noqa: ASYNC251 - a heavy cell of a notebook

    server.expire()
    gate = server.hold(REFRESH)
    call = app.get("/items")
    server.wait_for(1, REFRESH)
    app.client.call(block)
    assert call.response().status == 200
    assert server.count(REFRESH) == 1


@only_async
def test_rule_19_a_plain_refresh_that_blocks_the_loop_loses_nothing(
    new_app: NewApp, server: AuthServer
) -> None:
    def blocking(refresh_token: str | None) -> TokenPair:
        tokens = server.authority.refresh(refresh_token or "")
        time.sleep(4 * TIMEOUT)
        return TokenPair(tokens.access_token, tokens.refresh_token)

    app = new_app(refresh=blocking, timeout=TIMEOUT).login()
    server.expire()
    assert [call.response().status for call in app.get_together(3)] == [200] * 3
    assert app.stats.refreshes == 1


PROGRAM = """
import asyncio, sys
from zustax.store import UserStore
from zustax.transport import create, create_sync, silent_refresh

url, kind, access_token, refresh_token = sys.argv[1:]
store = UserStore()
store.login(access_token, refresh_token)

async def main():
    async with create(base_url=url, validate_status=None) as api:
        silent_refresh(api, store, timeout=0.5)
        return [(await api.get("/items")).status for _ in range(2)]

def main_in_threads():
    with create_sync(base_url=url, validate_status=None) as api:
        silent_refresh(api, store, timeout=0.5)
        return [api.get("/items").status for _ in range(2)]

print(asyncio.run(main()) if kind == "async" else main_in_threads())
"""


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="stops a process")
@pytest.mark.parametrize("kind", ["async", pytest.param("sync", marks=pytest.mark.slow)])
def test_rule_19_a_process_that_was_stopped_does_not_lose_the_answer(
    server: AuthServer, kind: str
) -> None:
    tokens = server.login("ada")
    server.expire()
    gate = server.hold(REFRESH)
    arguments = [server.url, kind, tokens.access_token, tokens.refresh_token]
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *arguments], stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            server.wait_for(1, REFRESH, bound=30.0)
            os.kill(process.pid, signal.SIGSTOP)
            gate.open()
            time.sleep(2.0)  # four times its time-out
            os.kill(process.pid, signal.SIGCONT)
            shown, _ = process.communicate(timeout=30)
        finally:
            process.kill()
    assert shown.strip() == "[200, 200]"
    assert server.count(REFRESH) == 1
