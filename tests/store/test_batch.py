"""`with store.batch()`: several changes, one notification."""

from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any

import pytest
from zustax.store import Store, create_store, immer

from .together import PATIENCE


def calls_of(store: Store[Any]) -> list[tuple[Any, Any]]:
    calls = list[tuple[Any, Any]]()
    store.subscribe(lambda state, previous: calls.append((state, previous)))
    return calls


def slices_of(store: Store[Any], key: str) -> list[tuple[Any, Any]]:
    calls = list[tuple[Any, Any]]()
    store.subscribe(lambda state: state[key], lambda new, previous: calls.append((new, previous)))
    return calls


def change_and_fail(store: Store[Any]) -> None:
    with store.batch():
        store.set_state({"a": 1})
        raise LookupError("half way")


def test_several_changes_are_told_once_when_the_block_ends() -> None:
    store = create_store({"a": 0, "b": 0})
    states, slices, others = calls_of(store), slices_of(store, "a"), slices_of(store, "b")
    with store.batch():
        store.set_state({"a": 1})
        store.set_state({"a": 2, "c": 3})
        assert (states, slices) == ([], [])
    assert states == [({"a": 2, "b": 0, "c": 3}, {"a": 0, "b": 0})]
    assert slices == [(2, 0)]
    assert others == []


def test_a_change_is_seen_at_once_inside() -> None:
    store = create_store({"a": 0})
    with store.batch():
        store.set_state({"a": 1})
        assert store.get_state() == {"a": 1}
        store.set_state(lambda state: {"a": state["a"] + 1})
        assert store.get_state() == {"a": 2}


def test_after_the_block_every_change_is_told_again() -> None:
    store = create_store({"a": 0})
    with store.batch():
        store.set_state({"a": 1})
    states = calls_of(store)
    store.set_state({"a": 2})
    store.set_state({"a": 3})
    assert states == [({"a": 2}, {"a": 1}), ({"a": 3}, {"a": 2})]


def test_of_nested_blocks_the_outermost_tells() -> None:
    store = create_store({"a": 0})
    states = calls_of(store)
    with store.batch():
        with store.batch():
            store.set_state({"a": 1})
        assert states == []
        store.set_state({"a": 2})
    assert states == [({"a": 2}, {"a": 0})]


def test_a_block_without_a_change_tells_nobody() -> None:
    store = create_store({"a": 0})
    states = calls_of(store)
    with store.batch():
        store.set_state(lambda state: state)
    assert states == []


def test_a_block_that_ends_with_the_state_it_began_with_tells_nobody() -> None:
    store = create_store(1)
    states = calls_of(store)
    with store.batch():
        store.set_state(2)
        store.set_state(1)
    assert states == []


def test_what_was_changed_before_an_error_is_told() -> None:
    store = create_store({"a": 0})
    states = calls_of(store)
    with pytest.raises(LookupError, match="half way"):
        change_and_fail(store)
    assert states == [({"a": 1}, {"a": 0})]
    store.set_state({"a": 2})
    assert len(states) == 2


def test_an_error_of_a_listener_comes_out_of_the_block() -> None:
    store = create_store({"a": 0})

    def failing(state: Any, previous: Any) -> None:
        raise LookupError("this listener fails")

    unsubscribe = store.subscribe(failing)
    with pytest.raises(LookupError, match="this listener fails"), store.batch():
        store.set_state({"a": 1})
    assert store.get_state() == {"a": 1}
    unsubscribe()
    states = calls_of(store)
    store.set_state({"a": 2})
    assert states == [({"a": 2}, {"a": 1})]


def test_an_error_of_a_listener_says_which_error_it_came_upon() -> None:
    store = create_store({"a": 0})

    def failing(state: Any, previous: Any) -> None:
        raise ValueError("this listener fails")

    store.subscribe(failing)
    with pytest.raises(ValueError, match="this listener fails") as caught:
        change_and_fail(store)
    assert str(caught.value.__context__) == "half way"


def test_what_a_listener_changes_when_the_block_ends_is_told_at_once() -> None:
    store = create_store({"a": 0, "double": 0})
    store.subscribe(lambda state: state["a"], lambda a, _: store.set_state({"double": 2 * a}))
    states = calls_of(store)
    with store.batch():
        store.set_state({"a": 1})
        store.set_state({"a": 2})
    assert states == [
        ({"a": 2, "double": 4}, {"a": 2, "double": 0}),
        ({"a": 2, "double": 4}, {"a": 0, "double": 0}),
    ]


def test_a_listener_may_open_a_block_itself() -> None:
    store = create_store({"a": 0, "b": 0})

    def follow(a: int, previous: int) -> None:
        with store.batch():
            store.set_state({"b": a})
            store.set_state({"b": 2 * a})

    store.subscribe(lambda state: state["a"], follow)
    slices = slices_of(store, "b")
    store.set_state({"a": 1})
    assert slices == [(2, 0)]


def test_one_who_subscribes_inside_is_told_of_what_came_before_as_well() -> None:
    store = create_store({"a": 0})
    with store.batch():
        store.set_state({"a": 1})
        states = calls_of(store)
        slices = slices_of(store, "a")
    assert states == [({"a": 1}, {"a": 0})]
    assert slices == []


def test_one_who_unsubscribes_inside_is_told_nothing() -> None:
    store, states = create_store({"a": 0}), list[Any]()
    unsubscribe = store.subscribe(lambda state, previous: states.append(state))
    with store.batch():
        store.set_state({"a": 1})
        unsubscribe()
    assert states == []


def test_changes_under_a_middleware_are_batched_too() -> None:
    store = create_store(immer(lambda set_state, get_state, store: {"items": list[int]()}))
    states = calls_of(store)
    with store.batch():
        store.set_state(lambda draft: draft["items"].append(1))
        store.set_state(lambda draft: draft["items"].append(2))
    assert states == [({"items": [1, 2]}, {"items": []})]


# Threads


def test_what_another_thread_changes_is_told_at_once() -> None:
    store = create_store({"mine": 0, "theirs": 0})
    states = calls_of(store)
    with ThreadPoolExecutor() as threads, store.batch():
        store.set_state({"mine": 1})
        threads.submit(store.set_state, {"theirs": 1}).result(PATIENCE)
        assert states == [({"mine": 1, "theirs": 1}, {"mine": 1, "theirs": 0})]
    assert states[1:] == [({"mine": 1, "theirs": 1}, {"mine": 0, "theirs": 0})]


def test_blocks_of_two_threads_end_each_for_itself() -> None:
    store = create_store({"mine": 0, "theirs": 0})
    states = calls_of(store)
    is_open, may_end = Event(), Event()

    def theirs() -> None:
        with store.batch():
            store.set_state({"theirs": 1})
            is_open.set()
            assert may_end.wait(PATIENCE)
            store.set_state({"theirs": 2})

    with ThreadPoolExecutor() as threads:
        other = threads.submit(theirs)
        assert is_open.wait(PATIENCE)
        with store.batch():
            store.set_state({"mine": 1})
        assert states == [({"mine": 1, "theirs": 1}, {"mine": 0, "theirs": 1})]
        may_end.set()
        other.result(PATIENCE)
    assert states[1:] == [({"mine": 1, "theirs": 2}, {"mine": 0, "theirs": 0})]


def test_batches_of_many_threads_lose_nothing() -> None:
    store = create_store({"count": 0})
    slices = slices_of(store, "count")

    def increment_often(_: int) -> None:
        for _ in range(100):
            with store.batch():
                store.set_state(lambda state: {"count": state["count"] + 1})
                store.set_state(lambda state: {"count": state["count"] + 1})

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(increment_often, range(8)))
    assert store.get_state() == {"count": 1600}
    assert slices[-1][0] == 1600
    before = [previous for _, previous in slices]
    assert before == [0, *(new for new, _ in slices[:-1])]
