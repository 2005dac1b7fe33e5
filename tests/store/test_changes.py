"""`async for state in store.changes()`: the newest state wins, in whatever loop and thread."""

import asyncio
import gc
import threading
import weakref
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import attrs
import pytest
from zustax.store import Store, create_store

from ..support.waiting import BOUND


@attrs.frozen
class Counter:
    count: int = 0
    label: str = ""


async def following(changes: AsyncIterator[Any]) -> Any:
    """Wait for the next change, within bounds."""
    return await asyncio.wait_for(anext(changes), BOUND)


async def started(changes: AsyncIterator[Any]) -> asyncio.Task[Any]:
    """Have a task wait for the next change; None if the iterator ends."""
    task = asyncio.create_task(anext(changes, None))
    await asyncio.sleep(0)  # a new task runs at once, up to where it has to wait
    return task


class Watched:
    """A view that counts how often somebody looks at the state through it."""

    def __init__(self, store: Store[Any]) -> None:
        self.looks = 0
        self.view = store.select(self.look)

    def look(self, state: Any) -> Any:
        self.looks += 1
        return state


# What is given


async def test_each_change_is_given_that_is_waited_for() -> None:
    store = create_store({"a": 0})
    changes = store.changes()
    for number in (1, 2, 3):
        change = await started(changes)
        assert not change.done()
        store.set_state({"a": number})
        assert await change == {"a": number}


async def test_of_several_changes_the_newest_is_given() -> None:
    store = create_store({"a": 0})
    changes = store.changes()
    for number in range(1000):
        store.set_state({"a": number})
    assert await following(changes) == {"a": 999}
    store.set_state({"a": 5})
    assert await following(changes) == {"a": 5}


async def test_the_present_state_is_no_change() -> None:
    store = create_store({"a": 0})
    changes = store.changes()
    change = await started(changes)
    store.set_state(lambda state: state)
    store.set_state({"a": 1})
    assert await change == {"a": 1}


async def test_changes_of_a_view_are_those_of_its_slice() -> None:
    store = create_store(Counter())
    counts = store.select(lambda state: state.count).changes()
    store.set_state({"count": 1})
    assert await following(counts) == 1
    store.set_state({"label": "other"})
    store.set_state({"count": 2})
    assert await following(counts) == 2


async def test_a_batch_is_one_change() -> None:
    store, seen = create_store({"a": 0}), list[Any]()
    store.subscribe(lambda state, previous: seen.append(state))
    changes = store.changes()
    with store.batch():
        store.set_state({"a": 1})
        store.set_state({"a": 2})
    assert await following(changes) == {"a": 2}
    assert seen == [{"a": 2}]


async def test_several_iterators_are_each_given_every_change() -> None:
    store = create_store({"a": 0})
    first, second = store.changes(), store.changes()
    store.set_state({"a": 1})
    assert await following(first) == await following(second) == {"a": 1}


async def test_tasks_that_share_an_iterator_share_the_changes() -> None:
    store = create_store(0)
    changes = store.changes()
    tasks = [await started(changes), await started(changes)]
    store.set_state(1)
    done, pending = await asyncio.wait(tasks, return_when="FIRST_COMPLETED")
    assert [task.result() for task in done] == [1]
    store.set_state(2)
    assert [await task for task in pending] == [2]


# The end


async def test_it_ends_when_it_is_closed_while_it_is_waited_for() -> None:
    store = create_store({"a": 0})
    changes = store.changes()
    change = await started(changes)
    changes.close()
    assert await change is None


async def test_it_ends_when_it_is_closed_from_another_thread() -> None:
    changes = create_store({"a": 0}).changes()
    change = await started(changes)
    await asyncio.to_thread(changes.close)
    assert await change is None


async def test_once_it_is_closed_it_gives_nothing_more() -> None:
    store = create_store({"a": 0})
    changes = store.changes()
    store.set_state({"a": 1})
    changes.close()
    changes.close()
    store.set_state({"a": 2})
    assert [state async for state in changes] == []


async def test_it_can_be_closed_from_within() -> None:
    store, seen = create_store(0), list[int]()
    store_changes = store.changes()
    store.set_state(1)
    async for state in store_changes:
        seen.append(state)
        store.set_state(2)
        store_changes.close()
    assert seen == [1]


async def test_it_can_be_closed_by_a_with_block() -> None:
    store = create_store({"a": 0})
    with closing(store.changes()) as changes:
        store.set_state({"a": 1})
        assert await following(changes) == {"a": 1}
    assert await anext(changes, None) is None


# Cancelling


async def test_a_change_after_a_cancelled_wait_is_kept_for_the_next() -> None:
    store = create_store({"a": 0})
    changes = store.changes()
    change = await started(changes)
    change.cancel()
    with pytest.raises(asyncio.CancelledError):
        await change
    store.set_state({"a": 1})
    assert await following(changes) == {"a": 1}


async def test_a_change_just_before_the_wait_is_cancelled_is_kept_for_the_next() -> None:
    store = create_store({"a": 0})
    changes = store.changes()
    change = await started(changes)
    store.set_state({"a": 1})
    change.cancel()
    with pytest.raises(asyncio.CancelledError):
        await change
    assert await following(changes) == {"a": 1}


# No leaks


def test_an_iterator_that_is_closed_leaves_the_listeners() -> None:
    store = create_store(0)
    watched = Watched(store)
    watched.view.changes().close()
    looks = watched.looks
    store.set_state(1)
    assert watched.looks == looks


async def test_an_iterator_that_is_dropped_leaves_the_listeners_at_the_next_change() -> None:
    store = create_store(0)
    watched = Watched(store)
    for number in range(1, 11):
        changes = watched.view.changes()
        store.set_state(number)
        assert await following(changes) == number
        gone = weakref.ref(changes)
        del changes
        gc.collect()
        assert gone() is None
    store.set_state(100)
    looks = watched.looks
    store.set_state(101)
    assert watched.looks == looks


async def test_a_busy_loop_is_woken_once_and_not_for_every_change(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store, woken = create_store(0), list[int]()
    changes = store.changes()
    change = await started(changes)
    loop = asyncio.get_running_loop()
    call_soon_threadsafe = loop.call_soon_threadsafe

    def count(*arguments: Any, **options: Any) -> asyncio.Handle:
        woken.append(store.get_state())
        return call_soon_threadsafe(*arguments, **options)

    monkeypatch.setattr(loop, "call_soon_threadsafe", count)
    for number in range(1, 100):
        store.set_state(number)
    assert woken == [1]
    assert await change == 99


def test_a_loop_that_was_closed_does_not_disturb_those_who_set_the_state() -> None:
    store = create_store(0)
    changes = store.changes()
    loop = asyncio.new_event_loop()
    left_behind = loop.run_until_complete(started(changes))
    loop.close()
    store.set_state(1)
    assert asyncio.run(following(changes)) == 1
    assert not left_behind.done()


# Loops and threads


def test_changes_of_one_thread_reach_the_loops_of_others() -> None:
    store, ready = create_store(0), threading.Barrier(4)
    seen: list[list[int]] = [[], [], []]

    async def consume(numbers: list[int]) -> None:
        changes = store.changes()
        ready.wait(BOUND)
        async for number in changes:
            numbers.append(number)
            if number == 500:
                changes.close()

    with ThreadPoolExecutor() as threads:
        consumers = [threads.submit(asyncio.run, consume(numbers)) for numbers in seen]
        ready.wait(BOUND)
        for number in range(1, 501):
            store.set_state(number)
        for consumer in consumers:
            consumer.result(BOUND)
    for numbers in seen:
        assert numbers[-1] == 500
        assert numbers == sorted(set(numbers))


def test_the_last_change_of_many_threads_is_given() -> None:
    store = create_store({"count": 0})

    def increment_often() -> None:
        for _ in range(200):
            store.set_state(lambda state: {"count": state["count"] + 1})

    async def consume() -> list[int]:
        changes = store.changes()
        writers = [asyncio.create_task(asyncio.to_thread(increment_often)) for _ in range(4)]
        counts = list[int]()
        while not counts or counts[-1] != 800:
            counts.append((await following(changes))["count"])
        await asyncio.gather(*writers)
        return counts

    counts = asyncio.run(consume())
    assert counts == sorted(set(counts))


def test_one_iterator_can_be_used_in_one_loop_after_another() -> None:
    store = create_store(0)
    changes = store.changes()
    store.set_state(1)
    assert asyncio.run(following(changes)) == 1
    store.set_state(2)
    assert asyncio.run(following(changes)) == 2
