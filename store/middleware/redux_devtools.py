"""A recording in the form in which Redux DevTools exports and imports one, its lifted state.

The form is that of ``LiftedState`` in the package ``@redux-devtools/instrument``: actions by
number, where 0 stands for the beginning, and beside each the state that it has left.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import attrs

from .history import RecordedAction, Timeline
from .redacted import Json

_INIT = {"type": "@@INIT"}


def to_json(timeline: Timeline, redacted: Callable[[Any], Json], *, is_paused: bool) -> Json:
    """Write a recording as plain data."""
    ids = [0, *(recorded.id for recorded in timeline.actions)]
    performed = [_performed(_INIT, timeline.base_timestamp)]
    performed += [_performed(redacted(each.action), each.timestamp) for each in timeline.actions]
    states = [redacted(timeline.base), *(redacted(each.after) for each in timeline.actions)]
    return {
        "monitorState": {},
        "nextActionId": ids[-1] + 1,
        "actionsById": dict(zip(map(str, ids), performed, strict=True)),
        "stagedActionIds": ids,
        "skippedActionIds": [],
        "committedState": states[0],
        "currentStateIndex": ids.index(timeline.position),
        "computedStates": [{"state": state} for state in states],
        "isLocked": False,
        "isPaused": is_paused,
    }


def from_json(text: str, revive: Callable[[Json], Any]) -> Timeline:
    """Read a lifted state, or a file of the extension, which wraps one as ``payload``."""
    timeline = _read(text)
    if timeline is None:
        raise ValueError(
            "this is no lifted state of Redux DevTools; give import_json() what export_json() has "
            "returned, or a file that the extension has exported"
        )
    actions = tuple(
        attrs.evolve(each, before=revive(each.before), after=revive(each.after))
        for each in timeline.actions
    )
    return attrs.evolve(timeline, base=revive(timeline.base), actions=actions)


def _read(text: str) -> Timeline | None:
    """Parse a lifted state, whose states stay plain data; None if it is none."""
    try:
        data = json.loads(text)
        if "payload" in data:
            data = json.loads(data["payload"])
        staged = data["stagedActionIds"]
        performed = [data["actionsById"][str(number)] for number in staged]
        states = [computed["state"] for computed in data["computedStates"]]
        ids = [0, *map(int, staged[1:])]
        actions = tuple(
            RecordedAction(number, dict(entry["action"]), int(entry["timestamp"]), *around)
            for number, entry, *around in zip(
                ids[1:], performed[1:], states[:-1], states[1:], strict=True
            )
        )
        index = data["currentStateIndex"]
        if index < 0 or len(set(ids)) < len(ids):
            return None
        return Timeline(states[0], int(performed[0]["timestamp"]), actions, ids[index])
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError):
        return None


def _performed(action: Json, timestamp: int) -> Json:
    return {"type": "PERFORM_ACTION", "action": action, "timestamp": timestamp}
