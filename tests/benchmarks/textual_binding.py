"""Whether an app stays responsive while a worker thread changes its store all the time.

    uv run python -m tests.benchmarks.textual_binding

For five seconds a thread makes 10,000 changes per second, or as many as it can, of a state that
widgets show. Meanwhile keys are pressed, and the time is taken from each press to its handling. The
same is measured without any changes, so that what the machine adds is known.
"""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from statistics import median

from textual.app import App, ComposeResult
from textual.events import Key
from textual.reactive import reactive
from textual.widgets import Static
from zustax.store import Store, create_store
from zustax.store.textual import StoreBound

SECONDS = 5.0
PER_SECOND = 10_000
WIDGETS = 20

#: Seconds between two presses of a key.
PERIOD = 0.05

State = dict[str, int]


class Counter(StoreBound, Static):
    count = reactive(0)

    def render(self) -> str:
        return str(self.count)


class Counters(App[None]):
    """Shows a count in many widgets, and takes the time of keys."""

    def __init__(self, store: Store[State]) -> None:
        super().__init__()
        self.delays: list[float] = []
        self.seen: list[int] = []
        self._store = store
        self._pressed = 0.0

    def compose(self) -> ComposeResult:
        for _ in range(WIDGETS):
            yield Counter().bind_store(self._store, count=lambda state: state["count"])

    def on_mount(self) -> None:
        self.query(Counter).first().watch_store(
            self._store, lambda state: state["count"], self.seen.append
        )

    def press(self) -> None:
        self._pressed = time.perf_counter()
        self.post_message(Key("a", "a"))

    def on_key(self) -> None:
        self.delays.append(time.perf_counter() - self._pressed)


class Writer(threading.Thread):
    """Changes a store, so and so often per second, until the time is over."""

    def __init__(self, store: Store[State]) -> None:
        super().__init__()
        self.changes = 0
        self._store = store

    def run(self) -> None:
        start = time.perf_counter()
        while (elapsed := time.perf_counter() - start) < SECONDS:
            for _ in range(int(elapsed * PER_SECOND) - self.changes):
                self.changes += 1
                self._store.set_state({"count": self.changes})
            time.sleep(0.001)


async def measure(*, with_changes: bool) -> str:
    """Measure once, and give a line of the table."""
    store = create_store({"count": 0})
    app, writer = Counters(store), Writer(store)
    async with app.run_test():
        if with_changes:
            writer.start()
        for _ in range(int(SECONDS / PERIOD)):
            app.press()
            await asyncio.sleep(PERIOD)
        if with_changes:
            await asyncio.to_thread(writer.join)
        while app.query(Counter).last().count != writer.changes:  # noqa: ASYNC110 - no event tells
            await asyncio.sleep(0.01)
    assert app.seen == sorted(app.seen), "updates came out of order"
    assert app.seen[-1] == writer.changes, "the last state is not the one that is shown"
    changes, updates = writer.changes / SECONDS, len(app.seen) / SECONDS
    middle, worst = median(app.delays) * 1000, max(app.delays) * 1000
    return f"{changes:>9.0f}  {updates:>9.0f}  {middle:>9.1f} ms  {worst:>6.1f} ms\n"


async def measure_both() -> None:
    sys.stdout.write("changes/s  updates/s  key, median     worst\n")
    for with_changes in (False, True):
        sys.stdout.write(await measure(with_changes=with_changes))


def main() -> None:
    asyncio.run(measure_both())


if __name__ == "__main__":
    main()
