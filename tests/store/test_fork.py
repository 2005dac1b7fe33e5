"""A forked process has locks and threads of its own: it never hangs, and goes on following."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from .storage.redis_server import RedisServer

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")

#: What each program begins with: `in_child` runs a function in a forked process, which has to end
#: well within ten seconds.
HEAD = """
import os, signal, sys, tempfile, threading, time, warnings
warnings.simplefilter("ignore", DeprecationWarning)  # of a fork beside threads
from zustax.store import *

def in_child(function, meanwhile=lambda: None):
    pid = os.fork()
    if pid == 0:
        signal.alarm(10)
        try:
            function()
        except BaseException as error:
            print(repr(error), file=sys.stderr, flush=True)
            os._exit(1)
        os._exit(0)
    meanwhile()
    assert os.waitpid(pid, 0)[1] == 0, "the child hangs or has failed"

def wait_until(condition):
    end = time.monotonic() + 9
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)

def holding(lock):
    '''Hold a lock in another thread for as long as the program runs.'''
    held = threading.Event()
    def hold():
        with lock:
            held.set()
            threading.Event().wait()
    threading.Thread(target=hold, daemon=True).start()
    held.wait()
"""


def run(source: str, *arguments: object) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", HEAD + textwrap.dedent(source), *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_a_child_does_not_wait_for_what_another_thread_of_its_parent_is_doing() -> None:
    run(
        """
        store = create_store({"n": 0})
        heard = []
        store.subscribe(lambda state: state["n"], heard.append)
        changes = store.changes()
        is_inside, go_on = threading.Event(), threading.Event()

        def update(state):
            is_inside.set()
            go_on.wait()
            return {"n": 1}

        threading.Thread(target=store.set_state, args=(update,), daemon=True).start()
        is_inside.wait()
        holding(store._listeners._lock)
        holding(changes._lock)

        def child():
            store.set_state({"n": 2})
            store.subscribe(print)()
            with store.batch():
                store.set_state({"n": 3})
            assert heard == [2, 3]
            changes.close()

        in_child(child)
        go_on.set()
        """
    )


def test_a_batch_of_another_thread_does_not_keep_a_child_from_hearing() -> None:
    run(
        """
        store = create_store({"n": 0})
        heard = []
        store.subscribe(heard.append)
        holding(store.batch())
        in_child(lambda: (store.set_state({"n": 1}), heard[0]))
        """
    )


def test_a_fork_while_threads_write_does_not_hang_the_child() -> None:
    run(
        """
        files = FileStorage(tempfile.mkdtemp())
        options = [{}, {"throttle": 0.001}, {"sync": True}]
        stores = [
            create_store(persist(lambda: {"n": 0}, name=f"app{i}", storage=files, **each))
            for i, each in enumerate(options)
        ]

        def work(store):
            while True:
                store.set_state(lambda state: {"n": state["n"] + 1})

        for store in stores:
            threading.Thread(target=work, args=(store,), daemon=True).start()
        time.sleep(0.1)

        def child():
            for store in stores:
                store.set_state({"n": -1})
                store.persist.flush()
                store.persist.rehydrate()
                assert store.get_state()["n"] != 0

        for _ in range(4):
            in_child(child)
        os._exit(0)
        """
    )


def test_a_change_that_is_being_written_does_not_hang_the_child() -> None:
    run(
        """
        class Slow(MemoryStorage):
            is_slow = threading.Event()
            def set_item(self, name, value):
                if threading.current_thread() is not threading.main_thread():
                    self.is_slow.set()
                    threading.Event().wait()
                super().set_item(name, value)

        storage = Slow()
        store = create_store(persist(lambda: {"n": 0}, name="app", storage=storage))
        threading.Thread(target=store.set_state, args=({"n": 1},), daemon=True).start()
        storage.is_slow.wait()

        def child():
            store.set_state({"n": 2})
            lock = store.persist.exclusive(5).result(5)
            lock.reload().result(5)
            assert lock.write().result(5)

        in_child(child)
        """
    )


def test_what_the_parent_is_going_to_write_the_child_does_not() -> None:
    run(
        """
        folder = tempfile.mkdtemp()
        store = create_store(
            persist(lambda: {"n": 0}, name="app", storage=FileStorage(folder), throttle=0.3)
        )
        store.set_state({"n": 1})

        def child():
            time.sleep(0.6)
            assert not store.persist.is_saved()
            assert not os.path.exists(folder + "/app")
            store.set_state({"n": 2})
            wait_until(store.persist.is_saved)

        pid = os.fork()
        if pid == 0:
            child()
            os._exit(0)
        store.persist.clear_storage()
        assert os.waitpid(pid, 0)[1] == 0
        """
    )


def test_a_child_goes_on_following_and_is_followed_with_files(tmp_path: Path) -> None:
    run(
        """
        def storage():
            return FileStorage(sys.argv[1], poll_interval=0.02)
        store = create_store(persist(lambda: {"n": 0}, name="app", storage=storage(), sync=True))

        def child():
            wait_until(lambda: store.get_state()["n"] == 42)
            store.set_state({"n": 43})

        def parent():
            time.sleep(0.1)
            store.set_state({"n": 42})
            wait_until(lambda: store.get_state()["n"] == 43)

        in_child(child, parent)
        """,
        tmp_path,
    )


def test_a_child_goes_on_following_and_is_followed_with_redis() -> None:
    server = RedisServer()
    server.start()
    try:
        run(
            """
            import redis
            storage = RedisStorage(redis.Redis(unix_socket_path=sys.argv[1]))
            store = create_store(persist(lambda: {"n": 0}, name="app", storage=storage, sync=True))
            store.set_state({"n": 1})

            def child():
                wait_until(lambda: store.get_state()["n"] == 42)
                store.set_state({"n": 43})

            def parent():
                time.sleep(0.2)
                store.set_state({"n": 42})
                wait_until(lambda: store.get_state()["n"] == 43)

            in_child(child, parent)
            """,
            server.socket,
        )
    finally:
        server.remove()


def test_a_fork_in_the_middle_of_a_change_leaves_both_able_to_go_on() -> None:
    run(
        """
        store = create_store(
            devtools(persist(lambda: {"n": 0}, name="app", storage=MemoryStorage()))
        )
        children = []

        def fork(state, previous):
            if state["n"] == 1:
                children.append(os.fork())

        store.subscribe(fork)
        with store.batch():
            store.set_state({"n": 1})
        store.set_state({"n": 2})
        assert store.persist.is_saved()
        if children == [0]:
            os._exit(0)
        assert os.waitpid(children[0], 0)[1] == 0
        """
    )


def test_a_child_follows_its_storage_whatever_other_stores_there_are(tmp_path: Path) -> None:
    run(
        """
        made = [create_store(devtools(lambda: {"n": 0}, name=name)) for name in "abcd"]
        storage = FileStorage(sys.argv[1], poll_interval=0.01)
        store = create_store(persist(lambda: {"n": 0}, name="n", storage=storage, sync=True))

        def child():
            wait_until(lambda: store.get_state() == {"n": 1})

        def write():
            FileStorage(sys.argv[1]).set_item("n", '{"state": {"n": 1}, "version": 0}')

        in_child(child, write)
        """,
        tmp_path,
    )


def test_a_fork_calls_no_method_of_a_class_of_ones_own() -> None:
    run(
        """
        class Game(UserStore):
            def renew(self):
                self.logout()

            restart = renew

        game = Game()
        game.login("access", "refresh")
        in_child(lambda: game.get_state().is_login or sys.exit("it was logged out"))
        """
    )
