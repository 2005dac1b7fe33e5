"""One refresh that is under way, for which tasks, threads and event loops wait together."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextvars import ContextVar
from typing import TypeAlias

from attrs import frozen

from ..cancel import AbortSignal
from ..errors import RefreshError
from ..runtime import Runtime
from .tokens import Credentials

#: Seconds that a request still waits once it has noticed that the time is over. If the process or
#: the event loop was stopped, what has arrived meanwhile is taken note of in these (19).
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
        #: Called before the waiting requests go on.
        self.on_finish: Callable[[RefreshOutcome], object] = lambda outcome: None
        self._timeout = timeout
        self.prolong()
        self._outcome: Future[RefreshOutcome] = Future()
        self._is_finishing = False
        self._lock = threading.Lock()

    @property
    def is_finished(self) -> bool:
        """True when it is over, also if the thread or event loop that ran it has died."""
        if self._outcome.done():
            return True
        overdue = self._overdue()
        if overdue is None or overdue < self._timeout + _PATIENCE:
            return False
        self.finish(Failed(_gone()))
        return True

    @property
    def asks_user(self) -> bool:
        """True while the user is asked, who may take any time."""
        return self._deadline is None

    def prolong(self) -> None:
        """Give it its time-out from now on."""
        self._deadline: float | None = time.monotonic() + self._timeout
        self._noticed: float | None = None  # when it was first noticed that the time is over

    def ask_user(self) -> None:
        """Wait without a bound from now on."""
        self._deadline = None

    def tell_late(self, outcome: RefreshOutcome) -> None:
        """Release those who wait. It goes on, and who comes now waits for its end (19)."""
        self.is_late = True
        self.prolong()
        told, self._outcome = self._outcome, Future()
        told.set_result(outcome)

    def finish(self, outcome: RefreshOutcome) -> None:
        """End it and release all who wait; only the first call counts."""
        with self._lock:
            if self._is_finishing:
                return
            self._is_finishing = True
        self.on_finish(outcome)  # without the lock
        self._outcome.set_result(outcome)

    async def wait(self, runtime: Runtime, signal: AbortSignal | None) -> RefreshOutcome:
        """Wait until it ends, in the way of the instance that waits."""
        outcome = self._outcome
        while not await runtime.wait(outcome, self._remaining(), signal):
            overdue = self._overdue()
            if overdue is not None and overdue >= _PATIENCE:
                return Failed(_gone())
        return outcome.result()

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
