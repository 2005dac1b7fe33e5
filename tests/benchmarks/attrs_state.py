"""What changing one field of an attrs state costs over calling its class with all fields.

    uv run python -m tests.benchmarks.attrs_state

The classes have no validators. Short blocks alternate; the table shows the medians of a block's
time, and of the ratio of `set_state({"field_0": value})` to calling the class by keyword.
"""

import sys
from collections.abc import Callable, Iterator
from typing import Any

import attrs
from zustax.store import create_store

from .blocks import compare, timed

SIZES = (2, 4, 6, 8, 12)
CALLS_PER_BLOCK = 3_000
KINDS: dict[str, dict[str, Any]] = {
    "frozen": {"frozen": True, "slots": True},
    "mutable": {"frozen": False, "slots": True},
    "frozen, without slots": {"frozen": True, "slots": False},
}


def calling(cls: Any, fields: dict[str, int]) -> Callable[[int], None]:
    def run(times: int) -> None:
        for _ in range(times):
            make()

    # Written out, as a program would have it: `**` costs more.
    make = eval(f"lambda: cls({', '.join(f'{name}=1' for name in fields)})", {"cls": cls})
    return run


def changing(cls: Any) -> Callable[[int], None]:
    store = create_store(cls())

    def run(times: int) -> None:
        for number in range(times):
            store.set_state({"field_0": number})

    return run


def table() -> Iterator[str]:
    yield f"{'class':<21} {'fields':>6} {'calling':>10} {'set_state':>10} {'ratio':>6}\n"
    for kind, options in KINDS.items():
        for size in SIZES:
            fields = {sys.intern(f"field_{number}"): 1 for number in range(size)}
            defaults = {name: attrs.field(default=1) for name in fields}
            cls: Any = attrs.make_class("State", defaults, **options)
            blocks = {"calling": timed(calling(cls, fields)), "set_state": timed(changing(cls))}
            called, changed = compare(blocks, CALLS_PER_BLOCK).values()
            yield (
                f"{kind:<21} {size:>6} {called.microseconds:>7.2f} us"
                f" {changed.microseconds:>7.2f} us {changed.ratio:>6.2f}\n"
            )


def main() -> None:
    sys.stdout.writelines(table())


if __name__ == "__main__":
    main()
