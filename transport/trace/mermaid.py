"""A trace as a sequence diagram, in the language of Mermaid (https://mermaid.js.org)."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence

from .events import Kind, TraceEvent

_ORIGIN = re.compile(r"^[a-z][a-z0-9+.-]*://[^/?#]*", re.IGNORECASE)

#: What means nothing to Mermaid nor to the HTML that it draws, besides letters and digits.
_HARMLESS = frozenset(" /.,:?=+-_()[]*!")

_LONGEST = 120


def to_mermaid(events: Sequence[TraceEvent], dropped: int = 0) -> str:
    """The text of a ``sequenceDiagram``; calls are told apart by their number in parentheses."""
    uses_refresh = any(event.refresh is not None for event in events)
    participants = ("Caller", "Interceptors", *(["Refresh"] if uses_refresh else []), "Server")
    lines = [f"participant {name}" for name in participants]
    if dropped:
        lines.append(_note("Caller", f"{dropped} earlier events were dropped"))
    of_refresh = {event.call for event in events if event.kind == "started" and event.refresh}
    lines += filter(None, (_line(event, of_refresh) for event in events))
    return "\n    ".join(["sequenceDiagram", *lines]) + "\n"


def _line(event: TraceEvent, of_refresh: Collection[int | None]) -> str:
    """The line of an event, or nothing. What a refresh calls, it calls by itself."""
    if event.call in of_refresh:
        sender, is_shown = "Refresh", event.kind not in ("started", "ended")
    else:
        sender, is_shown = "Interceptors", True
    return _LINES[event.kind](event, sender) if is_shown else ""


def _started(event: TraceEvent, _sender: str) -> str:
    return _arrow("Caller", "->>", "Interceptors", event, _what(event))


def _entered(event: TraceEvent, _sender: str) -> str:
    return _note("Interceptors", f"({event.call}) {event.handler}")


def _left(event: TraceEvent, _sender: str) -> str:
    if event.outcome == "returned":
        return ""
    return _note("Interceptors", f"({event.call}) {event.handler} {event.result}")


def _sent(event: TraceEvent, sender: str) -> str:
    again = " again" if event.is_replay else ""
    return _arrow(sender, "->>", "Server", event, f"{_what(event)}{again}")


def _redirected(event: TraceEvent, sender: str) -> str:
    return _arrow("Server", "-->>", sender, event, f"redirects to {event.url}")


def _received(event: TraceEvent, sender: str) -> str:
    return _arrow("Server", "-->>", sender, event, str(event.status))


def _failed(event: TraceEvent, sender: str) -> str:
    return _arrow("Server", "--x", sender, event, str(event.problem))


def _waiting(event: TraceEvent, _sender: str) -> str:
    return _arrow("Interceptors", "->>", "Refresh", event, f"waits for refresh {event.refresh}")


def _waited(event: TraceEvent, _sender: str) -> str:
    return _arrow("Refresh", "-->>", "Interceptors", event, "waits no more")


def _refresh_started(event: TraceEvent, _sender: str) -> str:
    return _note("Refresh", f"refresh {event.refresh} starts")


def _refresh_ended(event: TraceEvent, _sender: str) -> str:
    return _note("Refresh", f"refresh {event.refresh} ended: {event.outcome}")


def _ended(event: TraceEvent, _sender: str) -> str:
    if event.outcome == "cancelled":
        return _arrow("Caller", "-x", "Interceptors", event, "cancelled")
    head = "-->>" if event.outcome == "fulfilled" else "--x"
    return _arrow("Interceptors", head, "Caller", event, event.result)


_LINES: dict[Kind, Callable[[TraceEvent, str], str]] = {
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


def _arrow(source: str, head: str, target: str, event: TraceEvent, text: str) -> str:
    return f"{source}{head}{target}: {_escaped(f'({event.call}) {text}')}"


def _note(participant: str, text: str) -> str:
    return f"Note over {participant}: {_escaped(text)}"


def _what(event: TraceEvent) -> str:
    return f"{event.method} {_ORIGIN.sub('', event.url or '') or '/'}"


def _escaped(text: str) -> str:
    """``text`` so that all of it is shown: what might mean something becomes an entity."""
    if len(text) > _LONGEST:
        text = f"{text[: _LONGEST - 1]}…"
    return "".join(map(_escaped_character, text))


def _escaped_character(character: str) -> str:
    if character.isalnum() or character in _HARMLESS:
        return character
    return f"#{ord(character)};" if character.isprintable() else " "
