"""Things that happen in several threads at the same time."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

PATIENCE = 30  # seconds until a wait that should have ended long ago counts as a deadlock


def run_together(threads: ThreadPoolExecutor, tasks: list[Callable[[], object]]) -> None:
    """Start all tasks at the same moment, each in its own thread, and wait for all."""
    start = Barrier(len(tasks))

    def run(task: Callable[[], object]) -> None:
        start.wait(PATIENCE)
        task()

    for future in [threads.submit(run, task) for task in tasks]:
        future.result(PATIENCE)
