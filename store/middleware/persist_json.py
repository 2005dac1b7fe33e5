"""The text that a state is stored as: the JSON that Zustand writes, {"state": ..., "version": ...}.

Text stays as it is, without escapes. ``note`` is what silent refresh keeps beside the tokens.
"""

from __future__ import annotations

import json
import math
import re
import time
from collections.abc import Callable, Iterator
from itertools import islice, repeat
from json.encoder import encode_basestring
from typing import Any, cast

import attrs

from ..storage.protocol import StoredStateError
from .convert import dump
from .json_values import Breathe, plain

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_HALF_PAIR = re.compile("[\ud800-\udfff]")

#: How many entries, and how many characters, are encoded in one go while other threads wait.
_ENTRIES, _CHARACTERS = 256, 1 << 16


@attrs.frozen(repr=False)
class StoredState:
    """What a text holds."""

    state: Any = None
    version: float | None = None  #: of the program that wrote it, if it says so
    note: Any = None
    is_envelope: bool = True  #: it is what ``to_text`` writes, or no text at all


def to_text(options: Any, state: Any, *, note: Any = None, breathe: Breathe = None) -> str:
    """Write as text what is to be stored of a state."""
    # A copy of a dict, since `partialize` may change it.
    taken: Any = options.partialize({**state} if isinstance(state, dict) else state)
    try:
        if options.serialize is None:
            dumped = dump(taken, state, breathe=breathe)
        else:
            dumped = plain(options.serialize(taken), breathe=breathe)
        envelope = {"state": dumped, "version": options.version}
        if note is not None:
            envelope["note"] = note
        text = _encode(envelope) if breathe is None else "".join(_pieces(envelope, breathe))
        if text.isascii():
            return text
        return _HALF_PAIR.sub(lambda half: f"\\u{ord(half[0]):04x}", text)
    except RecursionError:
        problem = "the state is nested too deeply to be stored, or contains itself"
    except ValueError as error:
        if "integer string conversion" not in str(error):
            raise
        problem = "the state holds an int of too many digits to be stored"
    raise TypeError(problem)


def from_text(text: Any) -> StoredState:
    """Read a text. No text holds no state, and so does one that is no envelope."""
    try:
        if isinstance(text, str):
            text = text.removeprefix("\ufeff")  # a byte order mark of an editor
        parsed = None if text is None else json.loads(text, parse_constant=_refuse)
    except (ValueError, TypeError, RecursionError) as error:
        problem = _problem(error)  # the error itself holds the whole text
    else:
        if not isinstance(parsed, dict):
            return StoredState(is_envelope=parsed is None)
        version = parsed.get("version")
        return StoredState(
            parsed.get("state"),
            version if is_version(version) else None,
            parsed.get("note"),
            is_envelope="state" in parsed,
        )
    raise StoredStateError(problem)


class Breather:
    """Lets other threads run now and then, since ``json`` itself would hold them up."""

    def __init__(self) -> None:
        self._work = 0

    def __call__(self, work: int) -> None:
        """Count some work."""
        self._work += work
        if self._work >= _ENTRIES:
            self._work = 0
            time.sleep(1e-5)


def _pieces(value: Any, breathe: Callable[[int], None]) -> Iterator[str]:
    """Write a value in pieces, each of which takes a moment."""
    if isinstance(value, str) and len(value) > _CHARACTERS:
        yield '"'
        for start in range(0, len(value), _CHARACTERS):
            breathe(_ENTRIES)
            yield encode_basestring(value[start : start + _CHARACTERS])[1:-1]
        yield '"'
    elif _is_large(value):
        is_dict = isinstance(value, dict)
        entries = iter(value.items() if is_dict else zip(repeat(None), value))
        opening, closing = "{}" if is_dict else "[]"
        while group := list(islice(entries, _ENTRIES)):
            breathe(len(group))
            if any(_is_large(entry) for _, entry in group):
                for key, entry in group:
                    yield f"{opening}{encode_basestring(key)}:" if is_dict else opening
                    yield from _pieces(entry, breathe)
                    opening = ","
            else:
                small = dict(group) if is_dict else [entry for _, entry in group]
                yield opening + _encode(small)[1:-1]
                opening = ","
        yield closing
    else:
        yield _encode(value)


def _is_large(value: Any) -> bool:
    """Return True if a value is too large to be encoded in one go."""
    if isinstance(value, str):
        return len(value) > _CHARACTERS
    if isinstance(value, (dict, list)):
        parts = value.values() if isinstance(value, dict) else value
        return len(value) > _ENTRIES or any(map(_is_large, parts))
    return False


def is_version(value: object) -> bool:
    """Return True if a value can be the version of a program: a number that JSON has."""
    return type(value) in (int, float) and math.isfinite(cast(float, value))


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")


def _problem(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"the stored text is no JSON: {error.msg} at character {error.pos}"
    if isinstance(error, TypeError):
        return "the storage gave back something else than a str or None"
    return "the stored text is no JSON that can be read"
