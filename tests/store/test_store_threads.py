"""A store that several threads use at once."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event, Lock, get_ident
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from zustax.store import Store, create_store

from .together import PATIENCE, run_together


def wait(event: Event) -> None:
    assert event.wait(PATIENCE)


class PausedListener:
    """A listener whose first call waits until it is resumed."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, Any]] = []
        self.entered = Event()
        self.resume = Event()

    def __call__(self, new: Any, previous: Any) -> None:
        self.calls.append((new, previous))
        if not self.entered.is_set():
            self.entered.set()
            wait(self.resume)


# Changes


def test_increments_of_many_threads_are_all_counted(threads: ThreadPoolExecutor) -> None:
    store = create_store({"count": 0, "other": 0})

    def increment() -> None:
        for _ in range(10_000):
            store.set_state(lambda state: {"count": state["count"] + 1})

    run_together(threads, [increment] * 8)
    assert store.get_state()["count"] == 8 * 10_000


@pytest.mark.usefixtures("eager_switching")
def test_partials_of_many_threads_do_not_undo_one_another(threads: ThreadPoolExecutor) -> None:
    store: Store[dict[str, int]] = create_store({})

    def count(name: str) -> Callable[[], None]:
        def run() -> None:
            for number in range(300):
                store.set_state({name: number})
                assert store.get_state()[name] == number

        return run

    run_together(threads, [count(name) for name in "abcdefgh"])
    assert store.get_state() == dict.fromkeys("abcdefgh", 299)


@pytest.mark.usefixtures("eager_switching")
def test_an_updater_runs_exactly_once(threads: ThreadPoolExecutor) -> None:
    store, runs, lock = create_store(0), list[int](), Lock()

    def increment(state: int) -> int:
        with lock:
            runs.append(state)
        return state + 1

    def increment_often() -> None:
        for _ in range(100):
            store.set_state(increment)

    run_together(threads, [increment_often] * 8)
    assert runs == list(range(800))


def test_get_state_does_not_wait_for_an_updater(threads: ThreadPoolExecutor) -> None:
    store, entered, resume = create_store({"count": 0}), Event(), Event()

    def updater(state: dict[str, int]) -> dict[str, int]:
        entered.set()
        wait(resume)
        return {"count": 1}

    change = threads.submit(store.set_state, updater)
    wait(entered)
    assert store.get_state() == {"count": 0}
    resume.set()
    change.result(PATIENCE)
    assert store.get_state() == {"count": 1}


def test_an_updater_that_sets_the_state_itself_works(threads: ThreadPoolExecutor) -> None:
    store = create_store({"a": 0, "b": 0})
    calls: list[Any] = []
    store.subscribe(lambda state, previous: calls.append((state, previous)))

    def updater(state: dict[str, int]) -> dict[str, int]:
        store.set_state({"b": 5})
        return {"a": state["a"] + 1}

    threads.submit(store.set_state, updater).result(PATIENCE)
    assert calls == [({"a": 0, "b": 5}, {"a": 0, "b": 0}), ({"a": 1, "b": 5}, {"a": 0, "b": 5})]


def test_listeners_run_in_the_thread_that_made_the_change(threads: ThreadPoolExecutor) -> None:
    store, seen = create_store(0), list[int]()
    store.subscribe(lambda state, previous: seen.append(get_ident()))

    def change() -> int:
        store.set_state(1)
        return get_ident()

    assert seen == [threads.submit(change).result(PATIENCE)]


# Listeners that wait


def subscribe_plainly(store: Store[Any], listener: Any) -> None:
    store.subscribe(listener)


def subscribe_to_a_slice(store: Store[Any], listener: Any) -> None:
    store.subscribe(lambda state: state["a"], listener)


def subscribe_and_fire(store: Store[Any], listener: Any) -> None:
    store.subscribe(lambda state: state["a"], listener, fire_immediately=True)


@pytest.mark.parametrize("subscribe", [subscribe_plainly, subscribe_to_a_slice, subscribe_and_fire])
def test_a_listener_may_wait_for_another_thread_that_sets_the_state(
    threads: ThreadPoolExecutor, subscribe: Callable[[Store[Any], Any], None]
) -> None:
    store, values = create_store({"a": 0}), iter([10, 20])

    def listener(new: Any, previous: Any) -> None:
        for value in values:
            threads.submit(store.set_state, {"a": value}).result(PATIENCE)

    threads.submit(subscribe, store, listener).result(PATIENCE)
    store.set_state({"a": 1})
    assert store.get_state()["a"] in (1, 20)
    assert next(values, None) is None


def test_a_listener_may_wait_for_another_thread_that_subscribes(
    threads: ThreadPoolExecutor,
) -> None:
    store, calls = create_store({"a": 0}), list[int]()

    def listener(state: Any, previous: Any) -> None:
        threads.submit(store.subscribe, lambda state: state["a"], late).result(PATIENCE)

    def late(new: int, previous: int) -> None:
        calls.append(new)

    unsubscribe = store.subscribe(listener)
    store.set_state({"a": 1})
    unsubscribe()
    store.set_state({"a": 2})
    assert calls == [2]


# The last slice is that of the last state


def test_a_round_that_was_overtaken_ends_with_the_newest_slice(threads: ThreadPoolExecutor) -> None:
    store, calls = create_store({"a": 0}), list[tuple[int, int]]()
    in_the_way = PausedListener()
    store.subscribe(in_the_way)
    store.subscribe(lambda state: state["a"], lambda new, old: calls.append((new, old)))

    overtaken = threads.submit(store.set_state, {"a": 1})
    wait(in_the_way.entered)
    store.set_state({"a": 2})
    assert calls == [(2, 0)]
    in_the_way.resume.set()
    overtaken.result(PATIENCE)
    assert calls == [(2, 0)]


def test_what_changes_while_a_slice_is_delivered_is_delivered_by_the_same_thread(
    threads: ThreadPoolExecutor,
) -> None:
    store, listener = create_store({"a": 0}), PausedListener()
    store.subscribe(lambda state: state["a"], listener)

    busy = threads.submit(store.set_state, {"a": 1})
    wait(listener.entered)
    store.set_state({"a": 2})
    store.set_state({"a": 3})
    assert listener.calls == [(1, 0)]
    listener.resume.set()
    busy.result(PATIENCE)
    assert listener.calls == [(1, 0), (3, 1)]


def test_what_changes_back_while_a_slice_is_delivered_is_delivered_too(
    threads: ThreadPoolExecutor,
) -> None:
    store, listener = create_store({"a": 0}), PausedListener()
    store.subscribe(lambda state: state["a"], listener)

    busy = threads.submit(store.set_state, {"a": 1})
    wait(listener.entered)
    store.set_state({"a": 0})
    listener.resume.set()
    busy.result(PATIENCE)
    assert listener.calls == [(1, 0), (0, 1)]


def test_a_listener_that_raises_is_still_given_what_another_thread_changed(
    threads: ThreadPoolExecutor,
) -> None:
    store, listener = create_store({"a": 0}), PausedListener()

    def failing(new: int, previous: int) -> None:
        listener(new, previous)
        if new == 1:
            raise LookupError("one is too few")

    store.subscribe(lambda state: state["a"], failing)
    busy = threads.submit(store.set_state, {"a": 1})
    wait(listener.entered)
    store.set_state({"a": 2})
    listener.resume.set()
    assert_raised(busy, LookupError)
    assert listener.calls == [(1, 0), (2, 1)]


def test_a_listener_that_left_is_not_given_what_was_due(threads: ThreadPoolExecutor) -> None:
    store, listener = create_store({"a": 0}), PausedListener()
    unsubscribe = store.subscribe(lambda state: state["a"], listener)

    busy = threads.submit(store.set_state, {"a": 1})
    wait(listener.entered)
    store.set_state({"a": 2})
    unsubscribe()
    listener.resume.set()
    busy.result(PATIENCE)
    assert listener.calls == [(1, 0)]


def test_what_another_thread_changes_while_a_listener_is_fired_is_delivered_afterwards(
    threads: ThreadPoolExecutor,
) -> None:
    store, listener = create_store({"a": 0}), PausedListener()

    def subscribe() -> None:
        store.subscribe(lambda state: state["a"], listener, fire_immediately=True)

    subscribing = threads.submit(subscribe)
    wait(listener.entered)
    store.set_state({"a": 1})
    assert listener.calls == [(0, 0)]
    listener.resume.set()
    subscribing.result(PATIENCE)
    assert listener.calls == [(0, 0), (1, 0)]


def test_a_subscription_that_fails_on_what_another_thread_changed_is_none(
    threads: ThreadPoolExecutor,
) -> None:
    store, listener = create_store({"a": 0}), PausedListener()

    def failing(new: int, previous: int) -> None:
        listener(new, previous)
        if new == 1:
            raise LookupError("one is too few")

    def subscribe() -> None:
        store.subscribe(lambda state: state["a"], failing, fire_immediately=True)

    subscribing = threads.submit(subscribe)
    wait(listener.entered)
    store.set_state({"a": 1})
    listener.resume.set()
    assert_raised(subscribing, LookupError)
    store.set_state({"a": 2})
    assert listener.calls == [(0, 0), (1, 0)]


def assert_raised(future: Future[Any], kind: type[BaseException]) -> None:
    assert isinstance(future.exception(PATIENCE), kind)


values = st.lists(st.integers(0, 3), min_size=1, max_size=30)


@pytest.mark.usefixtures("eager_switching")
@settings(deadline=None, max_examples=50)
@given(
    writers=st.lists(values, min_size=2, max_size=4),
    fires=st.booleans(),
    fails_at=st.sampled_from([None, 0, 1, 2, 3]),
)
def test_the_last_slice_that_was_delivered_is_that_of_the_last_state(
    threads: ThreadPoolExecutor, writers: list[list[int]], fires: bool, fails_at: int | None
) -> None:
    store = create_store({"a": 0, "b": 0})
    delivered: list[list[int]] = [[], [], []]

    def listen_to(index: int) -> Callable[[int, int], None]:
        def listener(new: int, previous: int) -> None:
            delivered[index].append(new)
            if index == 2 and new == fails_at:
                raise LookupError(f"not {new}")

        return listener

    def write(numbers: list[int]) -> Callable[[], None]:
        def run() -> None:
            for number in numbers:
                try:
                    store.set_state({"a": number})
                except LookupError:
                    assert number in numbers

        return run

    def subscribe_late() -> None:
        store.subscribe(lambda state: state["a"], listen_to(1), fire_immediately=fires)

    store.subscribe(lambda state: state["a"], listen_to(0))
    unsubscribe = store.subscribe(lambda state: state["b"], lambda new, old: None)
    run_together(threads, [*map(write, writers), subscribe_late, unsubscribe])
    halfway = store.get_state()["a"]
    # The one that may fail comes last, since its error ends the round of its thread.
    store.subscribe(lambda state: state["a"], listen_to(2))
    run_together(threads, [*map(write, writers)])

    last = store.get_state()["a"]
    assert [0, *delivered[0]][-1] == last
    assert delivered[1][-1:] == [last] or not (fires or delivered[1])
    assert [halfway, *delivered[2]][-1] == last
