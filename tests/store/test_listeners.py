"""A set of listeners is gone through like a JavaScript set in `forEach`, and stays small."""

import gc
import random
import tracemalloc
import weakref
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from zustax.store import create_store
from zustax.store.listeners import Listener, ListenerSet


def run_round(listeners: ListenerSet) -> None:
    for listener in listeners.calls:
        listener(None, None)


class ForEach:
    """The visiting order of a JavaScript set, in its slowest form: entries are never moved."""

    def __init__(self) -> None:
        self.entries: list[str | None] = []

    def add(self, name: str) -> None:
        if name not in self.entries:
            self.entries.append(name)

    def discard(self, name: str) -> None:
        if name in self.entries:
            self.entries[self.entries.index(name)] = None

    def visit(self, visitor: Callable[[str], None]) -> None:
        position = 0
        while position < len(self.entries):
            name = self.entries[position]
            position += 1
            if name is not None:
                visitor(name)


class Calls:
    """The same for a `ListenerSet` of functions, methods, and objects that cannot be hashed."""

    def __init__(self, names: list[str]) -> None:
        self._listeners = ListenerSet()
        self._kept = {name: Named(name, self._visited) for name in names}
        self._visitor: Callable[[str], None]

    def add(self, name: str) -> None:
        self._listeners.add(self._listener(name))

    def discard(self, name: str) -> None:
        self._listeners.discard(self._listener(name))

    def visit(self, visitor: Callable[[str], None]) -> None:
        self._visitor = visitor
        run_round(self._listeners)

    def _visited(self, name: str) -> None:
        self._visitor(name)

    def _listener(self, name: str) -> Listener:
        named = self._kept[name]
        if name in "ABC":
            return named  # cannot be hashed, and is equal to all of its kind
        return named.method if name in "DEF" else named.function


class Named:
    def __init__(self, name: str, visited: Callable[[str], None]) -> None:
        self._name, self._visited = name, visited
        self.function = lambda state, previous: visited(name)

    def method(self, state: object, previous: object) -> None:
        self._visited(self._name)

    __call__ = method
    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Named)


ACTORS = "ABCDEFGH"
BYSTANDERS = [f"bystander {number}" for number in range(30)]

names = st.sampled_from([*ACTORS, *BYSTANDERS[:3]])
steps = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["add", "discard"]), names),
        st.just(("visit", "all")),
    ),
    max_size=6,
)
scripts = st.dictionaries(st.sampled_from(ACTORS), st.lists(steps, max_size=4))


def trace(
    listeners: Calls | ForEach,
    crowd: list[str],
    program: list[tuple[str, str]],
    scripts: dict[str, list[list[tuple[str, str]]]],
) -> list[str]:
    """Run a program, and the script of each listener that is called, and note the calls."""
    called, pending = list[str](), {name: iter(script) for name, script in scripts.items()}

    def visited(name: str) -> None:
        called.append(name)
        run(next(pending.get(name, iter([])), []))

    def run(program: list[tuple[str, str]]) -> None:
        for action, name in program:
            if action == "visit":
                called.append("round")
                listeners.visit(visited)
                called.append("end")
            else:
                getattr(listeners, action)(name)

    for name in crowd:
        listeners.add(name)
    run([*program, ("visit", "all")])
    return called


@settings(deadline=None)
@given(
    crowd=st.lists(st.sampled_from([*ACTORS, *BYSTANDERS]), unique=True),
    program=steps,
    scripts=scripts,
)
def test_any_program_of_nested_rounds_visits_what_javascript_visits(
    crowd: list[str],
    program: list[tuple[str, str]],
    scripts: dict[str, list[list[tuple[str, str]]]],
) -> None:
    everybody = [*ACTORS, *BYSTANDERS]
    expected = trace(ForEach(), crowd, program, scripts)
    assert trace(Calls(everybody), crowd, program, scripts) == expected


# Many listeners


def subscribe_many(
    listeners: ListenerSet, count: int
) -> tuple[list[int], list[Callable[[object, object], None]]]:
    heard = list[int]()

    def make(number: int) -> Callable[[object, object], None]:
        return lambda state, previous: heard.append(number)

    made = [make(number) for number in range(count)]
    for listener in made:
        listeners.add(listener)
    return heard, made


@settings(deadline=None)
@given(count=st.integers(0, 200), staying=st.integers(0, 200), seed=st.integers())
def test_those_who_stay_keep_their_order_whatever_the_order_in_which_others_leave(
    count: int, staying: int, seed: int
) -> None:
    listeners = ListenerSet()
    heard, made = subscribe_many(listeners, count)
    leaving = random.Random(seed).sample(range(count), max(count - staying, 0))
    for number in leaving:
        listeners.discard(made[number])
    run_round(listeners)
    assert heard == sorted(set(range(count)) - set(leaving))


@settings(deadline=None)
@given(count=st.integers(1, 200), seed=st.integers())
def test_a_round_calls_little_more_than_the_listeners_there_are(count: int, seed: int) -> None:
    listeners = ListenerSet()
    _, made = subscribe_many(listeners, count)
    random.Random(seed).shuffle(made)
    for left, listener in zip(reversed(range(count)), made, strict=True):
        listeners.discard(listener)
        assert len(listeners.calls) <= left * 1.25


def test_listeners_that_all_leave_in_the_middle_of_a_round_are_not_called() -> None:
    listeners = ListenerSet()

    def clear(state: object, previous: object) -> None:
        for listener in made:
            listeners.discard(listener)

    listeners.add(clear)
    heard, made = subscribe_many(listeners, 1000)
    run_round(listeners)
    assert heard == []
    assert len(listeners.calls) == 1


def test_a_list_that_a_round_has_ended_with_is_released() -> None:
    listeners = ListenerSet()
    heard, made = subscribe_many(listeners, 10)
    former = weakref.ref(listeners.calls)

    def leave(state: object, previous: object) -> None:
        for listener in made:
            listeners.discard(listener)
        assert former() is not None

    listeners.add(leave)
    run_round(listeners)
    gc.collect()
    assert former() is None
    assert heard == list(range(10))


SUBSCRIPTIONS = 5_000


@pytest.mark.parametrize(
    ("selectors", "limit"), [([], 200), ([lambda state: state["a"]], 500)], ids=["state", "slice"]
)
def test_a_subscription_takes_little_memory(selectors: list[Any], limit: int) -> None:
    store: Any = create_store({"a": 0})
    _, listeners = subscribe_many(ListenerSet(), SUBSCRIPTIONS)
    unsubscribers: list[Any] = [None] * SUBSCRIPTIONS
    gc.collect()
    tracemalloc.start()
    try:
        for number, listener in enumerate(listeners):
            unsubscribers[number] = store.subscribe(*selectors, listener)
        used, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert used / SUBSCRIPTIONS <= limit
