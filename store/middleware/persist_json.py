"""The text that a state is stored as: the JSON that Zustand writes, {"state": ..., "version": ...}.

As with ``JSON.stringify``, functions in a dict are left out, and NaN and the infinities become
null. An attrs instance is written as the dict of its fields. Anything else that JSON lacks is
refused.
"""

from __future__ import annotations

import json
import math
import types
from itertools import repeat
from typing import Any, TypeAlias, TypeVar, Union, cast, get_args, get_origin, get_type_hints

import attrs

from ..merge_state import merge_state
from ..storage.protocol import StoredStateError

T = TypeVar("T")
Path: TypeAlias = tuple[object, ...]


@attrs.frozen(repr=False)
class StoredState:
    """A state from a storage, None if there is none, and the version of what wrote it, if known."""

    state: Any
    version: float | None = None


def to_text(state: Any, version: float) -> str:
    """Write a state as text; a part that JSON cannot hold is a TypeError that says where it is."""
    try:
        return json.dumps(
            {"state": _plain(state, ()), "version": version}, separators=(",", ":"), allow_nan=False
        )
    except RecursionError:
        problem = "the state is nested too deeply to be stored, or contains itself"
    except ValueError:
        problem = "the state holds an int of too many digits to be stored"
    raise TypeError(problem)


def from_text(text: Any) -> StoredState:
    """Read a text; no text, and one that holds no object, hold no state."""
    try:
        parsed = None if text is None else json.loads(text, parse_constant=_refuse)
    except (ValueError, TypeError, RecursionError) as error:
        problem = _problem(error)  # the error itself holds the whole text
    else:
        if not isinstance(parsed, dict):
            return StoredState(None)
        version = parsed.get("version")
        return StoredState(parsed.get("state"), version if is_version(version) else None)
    raise StoredStateError(problem)


def _plain(value: Any, path: Path) -> Any:
    """Make the value that ``json`` writes."""
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return _plain_entries(value, path)
    if isinstance(value, (list, tuple)):
        return [_plain(entry, (*path, index)) for index, entry in enumerate(value)]
    if attrs.has(type(value)):
        return _plain_entries(_settable_fields(value), path)
    raise TypeError(
        f"the state cannot be stored: {_spelled(path)} is a {type(value).__name__}, which JSON "
        "cannot hold; leave it out with partialize=, or store something in its place"
    )


def _plain_entries(entries: dict[Any, Any], path: Path) -> dict[str, Any]:
    plain: dict[str, Any] = {}
    for key, value in entries.items():
        if not isinstance(key, str):
            raise TypeError(
                f"the state cannot be stored: {_spelled(path)} has a key of type "
                f"{type(key).__name__}, and the keys of a JSON object are of type str"
            )
        if not callable(value) or attrs.has(type(value)):
            plain[key] = _plain(value, (*path, key))
    return plain


def _settable_fields(state: Any) -> dict[str, Any]:
    return {
        field.name: getattr(state, field.name) for field in attrs.fields(type(state)) if field.init
    }


def _spelled(path: Path) -> str:
    return "state" + "".join(f"[{key!r}]" for key in path)


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


def merge(persisted: Any, current: T) -> T:
    """Merge what was stored over the present state, one level deep: what `persist` does by default.

    A dict gets the stored keys. An attrs instance gets the stored fields that its class still has;
    each becomes what its annotation says. Any other state is replaced.
    """
    state: Any = current
    entries = persisted if isinstance(persisted, dict) else {}
    if isinstance(state, dict):
        return cast(T, {**state, **entries})
    if attrs.has(type(current)):
        return merge_state(current, _fields(type(current), entries))
    return current if persisted is None else cast(T, persisted)


def _restored(value: Any, hint: Any) -> Any:
    """Turn what JSON gave back into what it was before it was stored, as its annotation says."""
    origin, arguments = get_origin(hint) or hint, get_args(hint)
    if origin in (Union, types.UnionType):
        results = (_restored(value, argument) for argument in arguments)
        return next((result for result in results if result is not value), value)
    if isinstance(value, dict) and isinstance(origin, type) and attrs.has(origin):
        aliases = {field.name: field.alias for field in attrs.fields(origin)}
        fields = _fields(origin, value)
        return origin(**{aliases[name]: field for name, field in fields.items()})
    if isinstance(value, dict) and origin is dict and arguments:
        return {key: _restored(entry, arguments[1]) for key, entry in value.items()}
    if isinstance(value, list) and origin is list and arguments:
        return [_restored(entry, arguments[0]) for entry in value]
    if isinstance(value, list) and origin is tuple:
        return tuple(map(_restored, value, _hints_of_entries(arguments)))
    return value


def _hints_of_entries(arguments: tuple[Any, ...]) -> Any:
    """Return the hint for each entry of a tuple: `tuple[X, ...]`, `tuple[X, Y]` or `tuple`."""
    if len(arguments) == 2 and arguments[1] is Ellipsis:
        return repeat(arguments[0])
    return arguments or repeat(None)


def _fields(cls: Any, stored: dict[str, Any]) -> dict[str, Any]:
    """Return the values of those fields of a class that are stored."""
    try:
        hints = get_type_hints(cls)
    except NameError:  # an annotation names what only a type checker can see
        hints = {}
    names = [field.name for field in attrs.fields(cls) if field.init and field.name in stored]
    return {name: _restored(stored[name], hints.get(name)) for name in names}
