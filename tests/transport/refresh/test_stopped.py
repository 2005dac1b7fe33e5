"""A process that was stopped for longer than all time-outs: an answer that has arrived counts."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest
from zustax.store import UserStore
from zustax.transport import RequestError, create, create_sync, silent_refresh
from zustax.transport.testing import IssuedTokens

from ...support.server import REFRESH, AuthServer

ROOT = Path(__file__).parents[3]
BOUND = 20.0
TIMEOUT = 0.4
REQUESTS = 3

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.name == "nt", reason="Windows does not stop processes"),
]


def ask(url: str, tokens: IssuedTokens, is_async: bool, connection: Connection) -> None:
    """Make requests at once, then one more, and send their statuses."""
    store = UserStore()
    store.login(tokens.access_token, tokens.refresh_token)
    asked = asyncio.run(ask_in_tasks(url, store)) if is_async else ask_in_threads(url, store)
    connection.send(asked)


async def ask_in_tasks(url: str, store: UserStore) -> list[Any]:
    async with create(base_url=url) as api:
        silent_refresh(api, store, timeout=TIMEOUT)

        async def get() -> Any:
            try:
                return (await api.get("/items")).status
            except RequestError as error:
                return error.status

        return [*await asyncio.gather(*(get() for _ in range(REQUESTS))), await get()]


def ask_in_threads(url: str, store: UserStore) -> list[Any]:
    with create_sync(base_url=url) as api, ThreadPoolExecutor(REQUESTS) as threads:
        silent_refresh(api, store, timeout=TIMEOUT)

        def get(_number: int) -> Any:
            try:
                return api.get("/items").status
            except RequestError as error:
                return error.status

        return [*threads.map(get, range(REQUESTS)), get(REQUESTS)]


@pytest.mark.parametrize("is_async", [True, False], ids=["async", "sync"])
def test_an_answer_that_arrives_while_the_process_is_stopped_serves_all_who_wait(
    server: AuthServer, is_async: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(ROOT)  # where the process finds what it is to run
    tokens = server.login()
    server.expire()
    gate = server.hold(REFRESH)
    context = multiprocessing.get_context("forkserver")
    ours, theirs = context.Pipe()
    process = context.Process(target=ask, args=(server.url, tokens, is_async, theirs), daemon=True)
    process.start()
    try:
        server.wait_for(1, REFRESH, BOUND)
        assert process.pid is not None
        os.kill(process.pid, signal.SIGSTOP)
        gate.open()
        time.sleep(TIMEOUT * 3 + 1.5)  # that it passes is the point
        os.kill(process.pid, signal.SIGCONT)
        assert ours.poll(BOUND)
        assert ours.recv() == [200] * (REQUESTS + 1)
        assert server.count(REFRESH) == 1
    finally:
        process.kill()
        process.join()
