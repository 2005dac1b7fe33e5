"""The one place from which silent refresh takes the time of day, so that a test can set it.

Example:
    with taken_from(lambda: 1_700_000_000.0):
        ...  # it is November 2023 for every silent refresh of this process

"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_sources: list[Callable[[], float]] = [time.time]


def now() -> float:
    """The time of day in epoch seconds."""
    return _sources[-1]()


@contextmanager
def taken_from(source: Callable[[], float]) -> Iterator[None]:
    """Let all threads of this process take the time from ``source`` inside of the block.

    Args:
        source: Gives epoch seconds, as ``time.time`` does.
    """
    _sources.append(source)
    try:
        yield
    finally:
        _sources.remove(source)
