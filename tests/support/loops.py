"""An event loop in a thread of its own, which is strict about what is left on it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any

from .waiting import BOUND, wait_until

#: Put loops into debug mode. It finds calls from a wrong thread, and costs a third of the time.
debug = False


class LoopThread:
    """The loop and its thread, both running from the start."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()
        self._complaints: list[dict[str, Any]] = []
        self._loop = asyncio.new_event_loop()
        self._loop.set_debug(debug)
        self._loop.set_exception_handler(lambda _loop, context: self._complaints.append(context))
        self._thread = threading.Thread(target=self._loop.run_forever, name="loop", daemon=True)
        self._thread.start()

    def start(self, work: Callable[[], Coroutine[Any, Any, None]]) -> Callable[[], object]:
        """Run ``work`` as a task.

        Args:
            work: Called in the loop; what goes wrong in it must not come out.

        Returns:
            A function that cancels the task, from any thread.
        """
        task: asyncio.Task[None] | None = None

        def begin() -> None:
            nonlocal task
            task = self._loop.create_task(work())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

        def cancel() -> None:
            if task is not None:
                task.cancel()

        self._loop.call_soon_threadsafe(begin)
        return lambda: self._loop.call_soon_threadsafe(cancel)

    def close(self) -> None:
        """End the loop.

        Raises:
            AssertionError: A task is left over, or the loop had something to complain about.
        """
        try:
            wait_until(lambda: not asyncio.all_tasks(self._loop))
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(BOUND)
            self._loop.close()
        if self._complaints:
            raise AssertionError(f"the event loop complained: {self._complaints}")
