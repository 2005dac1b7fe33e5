"""When to refresh an access token before the server refuses it (13).

An expiry is only a hint; the server decides. So a JSON Web Token (RFC 7519) is read without a look
at its signature.
"""

from __future__ import annotations

import base64
import json
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from attrs import define, field

from .tokens import Credentials, finite

#: Where silent refresh takes the time of day from; a test can add another source.
_clocks: list[Callable[[], float]] = [time.time]


def now() -> float:
    """Return the time of day in epoch seconds."""
    return _clocks[-1]()


@contextmanager
def taken_from(clock: Callable[[], float]) -> Iterator[None]:
    """Let all threads of this process take the time from ``clock`` inside the block."""
    _clocks.append(clock)
    try:
        yield
    finally:
        _clocks.remove(clock)


#: The leeway of `keep_fresh`: so many seconds, or this share of the life of a token if less.
_SHORTLY = 60.0
_SHARE = 0.2

#: The part of the leeway by which hosts differ, so that they do not all refresh at once.
_SPREAD = 0.1


@define(repr=False, eq=False)
class _Known:
    """What is known of a token since it was received."""

    access_token: str = field(repr=False)
    expires_at: float | None
    received_at: float = field(factory=now)
    spread: float = field(factory=random.random)  # never asked for a secret

    def is_due(self, leeway: float | None) -> bool:
        if self.expires_at is None:
            return False
        lifetime = self.expires_at - self.received_at
        if leeway is None:
            leeway = min(_SHORTLY, lifetime * _SHARE)
        grace = lifetime - leeway
        if grace <= 0:
            return False  # 13: it came like that, or one of the clocks is wrong
        return now() >= self.expires_at - leeway - _SPREAD * self.spread * min(leeway, grace)


_NO_TOKEN = _Known("", None)


class Expiry:
    """Knows when the access token of a store was received: when it was first seen."""

    def __init__(self) -> None:
        # The one before, too: it may still be read while a new one is written.
        self._known: tuple[_Known, ...] = ()
        self._lock = threading.Lock()

    def after_fork(self) -> None:
        """Start with a lock that no thread of the parent holds."""
        self._lock = threading.Lock()

    def is_due(self, held: Credentials, leeway: float | None) -> bool:
        """Return True if it is time to refresh the token."""
        return self.see(held.access_token, held.expires_at).is_due(leeway)

    def lives(self, held: Credentials) -> bool:
        """Return True if the token is known not to have expired yet."""
        expires_at = self.see(held.access_token, held.expires_at).expires_at
        return expires_at is not None and now() < expires_at

    def has_expired(self, held: Credentials) -> bool:
        """Return True if the token is known to have expired."""
        expires_at = self.see(held.access_token, held.expires_at).expires_at
        return expires_at is not None and now() >= expires_at

    def see(self, access_token: str | None, expires_at: float | None) -> _Known:
        """Note a token when it is seen first, and return what is known of it."""
        if access_token is None:
            return _NO_TOKEN
        known = self._found(access_token)
        if known is None:
            with self._lock:
                known = self._found(access_token)
                if known is None:
                    known = _Known(access_token, _claimed(access_token))
                    self._known = (known, *self._known[:1])
        if expires_at != known.expires_at:
            known.expires_at = finite(expires_at) or known.expires_at
        return known

    def _found(self, access_token: str) -> _Known | None:
        for known in self._known:
            if known.access_token == access_token:
                return known
        return None


def _claimed(token: str) -> float | None:
    """Return what a JSON Web Token says of its expiry (RFC 7519, section 4.1.4)."""
    segments = token.split(".")
    if len(segments) != 3:
        return None
    try:
        # Its padding is left out (RFC 7515, section 2); more than is needed does no harm.
        claims: Any = json.loads(base64.urlsafe_b64decode(segments[1] + "=="))
    except (ValueError, RecursionError):
        return None
    return finite(claims.get("exp")) if isinstance(claims, dict) else None
