"""A diagram as SVG: calls from left to right, time from top to bottom, the server on the right."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from .diagram import Diagram, Mark, Row

# Pixels.
LEFT = 24
LANE = 136
TO_SERVER = 360
RIGHT = 60
TOP = 44
ROW = 28

STYLE = """
svg { font: 12px system-ui, sans-serif; max-width: none; }
svg text { fill: currentColor; paint-order: stroke; stroke: var(--paper); stroke-width: 5px; }
svg line { stroke: currentColor; stroke-width: 1.5; }
svg .lane { opacity: .35; }
svg .back { stroke-dasharray: 5 3; }
svg circle, svg rect, svg path { fill: currentColor; }
svg .bad { color: var(--bad); }
"""


def to_svg(diagram: Diagram, title: str) -> str:
    """Draw it.

    Args:
        diagram: What to draw.
        title: Says to those who do not see it what it is.

    Returns:
        An ``svg`` element; it needs the rules of `STYLE`, and its colours ``--paper``, ``--bad``.
    """
    width = _server(diagram) + RIGHT
    height = _y(len(diagram.rows))
    parts = [*_lanes(diagram, height), *_rows(diagram)]
    return (
        f'<svg width="{width}" height="{height}" role="img" '
        f'aria-label="{escape(title)}">\n' + "\n".join(parts) + "\n</svg>"
    )


def _lanes(diagram: Diagram, height: int) -> Iterator[str]:
    server = _server(diagram)
    yield _text(server, TOP // 2, "server", "middle")
    yield _line(server, TOP - ROW // 2, server, height, "lane")
    for call in diagram.calls:
        x = _x(diagram, call)
        alive = [index for index in range(len(diagram.rows)) if diagram.is_alive(call, index)]
        yield _text(x, TOP // 2, f"call {call}", "middle")
        yield _line(x, _y(alive[0]), x, _y(alive[-1]), "lane")


def _rows(diagram: Diagram) -> Iterator[str]:
    for index, row in enumerate(diagram.rows):
        yield f'<g class="{"bad" if row.is_bad else "good"}">{_row(diagram, row, _y(index))}</g>'


def _row(diagram: Diagram, row: Row, y: int) -> str:
    server = _server(diagram)
    if row.call is None:
        return _line(LEFT, y, server, y, "back") + _text(LEFT + 8, y - 5, row.text)
    x = _x(diagram, row.call)
    if row.mark is Mark.LEAVES:
        return _line(x, y, server, y) + _head(server, y, -8) + _text(x + 12, y - 5, row.text)
    if row.mark is Mark.ARRIVES:
        return _line(x, y, server, y, "back") + _head(x, y, 8) + _text(x + 12, y - 5, row.text)
    return _sign(row.mark, x, y) + _text(x + 12, y + 4, row.text)


def _sign(mark: Mark, x: int, y: int) -> str:
    if mark is Mark.ENDS:
        return f'<rect x="{x - 5}" y="{y - 5}" width="10" height="10"/>'
    if mark is Mark.IS_NOT_OVER:
        return _text(x, y + 5, "?", "middle")
    return f'<circle cx="{x}" cy="{y}" r="{6 if mark is Mark.BEGINS else 3}"/>'


def _head(x: int, y: int, back: int) -> str:
    """The head of an arrow whose point is at ``x``."""
    return f'<path d="M{x} {y} l{back} -4 v8 z"/>'


def _line(x1: int, y1: int, x2: int, y2: int, kind: str = "way") -> str:
    return f'<line class="{kind}" x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}"/>'


def _text(x: int, y: int, text: str, anchor: str = "start") -> str:
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}">{escape(text)}</text>'


def _x(diagram: Diagram, call: int) -> int:
    return LEFT + diagram.calls.index(call) * LANE + 20


def _server(diagram: Diagram) -> int:
    return LEFT + (len(diagram.calls) - 1) * LANE + 20 + TO_SERVER


def _y(index: int) -> int:
    return TOP + index * ROW + 10
