"""The events of a trace as the rows of a sequence diagram, which others draw.

Every call has a lane; a row belongs to one of them, or to all. Neither times nor hosts are shown,
so that the same play gives the same diagram.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from enum import Enum
from urllib.parse import urlsplit

import attrs
from zustax.transport import TraceEvent, TraceHandler


class Mark(Enum):
    """What stands on the lane. The value is how a terminal shows it."""

    BEGINS = "●"
    NOTE = "•"
    LEAVES = "→"
    ARRIVES = "←"
    WAITS = "┆"
    ENDS = "■"
    IS_NOT_OVER = "?"


@attrs.frozen
class Row:
    """One line of a diagram.

    Args:
        call: Whose lane; ``None``: it concerns all.
        mark: What stands there.
        text: What happened.
        is_bad: Whether it is worth a red colour.
    """

    call: int | None
    mark: Mark
    text: str
    is_bad: bool = False


@attrs.frozen
class Diagram:
    """Rows, oldest first, and the calls that have a lane, in their order."""

    calls: Sequence[int]
    rows: Sequence[Row]

    def is_alive(self, call: int, index: int) -> bool:
        """Whether the lane of ``call`` is there at the row of that index."""
        own = [number for number, row in enumerate(self.rows) if row.call == call]
        return own[0] <= index <= own[-1]


def diagram_of(events: Sequence[TraceEvent]) -> Diagram:
    """Make the diagram of a trace."""
    calls = list(dict.fromkeys(event.call for event in events if event.call is not None))
    rows = [_ROWS[event.kind](event) for event in events if _is_shown(event)]
    return Diagram(calls, [*rows, *_unfinished(events, calls)])


def _is_shown(event: TraceEvent) -> bool:
    return not (event.kind == "left" and event.outcome == "returned")


def _unfinished(events: Sequence[TraceEvent], calls: Sequence[int]) -> Iterator[Row]:
    ended = {event.call for event in events if event.kind == "ended"}
    for call in calls:
        if call not in ended:
            yield Row(call, Mark.IS_NOT_OVER, "is not over", is_bad=True)


def _started(event: TraceEvent) -> Row:
    return Row(event.call, Mark.BEGINS, _what(event))


def _entered(event: TraceEvent) -> Row:
    return Row(event.call, Mark.NOTE, _name(event.handler))


def _left(event: TraceEvent) -> Row:
    text = f"{_name(event.handler)} {event.result}"
    return Row(event.call, Mark.NOTE, text, is_bad=event.outcome == "raised")


def _sent(event: TraceEvent) -> Row:
    again = " again" if event.is_replay else ""
    return Row(event.call, Mark.LEAVES, f"{_what(event)}{again}")


def _redirected(event: TraceEvent) -> Row:
    return Row(event.call, Mark.LEAVES, f"redirected to {_path(event)}")


def _received(event: TraceEvent) -> Row:
    status = event.status or 0
    return Row(event.call, Mark.ARRIVES, str(status), is_bad=status >= 400)


def _failed(event: TraceEvent) -> Row:
    return Row(event.call, Mark.ARRIVES, str(event.problem), is_bad=True)


def _waiting(event: TraceEvent) -> Row:
    return Row(event.call, Mark.WAITS, f"waits for refresh {event.refresh}")


def _waited(event: TraceEvent) -> Row:
    return Row(event.call, Mark.NOTE, "waits no more")


def _refresh_started(event: TraceEvent) -> Row:
    return Row(event.call, Mark.NOTE, f"starts refresh {event.refresh}")


def _refresh_ended(event: TraceEvent) -> Row:
    text = f"refresh {event.refresh} has ended: {event.outcome}"
    return Row(None, Mark.NOTE, text, is_bad=event.outcome in ("rejected", "failed"))


def _ended(event: TraceEvent) -> Row:
    return Row(event.call, Mark.ENDS, event.result, is_bad=event.outcome != "fulfilled")


_ROWS: dict[str, Callable[[TraceEvent], Row]] = {
    "started": _started,
    "entered": _entered,
    "left": _left,
    "sent": _sent,
    "redirected": _redirected,
    "received": _received,
    "failed": _failed,
    "waiting": _waiting,
    "waited": _waited,
    "refresh_started": _refresh_started,
    "refresh_ended": _refresh_ended,
    "ended": _ended,
}


def _name(handler: TraceHandler | None) -> str:
    """The chain and the function, without the class or function that it is in."""
    if handler is None:
        return ""
    return f"{handler.chain}: {handler.name.rpartition('.')[2]}"


def _what(event: TraceEvent) -> str:
    return f"{event.method} {_path(event)}"


def _path(event: TraceEvent) -> str:
    return urlsplit(event.url or "").path or "/"
