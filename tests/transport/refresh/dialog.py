"""A login dialog for ``reauthenticate``, which stays open until a test closes it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from ...support.clients import Client
from ...support.waiting import BOUND, until, wait_until


class Dialog:
    """The dialog, in the form that a kind of instance takes.

    Args:
        kind: Of the instance.
        answer: What is done when it is closed, and gives the pair.
    """

    def __init__(self, kind: type[Client], answer: Callable[[], Any]) -> None:
        self.times_asked = 0
        self._answer = answer
        self._closed = threading.Event()
        self.function: Callable[[], Any] = self._asynchronous if kind.is_async else self._plain

    def wait_until_asked(self) -> None:
        """Block until the dialog is open."""
        wait_until(lambda: self.times_asked > 0)

    def close(self) -> None:
        """Let it be answered, also when it is opened again."""
        self._closed.set()

    async def _asynchronous(self) -> Any:
        self.times_asked += 1
        await until(self._closed.is_set)
        return self._answer()

    def _plain(self) -> Any:
        self.times_asked += 1
        assert self._closed.wait(BOUND)
        return self._answer()
