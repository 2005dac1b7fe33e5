"""What a store costs over a bare loop that merges a dict and calls the same listeners.

    uv run python tests/benchmarks/set_state.py

Short blocks of the two alternate, so that whatever else the machine does falls on both; the table
shows the medians of a block's time per change and of the ratio of neighbouring blocks.
"""

import sys
from collections.abc import Callable, Iterator
from statistics import median
from time import perf_counter

from zustax.store import create_store

State = dict[str, int]
Listener = Callable[[State, State], None]

COUNTS = (1, 10, 100)
BLOCKS = 101
CALLS_PER_BLOCK = 20_000
INITIAL: State = {"count": 0, "limit": 10}


def make_listener() -> Listener:
    shown = 0

    def show(state: State, previous: State) -> None:
        nonlocal shown
        if state["count"] != previous["count"]:
            shown = state["count"]

    return show


def with_bare_loop(listeners: list[Listener]) -> Callable[[int], None]:
    def run(changes: int) -> None:
        state = INITIAL
        for number in range(changes):
            previous, partial = state, {"count": number}
            state = {**previous, **partial}
            for listener in listeners:
                listener(state, previous)

    return run


def with_store(listeners: list[Listener]) -> Callable[[int], None]:
    store = create_store(INITIAL)
    for listener in listeners:
        store.subscribe(listener)

    def run(changes: int) -> None:
        for number in range(changes):
            store.set_state({"count": number})

    return run


def seconds(run: Callable[[int], None], changes: int) -> float:
    start = perf_counter()
    run(changes)
    return perf_counter() - start


def compare(count: int) -> tuple[float, float, float]:
    """Measure the microseconds per change of both, and their ratio, for so many listeners."""
    listeners = [make_listener() for _ in range(count)]
    bare, store = with_bare_loop(listeners), with_store(listeners)
    changes = CALLS_PER_BLOCK // (count + 3)
    blocks = [(seconds(bare, changes), seconds(store, changes)) for _ in range(BLOCKS)]
    return (
        median(b for b, _ in blocks) / changes * 1e6,
        median(s for _, s in blocks) / changes * 1e6,
        median(s / b for b, s in blocks),
    )


def table() -> Iterator[str]:
    yield f"{'listeners':>9}  {'bare loop':>9}  {'store':>9}  {'ratio':>5}\n"
    for count in COUNTS:
        bare, store, ratio = compare(count)
        yield f"{count:>9}  {bare:>6.2f} us  {store:>6.2f} us  {ratio:>5.2f}\n"


if __name__ == "__main__":
    sys.stdout.writelines(table())
