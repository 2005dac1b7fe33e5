"""The server: tokens that live for a moment, and answers that go wrong by chance."""

from __future__ import annotations

import random
import threading
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

from .tokens import new_access_token

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
    "usual": 24,
    "late": 8,
    "unavailable": 3,
    "too many": 1,
    "unreadable": 1,
    "broken before": 3,
    "broken after": 2,
}
_ITEM_PLANS = {
    "usual": 60,
    "late": 20,
    "unavailable": 4,
    "refused": 3,
    "broken before": 2,
    "broken after": 2,
}
_LOGIN_PLANS = {"usual": 3, "late": 1}

_INSTEAD = {
    "unavailable": Answer(503, {"error": "unavailable"}),
    "too many": Answer(429, {"error": "slow down"}),
    "unreadable": Answer(200, b"<html>", {"Content-Type": "text/html"}),
    "refused": Answer(401, {"error": "invalid_token"}),
}


@attrs.frozen(repr=False)
class Rotation:
    """A refresh token that was exchanged for another one.

    Attributes:
        process: Who asked for that.
        was_lost: Whether the answer was.
    """

    process: str
    was_lost: bool


class Backend:
    """The server. A context manager.

    Args:
        seed: For what goes wrong.
    """

    def __init__(self, seed: str) -> None:
        self.authority = TokenAuthority(
            users=USERS, access_ttl=_ACCESS_TTL, access_token_factory=new_access_token
        )
        self.server = MisbehavingServer(self.authority)
        self._random = random.Random(f"{seed} backend")
        self._rotations: dict[str, Rotation] = {}
        self._reused: list[Rotation] = []
        self._killed: set[str] = set()
        self._lock = threading.Lock()

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

    def revoke_somebody(self, username: str) -> None:
        self.authority.revoke_session(username)

    def was_killed(self, process: str) -> None:
        """Excuse what a process that was killed has had no time to write."""
        with self._lock:
            self._killed.add(process)

    def wrongly_reused(self) -> list[Rotation]:
        """Refresh tokens that came a second time although the answer to the first had arrived."""
        return [
            first
            for first in self._reused
            if not first.was_lost and first.process not in self._killed
        ]

    def _reply(self, request: SeenRequest) -> Reply:
        plan = self._plan_for(request.path)
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
        if path == REFRESH:
            plans = _REFRESH_PLANS
        else:
            plans = _ITEM_PLANS if path == "/items" else _LOGIN_PLANS
        return self._random.choices(tuple(plans), tuple(plans.values()))[0]

    def _carried_out(self, request: SeenRequest, *, is_lost: bool) -> Answer:
        answer = self.server.usual(request)
        if request.path == REFRESH:
            token = request.json()["refresh_token"]
            if token in self._rotations:
                self._reused.append(self._rotations[token])
            elif answer.status == 200:
                self._rotations[token] = Rotation(request.headers[PROCESS], is_lost)
        return answer
