"""What the silent refresh of one instance has done so far."""

from __future__ import annotations

import threading

from attrs import define, evolve, field

from ..runtime import reset_after_fork


@define
class RefreshStats:
    """What the silent refresh of one instance has done so far."""

    refreshes: int = 0  #: refresh calls made
    adopted: int = 0  #: times that a pair of another process or instance was used instead
    replayed: int = 0  #: requests sent a second time
    waited: int = 0  #: requests that waited for a refresh
    failed: int = 0  #: refreshes that failed while the session lives on
    rejected: int = 0  #: refreshes that ended the session
    paused: int = 0  #: refreshes that were not tried, since the ones before had failed


@define(repr=False, eq=False)
class Counters:
    """`RefreshStats` that several threads count on."""

    _stats: RefreshStats = field(factory=RefreshStats)
    _lock: threading.Lock = field(factory=threading.Lock)

    def __attrs_post_init__(self) -> None:
        reset_after_fork(self)

    def after_fork(self) -> None:
        self._lock = threading.Lock()

    def add(self, name: str) -> None:
        """Count one more."""
        with self._lock:
            setattr(self._stats, name, getattr(self._stats, name) + 1)

    def copy(self) -> RefreshStats:
        """Return the counts of this moment."""
        with self._lock:
            return evolve(self._stats)
