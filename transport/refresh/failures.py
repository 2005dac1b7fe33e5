"""The refreshes of a session that have failed in a row, and the pause that follows (8)."""

from __future__ import annotations

import random

from ..errors import RefreshError
from .expiry import now

#: Seconds without a refresh after two that failed in a row: at first, and at most.
_FIRST_PAUSE = 1.0
_LONGEST_PAUSE = 60.0


class Failures:
    """Counts failures, and knows when to pause."""

    def __init__(self) -> None:
        self._error: RefreshError | None = None
        self.reset()

    def note(self, error: RefreshError) -> None:
        """Count one more."""
        self._count += 1
        self._error = error
        self._since = now()
        self._pause = max(error.retry_after or 0.0, _pause(self._count - 1))
        # A token that still lives can wait longer. Hosts differ, so as not to ask all at once.
        spread = random.uniform(0.5, 1)  # noqa: S311
        self._early_pause = max(self._pause, _pause(self._count) * spread)

    def reset(self) -> None:
        """Forget them: a refresh has succeeded, or another session has begun."""
        self._count, self._since, self._pause, self._early_pause = 0, 0.0, 0.0, 0.0

    def paused_by(self, *, is_early: bool = False) -> RefreshError | None:
        """Return the last failure while no refresh, or no early one (13), is to be tried."""
        pause = self._early_pause if is_early else self._pause
        # A clock that was set back must not make the pause longer.
        return self._error if pause and 0 <= now() - self._since < pause else None


def _pause(failures: int) -> float:
    return min(_FIRST_PAUSE * 2 ** min(failures - 1, 10), _LONGEST_PAUSE) if failures > 0 else 0.0
