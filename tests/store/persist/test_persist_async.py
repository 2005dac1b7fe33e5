"""What `persist` does with an asynchronous storage, beyond what the vectors show."""

import asyncio
import gc
import json
import threading
from collections.abc import Coroutine
from typing import Any

import pytest
from zustax.store import MemoryStorage, NoEventLoopError, create_store
from zustax.store.middleware.persist import persist

from ...support.waiting import until
from .storages import AsyncStorage

STORED = '{"state":{"count":7},"version":0}'


def make(storage: Any, **options: Any) -> Any:
    return create_store(
        persist(
            lambda set_state, get_state, store: {"count": 0},
            name="app",
            storage=storage,
            **options,
        )
    )


def written(storage: AsyncStorage) -> Any:
    return json.loads(storage.items["app"])["state"]


async def test_the_stored_state_arrives_while_the_program_runs() -> None:
    store = make(AsyncStorage({"app": STORED}))
    assert store.get_state() == {"count": 0}
    assert store.persist.is_hydrating()
    await until(store.persist.has_hydrated)
    assert store.get_state() == {"count": 7}
    assert not store.persist.is_hydrating()


async def test_rehydrate_can_be_awaited_and_need_not() -> None:
    store = make(AsyncStorage({"app": STORED}), skip_hydration=True)
    await store.persist.rehydrate()
    assert store.get_state() == {"count": 7}
    store.set_state({"count": 8})
    store.persist.rehydrate()
    await until(lambda: not store.persist.is_hydrating())
    assert store.get_state() == {"count": 8}


async def test_writes_that_are_under_way_arrive_one_after_the_other() -> None:
    storage = AsyncStorage()
    storage.hold()
    store = make(storage, skip_hydration=True)
    for count in range(3):
        store.set_state({"count": count})
    await until(lambda: storage.calls)
    assert storage.calls == ["set"], "the second waits for the first"
    storage.release()
    await store.persist.flush()
    assert storage.calls == ["set"] * 3
    assert written(storage) == {"count": 2}


async def test_a_read_waits_for_the_writes_before_it() -> None:
    storage = AsyncStorage({"app": STORED})
    storage.hold()
    store = make(storage, skip_hydration=True)
    store.set_state({"count": 1})
    reading = store.persist.rehydrate()
    await until(lambda: storage.calls)
    storage.release()
    await reading
    assert storage.calls == ["set", "get"]
    assert store.get_state() == {"count": 1}


async def test_flush_ends_when_the_state_is_written() -> None:
    storage = AsyncStorage()
    store = make(storage)
    store.set_state({"count": 1})
    await store.persist.flush()
    assert written(storage) == {"count": 1}
    await store.persist.flush()


async def test_flush_raises_the_error_of_the_last_write(caplog: pytest.LogCaptureFixture) -> None:
    storage = AsyncStorage()
    store = make(storage, skip_hydration=True)
    storage.errors.append(OSError("the network is down"))
    store.set_state({"count": 1})
    with pytest.raises(OSError, match="the network is down"):
        await store.persist.flush()
    assert "could not be written to its storage: the network is down" in caplog.text
    store.set_state({"count": 2})
    await store.persist.flush()
    assert written(storage) == {"count": 2}, "a failed write does not stop the next"


async def test_a_failed_write_that_nobody_waits_for_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    storage = AsyncStorage()
    store = make(storage, skip_hydration=True)
    storage.errors.append(OSError("the network is down"))
    store.set_state({"count": 1})
    await until(lambda: caplog.text)
    gc.collect()
    assert [record.name for record in caplog.records] == ["zustax"]


async def test_an_error_of_the_end_callback_comes_out_of_the_awaitable() -> None:
    def failing(state: object, error: object) -> None:
        raise LookupError("the callback fails")

    store = make(AsyncStorage(), skip_hydration=True, on_rehydrate_storage=lambda state: failing)
    with pytest.raises(LookupError):
        await store.persist.rehydrate()
    assert not store.persist.is_hydrating()


async def test_an_error_of_the_end_callback_that_nobody_waits_for_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def failing(state: object, error: object) -> None:
        raise LookupError("the callback fails")

    store = make(AsyncStorage(), on_rehydrate_storage=lambda state: failing)
    await until(lambda: not store.persist.is_hydrating())
    gc.collect()
    assert "could not be reported: the callback fails" in caplog.text
    assert {record.name for record in caplog.records} == {"zustax"}


async def test_a_hydration_that_is_cancelled_is_over() -> None:
    storage = AsyncStorage()
    storage.hold()
    store = make(storage, skip_hydration=True)
    reading = store.persist.rehydrate()
    await until(lambda: storage.calls)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert not store.persist.is_hydrating()
    assert not store.persist.has_hydrated()


async def test_waiting_for_writes_can_be_cancelled_without_losing_them() -> None:
    storage = AsyncStorage()
    storage.hold()
    store = make(storage, skip_hydration=True)
    store.set_state({"count": 1})
    waiting = asyncio.ensure_future(store.persist.flush())
    await until(lambda: storage.calls)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    storage.release()
    await store.persist.flush()
    assert written(storage) == {"count": 1}


async def test_a_state_that_is_cleared_while_it_is_being_written_is_gone() -> None:
    storage = AsyncStorage()
    store = make(storage, skip_hydration=True)
    store.set_state({"count": 1})
    store.persist.clear_storage()
    await store.persist.flush()
    assert storage.items == {}


# --- loops and threads ---


def test_without_a_loop_the_error_says_what_to_do() -> None:
    with pytest.raises(NoEventLoopError, match="inside a coroutine, or with skip_hydration=True"):
        make(AsyncStorage())


def test_an_asynchronous_migration_needs_a_loop_as_well() -> None:
    async def migrate(stored: Any, version: float) -> Any:
        raise AssertionError("nobody can await it")

    storage = MemoryStorage({"app": '{"state":{"count":5},"version":0}'})
    with pytest.raises(NoEventLoopError, match="the storage or the migration is asynchronous"):
        make(storage, version=1, migrate=migrate)


def test_a_store_that_is_made_without_a_loop_is_hydrated_in_one() -> None:
    storage = AsyncStorage({"app": STORED})
    store = make(storage, skip_hydration=True)
    with pytest.raises(NoEventLoopError):
        store.set_state({"count": 1})
    with pytest.raises(NoEventLoopError):
        store.persist.rehydrate()
    with pytest.raises(NoEventLoopError):
        store.persist.clear_storage()
    assert not store.persist.is_hydrating()

    async def main() -> None:
        await store.persist.rehydrate()

    asyncio.run(main())
    assert store.get_state() == {"count": 7}


def test_a_store_outlives_the_loop_that_it_was_made_in() -> None:
    storage = AsyncStorage({"app": STORED})
    store = make(storage, skip_hydration=True)

    async def add() -> None:
        store.set_state(lambda state: {"count": state["count"] + 1})
        await store.persist.flush()

    asyncio.run(add())
    asyncio.run(add())
    assert written(storage) == {"count": 2}


def test_a_write_between_two_runs_of_a_loop_is_done_in_the_second() -> None:
    storage = AsyncStorage()
    with asyncio.Runner() as runner:
        store = runner.run(coroutine(lambda: make(storage)))
        store.set_state({"count": 1})
        assert storage.items == {}
        runner.run(coroutine(lambda: None))
        runner.run(store.persist.flush())
    assert written(storage) == {"count": 1}


def coroutine(function: Any) -> Coroutine[Any, Any, Any]:
    async def call() -> Any:
        return function()

    return call()


async def test_a_write_that_another_thread_asks_for_runs_in_the_loop_of_the_store() -> None:
    storage = AsyncStorage({"app": STORED})
    store = make(storage)
    await until(store.persist.has_hydrated)
    await asyncio.to_thread(store.set_state, {"count": 8})
    await store.persist.flush()
    assert written(storage) == {"count": 8}
    assert await asyncio.to_thread(store.persist.rehydrate) is None
    await until(store.persist.has_hydrated)


async def test_another_loop_can_wait_for_the_loop_of_the_store() -> None:
    storage = AsyncStorage({"app": STORED})
    store = make(storage, skip_hydration=True)
    await store.persist.rehydrate()
    seen: list[int] = []

    async def elsewhere() -> None:
        store.set_state({"count": 8})
        await store.persist.flush()
        seen.append(written(storage)["count"])
        store.persist.on_finish_hydration(lambda state: seen.append(threading.get_ident()))
        await store.persist.rehydrate()

    await asyncio.to_thread(lambda: asyncio.run(elsewhere()))
    assert seen == [8, threading.get_ident()]
