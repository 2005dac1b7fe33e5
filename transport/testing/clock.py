"""A clock that a test sets."""

from __future__ import annotations

import math
import threading
import time
from contextlib import ExitStack
from types import TracebackType
from typing import Self

from ..refresh.expiry import taken_from


class Clock:
    """Stands still until it is advanced; whatever takes ``time.time`` takes it, too.

    As a context manager it is, inside its block, what every silent refresh of this process goes by:

        with Clock() as clock:
            authority = TokenAuthority(users={"ada": "lovelace"}, access_ttl=60.0, clock=clock)
            silent_refresh(api, store, leeway=10.0)
            ...
            clock.advance(55.0)  # the next request is preceded by a refresh

    Any thread may read and advance it.

    Args:
        now: Where it begins, in epoch seconds. Default: the present.
    """

    def __init__(self, now: float | None = None) -> None:
        self._lock = threading.Lock()
        self._now = time.time() if now is None else now
        self._installed = ExitStack()

    def __call__(self) -> float:
        """The time, in epoch seconds."""
        return self._now

    def advance(self, seconds: float) -> float:
        """Let time pass, and give the new time.

        Args:
            seconds: How much.

        Raises:
            ValueError: It is not a finite number from 0 up: this clock does not run backwards.
        """
        if not (math.isfinite(seconds) and seconds >= 0):
            raise ValueError(f"seconds must be a finite number from 0 up, not {seconds!r}")
        with self._lock:
            self._now += seconds
            return self._now

    def __enter__(self) -> Self:
        self._installed.enter_context(taken_from(self))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._installed.close()

    def __repr__(self) -> str:
        return f"Clock({self._now!r})"
