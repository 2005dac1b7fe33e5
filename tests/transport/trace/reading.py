"""Reading a trace."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from zustax.transport import Trace, TraceEvent


def handlers(events: Iterable[TraceEvent]) -> list[str]:
    """Whose turn it was, in order, and what came of it where that is not a plain value."""
    shown = []
    for event in events:
        if event.kind == "entered":
            shown.append(str(event.handler))
        elif event.kind == "left" and event.outcome != "returned":
            shown.append(f"{event.outcome} {event.problem or ''}".strip())
    return shown


def kinds(events: Iterable[TraceEvent]) -> list[str]:
    """What happened, in order, besides what handlers did."""
    return [event.kind for event in events if event.handler is None]


def counts(trace: Trace) -> Counter[str]:
    """How often each kind of event happened."""
    return Counter(event.kind for event in trace.events)
