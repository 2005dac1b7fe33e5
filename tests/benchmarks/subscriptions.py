"""What a subscription takes of memory and time, and whether the time grows with their number.

    uv run python -m tests.benchmarks.subscriptions

Memory is counted by tracemalloc, without the listeners themselves. Time is that of subscribing and
unsubscribing once, in the order of subscription, in reverse, and in any order; the ratio is that of
so many to the fewest. Where it is linear, that stays near one (the caches of the processor have
their part in it).
"""

import gc
import random
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from statistics import median
from time import perf_counter
from typing import Any

from zustax.store import Store, create_store

from .contenders import INITIAL, make_listener

COUNTS = (1_000, 10_000, 100_000)
ROUNDS = 5

Unsubscribers = list[Callable[[], None]]
ORDERS: dict[str, Callable[[Unsubscribers], object]] = {
    "first in, first out": lambda unsubscribers: None,
    "last in, first out": lambda unsubscribers: unsubscribers.reverse(),
    "in any order": random.shuffle,
}


def to_state(store: Store[Any], listener: Any) -> Callable[[], None]:
    return store.subscribe(listener)


def to_slice(store: Store[Any], listener: Any) -> Callable[[], None]:
    return store.subscribe(count_of, listener)


def count_of(state: dict[str, int]) -> int:
    return state["count"]


def bytes_per_subscription(subscribe: Callable[[Store[Any], Any], Any], count: int) -> float:
    store, listeners = create_store(INITIAL), [make_listener() for _ in range(count)]
    unsubscribers: list[Any] = [None] * count
    gc.collect()
    tracemalloc.start()
    for number, listener in enumerate(listeners):
        unsubscribers[number] = subscribe(store, listener)
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return used / count


def seconds(count: int, arrange: Callable[[Unsubscribers], object]) -> float:
    store, listeners = create_store(INITIAL), [make_listener() for _ in range(count)]
    start = perf_counter()
    unsubscribers = [store.subscribe(listener) for listener in listeners]
    subscribed = perf_counter()
    arrange(unsubscribers)
    arranged = perf_counter()
    for unsubscribe in unsubscribers:
        unsubscribe()
    return perf_counter() - arranged + subscribed - start


def table() -> Iterator[str]:
    yield f"{'memory of one among':<20} {'state':>10} {'slice':>10}\n"
    for count in COUNTS:
        state, part = (bytes_per_subscription(each, count) for each in (to_state, to_slice))
        yield f"{count:>20,} {state:>8.0f} B {part:>8.0f} B\n"
    yield f"\n{'order of leaving':<20} {'count':>8} {'one':>10} {'ratio':>6}\n"
    for name, arrange in ORDERS.items():
        rounds = [[seconds(count, arrange) / count for count in COUNTS] for _ in range(ROUNDS)]
        for count, each in zip(COUNTS, zip(*rounds, strict=True), strict=True):
            ratio = median(one / first for one, (first, *_) in zip(each, rounds, strict=True))
            yield f"{name:<20} {count:>8,} {median(each) * 1e6:>7.2f} us {ratio:>6.2f}\n"


def main() -> None:
    sys.stdout.writelines(table())


if __name__ == "__main__":
    main()
