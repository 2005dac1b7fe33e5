"""The events of a trace by call: what a waterfall of requests is drawn from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal, TypeAlias

from attrs import evolve, frozen

from .events import Kind, Outcome, TraceEvent

SpanKind: TypeAlias = Literal["request", "refresh"]


@frozen
class TraceSpan:
    """A stretch of time in which a call waited for something outside of its interceptors.

    Attributes:
        kind: ``"request"``: for the server; ``"refresh"``: for a refresh.
        start: Seconds since the record began.
        end: Seconds since the record began; ``None``: it was still waiting.
        attempt: Of a request: 1, and more where it was sent again.
        refresh: The number of the refresh.
        status: What the server answered.
        problem: Why it did not.
    """

    kind: SpanKind
    start: float
    end: float | None = None
    attempt: int | None = None
    refresh: int | None = None
    status: int | None = None
    problem: str | None = None


@frozen
class TraceCall:
    """One call.

    Attributes:
        number: Its number, counted from 1 in each trace.
        events: What happened to it, oldest first; at least one.
    """

    number: int
    events: tuple[TraceEvent, ...]

    @property
    def started(self) -> float:
        """Seconds since the record began."""
        return self.events[0].time

    @property
    def ended(self) -> float | None:
        """Seconds since the record began; ``None``: it was still under way."""
        end = self._event("ended")
        return end.time if end else None

    @property
    def method(self) -> str | None:
        """As the first interceptor saw it, in upper case; ``None`` if that event was dropped."""
        return next((event.method for event in self.events if event.method), None)

    @property
    def url(self) -> str | None:
        """As the first interceptor saw it, secrets masked; ``None`` if that event was dropped."""
        return next((event.url for event in self.events if event.url), None)

    @property
    def refresh(self) -> int | None:
        """The refresh that the call is a part of, such as the refresh call itself."""
        start = self._event("started")
        return start.refresh if start else None

    @property
    def outcome(self) -> Outcome | None:
        """``"fulfilled"``, ``"rejected"`` or ``"cancelled"``; ``None``: it was still under way."""
        end = self._event("ended")
        return end.outcome if end else None

    @property
    def statuses(self) -> tuple[int, ...]:
        """What the server answered, in order: ``(401, 200)`` where a request was replayed."""
        return tuple(span.status for span in self.spans if span.status is not None)

    @property
    def spans(self) -> tuple[TraceSpan, ...]:
        """When it waited for the server, and when for a refresh; the rest went to interceptors."""
        return tuple(sorted(_spans(self.events), key=lambda span: span.start))

    def _event(self, kind: Kind) -> TraceEvent | None:
        return next((event for event in self.events if event.kind == kind), None)


def calls_in(events: Iterable[TraceEvent]) -> tuple[TraceCall, ...]:
    """The calls in ``events``, in the order of their first one."""
    found: dict[int, list[TraceEvent]] = {}
    for event in events:
        if event.call is not None:
            found.setdefault(event.call, []).append(event)
    return tuple(TraceCall(number, tuple(own)) for number, own in found.items())


#: Which events begin a span, and which end it.
_BEGINNINGS: dict[Kind, SpanKind] = {"sent": "request", "waiting": "refresh"}
_ENDS: dict[Kind, SpanKind] = {"received": "request", "failed": "request", "waited": "refresh"}


def _spans(events: Iterable[TraceEvent]) -> Iterator[TraceSpan]:
    """Pair each beginning with its end; a network interceptor may have several under way."""
    begun: dict[tuple[SpanKind, int | None], TraceSpan] = {}
    for event in events:
        number = event.attempt or event.refresh
        if event.kind in _BEGINNINGS:
            kind = _BEGINNINGS[event.kind]
            begun[kind, number] = TraceSpan(
                kind, event.time, attempt=event.attempt, refresh=event.refresh
            )
        elif event.kind in _ENDS:
            span = begun.pop((_ENDS[event.kind], number), None)
            if span is not None:
                yield evolve(span, end=event.time, status=event.status, problem=event.problem)
    yield from begun.values()
