"""The refreshes of a session that have failed in a row, and the pause that follows (8)."""

from __future__ import annotations

from ..errors import RefreshError
from .expiry import now

#: Seconds without a refresh after two that failed in a row: at first, and at most.
_FIRST_PAUSE = 1.0
_LONGEST_PAUSE = 60.0


class Failures:
    """Counts failures, and tells whether to pause."""

    def __init__(self) -> None:
        self._count = 0
        self._pause = 0.0
        self._until = 0.0
        self._error: RefreshError | None = None

    def note(self, error: RefreshError) -> None:
        """Count one more."""
        self._count += 1
        self._error = error
        self._pause = error.retry_after or 0.0
        if self._count > 1:
            pause = min(_FIRST_PAUSE * 2 ** min(self._count - 2, 10), _LONGEST_PAUSE)
            self._pause = max(self._pause, pause)
        self._until = now() + self._pause

    def reset(self) -> None:
        """Forget them: a refresh has succeeded, or another session has begun."""
        self._count, self._error = 0, None

    def paused_by(self) -> RefreshError | None:
        """Return the last failure while no refresh is to be tried."""
        # A clock that was set back must not make the pause longer.
        return self._error if 0 < self._until - now() <= self._pause else None
