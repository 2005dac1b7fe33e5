"""Aborting a request from outside (axios's ``signal``, the web's ``AbortController``)."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from typing import Any


class AbortSignal:
    """Aborts the requests that carry it. You may share it between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._listeners: list[Callable[[], Any]] = []
        self._aborted = False

    @property
    def aborted(self) -> bool:
        """True once `AbortController.abort` was called."""
        return self._aborted

    def add_listener(self, listener: Callable[[], Any]) -> Callable[[], None]:
        """Call ``listener`` once when the signal is aborted, at once if it already is.

        It is called in the thread that aborts.

        Returns:
            A function that removes the listener.
        """
        with self._lock:
            if not self._aborted:
                self._listeners.append(listener)
                return lambda: self._remove(listener)
        listener()
        return lambda: None

    def _remove(self, listener: Callable[[], Any]) -> None:
        with self._lock:
            if listener in self._listeners:
                self._listeners.remove(listener)

    def _abort(self) -> None:
        with self._lock:
            self._aborted = True
            listeners, self._listeners = self._listeners, []
        with contextlib.ExitStack() as each:
            for listener in reversed(listeners):
                each.callback(listener)  # all of them are called, even if one raises

    def __repr__(self) -> str:
        return f"<AbortSignal aborted={self._aborted}>"


class AbortController:
    """Aborts the requests that were given its `signal`."""

    def __init__(self) -> None:
        self.signal = AbortSignal()

    def abort(self) -> None:
        """Abort: each of these requests raises `CanceledError` and releases its connection."""
        self.signal._abort()
