"""What a change of a persisted state costs its caller, with a throttle.

    uv run python -m tests.benchmarks.persisted

The first table compares 1,000 changes of a 200 kB state with ``throttle=0.1`` over files with the
same without persistence: one after the other, and a millisecond apart, so that writes are made
meanwhile. The second shows the longest of 1,000 changes of a state of 10 MB while it is written
again and again.
"""

import gc
import sys
import tempfile
import time
from collections.abc import Iterator
from statistics import median
from typing import Any

from zustax.store import FileStorage, create_store, persist

CHANGES = 1000
ROUNDS = 7
LARGE = 10_000_000


def state_of(size: int) -> dict[str, Any]:
    """Make a state whose JSON has about so many bytes."""
    row = {"id": 1000, "title": "x" * 60, "done": False, "tags": ["a", "b"]}
    return {"count": 0, "rows": [{**row, "id": number} for number in range(size // 110)]}


def durations(store: Any, pause: float) -> list[float]:
    """Change a store, and return the seconds that each change took."""
    taken = []
    for number in range(CHANGES):
        if pause:
            time.sleep(pause)
        start = time.perf_counter()
        store.set_state({"count": number})
        taken.append(time.perf_counter() - start)
    return taken


def persisted(state: dict[str, Any], directory: str, throttle: float) -> Any:
    storage = FileStorage(directory)
    return create_store(persist(lambda: state, name="app", storage=storage, throttle=throttle))


def table() -> Iterator[str]:
    yield f"{'200 kB':<22} {'alone':>10} {'persisted':>10} {'ratio':>6}\n"
    state = state_of(200_000)
    for pause, name in ((0.0, "one after the other"), (0.001, "a millisecond apart")):
        pairs = []
        for _ in range(ROUNDS):
            alone = sum(durations(create_store(state), pause))
            with tempfile.TemporaryDirectory() as directory:
                store = persisted(state, directory, 0.1)
                store.set_state({"count": -1})  # it starts the thread for writes
                pairs.append((alone, sum(durations(store, pause))))
                store.persist.flush()
        alone, own = (median(column) for column in zip(*pairs, strict=True))
        ratio = median(second / first for first, second in pairs)
        yield f"{name:<22} {alone * 1e3:>7.2f} ms {own * 1e3:>7.2f} ms {ratio:>6.2f}\n"
    yield "\n"
    state = state_of(LARGE)
    gc.collect()
    gc.freeze()  # what the garbage collector takes to look at the state is no cost of a change
    with tempfile.TemporaryDirectory() as directory:
        store = persisted(state, directory, 0.1)
        longest = max(durations(store, 0.001))
        store.persist.flush()
    yield f"{'10 MB, the longest':<22} {'':>10} {longest * 1e3:>7.2f} ms\n"


def main() -> None:
    sys.stdout.writelines(table())


if __name__ == "__main__":
    main()
