"""One refresh that is under way, on which tasks, threads and event loops wait together."""

from __future__ import annotations

import threading
import time
from concurrent.futures import Future

from attrs import frozen

from .cancel import AbortSignal
from .errors import RefreshError
from .observers import refresh_ended
from .runtime import Runtime
from .tokens import Credentials

#: Seconds beyond its time-out after which a refresh whose thread or loop is gone is given up.
_PATIENCE = 1.0


@frozen
class Renewed:
    """The store has a valid token, which belongs to ``session``."""

    session: object


@frozen
class Failed:
    """The flight has brought none."""

    error: RefreshError


@frozen
class Discarded:
    """The session ended before the flight did."""


Landing = Renewed | Failed | Discarded


class Flight:
    """A refresh, from its start until it lands. Nobody who waits for it can end it.

    Args:
        started_with: What the store held.
        timeout: Seconds that the refresh may take.
        owner: The session object of the store that is refreshed.
        is_early: Whether no token has been refused: it is only about to expire.
    """

    def __init__(
        self, started_with: Credentials, timeout: float, owner: object, *, is_early: bool = False
    ) -> None:
        self.started_with = started_with
        self.owner = owner
        self.is_early = is_early
        self._deadline: float | None = time.monotonic() + timeout
        self._landing: Future[Landing] = Future()
        self._is_landing = False
        self._lock = threading.Lock()

    @property
    def has_landed(self) -> bool:
        """Whether it is over."""
        return self._landing.done()

    @property
    def asks_user(self) -> bool:
        """Whether a human is asked, who takes the time that it takes."""
        return self._deadline is None

    def prolong(self, seconds: float) -> None:
        """Give it so much time from now on."""
        self._deadline = time.monotonic() + seconds

    def ask_user(self) -> None:
        """Wait without a bound from now on."""
        self._deadline = None

    def land(self, landing: Landing) -> bool:
        """End it and release everybody; only the first call counts, and returns ``True``."""
        with self._lock:
            if self._is_landing:
                return False
            self._is_landing = True
        refresh_ended(self, landing)  # told without the lock, and before anybody goes on
        self._landing.set_result(landing)
        return True

    async def landing(self, runtime: Runtime, signal: AbortSignal | None) -> Landing:
        """Wait until it lands, in the way of whoever waits.

        Raises:
            CanceledError: ``signal`` was aborted meanwhile.
        """
        while not await runtime.wait(self._landing, self._remaining(), signal):
            if self._is_overdue():
                gone = "the refresh did not end in time; the thread or event loop it ran in is gone"
                self.land(Failed(RefreshError(gone)))
        return self._landing.result()

    def _remaining(self) -> float | None:
        deadline = self._deadline
        return None if deadline is None else max(deadline + _PATIENCE - time.monotonic(), 0.0)

    def _is_overdue(self) -> bool:
        deadline = self._deadline
        return deadline is not None and time.monotonic() >= deadline + _PATIENCE

    def __repr__(self) -> str:
        return f"<Flight {'landed' if self.has_landed else 'under way'}>"
