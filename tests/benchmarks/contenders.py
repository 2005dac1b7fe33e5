"""The ways to merge a dict into a state and call listeners that the benchmark compares.

Each contender takes the number of listeners and gives a block, or raises `ImportError` if it is not
installed. All do the same: they make a new dict for every change, and their listeners compare a
number with the one before. A listener has the shape that its library calls, without an adapter.
"""

from collections.abc import Callable
from importlib import import_module
from typing import Any, TypeAlias

from blinker import Signal
from zustax.store import create_store

from .blocks import Block, timed

State: TypeAlias = dict[str, int]
Listener: TypeAlias = Callable[[State, State], None]
Contender: TypeAlias = Callable[[int], Block]

INITIAL: State = {"count": 0, "limit": 10}


def make_listener() -> Listener:
    shown = 0

    def show(state: State, previous: State) -> None:
        nonlocal shown
        if state["count"] != previous["count"]:
            shown = state["count"]

    return show


def changing(tell: Callable[[State, State], object]) -> Block:
    """Merge, and tell the listeners in the way of a library that keeps no state itself."""

    def run(changes: int) -> None:
        state = INITIAL
        for number in range(changes):
            previous, partial = state, {"count": number}
            state = {**previous, **partial}
            tell(state, previous)

    return timed(run)


def bare_loop(listeners: int) -> Block:
    called = [make_listener() for _ in range(listeners)]

    def run(changes: int) -> None:
        state = INITIAL
        for number in range(changes):
            previous, partial = state, {"count": number}
            state = {**previous, **partial}
            for listener in called:
                listener(state, previous)

    return timed(run)


def zustax(listeners: int) -> Block:
    store = create_store(INITIAL)
    for _ in range(listeners):
        store.subscribe(make_listener())

    def run(changes: int) -> None:
        for number in range(changes):
            store.set_state({"count": number})

    return timed(run)


def blinker(listeners: int) -> Block:
    def make_receiver() -> Callable[..., None]:
        shown = 0

        def show(sender: object, state: State, previous: State) -> None:
            nonlocal shown
            if state["count"] != previous["count"]:
                shown = state["count"]

        return show

    changed = Signal()
    for _ in range(listeners):
        changed.connect(make_receiver(), weak=False)
    return changing(lambda state, previous: changed.send(None, state=state, previous=previous))


def psygnal(listeners: int) -> Block:
    library: Any = import_module("psygnal")
    changed = library.SignalInstance((dict, dict))
    for _ in range(listeners):
        changed.connect(make_listener())
    return changing(changed.emit)


def reactivex(listeners: int) -> Block:
    library: Any = import_module("reactivex")

    def make_observer() -> Callable[[tuple[State, State]], None]:
        shown = 0

        def show(change: tuple[State, State]) -> None:
            nonlocal shown
            state, previous = change
            if state["count"] != previous["count"]:
                shown = state["count"]

        return show

    changed = library.Subject()
    for _ in range(listeners):
        changed.subscribe(make_observer())
    return changing(lambda state, previous: changed.on_next((state, previous)))


def reaktiv(listeners: int) -> Block:
    library: Any = import_module("reaktiv")
    signal = library.Signal(INITIAL)

    def make_effect() -> Callable[[], None]:
        shown = 0

        def show() -> None:
            nonlocal shown
            state = signal()
            if state["count"] != shown:
                shown = state["count"]

        return show

    effects = [library.Effect(make_effect()) for _ in range(listeners)]

    def run(changes: int) -> None:
        for number in range(changes):
            signal.set({**signal(), "count": number})
        assert len(effects) == listeners  # they end when nobody refers to them any longer

    return timed(run)


PYTHON: dict[str, Contender] = {
    "bare loop": bare_loop,
    "zustax": zustax,
    "blinker": blinker,
    "psygnal": psygnal,
    "reactivex": reactivex,
    "reaktiv": reaktiv,
}
