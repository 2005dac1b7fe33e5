"""Waiting for a condition, never for a time to pass."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

#: Seconds after which a test gives up waiting. Nothing is expected to come near it.
BOUND = 5.0

_PAUSE = 0.001


def wait_until(
    condition: Callable[[], object],
    bound: float = BOUND,
    *,
    missing: Callable[[], str] = lambda: "the condition does not hold",
) -> None:
    """Block this thread until ``condition()`` holds.

    Args:
        condition: Asked again and again, from this thread.
        bound: Seconds to wait at most.
        missing: Says what is not so, for the text of the error.

    Raises:
        AssertionError: It did not hold in time.
    """
    deadline = time.monotonic() + bound
    while not condition():
        _check(deadline, bound, missing)
        time.sleep(_PAUSE)


async def until(
    condition: Callable[[], object],
    bound: float = BOUND,
    *,
    missing: Callable[[], str] = lambda: "the condition does not hold",
) -> None:
    """Like `wait_until`, and leave the event loop free meanwhile."""
    deadline = time.monotonic() + bound
    while not condition():
        _check(deadline, bound, missing)
        await asyncio.sleep(_PAUSE)


def _check(deadline: float, bound: float, missing: Callable[[], str]) -> None:
    if time.monotonic() >= deadline:
        raise AssertionError(f"after {bound:g} seconds {missing()}")
