"""One refresh that is under way, for which tasks, threads and event loops wait together."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeAlias

from attrs import frozen

from ..cancel import AbortSignal
from ..errors import RefreshError
from ..runtime import Runtime
from .tokens import Credentials

#: Seconds beyond its time-out after which a refresh whose thread or loop is gone is given up.
_PATIENCE = 1.0


@frozen
class Renewed:
    """The store has a valid token, which belongs to ``session``."""

    session: object


@frozen
class Failed:
    """The refresh has brought no token."""

    error: RefreshError


@frozen
class Discarded:
    """The session ended before the refresh did."""


RefreshOutcome: TypeAlias = Renewed | Failed | Discarded


class PendingRefresh:
    """A refresh, from its start to its end. No one who waits for it can end it.

    Args:
        started_with: What the store held.
        timeout: Seconds that the refresh may take.
        owner: The session object of the store that is refreshed.
        is_early: True if no token has been refused: it is only about to expire.

    Attributes:
        on_finish: Called with the outcome before the waiting requests go on.
    """

    def __init__(
        self, started_with: Credentials, timeout: float, owner: object, *, is_early: bool = False
    ) -> None:
        self.started_with = started_with
        self.owner = owner
        self.is_early = is_early
        self.on_finish: Callable[[RefreshOutcome], object] = lambda outcome: None
        self._deadline: float | None = time.monotonic() + timeout
        self._outcome: Future[RefreshOutcome] = Future()
        self._is_finishing = False
        self._lock = threading.Lock()

    @property
    def is_finished(self) -> bool:
        """True when it is over."""
        return self._outcome.done()

    @property
    def asks_user(self) -> bool:
        """True while the user is asked, who may take any time."""
        return self._deadline is None

    def prolong(self, seconds: float) -> None:
        """Give it ``seconds`` from now on."""
        self._deadline = time.monotonic() + seconds

    def ask_user(self) -> None:
        """Wait without a bound from now on."""
        self._deadline = None

    def finish(self, outcome: RefreshOutcome) -> bool:
        """End it and release all who wait; only the first call counts, and returns True."""
        with self._lock:
            if self._is_finishing:
                return False
            self._is_finishing = True
        self.on_finish(outcome)  # without the lock
        self._outcome.set_result(outcome)
        return True

    async def wait(self, runtime: Runtime, signal: AbortSignal | None) -> RefreshOutcome:
        """Wait until it ends, in the way of the instance that waits.

        Raises:
            CanceledError: ``signal`` was aborted meanwhile.
        """
        while not await runtime.wait(self._outcome, self._remaining(), signal):
            if self._is_overdue():
                gone = "the refresh did not end in time; the thread or event loop it ran in is gone"
                self.finish(Failed(RefreshError(gone)))
        return self._outcome.result()

    def _remaining(self) -> float | None:
        deadline = self._deadline
        return None if deadline is None else max(deadline + _PATIENCE - time.monotonic(), 0.0)

    def _is_overdue(self) -> bool:
        deadline = self._deadline
        return deadline is not None and time.monotonic() >= deadline + _PATIENCE

    def __repr__(self) -> str:
        return f"<PendingRefresh {'finished' if self.is_finished else 'under way'}>"
