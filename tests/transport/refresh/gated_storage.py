"""A storage that another process changes when a test says, and in which calls are held up."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from ...support.waiting import wait_until

#: Seconds for another thread on a machine that has much else to do.
BOUND = 20.0


class Hold:
    """A call that is held up: it has done its work, and does not return.

    Attributes:
        is_reached: Set when the call has done its work.
    """

    def __init__(self) -> None:
        self.is_reached = threading.Event()
        self._may_return = threading.Event()

    def wait_until_reached(self) -> None:
        assert self.is_reached.wait(BOUND), "nobody has come"

    def release(self) -> None:
        self._may_return.set()

    def pass_through(self) -> None:
        self.is_reached.set()
        assert self._may_return.wait(BOUND), "it was never released"


class GatedStorage:
    """One text in memory, which is shared with others and fenced.

    Attributes:
        text: What lies there; set it to do what another process does.
        reads: How often it was read.
    """

    def __init__(self, text: str | None = None) -> None:
        self.text = text
        self.reads = 0
        self._callbacks: list[Callable[[], object]] = []
        self._held_reads: list[Hold] = []
        self._held_writes: list[Hold] = []
        self._while_reading: list[Callable[[], object]] = []

    def hold_next_read(self) -> Hold:
        """Hold up the next read: it has read, and what it has read becomes old."""
        self._held_reads.append(Hold())
        return self._held_reads[-1]

    def hold_next_write(self) -> Hold:
        """Hold up the next write before it writes."""
        self._held_writes.append(Hold())
        return self._held_writes[-1]

    def during_next_read(self, action: Callable[[], object]) -> None:
        """Do ``action`` in the thread that reads next, before it reads."""
        self._while_reading.append(action)

    def notify(self) -> threading.Thread:
        """Tell, in a thread of its own, that another process has changed the text."""
        (callback,) = self._callbacks
        thread = threading.Thread(target=callback, daemon=True)
        thread.start()
        return thread

    def get_item(self, name: str) -> str | None:
        if self._while_reading:
            self._while_reading.pop()()
        text = self.text
        self.reads += 1
        if self._held_reads:
            self._held_reads.pop().pass_through()
        return text

    def set_item(self, name: str, value: str) -> None:
        if self._held_writes:
            self._held_writes.pop().pass_through()
        self.text = value

    def replace_item(self, name: str, expected: str | None, value: str) -> bool:
        if self._held_writes:
            self._held_writes.pop().pass_through()
        if self.text != expected:
            return False
        self.text = value
        return True

    def remove_item(self, name: str) -> None:
        self.text = None

    def lock(self, name: str, *, timeout: float | None = None) -> AbstractContextManager[Any]:
        return nullcontext()

    def subscribe(self, name: str, callback: Callable[[], object]) -> Callable[[], None]:
        self._callbacks.append(callback)
        return lambda: self._callbacks.remove(callback)


def join(thread: threading.Thread) -> None:
    """Wait for the end of a thread."""
    wait_until(lambda: not thread.is_alive(), BOUND)
