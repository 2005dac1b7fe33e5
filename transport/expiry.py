"""When an access token is to be renewed before the server refuses it (13).

It is a guess, and only ever a hint: what the server says of a token counts, whatever is thought
here. A JSON Web Token (RFC 7519) is read without a look at its signature for the same reason.
"""

from __future__ import annotations

import base64
import json
import math
import random
import threading
from typing import Any

from attrs import define, field

from . import clock
from .tokens import Credentials

#: Seconds before the expiry at which a token is renewed where no leeway says so, and the part of
#: its life if that is less.
_SHORTLY = 60.0
_SHARE = 0.2

#: The part of the leeway by which hosts differ, so that they do not all refresh at once.
_SPREAD = 0.1

#: Seconds without another early try after a refresh has failed: at first, and at most.
_FIRST_PAUSE = 1.0
_LONGEST_PAUSE = 60.0


@define(repr=False, eq=False)
class _Known:
    """What is known of a token since it was received."""

    access_token: str = field(repr=False)
    expires_at: float | None
    received_at: float = field(factory=clock.now)
    spread: float = field(factory=random.random)  # never asked for a secret
    failures: int = 0
    rests_until: float = -math.inf

    def is_due(self, leeway: float | None) -> bool:
        if self.expires_at is None:
            return False
        lifetime = self.expires_at - self.received_at
        if leeway is None:
            leeway = min(_SHORTLY, lifetime * _SHARE)
        grace = lifetime - leeway
        if grace <= 0:
            return False  # 13: it came like that, or one of the clocks is wrong
        due_at = self.expires_at - leeway - _SPREAD * self.spread * min(leeway, grace)
        return clock.now() >= max(due_at, self.rests_until)

    def note_failure(self) -> None:
        pause = min(_FIRST_PAUSE * 2**self.failures, _LONGEST_PAUSE)
        self.failures += 1
        self.rests_until = clock.now() + pause * (1 - self.spread / 2)


class Expiry:
    """Knows when the access token of a store was received, and so how old it is.

    A token counts as received when it is seen first.
    """

    def __init__(self) -> None:
        # The one before, too: it may still be read while a new one is being written.
        self._known: tuple[_Known, ...] = ()
        self._lock = threading.Lock()

    def see(self, access_token: str | None, expires_at: float | None) -> None:
        """Look at the token that the store has now.

        Args:
            access_token: The token.
            expires_at: When it expires, in epoch seconds. Default: as was known before, or as the
                token says itself if it is a JSON Web Token.
        """
        if access_token is not None:
            self._of(access_token, expires_at)

    def is_due(self, now: Credentials, leeway: float | None) -> bool:
        """Whether it is time to renew the token.

        Args:
            now: What the store holds.
            leeway: Seconds before the expiry; ``None`` for shortly before, as suits its life.
        """
        if now.access_token is None:
            return False
        return self._of(now.access_token, now.expires_at).is_due(leeway)

    def lives(self, now: Credentials) -> bool:
        """Whether the token has, as far as is known, not expired yet."""
        if now.access_token is None:
            return False
        expires_at = self._of(now.access_token, now.expires_at).expires_at
        return expires_at is not None and clock.now() < expires_at

    def note_failure(self, now: Credentials) -> None:
        """Let some time pass, more each time, before the token is renewed early again."""
        if now.access_token is not None:
            self._of(now.access_token, now.expires_at).note_failure()

    def _of(self, access_token: str, expires_at: float | None) -> _Known:
        known = self._found(access_token)
        if known is None:
            with self._lock:
                known = self._found(access_token)
                if known is None:
                    known = _Known(access_token, _claimed(access_token))
                    self._known = (known, *self._known[:1])
        if expires_at != known.expires_at and _is_number(expires_at):
            known.expires_at = expires_at
        return known

    def _found(self, access_token: str) -> _Known | None:
        for known in self._known:
            if known.access_token == access_token:
                return known
        return None


def _claimed(token: str) -> float | None:
    """What a JSON Web Token says of its expiry (RFC 7519, section 4.1.4)."""
    segments = token.split(".")
    if len(segments) != 3:
        return None
    try:
        # Its padding is left out (RFC 7515, section 2); more than is needed does no harm.
        claims: Any = json.loads(base64.urlsafe_b64decode(segments[1] + "=="))
    except (ValueError, RecursionError):
        return None
    expires_at = claims.get("exp") if isinstance(claims, dict) else None
    return expires_at if _is_number(expires_at) else None


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and value is not True and math.isfinite(value)
