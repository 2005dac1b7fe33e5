"""Traces whose times are the same whenever a test runs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from attrs import define, field
from zustax.transport import TraceCall, TraceEvent, TraceHandler
from zustax.transport.trace.calls import calls_in

ADD_LANGUAGE = TraceHandler("request", 0, "add_language")
SILENT_REFRESH = TraceHandler("network", 0, "silent_refresh")
UNWRAP = TraceHandler("response", 1, "unwrap")
EXPLAIN = TraceHandler("response", 2, "explain", "rejected")


@define
class FixedTrace:
    """Events that a test has written down."""

    events: list[TraceEvent] = field(factory=list)

    @property
    def calls(self) -> tuple[TraceCall, ...]:
        return calls_in(self.events)

    def add(self, time: float, kind: Any, call: int | None = None, **details: Any) -> None:
        """Write down one more; ``time`` is in milliseconds."""
        self.events.append(TraceEvent(time=time / 1000, kind=kind, call=call, **details))


def begin(trace: FixedTrace, number: int, start: float, path: str, method: str = "GET") -> None:
    """A call goes through its first interceptor, and is sent."""
    url = f"http://localhost:3001/api{path}"
    trace.add(start, "started", number, method=method, url=url, instance=0)
    trace.add(start + 1, "entered", number, handler=ADD_LANGUAGE)
    trace.add(start + 1, "left", number, handler=ADD_LANGUAGE, outcome="returned")
    trace.add(start + 2, "entered", number, handler=SILENT_REFRESH)
    trace.add(start + 3, "sent", number, method=method, url=url, attempt=1)


def end(trace: FixedTrace, number: int, time: float, status: int, attempt: int = 1) -> None:
    """It is answered, and goes through the others."""
    trace.add(time, "received", number, status=status, attempt=attempt)
    trace.add(time + 1, "left", number, handler=SILENT_REFRESH, outcome="returned")
    trace.add(time + 2, "entered", number, handler=UNWRAP)
    trace.add(time + 2, "left", number, handler=UNWRAP, outcome="returned")
    trace.add(time + 3, "ended", number, outcome="fulfilled", status=status)


def served(trace: FixedTrace, number: int, start: float, path: str, *, takes: float) -> None:
    """A call that is answered at once."""
    begin(trace, number, start, path)
    end(trace, number, start + takes, 200)


def refreshed(numbers: Iterator[int], paths: list[str], start: float) -> FixedTrace:
    """Calls that meet an expired token together, and are sent again after one refresh."""
    trace = FixedTrace()
    calls = dict(zip(numbers, paths, strict=False))
    for place, (number, path) in enumerate(calls.items()):
        begin(trace, number, start + 2 * place, path)
    for place, number in enumerate(calls):
        trace.add(start + 40 + 4 * place, "received", number, status=401, attempt=1)
        if place == 0:
            trace.add(start + 40, "refresh_started", number, refresh=1)
        trace.add(start + 41 + 4 * place, "waiting", number, refresh=1)
    trace.add(start + 100, "refresh_ended", refresh=1, outcome="renewed")
    for place, (number, path) in enumerate(calls.items()):
        url = f"http://localhost:3001/api{path}"
        trace.add(start + 101, "waited", number, refresh=1)
        trace.add(start + 102, "sent", number, method="GET", url=url, attempt=2)
        end(trace, number, start + 130 + 9 * place, 200, attempt=2)
    trace.events.sort(key=lambda event: event.time)
    return trace
