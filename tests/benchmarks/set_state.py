"""What a change costs with 1, 10 and 100 listeners, beside a bare loop, other libraries, Zustand.

    uv run --with psygnal --with reactivex --with reaktiv python -m tests.benchmarks.set_state

The bare loop merges a dict and calls the same listeners. A library that is not installed is named
as missing; Zustand needs Node and npm, and is installed in a temporary directory. Short blocks of
all alternate in one run; the table shows the medians of a block's time per change, and of its ratio
to the bare loop's of the same round.
"""

import sys
from collections.abc import Iterator

from .blocks import Block, compare
from .contenders import PYTHON, Contender
from .zustand import zustand

COUNTS = (1, 10, 100)
CALLS_PER_BLOCK = 20_000


def installed(
    contenders: dict[str, Contender], listeners: int
) -> tuple[dict[str, Block], dict[str, str]]:
    """Give the blocks of those that are there, and why the others are not."""
    blocks, missing = dict[str, Block](), dict[str, str]()
    for name, contender in contenders.items():
        try:
            blocks[name] = contender(listeners)
        except ImportError as error:
            missing[name] = str(error)
    return blocks, missing


def table(contenders: dict[str, Contender]) -> Iterator[str]:
    yield f"{'listeners':>9}  {'contender':<10} {'a change':>11} {'ratio':>6}\n"
    for listeners in COUNTS:
        blocks, missing = installed(contenders, listeners)
        results = compare(blocks, CALLS_PER_BLOCK // (listeners + 3))
        for name, own in results.items():
            yield f"{listeners:>9}  {name:<10} {own.microseconds:>8.2f} us {own.ratio:>6.2f}\n"
        for name, reason in missing.items():
            yield f"{listeners:>9}  {name:<10} missing: {reason}\n"


def main() -> None:
    with zustand() as original:
        sys.stdout.writelines(table(PYTHON | {"Zustand": original}))


if __name__ == "__main__":
    main()
