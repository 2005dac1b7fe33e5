"""The calls of a trace as a waterfall: one line each, and all that happened to one of them.

A line shows what a call waited for, over time. Calls that overlap are a burst, and the lines of a
burst have one scale, its beginning at the left and its end at the right. So what happened together
stands together, and the minutes in which nothing happened take no space.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from math import ceil

from attrs import frozen
from textual.content import Content

from ..trace import TraceCall, TraceEvent, TraceSpan

#: How a stretch of a line is drawn: its character and its style.
_WORKING = ("─", "$text-muted")
_SENT = ("━", "$text-primary")
_REFUSED = ("━", "$text-error")
_WAITING = ("┅", "$text-warning")
_SENT_AGAIN = ("━", "$text-success")

#: Columns of a line besides the path and the bar, and how the two share the rest.
_FIXED = 4 + 1 + 6 + 1 + 1 + 8 + 1 + 1 + 8
_PATH_SHARE = 0.4
_LONGEST_PATH = 40

#: The path of a URL, which may be masked, or no URL at all.
_PATH = re.compile(r"(?:(?:[^:/?#]*:)?//[^/?#]*)?([^?#]*)")

LEGEND = Content.assemble(
    _SENT,
    " sent  ",
    _REFUSED,
    " 401  ",
    _WAITING,
    " waiting for a refresh  ",
    _SENT_AGAIN,
    " sent again  ",
    _WORKING,
    " in interceptors",
)


@frozen
class Burst:
    """A stretch of time in which calls were under way, in seconds since the record began."""

    start: float
    end: float

    def columns(self, start: float, end: float, width: int) -> range:
        """Which of ``width`` columns a stretch takes, at least one."""
        scale = width / max(self.end - self.start, 1e-9)
        first = min(int((start - self.start) * scale), width - 1)
        return range(first, max(min(ceil((end - self.start) * scale), width), first + 1))


def bursts(calls: Sequence[TraceCall], now: float) -> dict[int, Burst]:
    """The burst of each call, by its number.

    Args:
        calls: In the order in which they began.
        now: The end, so far, of those that are under way.
    """
    groups: list[tuple[list[int], float, float]] = []
    for call in calls:
        end = now if call.ended is None else call.ended
        if groups and call.started <= groups[-1][2]:
            numbers, start, latest = groups.pop()
            groups.append(([*numbers, call.number], start, max(latest, end)))
        else:
            groups.append(([call.number], call.started, end))
    return {number: Burst(start, end) for numbers, start, end in groups for number in numbers}


def lines(calls: Sequence[TraceCall], width: int) -> Iterator[Content]:
    """A line for each call, ``width`` columns wide."""
    now = max((call.events[-1].time for call in calls), default=0.0)
    path_width = min(int((width - _FIXED) * _PATH_SHARE), _LONGEST_PATH)
    bar_width = max(width - _FIXED - path_width, 1)
    burst_of = bursts(calls, now)
    for call in calls:
        yield Content.assemble(
            f"{call.number:>4} {call.method or '?':<6} ",
            _path(call)[-path_width:].ljust(path_width),
            " ",
            _result(call),
            " ",
            _bar(call, burst_of[call.number], bar_width, now),
            " ",
            _duration(call),
        )


def _path(call: TraceCall) -> str:
    found = _PATH.match(call.url or "")
    return (found and found[1]) or "/"


def _result(call: TraceCall) -> Content:
    """The statuses that the server answered, a 401 in its own colour, or why there is none."""
    if call.outcome is None:
        style = "$text-warning"
    else:
        style = "$text-success" if call.outcome == "fulfilled" else "$text-error"
    words = [*map(str, call.statuses)] or [call.events[-1].problem or ""]
    text = Content(" ").join(
        Content.styled(word[:8], _REFUSED[1] if word == "401" else style) for word in words
    )
    return text.truncate(8, pad=True)


def _duration(call: TraceCall) -> str:
    return "…".rjust(8) if call.ended is None else f"{_ms(call.ended - call.started):>8}"


def _bar(call: TraceCall, burst: Burst, width: int, now: float) -> Content:
    end = now if call.ended is None else call.ended
    cells: list[tuple[str, str]] = [(" ", "")] * width
    for column in burst.columns(call.started, end, width):
        cells[column] = _WORKING
    for span in call.spans:
        drawn = _drawn(span)
        for column in burst.columns(span.start, now if span.end is None else span.end, width):
            cells[column] = drawn
    return Content.assemble(*cells)


def _drawn(span: TraceSpan) -> tuple[str, str]:
    if span.kind == "refresh":
        return _WAITING
    if span.status == 401:
        return _REFUSED
    return _SENT_AGAIN if (span.attempt or 1) > 1 else _SENT


def details(call: TraceCall) -> Content:
    """All that happened to a call, a line each, those inside of a handler indented below it."""
    depth = 0
    text: list[Content] = []
    for event, is_whole in _merged(call.events):
        if event.kind == "left" and not is_whole:
            depth -= 1
        when = Content.styled(f"{_ms(event.time - call.started):>9}  ", "$text-muted")
        text.append(
            when + "  " * depth + Content.styled(_say(event, is_whole, call), _style(event))
        )
        if event.kind == "entered":
            depth += 1
    return Content("\n").join(text)


def _merged(events: Sequence[TraceEvent]) -> Iterable[tuple[TraceEvent, bool]]:
    """The events; a handler in which nothing happened is one event, and marked as such."""
    entered: TraceEvent | None = None
    for event in events:
        is_whole = entered is not None and event.kind == "left" and event.handler == entered.handler
        if entered is not None and not is_whole:
            yield entered, False
        entered = event if event.kind == "entered" else None
        if entered is None:
            yield event, is_whole
    if entered is not None:
        yield entered, False


def _say(event: TraceEvent, is_whole: bool, call: TraceCall) -> str:
    if event.kind == "entered" or is_whole:
        return f"{event.handler}  {event.result}".rstrip()
    if event.kind == "sent" and (event.method, event.url) == (call.method, call.url):
        return "sent again" if event.is_replay else "sent"
    return str(event)


def _style(event: TraceEvent) -> str:
    if event.outcome in ("raised", "rejected", "failed") or (event.status or 0) >= 400:
        return "$text-error"
    if event.kind in ("waiting", "waited", "refresh_started"):
        return "$text-warning"
    if event.is_replay or event.outcome == "fulfilled":
        return "$text-success"
    return "$text-primary" if event.kind in ("sent", "received") else ""


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms" if seconds < 1 else f"{seconds:.2f} s"
