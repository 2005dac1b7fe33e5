"""When a state is written: at once, once for a batch, later; and what becomes of an error."""

from __future__ import annotations

import asyncio
import gc
import json
import subprocess
import sys
import textwrap
import threading
import weakref
from pathlib import Path
from typing import Any

import pytest
from zustax.store import FileStorage, MemoryStorage, create_store, persist

from ...support.waiting import until, wait_until
from .storages import AsyncStorage, Shared, Unsteady


class Counting(MemoryStorage):
    """Notes what is written, and in which thread."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[Any] = []
        self.threads: set[int] = set()

    def set_item(self, name: str, value: str) -> None:
        self.writes.append(json.loads(value)["state"])
        self.threads.add(threading.get_ident())
        super().set_item(name, value)


def make(storage: Any, **options: Any) -> Any:
    return create_store(persist(lambda *_: {"n": 0}, name="app", storage=storage, **options))


def stored(storage: Any) -> Any:
    return json.loads(storage.get_item("app"))["state"]


# --- batches ---


def test_a_batch_is_written_once() -> None:
    storage = Counting()
    store = make(storage)
    with store.batch():
        for n in range(1, 101):
            store.set_state({"n": n})
        assert storage.writes == []
    assert storage.writes == [{"n": 100}]


def test_nested_batches_are_written_once() -> None:
    storage = Counting()
    store = make(storage)
    with store.batch():
        with store.batch():
            store.set_state({"n": 1})
        store.set_state({"n": 2})
    assert storage.writes == [{"n": 2}]


def change_and_fail(store: Any) -> None:
    with store.batch():
        store.set_state({"n": 1})
        store.set_state(lambda state: state["gone"])


def test_a_batch_that_fails_is_written_and_one_that_changes_nothing_is_not() -> None:
    storage = Counting()
    store = make(storage)
    with pytest.raises(KeyError):
        change_and_fail(store)
    with store.batch():
        store.set_state(lambda state: state)
    assert storage.writes == [{"n": 1}]


def test_what_another_thread_changes_meanwhile_is_written_at_once() -> None:
    storage = Counting()
    store = make(storage)
    with store.batch():
        thread = threading.Thread(target=store.set_state, args=({"n": 1},))
        thread.start()
        thread.join()
        assert storage.writes == [{"n": 1}]
    assert storage.writes == [{"n": 1}]


def test_what_another_process_writes_during_a_batch_does_not_undo_it() -> None:
    shared = Shared()
    view = shared.view()
    store = make(view, sync=True)
    with store.batch():
        store.set_state({"n": 1})
        shared.change('{"state":{"n":5},"version":0}')
        shared.deliver()
        store.set_state({"m": 2})
    assert store.get_state() == {"n": 1, "m": 2}
    assert json.loads(shared.text or "")["state"] == {"n": 1, "m": 2}


# --- throttled writes ---


def test_with_a_throttle_the_newest_state_is_written_now_and_then_off_this_thread() -> None:
    storage = Counting()
    store = make(storage, throttle=0.01)
    for n in range(1, 1001):
        store.set_state({"n": n})
    wait_until(lambda: storage.writes[-1:] == [{"n": 1000}])
    assert len(storage.writes) < 500
    assert threading.get_ident() not in storage.threads
    assert store.persist.is_saved()


def test_flush_writes_what_was_put_off() -> None:
    storage = Counting()
    store = make(storage, throttle=60)
    store.set_state({"n": 1})
    assert not store.persist.is_saved()
    store.persist.flush()
    store.persist.flush()
    assert storage.writes == [{"n": 1}]
    assert store.persist.is_saved()
    store.set_state({"n": 2})
    assert storage.writes == [{"n": 1}]


def test_what_was_put_off_is_not_written_once_the_storage_is_cleared() -> None:
    storage = Counting()
    store = make(storage, throttle=0.05)
    store.set_state({"n": 1})
    store.persist.clear_storage()
    other = make(storage, throttle=0.05)
    other.persist.set_options(name="other")
    other.set_state({"n": 2})
    wait_until(lambda: storage.writes)
    assert storage.writes == [{"n": 2}]
    assert storage.get_item("app") is None


def test_the_throttle_can_be_changed() -> None:
    storage = Counting()
    store = make(storage)
    store.persist.set_options(throttle=60)
    store.set_state({"n": 1})
    assert storage.writes == []
    store.persist.set_options(throttle=0)
    store.set_state({"n": 2})
    assert storage.writes == [{"n": 2}]


def test_a_put_off_write_that_fails_is_told_and_tried_again() -> None:
    storage, errors = Unsteady(), list[Exception]()
    storage.is_writable = False
    store = make(storage, throttle=0.01, on_write_error=errors.append)
    store.set_state({"n": 1})
    wait_until(lambda: len(errors) >= 2)
    assert str(errors[0]) == "no space left on device"
    assert not store.persist.is_saved()
    storage.is_writable = True
    wait_until(store.persist.is_saved)
    assert stored(storage) == {"n": 1}


def test_a_put_off_change_that_cannot_be_stored_is_told(caplog: pytest.LogCaptureFixture) -> None:
    store = make(MemoryStorage(), throttle=0.01)
    store.set_state({"n": {1}})
    wait_until(lambda: "is a set, which JSON cannot hold" in caplog.text)
    store.set_state({"n": 1})
    wait_until(store.persist.is_saved)


def test_a_put_off_change_is_newer_than_what_another_process_writes() -> None:
    shared = Shared()
    store = make(shared.view(), sync=True, throttle=60)
    store.set_state({"n": 1})
    shared.change('{"state":{"n":5},"version":0}')
    shared.deliver()
    assert store.get_state() == {"n": 1}
    store.persist.flush()
    assert json.loads(shared.text or "")["state"] == {"n": 1}
    shared.change('{"state":{"n":6},"version":0}')
    shared.deliver()
    assert store.get_state() == {"n": 6}


def test_a_large_state_is_written_whole_off_this_thread() -> None:
    state = {
        "text": "naïve\ud800" * 50_000,
        "items": [{"id": n, "tags": ["a", {"b": None}]} for n in range(2_000)],
        "by_name": {str(n): [n] * 300 for n in range(400)},
        "deep": {"a": {"b": {"c": [[[1, 2.5, True]] * 300]}}},
        "empty": [[], {}, "", [{}] * 300],
    }
    plain, later = MemoryStorage(), MemoryStorage()
    make(plain).set_state(state)
    store = make(later, throttle=0.01)
    store.set_state(state)
    wait_until(store.persist.is_saved)
    assert later.get_item("app") == plain.get_item("app")


async def test_an_asynchronous_storage_is_written_in_its_loop() -> None:
    storage = AsyncStorage()
    store = make(storage, throttle=0.01)
    await store.persist.hydrated()
    for n in range(1, 101):
        store.set_state({"n": n})
    await until(store.persist.is_saved)
    assert json.loads(storage.items["app"])["state"] == {"n": 100}
    assert storage.calls.count("set") < 50


async def test_an_asynchronous_storage_may_be_used_for_the_first_time_by_a_put_off_write() -> None:
    storage = AsyncStorage()
    store = make(storage, throttle=0.01, skip_hydration=True)
    store.set_state({"n": 1})
    await until(store.persist.is_saved)


def run(source: str, *arguments: object) -> str:
    ended = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(source), *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def test_what_was_put_off_is_written_when_the_program_ends(tmp_path: Path) -> None:
    run(
        """
        import sys
        from zustax.store import FileStorage, create_store, persist

        store = create_store(
            persist(lambda: {"n": 0}, name="app", storage=FileStorage(sys.argv[1]), throttle=60)
        )
        for n in (1, 2, 3):
            store.set_state({"n": n})
        """,
        tmp_path,
    )
    assert stored(FileStorage(tmp_path)) == {"n": 3}


def test_a_program_ends_in_the_middle_of_no_write(tmp_path: Path) -> None:
    run(
        """
        import sys, threading
        from zustax.store import FileStorage, create_store, persist

        began = threading.Event()

        class Slow(FileStorage):
            def set_item(self, name, value):
                began.set()
                threading.Event().wait(0.5)
                super().set_item(name, value)

        store = create_store(
            persist(lambda: {"n": 0}, name="app", storage=Slow(sys.argv[1]), throttle=0.001)
        )
        store.set_state({"n": 1})
        assert began.wait(10)
        """,
        tmp_path,
    )
    assert stored(FileStorage(tmp_path)) == {"n": 1}


def test_a_program_ends_though_its_storage_fails(tmp_path: Path) -> None:
    output = run(
        """
        from zustax.store import MemoryStorage, create_store, persist

        class Full(MemoryStorage):
            def set_item(self, name, value):
                raise OSError("no space left on device")

        store = create_store(
            persist(lambda: {"n": 0}, name="app", storage=Full(), throttle=60, on_write_error=print)
        )
        store.set_state({"n": 1})
        """,
        tmp_path,
    )
    assert output == "no space left on device\n"


def test_a_store_that_is_saved_is_not_kept_alive() -> None:
    store = make(MemoryStorage(), throttle=0.01)
    store.set_state({"n": 1})
    wait_until(store.persist.is_saved)
    reference = weakref.ref(store)
    del store

    def is_gone() -> bool:
        gc.collect()
        return reference() is None

    wait_until(is_gone)


@pytest.mark.parametrize("throttle", [-1, float("nan"), "1", None, True])
def test_a_throttle_is_a_number_of_seconds(throttle: Any) -> None:
    with pytest.raises(ValueError, match="throttle must be a number of seconds"):
        make(MemoryStorage(), throttle=throttle)


# --- errors ---


def test_an_error_of_a_write_can_be_taken_elsewhere() -> None:
    storage, errors = Unsteady(), list[Exception]()
    store = make(storage, on_write_error=errors.append)
    storage.is_writable = False
    store.set_state({"n": 1})
    assert store.get_state() == {"n": 1}
    assert [str(error) for error in errors] == ["no space left on device"]
    store.set_state({"n": {1}})
    assert isinstance(errors[1], TypeError)


async def test_the_error_of_an_asynchronous_write_is_taken_there_as_well(
    caplog: pytest.LogCaptureFixture,
) -> None:
    storage, errors = AsyncStorage(), list[Exception]()
    store = make(storage, on_write_error=errors.append, skip_hydration=True)
    storage.errors.append(OSError("the network is down"))
    store.set_state({"n": 1})
    await until(lambda: errors)
    assert str(errors[0]) == "the network is down"
    assert caplog.text == ""


def test_whether_the_state_is_saved_can_be_asked() -> None:
    storage = Unsteady()
    store = make(storage)
    assert store.persist.is_saved(), "there is nothing to save"
    store.set_state({"n": 1})
    assert store.persist.is_saved()
    storage.is_writable = False
    with pytest.raises(OSError, match="no space left"):
        store.set_state({"n": 2})
    assert not store.persist.is_saved()
    with pytest.raises(OSError, match="no space left"):
        store.persist.flush()
    storage.is_writable = True
    store.persist.flush()
    assert store.persist.is_saved()
    assert stored(storage) == {"n": 2}
    assert make(storage).persist.is_saved()


async def test_a_state_is_not_saved_while_it_is_being_written() -> None:
    storage = AsyncStorage()
    store = make(storage)
    await store.persist.hydrated()
    storage.hold()
    store.set_state({"n": 1})
    assert not store.persist.is_saved()
    storage.release()
    await store.persist.flush()
    assert store.persist.is_saved()
    assert storage.calls == ["get", "set"]


def test_a_state_that_a_listener_kept_from_being_written_is_not_saved() -> None:
    store = make(MemoryStorage())
    unsubscribe = store.subscribe(lambda state: state["gone"])
    with pytest.raises(KeyError):
        store.set_state({"n": 1})
    unsubscribe()
    assert not store.persist.is_saved()
    store.persist.flush()
    assert store.persist.is_saved()


async def test_flush_can_be_awaited_with_a_plain_storage_as_well() -> None:
    storage = Counting()
    store = make(storage, throttle=60)
    store.set_state({"n": 1})
    await store.persist.flush()
    assert storage.writes == [{"n": 1}]


# --- the end of the first hydration ---


async def test_the_end_of_the_first_hydration_can_be_awaited() -> None:
    storage = AsyncStorage({"app": '{"state":{"n":5},"version":0}'})
    storage.hold()
    store = make(storage)
    waiting = [asyncio.ensure_future(store.persist.hydrated()) for _ in range(2)]
    await until(lambda: storage.calls)
    waiting[0].cancel()
    await asyncio.wait(waiting[:1])
    storage.release()
    await waiting[1]
    assert store.get_state() == {"n": 5}
    await store.persist.hydrated()


async def test_a_first_hydration_that_fails_has_ended_as_well() -> None:
    storage = AsyncStorage()
    storage.errors.append(OSError("connection refused"))
    store = make(storage)
    await store.persist.hydrated()
    assert not store.persist.has_hydrated()


async def test_a_plain_storage_has_been_read_when_the_store_is_made() -> None:
    await make(MemoryStorage()).persist.hydrated()


async def test_a_hydration_that_was_skipped_is_waited_for() -> None:
    store = make(MemoryStorage({"app": '{"state":{"n":5},"version":0}'}), skip_hydration=True)
    waiting = asyncio.ensure_future(store.persist.hydrated())
    await asyncio.sleep(0)
    assert not waiting.done()
    store.persist.rehydrate()
    await waiting
    assert store.get_state() == {"n": 5}


# --- what is refused ---


def test_a_class_instead_of_a_storage_is_refused() -> None:
    with pytest.raises(TypeError, match=r"an instance, as FileStorage\(...\), not the class"):
        make(FileStorage)


async def never(*_: object) -> None:
    raise AssertionError("nothing awaits it")


@pytest.mark.parametrize(
    "option", ["partialize", "merge", "serialize", "on_rehydrate_storage", "on_write_error"]
)
def test_a_coroutine_function_is_refused_but_for_migrate(option: str) -> None:
    with pytest.raises(TypeError, match=f"{option} must be a plain function, and never is async"):
        make(MemoryStorage(), **{option: never})
