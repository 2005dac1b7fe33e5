"""The server: tokens that live for a moment, and answers that go wrong by chance."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from types import TracebackType
from typing import Self

import attrs
from zustax.transport.testing import (
    USERS,
    Answer,
    Fault,
    MisbehavingServer,
    Reply,
    SeenRequest,
    TokenAuthority,
    faults,
)

from .tokens import new_access_token, session_name

#: The header in which each process says its name.
PROCESS = "x-process"

REFRESH = "/auth/refresh"

_ACCESS_TTL = 0.4
_LATE = 0.3

_BREAKS: tuple[Callable[[], Fault], ...] = (
    faults.reset,
    faults.hang_up,
    faults.half_a_body,
    faults.reset_in_the_body,
)

#: What is done with a request, and how often. ``"broken before"`` and ``"broken after"`` it was
#: carried out: the client cannot tell which.
_REFRESH_PLANS = {
    "usual": 48,
    "late": 14,
    "unavailable": 2,
    "firewall 403": 2,
    "firewall 503": 1,
    "too many": 1,
    "unreadable": 1,
    "broken before": 3,
    "broken after": 1,
}
_ITEM_PLANS = {
    "usual": 60,
    "late": 20,
    "unavailable": 4,
    "firewall 403": 2,
    "firewall 503": 2,
    "refused": 3,
    "broken before": 2,
    "broken after": 2,
}
_PAGE = b"<!DOCTYPE html><html><h1>Attention Required!</h1><p>You have been blocked.</p></html>"
_HTML = {"Content-Type": "text/html; charset=UTF-8"}
_LOGIN_PLANS = {"usual": 3, "late": 1}

_INSTEAD = {
    "unavailable": Answer(503, {"error": "unavailable"}),
    "too many": Answer(429, {"error": "slow down"}),
    "unreadable": Answer(200, b"<html>", {"Content-Type": "text/html"}),
    "firewall 403": Answer(403, _PAGE, _HTML),
    "firewall 503": Answer(503, _PAGE, _HTML),
    "refused": Answer(401, {"error": "invalid_token"}),
}


@attrs.frozen(repr=False)
class Rotation:
    """A refresh token that was exchanged for another one.

    Attributes:
        process: The process that asked for that.
        was_lost: True if the answer was lost.
        moment: When.
    """

    process: str
    was_lost: bool
    moment: float = attrs.field(factory=time.monotonic)


@attrs.frozen(repr=False)
class Reuse:
    """A refresh token that came again.

    Attributes:
        first: How it was exchanged.
        process: The process that sent it again.
        moment: When.
    """

    first: Rotation
    process: str
    moment: float = attrs.field(factory=time.monotonic)


class Backend:
    """The server. A context manager.

    Args:
        seed: For what goes wrong.

    Attributes:
        is_calm: Set it to True to have nothing go wrong any more.
        counts: How often which plan was carried out.
        killed: The processes that were killed.
    """

    def __init__(self, seed: str) -> None:
        self.authority = TokenAuthority(
            users=USERS, access_ttl=_ACCESS_TTL, access_token_factory=new_access_token
        )
        self.server = MisbehavingServer(self.authority)
        self.is_calm = False
        self.counts: Counter[str] = Counter()
        self._random = random.Random(f"{seed} backend")
        self._in_a_refresh: list[Callable[[str], bool]] = []
        self._rotations: dict[str, Rotation] = {}
        self._reused: list[Reuse] = []
        self.killed: set[str] = set()
        self._lock = threading.RLock()

    def __enter__(self) -> Self:
        self.server.behave("*", self._reply)
        self.server.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.server.__exit__(kind, error, traceback)

    def in_a_refresh(self, harm: Callable[[str], bool]) -> None:
        """Do harm when a refresh token was exchanged and its process has not heard of it yet.

        ``harm`` takes the name of the process and returns False if it wants another one.
        """
        with self._lock:
            self._in_a_refresh.append(harm)

    def was_killed(self, process: str) -> None:
        """Excuse what a process that was killed has had no time to write."""
        with self._lock:
            self.killed.add(process)

    def ended_sessions(self) -> list[str]:
        """Return the sessions that are over for the server."""
        return [
            session_name(entry.user, entry.family)
            for entry in self.authority.journal
            if entry.event in ("logout", "revoked", "reuse")
        ]

    def wrongly_reused(self) -> list[Reuse]:
        """Return what came a second time although the answer to the first had arrived."""
        return [
            reuse
            for reuse in self._reused
            if not reuse.first.was_lost and reuse.first.process not in self.killed
        ]

    def _reply(self, request: SeenRequest) -> Reply:
        plan = self._plan_for(request.path)
        self.counts[f"answers {plan}"] += 1
        if plan in _INSTEAD:
            return _INSTEAD[plan]
        if plan == "broken before":
            return self._random.choice(_BREAKS)()
        answer = self._carried_out(request, is_lost=plan == "broken after")
        if plan == "broken after":
            return self._random.choice(_BREAKS)()
        return (
            attrs.evolve(answer, delay=self._random.uniform(0, _LATE)) if plan == "late" else answer
        )

    def _plan_for(self, path: str) -> str:
        if self.is_calm:
            return "usual"
        if path == REFRESH:
            plans = _REFRESH_PLANS
        else:
            plans = _ITEM_PLANS if path == "/items" else _LOGIN_PLANS
        return self._random.choices(tuple(plans), tuple(plans.values()))[0]

    def _carried_out(self, request: SeenRequest, *, is_lost: bool) -> Answer:
        answer = self.server.usual(request)
        if request.path == REFRESH:
            token, process = request.json()["refresh_token"], request.headers[PROCESS]
            if token in self._rotations:
                self._reused.append(Reuse(self._rotations[token], process))
            elif answer.status == 200:
                self._rotations[token] = Rotation(process, is_lost)
                with self._lock:
                    self._in_a_refresh = [do for do in self._in_a_refresh if not do(process)]
        return answer
