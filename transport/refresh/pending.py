"""A refresh under way, for which tasks, threads and event loops wait together."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Protocol, TypeAlias

from attrs import frozen

from ..cancel import AbortSignal
from ..errors import RefreshError
from ..runtime import Runtime
from ..secrecy import with_callers_frames
from .tokens import Credentials

_log = logging.getLogger("zustax")

#: Seconds that a request still waits once it has noticed that the time is over. After a stop of the
#: process or the event loop, an answer that arrived meanwhile is handled in these seconds (19).
_PATIENCE = 1.0


@frozen
class Renewed:
    """The store has a valid token, which belongs to ``session``."""

    session: object
    was_adopted: bool = False  #: another process or instance has refreshed it


@frozen
class Failed:
    """The refresh has brought no token."""

    error: RefreshError


@frozen
class Discarded:
    """The session ended before the refresh did."""


RefreshOutcome: TypeAlias = Renewed | Failed | Discarded


class PendingRefresh:
    """A refresh, from its start to its end. No request that waits for it can end it."""

    def __init__(
        self, started_with: Credentials, timeout: float, owner: object, *, is_early: bool = False
    ) -> None:
        self.started_with = started_with
        self.owner = owner  #: the token session
        self.is_early = is_early  #: no token has been refused: it is only about to expire
        self.is_late = False  #: it takes longer than its time-out; its answer may still come (19)
        self.watchers = watchers.get()  #: those of the call that starts it
        self.timeout = timeout  #: seconds for the call, and for each step of the storage
        self.prolong()
        self._outcome: Future[RefreshOutcome] = Future()
        self._lock = threading.Lock()
        self._is_finishing = False

    @property
    def is_finished(self) -> bool:
        """True when it is over, also if the thread or event loop that ran it has died."""
        if self._outcome.done():
            return True
        overdue = self._overdue()
        if overdue is None or overdue < self.timeout + _PATIENCE:
            return False
        self.finish(Failed(_gone()))
        return True

    @property
    def asks_user(self) -> bool:
        """True while the user is asked, who may take any time."""
        return self._deadline is None

    def prolong(self) -> None:
        """Give it its time-out from now on."""
        self._deadline: float | None = time.monotonic() + self.timeout
        self._noticed: float | None = None  # when it was first noticed that the time is over

    def ask_user(self) -> None:
        """Wait without a bound from now on."""
        self._deadline = None

    def release_late(self, outcome: RefreshOutcome) -> None:
        """Release the waiting requests. It goes on, and requests that come now wait for it (19)."""
        with self._lock:
            if self._is_finishing:  # a thread has found it dead, and its loop goes on after all
                return
            self.is_late = True
            self.prolong()
            told, self._outcome = self._outcome, Future()
        told.set_result(outcome)

    def finish(self, outcome: RefreshOutcome) -> None:
        """End it and release the waiting requests; only the first call counts."""
        with self._lock:
            is_first, self._is_finishing = not self._is_finishing, True
        if is_first:
            notify(self.watchers, "refresh_ended", self, outcome)
            self._outcome.set_result(outcome)

    async def wait(self, runtime: Runtime, signal: AbortSignal | None) -> RefreshOutcome:
        """Wait until it ends, in the way of the instance that waits."""
        watching, outcome = watchers.get(), self._outcome
        notify(watching, "wait_started", self)
        try:
            while not await runtime.wait(outcome, self._remaining(), signal):
                overdue = self._overdue()
                if overdue is not None and overdue >= _PATIENCE:
                    return Failed(_gone())
            return outcome.result()
        finally:
            notify(watching, "wait_ended", self)

    def _remaining(self) -> float | None:
        deadline, overdue = self._deadline, self._overdue()
        if deadline is None:
            return None
        left = deadline - time.monotonic() if overdue is None else _PATIENCE - overdue
        return max(left, 0.0)

    def _overdue(self) -> float | None:
        """Return the seconds since it was first noticed that the time is over."""
        deadline, now = self._deadline, time.monotonic()
        if deadline is None or now < deadline:
            return None
        self._noticed = self._noticed or now
        return now - self._noticed

    def __repr__(self) -> str:
        return f"<PendingRefresh {'finished' if self.is_finished else 'under way'}>"


#: The refresh on whose behalf code is running: requests that it makes must not wait for it.
current_refresh: ContextVar[PendingRefresh | None] = ContextVar("current_refresh", default=None)


def refresh_behind(session: object) -> PendingRefresh | None:
    """Return the refresh of ``session`` on whose behalf this code runs, while it lasts (6)."""
    pending = current_refresh.get()
    is_own = pending is not None and pending.owner is session and not pending.is_finished
    return pending if is_own else None


def _gone() -> RefreshError:
    return RefreshError(
        "the refresh did not end in time; the thread or event loop that it runs in does not answer"
    )


# --- watchers ---


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


#: Those that watch the call on whose behalf this code runs. It starts a refresh, or waits for one.
watchers: ContextVar[tuple[Watcher, ...]] = ContextVar("watchers", default=())


@contextmanager
def watched_by(*those: Watcher) -> Iterator[None]:
    """Let only ``those`` hear of the refreshes of what runs in the block."""
    before = watchers.set(those)
    try:
        yield
    finally:
        # A coroutine that is thrown away unfinished is closed in another context.
        with suppress(ValueError):
            watchers.reset(before)


def notify(those: Iterable[Watcher], what: str, *details: object) -> None:
    """Call the method ``what`` of each watcher; one that raises harms no request."""
    for watcher in those:
        try:
            getattr(watcher, what)(*details)
        except Exception as error:
            with_callers_frames(error)
            _log.error("%s.%s raised", type(watcher).__name__, what, exc_info=error)
