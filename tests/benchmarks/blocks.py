"""Short blocks of several contenders in turn, so that what else the machine does falls on all."""

from collections.abc import Callable
from statistics import median
from time import perf_counter
from typing import TypeAlias

import attrs

Run: TypeAlias = Callable[[int], object]
"""Does a thing so many times."""
Block: TypeAlias = Callable[[int], float]
"""Does a thing so many times and gives the seconds that it took."""

ROUNDS = 60


@attrs.frozen
class Result:
    """Medians over all rounds: of the time, and of the ratio to the first block of the round."""

    microseconds: float
    ratio: float


def timed(run: Run) -> Block:
    def block(times: int) -> float:
        start = perf_counter()
        run(times)
        return perf_counter() - start

    return block


def compare(blocks: dict[str, Block], times: int, rounds: int = ROUNDS) -> dict[str, Result]:
    """Run all blocks in each round, in turn forwards and backwards; the first is the measure."""
    seconds: dict[str, list[float]] = {name: [] for name in blocks}
    for number in range(rounds):
        for name in reversed(blocks) if number % 2 else blocks:
            seconds[name].append(blocks[name](times))
    measure = next(iter(seconds.values()))
    return {
        name: Result(
            median(each) / times * 1e6,
            median(own / first for own, first in zip(each, measure, strict=True)),
        )
        for name, each in seconds.items()
    }
