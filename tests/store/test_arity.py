"""A callback may take fewer arguments than it is offered, as in JavaScript."""

from __future__ import annotations

import functools
from typing import Any
from unittest.mock import Mock

import pytest
from zustax.store import MemoryStorage, combine, create_store, devtools, immer, persist, redux


@pytest.mark.parametrize("wrap", [lambda initializer: initializer, immer, devtools])
def test_an_initializer_may_take_fewer_arguments(wrap: Any) -> None:
    def increment(state: dict[str, int]) -> dict[str, int]:
        return {"n": state["n"] + 1}

    store: Any = create_store(wrap(lambda set_state: {"n": 0, "inc": lambda: set_state(increment)}))
    store.get_state()["inc"]()
    assert store.get_state()["n"] == 1
    store = create_store(wrap(lambda set_state, get_state: {"n": 1, "get": get_state}))
    assert store.get_state()["get"]() is store.get_state()
    assert create_store(wrap(lambda: {"n": 2})).get_state() == {"n": 2}


def test_what_combine_and_redux_are_given_may_take_fewer_arguments() -> None:
    store: Any = create_store(
        combine({"n": 1}, lambda set_state: {"reset": lambda: set_state({"n": 0})})
    )
    store.get_state()["reset"]()
    assert store.get_state()["n"] == 0
    reducer: Any = lambda state: {"n": state["n"] + 1}  # noqa: E731
    store = create_store(redux(reducer, {"n": 0}))
    store.dispatch({"type": "any"})
    assert store.get_state()["n"] == 1


def test_a_listener_may_take_fewer_arguments() -> None:
    heard: list[Any] = []
    store: Any = create_store({"n": 0})
    store.subscribe(heard.append)
    store.subscribe(lambda: heard.append("changed"))
    store.subscribe(lambda state: state["n"], lambda n: heard.append(n))
    store.subscribe(lambda state: state["n"], lambda: heard.append("n changed"))
    store.select(lambda state: state["n"]).subscribe(lambda n: heard.append(-n))
    store.set_state({"n": 1})
    assert heard == [{"n": 1}, "changed", 1, "n changed", -1]


def test_a_listener_of_fewer_arguments_is_in_the_set_once_and_can_be_removed() -> None:
    class Shown:
        def __init__(self) -> None:
            self.states: list[Any] = []

        def show(self, state: Any) -> None:
            self.states.append(state)

    shown, store = Shown(), create_store({"n": 0})
    store.subscribe(shown.show)
    unsubscribe = store.subscribe(shown.show)
    store.set_state({"n": 1})
    unsubscribe()
    store.set_state({"n": 2})
    assert shown.states == [{"n": 1}]


CALLBACKS: dict[str, tuple[Any, int]] = {
    "optional arguments": (lambda *given, **named: list(given), 2),
    "a default": (lambda state, previous=None: [state, previous], 2),
    "a keyword with a default": (lambda state, *, loud=False: [state], 1),
    "a partial": (functools.partial(lambda prefix, state: [state], "prefix"), 1),
    "a partial by keyword": (functools.partial(lambda state, previous: [state], previous=1), 1),
    "a decorated function": (functools.lru_cache(lambda state: [state]), 1),
    "a mock": (Mock(side_effect=lambda *given: list(given)), 2),
}


@pytest.mark.parametrize("name", CALLBACKS)
def test_as_many_arguments_are_passed_as_it_takes(name: str) -> None:
    callback, taken = CALLBACKS[name]
    results: list[Any] = []

    @functools.wraps(callback, updated=())
    def listener(*given: Any) -> None:
        results.append(callback(*given))

    listener.__wrapped__ = callback
    store = create_store(0)
    store.subscribe(listener)
    store.set_state(1)
    assert len(results[0]) == taken


def test_a_built_in_function_without_a_signature_is_given_all() -> None:
    store = create_store(3)
    store.subscribe(max)
    store.set_state(4)


def needs(count: int) -> Any:
    """Make a function that needs so many arguments."""
    return (lambda a: a, lambda a, b: a, lambda a, b, c: a, lambda a, b, c, d: a)[count - 1]


def persisted(**options: Any) -> Any:
    return create_store(persist(lambda: {"n": 0}, name="n", storage=MemoryStorage(), **options))


REFUSED: dict[str, Any] = {
    "listener": lambda: create_store(0).subscribe(needs(3)),
    "slice listener": lambda: create_store(0).subscribe(abs, needs(3)),
    "selector": lambda: create_store(0).subscribe(needs(2), print),
    "view": lambda: create_store(0).select(needs(2)),
    "equality": lambda: create_store(0).subscribe(abs, print, equality_fn=needs(3)),
    "initial": lambda: create_store(needs(4)),
    "initializer": lambda: devtools(needs(4)),
    "create": lambda: combine({}, needs(4)),
    "reducer": lambda: redux(needs(3), 0),
    "needs a keyword": lambda: create_store(0).subscribe(lambda state, *, loud: None),  # type: ignore[arg-type, misc]
    "migrate": lambda: persisted(migrate=needs(3)),
    "merge": lambda: persisted(merge=needs(3)),
    "partialize": lambda: persisted(partialize=needs(2)),
    "on_rehydrate_storage": lambda: persisted(on_rehydrate_storage=needs(2)),
    "on_hydrate": lambda: persisted().persist.on_hydrate(needs(2)),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_callback_that_needs_more_is_refused_when_it_is_registered(name: str) -> None:
    with pytest.raises(TypeError, match=r"called with \d positional arguments \(.*needs others"):
        REFUSED[name]()


def test_the_error_of_a_partial_does_not_show_what_is_bound_to_it() -> None:
    with pytest.raises(TypeError) as caught:
        create_store(0).subscribe(functools.partial(needs(4), "s3cret"))
    assert "s3cret" not in str(caught.value)


def test_what_persist_is_given_may_take_fewer_arguments() -> None:
    heard: list[Any] = []
    storage = MemoryStorage({"n": '{"state":{"count":5},"version":0}'})
    store = create_store(
        persist(
            lambda: {"n": 0},
            name="n",
            storage=storage,
            version=1,
            migrate=lambda old: {"n": old["count"]},
            on_rehydrate_storage=lambda: lambda state: heard.append(state),
        )
    )
    assert store.get_state() == {"n": 5}
    assert heard == [{"n": 5}]
    store.persist.on_hydrate(lambda: heard.append("hydrating"))
    store.persist.rehydrate()
    assert heard == [{"n": 5}, "hydrating", {"n": 5}]
