"""A trace as text: one line for each event."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from .events import Kind, TraceEvent

if TYPE_CHECKING:
    from rich.table import Table

#: For rich: what stands out, and what stands back.
_STYLES: dict[Kind, str] = {
    "started": "bold",
    "entered": "dim",
    "left": "dim",
    "failed": "red",
    "waiting": "yellow",
    "waited": "yellow",
    "refresh_started": "magenta",
    "refresh_ended": "magenta",
    "ended": "bold",
}


def as_text(events: Sequence[TraceEvent], dropped: int = 0) -> str:
    """Milliseconds, the number of the call, and what happened."""
    lines = [f"{when:>9} ms {who:>5}  {event}" for when, who, event in _rows(events)]
    if dropped:
        lines.insert(0, _dropped_text(dropped))
    return "\n".join(lines) or "(nothing has happened)"


def as_table(events: Sequence[TraceEvent], dropped: int = 0) -> Table:
    """The same for rich."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, caption=_dropped_text(dropped) if dropped else None)
    table.add_column("ms", justify="right", style="cyan")
    table.add_column("call", justify="right")
    table.add_column("what happened", overflow="fold")
    for when, who, event in _rows(events):
        table.add_row(when, who, Text(str(event), style=_style_of(event)))
    return table


def _rows(events: Sequence[TraceEvent]) -> Iterator[tuple[str, str, TraceEvent]]:
    for event in events:
        yield f"{event.time * 1000:.1f}", "" if event.call is None else str(event.call), event


def _style_of(event: TraceEvent) -> str:
    if event.outcome in ("raised", "rejected", "failed") or (event.status or 0) >= 400:
        return "red"
    return _STYLES.get(event.kind, "")


def _dropped_text(dropped: int) -> str:
    return f"({dropped} earlier events were dropped)"
