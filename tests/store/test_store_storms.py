"""Storms of subscriptions and changes: nothing is missed, nothing comes twice."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from zustax.store import Store, create_store

from .together import run_together


class Follower:
    """A listener that keeps the numbers it was called with."""

    def __init__(self) -> None:
        self.numbers: list[int] = []

    def __call__(self, number: int, previous: int) -> None:
        self.numbers.append(number)


@pytest.mark.usefixtures("eager_switching")
@settings(deadline=None, max_examples=30)
@given(stays=st.lists(st.integers(0, 30), min_size=1, max_size=7), permanent=st.integers(1, 3))
def test_listeners_that_come_and_go_in_a_storm_miss_nothing_and_hear_nothing_twice(
    threads: ThreadPoolExecutor, stays: list[int], permanent: int
) -> None:
    """Each number in `stays` is a thread that subscribes and leaves, so often."""
    store = create_store(0)
    followers = [Follower() for _ in range(permanent)]
    for follower in followers:
        store.subscribe(follower)

    def dispatch() -> None:
        for number in range(1, 301):
            store.set_state(number)

    visits: list[tuple[Follower, int, int]] = []

    def come_and_go(often: int) -> Callable[[], None]:
        def run() -> None:
            for _ in range(often):
                visitor = Follower()
                unsubscribe = store.subscribe(visitor)
                first = store.get_state()
                last = store.get_state()
                unsubscribe()
                visits.append((visitor, first, last))

        return run

    run_together(threads, [dispatch, *map(come_and_go, stays)])
    for follower in followers:
        assert follower.numbers == list(range(1, 301))
    for visitor, first, last in visits:
        assert_consecutive(visitor.numbers)
        # What began and ended while it was there; what was under way when it came or left, it may
        # have heard or not.
        assert set(range(first + 1, last)) <= set(visitor.numbers)
        heard = len(visitor.numbers)
        store.set_state(-1)
        store.set_state(0)
        assert len(visitor.numbers) == heard


def assert_consecutive(numbers: list[int]) -> None:
    if numbers:
        assert numbers == list(range(numbers[0], numbers[-1] + 1))


@pytest.mark.usefixtures("eager_switching")
@settings(deadline=None, max_examples=30)
@given(
    writers=st.lists(st.integers(1, 60), min_size=2, max_size=4),
    batched=st.booleans(),
    views=st.integers(1, 3),
)
def test_after_a_storm_every_listener_to_a_slice_has_the_final_value(
    threads: ThreadPoolExecutor, writers: list[int], batched: bool, views: int
) -> None:
    store = create_store({"count": 0, "other": 0})
    followers = [Follower() for _ in range(views)]
    for follower in followers:
        store.select(lambda state: state["count"]).subscribe(follower)

    def write(often: int) -> Callable[[], None]:
        def run() -> None:
            for _ in range(often):
                increment(store) if not batched else increment_in_a_batch(store)

        return run

    run_together(threads, [write(often) for often in writers])
    total = sum(writers) * (2 if batched else 1)
    assert store.get_state()["count"] == total
    for follower in followers:
        assert follower.numbers[-1] == total
        assert follower.numbers == sorted(set(follower.numbers))


def increment(store: Store[Any]) -> None:
    store.set_state(lambda state: {"count": state["count"] + 1})


def increment_in_a_batch(store: Store[Any]) -> None:
    with store.batch():
        increment(store)
        increment(store)
