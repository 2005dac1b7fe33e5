"""The errors of zustax in the words of the table."""

from __future__ import annotations

from zustax.transport import RequestError

from .stage import REFRESH


def told(error: RequestError) -> str:
    """What a caller gets; of the refresh call, if it is the error of that and not his own."""
    asked = error.config.url if error.config else None
    whose = " of the refresh call" if asked == REFRESH else ""
    return f"error {error.status or error.code}{whose}"
