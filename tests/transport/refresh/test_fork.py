"""A process that is forked has connections, threads and refreshes of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from zustax.transport.testing import Answer

from ...support.server import REFRESH, AuthServer

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")

#: What every program begins with. A child that hangs is ended by its alarm.
START = """
import asyncio, os, signal, sys, threading, time, warnings
from zustax.store import FileStorage, UserStore
from zustax.transport import create, create_sync, silent_refresh

warnings.simplefilter("ignore")  # to fork with threads is the point
signal.alarm(25)

def fork(child):
    pid = os.fork()
    if pid == 0:
        signal.alarm(15)
        try:
            child()
        except BaseException as error:
            print(repr(error), repr(error.__cause__), flush=True)
            os._exit(1)
        os._exit(0)
    return lambda: os.waitpid(pid, 0)[1] == 0

def get(api, path):
    if hasattr(api, "aclose"):
        async def main():
            return await api.get(path)
        return asyncio.run(main())
    return api.get(path)

MAKERS = {
    "sync": create_sync,
    "async": create,
    "aiohttp": lambda **options: create(adapter="aiohttp", **options),
}
"""


def run(source: str, *arguments: str) -> str:
    """Run a program of its own, which must end well and in time; return what it printed."""
    ended = subprocess.run(
        [sys.executable, "-c", START + textwrap.dedent(source), *arguments],
        capture_output=True,
        text=True,
        timeout=40,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def test_a_forked_process_has_connections_of_its_own(server: AuthServer) -> None:
    server.behave("*", lambda seen: Answer(body=seen.path))
    run(
        """
        def ask(api, name):
            answers = [get(api, f"/{name}/{number}").data for number in range(20)]
            assert answers == [f"/{name}/{number}" for number in range(20)], answers

        for make in MAKERS.values():
            api = make(base_url=sys.argv[1], timeout=5)
            ask(api, "before")
            has_ended_well = fork(lambda: ask(api, "child"))
            ask(api, "parent")
            assert has_ended_well()
        """,
        server.url,
    )
    assert server.count() == 180


def test_a_process_that_is_forked_beside_a_running_loop_serves_a_loop_of_its_own(
    server: AuthServer,
) -> None:
    server.answer("/items", body={})
    run(
        """
        api = create(base_url=sys.argv[1], timeout=5)
        loop = asyncio.new_event_loop()
        threading.Thread(target=loop.run_forever, daemon=True).start()

        async def use():
            return (await api.get("/items")).status

        asyncio.run_coroutine_threadsafe(use(), loop).result(10)

        def child():
            assert asyncio.run(use()) == 200

        assert fork(child)()
        assert asyncio.run_coroutine_threadsafe(use(), loop).result(10) == 200
        os._exit(0)
        """,
        server.url,
    )


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_processes_that_are_forked_during_a_refresh_adopt_what_the_parent_has_written(
    server: AuthServer, tmp_path: Path, kind: str
) -> None:
    tokens = server.login("ada")
    server.expire()
    gate = server.hold(REFRESH)
    program = """
        url, folder, kind, access_token, refresh_token = sys.argv[1:]
        store = UserStore(storage=FileStorage(folder))
        store.login(access_token, refresh_token)
        api = MAKERS[kind](base_url=url)
        silent_refresh(api, store)
        request = threading.Thread(target=get, args=(api, "/items"))
        request.start()
        assert sys.stdin.readline()  # the refresh call has arrived

        def child(used):
            assert get(used, "/items").status == 200
            assert store.get_state().access_token != access_token

        def child_with_another():
            another = MAKERS[kind](base_url=url)
            silent_refresh(another, store)
            child(another)

        have_ended_well = [fork(lambda: child(api)), fork(child_with_another)]
        request.join()
        assert [has_ended_well() for has_ended_well in have_ended_well] == [True] * 2
        """
    arguments = [server.url, str(tmp_path), kind, tokens.access_token, tokens.refresh_token]
    with subprocess.Popen(
        [sys.executable, "-c", START + textwrap.dedent(program), *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdin is not None
        server.wait_for(1, REFRESH, bound=30.0)
        print("go on", file=process.stdin, flush=True)
        server.wait_for(3, "/items", bound=30.0)  # those of the children, with the old token
        gate.open()
        shown, _ = process.communicate(timeout=30)
    assert process.returncode == 0, shown
    assert server.count(REFRESH) == 1
    assert server.authority.journal.count("reuse") == 0


def test_a_forked_process_leaves_keep_fresh_behind() -> None:
    run(
        """
        def handle_of(make):
            return silent_refresh(make(base_url="http://127.0.0.1:9"), UserStore())

        def main():
            with handle_of(create_sync).keep_fresh():
                return os.fork() or sys.exit()

        async def main_async():
            async with handle_of(create).keep_fresh():
                return os.fork() or sys.exit()

        for each in (main, lambda: asyncio.run(main_async())):
            try:
                pid = each()
            except SystemExit:
                os._exit(0)  # the child has left the block
            assert os.waitpid(pid, 0)[1] == 0
        """
    )


def test_a_fork_while_threads_are_busy_leaves_nothing_locked(
    server: AuthServer,
) -> None:
    run(
        """
        url = sys.argv[1]
        store = UserStore()
        store.login("a", "r")
        api = create_sync(base_url=url)
        handle = silent_refresh(api, store)
        is_over = threading.Event()

        def busy():  # each of these takes a lock
            while not is_over.is_set():
                handle.stats
                silent_refresh(create_sync(base_url=url), UserStore())
                store.set_state({"expires_at": time.time()})

        threads = [threading.Thread(target=busy) for _ in range(3)]
        for thread in threads:
            thread.start()

        def child():
            handle.stats
            store.set_state({"expires_at": 1.0})
            silent_refresh(create_sync(base_url=url), UserStore())

        assert all([fork(child)() for _ in range(5)])
        is_over.set()
        """,
        server.url,
    )
