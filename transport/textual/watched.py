"""A store as the inspector sees it: its state without secrets, and what was done to it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields as dataclass_fields
from dataclasses import is_dataclass
from typing import Any, Protocol

import attrs

from ..secrecy import REDACTED, redact

#: How deep a state is shown.
_DEEPEST = 12

_NOTHING = object()


class Inspectable(Protocol):
    """A store, such as those of ``zustax.store``.

    One that has ``devtools``, as the middleware of that name gives it, shows what was done and can
    go back in time: ``export_json()`` gives what is recorded as Redux DevTools has it, without
    secrets; ``jump_to(number)`` goes to the state after an action; ``pause()``, ``resume()`` and
    ``is_recording`` are about the recording.
    """

    def get_state(self) -> Any:
        """The current state."""


@attrs.frozen
class Action:
    """What was done to a store.

    Args:
        store: The name of the store.
        number: Its number there; 0 is the beginning.
        name: What it is called.
        time: When, in milliseconds since the epoch.
        is_present: Whether the store has the state that it left.
    """

    store: str
    number: int
    name: str
    time: int
    is_present: bool

    @property
    def id(self) -> str:
        """What it is among the actions of all stores."""
        return f"{self.store}-{self.number}"


class WatchedStore:
    """One store of an inspector.

    Args:
        name: What it is called.
        store: The store.
    """

    def __init__(self, name: str, store: Inspectable) -> None:
        self.name = name
        self._store = store
        self._devtools: Any = getattr(store, "devtools", None)
        self._seen: object = _NOTHING
        self.snapshot: Any = None
        self.actions: list[Action] = []

    @property
    def is_paused(self) -> bool:
        """True if its actions could be recorded, and are not."""
        return self._devtools is not None and not self._devtools.is_recording

    def has_changed(self) -> bool:
        """Take a look: whether the state is another one than before."""
        if self._store.get_state() is self._seen:
            return False
        self._seen = self._store.get_state()
        if self._devtools is None:
            self.snapshot = plain(self._store)
        else:
            self._read(json.loads(self._devtools.export_json()))
        return True

    def jump_to(self, number: int) -> None:
        """Go to the state after an action.

        Raises:
            ValueError: It is not kept any more.
        """
        self._devtools.jump_to(number)

    def toggle_recording(self) -> None:
        """Pause the recording, or go on with it."""
        if self._devtools is not None:
            (self._devtools.resume if self.is_paused else self._devtools.pause)()

    def _read(self, lifted: dict[str, Any]) -> None:
        index = lifted["currentStateIndex"]
        self.snapshot = lifted["computedStates"][index]["state"]
        self.actions = [
            Action(
                self.name,
                number,
                str(performed["action"].get("type")),
                performed["timestamp"],
                is_present=position == index,
            )
            for position, number in enumerate(lifted["stagedActionIds"])
            for performed in (lifted["actionsById"][str(number)],)
        ]


def plain(store: Inspectable) -> Any:
    """The state of a store as plain data with its secrets masked.

    Fields that an attrs class or a dataclass keeps out of its ``repr`` are left out.
    """
    try:
        return redact(_opened(store.get_state(), _DEEPEST))
    except Exception as error:
        # It would end the app, and its crash report would print the state.
        return f"<cannot be shown: {type(error).__name__}>"


def _opened(value: Any, depth: int) -> Any:
    if depth == 0:
        return "…"
    if isinstance(value, Mapping):
        return {
            str(name): _opened(item, depth - 1)
            for name, item in value.items()
            if not callable(item)
        }
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_opened(item, depth - 1) for item in value]
    if attrs.has(type(value)):
        return {
            field.name: REDACTED
            if field.metadata.get("secret")
            else _opened(getattr(value, field.name), depth - 1)
            for field in attrs.fields(type(value))
            if field.repr
        }
    if is_dataclass(value) and not isinstance(value, type):
        return {
            field.name: _opened(getattr(value, field.name), depth - 1)
            for field in dataclass_fields(value)
            if field.repr
        }
    return value
