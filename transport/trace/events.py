"""What a trace is made of.

kind                says that                           and has, besides `time`
started             a call has begun                    call, method, url, instance, refresh
entered, left       a handler runs, has run             call, handler; left: outcome, problem
sent                the request leaves                  call, method, url, attempt
redirected          it is sent elsewhere                call, url, attempt
received, failed    it was answered, or never will be   call, attempt, status or problem
waiting, waited     the call waits, waits no more       call, refresh
refresh_started     the call has started a refresh      call, refresh
refresh_ended       that refresh has ended              refresh, outcome
ended               the call is over                    call, outcome, status, problem
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from attrs import fields, frozen

Kind: TypeAlias = Literal[
    "started",
    "entered",
    "left",
    "sent",
    "redirected",
    "received",
    "failed",
    "waiting",
    "waited",
    "refresh_started",
    "refresh_ended",
    "ended",
]
ChainName: TypeAlias = Literal["request", "network", "response"]
Side: TypeAlias = Literal["fulfilled", "rejected"]
Outcome: TypeAlias = Literal[
    # of a handler
    "returned",
    "recovered",
    "raised",
    # of a call
    "fulfilled",
    "rejected",
    "cancelled",
    # of a refresh; "rejected" is one of them, too
    "renewed",
    "failed",
    "discarded",
]


@frozen
class TraceHandler:
    """A function of an interceptor.

    Attributes:
        chain: Where it was added: ``"request"``, ``"network"`` or ``"response"``.
        number: The number that ``use`` gave.
        name: Its ``__qualname__``.
        side: Of its pair: ``"fulfilled"`` or ``"rejected"``; in the network chain always the first.
    """

    chain: ChainName
    number: int
    name: str
    side: Side = "fulfilled"

    def __str__(self) -> str:
        name = self.name.rpartition("<locals>.")[2]
        pair = " (on_rejected)" if self.side == "rejected" else ""
        return f"{self.chain} {self.number} {name}{pair}"


@frozen(repr=False, kw_only=True)
class TraceEvent:
    """One thing that happened. ``str()`` says it in a few words.

    Attributes:
        time: Seconds since the record began.
        kind: What happened; the table of this module says which attributes it has.
        call: The number of the call, counted from 1 in each trace; ``None``: it is of a refresh.
        refresh: The number of the refresh, counted from 1 in each trace. When a call starts: the
            refresh that it is a part of.
        instance: Which of the recorded instances, counted from 0.
        method: In upper case.
        url: With credentials and the values of its query masked, and without ``params``.
        attempt: 1, and more where a request is sent again.
        handler: Whose turn it is.
        status: What the server answered; of a call: what its response or error has.
        problem: The code of a `RequestError`, or the class of another exception.
        outcome: Of a handler ``"returned"``, ``"recovered"`` (as ``on_rejected``) or ``"raised"``.
            Of a call ``"fulfilled"``, ``"rejected"`` or ``"cancelled"`` (as a task).
            Of a refresh ``"renewed"``, ``"rejected"`` (the session is over), ``"failed"`` or
            ``"discarded"`` (the session had ended).
    """

    time: float
    kind: Kind
    call: int | None = None
    refresh: int | None = None
    instance: int | None = None
    method: str | None = None
    url: str | None = None
    attempt: int | None = None
    handler: TraceHandler | None = None
    status: int | None = None
    problem: str | None = None
    outcome: Outcome | None = None

    def __str__(self) -> str:
        return _TEXTS[self.kind].format(
            event=self,
            again=" again" if self.is_replay else "",
            purpose=f" for refresh {self.refresh}" if self.refresh else "",
            result=self.result,
        )

    @property
    def is_replay(self) -> bool:
        """True if the request had been sent before."""
        return self.attempt is not None and self.attempt > 1

    @property
    def result(self) -> str:
        """The outcome, the problem and the status, those that there are."""
        parts = (self.outcome, self.problem, self.status)
        return " ".join(str(part) for part in parts if part is not None)

    def __repr__(self) -> str:
        values = ((field.name, getattr(self, field.name)) for field in fields(TraceEvent))
        shown = ", ".join(f"{name}={value!r}" for name, value in values if value is not None)
        return f"TraceEvent({shown})"


_TEXTS: dict[Kind, str] = {
    "started": "started {event.method} {event.url}{purpose}",
    "entered": "entered {event.handler}",
    "left": "left {event.handler}: {result}",
    "sent": "sent{again} {event.method} {event.url}",
    "redirected": "redirected to {event.url}",
    "received": "received {event.status}",
    "failed": "failed {event.problem}",
    "waiting": "waiting for refresh {event.refresh}",
    "waited": "waited for refresh {event.refresh}",
    "refresh_started": "started refresh {event.refresh}",
    "refresh_ended": "refresh {event.refresh} ended: {result}",
    "ended": "ended: {result}",
}
