"""Hearing of the refreshes that a call starts and waits for, as `record` does.

One call starts a refresh, and many wait for it. So a watcher travels with the context of the call,
also into the refresh that the call has started.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Protocol

from ..secrecy import with_callers_frames
from .pending import PendingRefresh, RefreshOutcome

_log = logging.getLogger("zustax")


class Watcher(Protocol):
    """Hears of the refreshes that one call starts and waits for. What it raises is logged."""

    def refresh_started(self, pending: PendingRefresh) -> None:
        """The call has started a refresh."""

    def refresh_ended(self, pending: PendingRefresh, outcome: RefreshOutcome) -> None:
        """That refresh has ended; the requests that wait for it have not gone on yet."""

    def wait_started(self, pending: PendingRefresh) -> None:
        """The call waits for a refresh, its own or another's."""

    def wait_ended(self, pending: PendingRefresh) -> None:
        """The call waits no more, for whatever reason."""


_watchers: ContextVar[tuple[Watcher, ...]] = ContextVar("watchers", default=())


def watchers() -> tuple[Watcher, ...]:
    """Return those that watch the call which this code runs for."""
    return _watchers.get()


@contextlib.contextmanager
def watched_by(*those: Watcher) -> Iterator[None]:
    """Let only ``those`` hear of the refreshes of what runs in the block."""
    before = _watchers.set(those)
    try:
        yield
    finally:
        # A coroutine that is thrown away unfinished is closed in another context.
        with contextlib.suppress(ValueError):
            _watchers.reset(before)


def announce(pending: PendingRefresh) -> None:
    """Tell that the call which this code runs for has started a refresh, and later how it ends."""
    watching = _watchers.get()
    if not watching:
        return
    for watcher in watching:
        _tell(watcher.refresh_started, pending)

    def tell_end(outcome: RefreshOutcome) -> None:
        for watcher in watching:
            _tell(watcher.refresh_ended, pending, outcome)

    pending.on_finish = tell_end


@contextlib.contextmanager
def waiting_for(pending: PendingRefresh) -> Iterator[None]:
    """Tell that a call waits while the block runs."""
    watching = _watchers.get()
    for watcher in watching:
        _tell(watcher.wait_started, pending)
    try:
        yield
    finally:
        for watcher in watching:
            _tell(watcher.wait_ended, pending)


def _tell(hear: Callable[..., object], *what: object) -> None:
    try:
        hear(*what)
    except Exception as error:
        # No request that waits for a refresh may hang because someone watches.
        with_callers_frames(error)
        _log.error("%r raised", hear, exc_info=error)
