"""One scenario while it is played: a program, and the server that it talks to."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence

from zustax.transport.testing import AuthorityError, Gate, MisbehavingServer

from .program import Program, Request

PATH, SLOW, REFRESH = "/items", "/slow", "/auth/refresh"

#: Seconds for something that may not come, since contenders differ.
REACH = 2.0

#: How often a program is looked at until it is sure that nothing more happens.
_LOOKS = 3

#: Seconds after which a scenario is given up in which there is no end to what happens.
_DEADLINE = 20.0


class Scene:
    """The scene. Ada is logged in when it begins.

    Args:
        program: Who plays.
        server: A new one.
        patience: Seconds without any event after which a request is said to hang.
    """

    def __init__(self, program: Program, server: MisbehavingServer, patience: float) -> None:
        self.program = program
        self.server = server
        self._patience = patience
        self.begin()

    def begin(self, timeout: float | None = None) -> None:
        """Begin anew, with ``timeout`` seconds for a refresh call, or the contender's default."""
        self.program.start(self.server.url, timeout)
        self.program.login(self.server.login("ada"))

    # --- what happens ---

    def expire(self) -> None:
        """Let the lifetime of the access token be over."""
        self.server.expire()
        self.program.expire()

    def get(self, path: str = PATH) -> Request:
        """Start a request."""
        return self.program.get(path)

    def get_together(self, count: int) -> list[Request]:
        """Start requests none of which is answered before all that will have arrived."""
        gate = self.server.hold(PATH)
        requests = [self.get(f"{PATH}?request={number}") for number in range(count)]
        self.reach(lambda: self.server.count(PATH) >= count or self.server.count(REFRESH) > 0)
        gate.open()
        return requests

    def get_while_refreshing(self, count: int) -> tuple[list[Request], Gate]:
        """Start requests that wait for a refresh, whose answer is kept back by the gate."""
        gate = self.server.hold(REFRESH)
        requests = self.get_together(count)
        self.reach(lambda: self.server.count(REFRESH) > 0)
        return requests, gate

    def reach(self, condition: Callable[[], bool]) -> None:
        """Wait for what most contenders do, and then until nothing more happens."""
        deadline = time.monotonic() + REACH
        before = self._events()
        quiet = 0
        while quiet < _LOOKS and time.monotonic() < deadline + REACH:
            self.program.look()
            now = self._events()
            may_stop = condition() or now[1] == self.program.started or time.monotonic() >= deadline
            quiet = quiet + 1 if may_stop and now == before else 0
            before = now

    def _events(self) -> tuple[int, int]:
        return self.server.count(), self.program.settled

    def stop_for(self, seconds: float, meanwhile: Callable[[], object]) -> None:
        """Stop the process of the program, as a laptop that sleeps or a debugger does."""
        self.program.stop()
        meanwhile()
        time.sleep(seconds)
        self.program.go_on()

    # --- what it looked like, in the words of the table ---

    def outcomes(self, requests: Sequence[Request]) -> str:
        """What became of requests, when nothing more happens to any of them."""
        deadline = time.monotonic() + _DEADLINE
        last, before = time.monotonic(), self._events()
        while any(request.outcome is None for request in requests):
            self.program.look()
            now, moment = self._events(), time.monotonic()
            if now != before:
                last, before = moment, now
            if moment >= min(last + self._patience, deadline):
                break
        told = [request.outcome or "**hangs**" for request in requests]
        if len(told) == 1:
            return told[0]
        return ", ".join(f"{count} × {outcome}" for outcome, count in Counter(told).items())

    def refreshes(self) -> str:
        """How many refresh calls there were, and what the server thought of them."""
        count = self.server.count(REFRESH)
        words = f"{count} refresh" if count == 1 else f"{count} refreshes"
        if self.server.authority.journal.count("reuse"):
            return f"**{words}, family revoked**"
        return f"**{words}**" if count > 1 else words

    def told(self) -> str:
        """How the program said that the user must log in; empty if it did not."""
        self.program.look()
        return ", ".join(
            f"{times} × {words}" if times > 1 else words
            for words, times in Counter(self.program.told).items()
        )

    def logs_out(self) -> str:
        """Whether it said so although the session is alive."""
        return "**logs out wrongly**" if self.told() else ""

    def user(self) -> str | None:
        """Whose access token the program holds."""
        token = self.program.look()
        if token is None:
            return None
        try:
            return self.server.authority.verify(token).username
        except AuthorityError:
            return "nobody"

    def sent(self) -> str:
        """How often the requests were sent."""
        times = set(Counter(seen.query for seen in self.server.seen(PATH)).values())
        if max(times) > 2:
            return "**some sent more than twice**"
        return " or ".join("sent once" if count == 1 else "sent twice" for count in sorted(times))
