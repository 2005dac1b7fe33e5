"""The text that a state is stored as: the JSON that Zustand writes, {"state": ..., "version": ...}.

As with `JSON.stringify`, functions in a dict are left out, and NaN and the infinities become null.
An attrs instance is written as the dict of its fields. Anything else that JSON lacks is refused.
"""

import json
import math
from typing import Any, TypeAlias, cast

import attrs

from ..storage.errors import StoredStateError

Path: TypeAlias = tuple[object, ...]


@attrs.frozen(repr=False)
class Stored:
    """A state from a storage, hidden from tracebacks, which print local variables.

    Attributes:
        state: The state, None if there is none.
        version: The version of the program that wrote it, if it says so.
        is_migrated: Whether it has been made into a state of the present version.
    """

    state: Any = attrs.field(repr=False)
    version: float | None = None
    is_migrated: bool = False


@attrs.frozen(repr=False)
class Item:
    """A text of a storage, hidden from tracebacks.

    Attributes:
        text: The text, None if there is none.
        writes: How many writes had been begun when it was read or written.
        moment: When it was begun to read or write it: a number that grows.
    """

    text: str | None = attrs.field(repr=False)
    writes: int = attrs.field(eq=False)
    moment: int = attrs.field(eq=False)

    def parse(self) -> Stored:
        """Read the text.

        Returns:
            The state. None is the state of no text, and of one that holds no object.

        Raises:
            StoredStateError: If the text is no JSON.
        """
        try:
            parsed = None if self.text is None else json.loads(self.text, parse_constant=_refuse)
        except (ValueError, TypeError, RecursionError) as error:
            problem = _problem(error)  # the error itself holds the whole text
        else:
            return _stored(parsed)
        raise StoredStateError(problem)


def to_text(state: Any, version: float) -> str:
    """Write a state as text.

    Args:
        state: What is stored.
        version: The version of the program, stored beside it.

    Returns:
        The JSON of both.

    Raises:
        TypeError: If a part of the state is nothing that JSON can hold. The message says where it
            is and of which type, and not what it holds.
    """
    try:
        return json.dumps(
            {"state": _plain(state, ()), "version": version}, separators=(",", ":"), allow_nan=False
        )
    except _UnwritableError as error:
        problem = str(error)
    except RecursionError:
        problem = "the state is nested too deeply to be stored, or contains itself"
    except ValueError:
        problem = "the state holds an int of too many digits to be stored"
    finally:
        del state
    raise TypeError(problem)


class _UnwritableError(Exception):
    """A part of a state cannot be written as JSON."""


def _plain(value: Any, path: Path) -> Any:
    """Make the value that `json` writes."""
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return _plain_entries(value, path)
    if isinstance(value, (list, tuple)):
        return [_plain(entry, (*path, index)) for index, entry in enumerate(value)]
    if attrs.has(type(value)):
        return _plain_entries(settable_fields(value), path)
    raise _UnwritableError(
        f"the state cannot be stored: {_spelled(path)} is a {type(value).__name__}, which JSON "
        "cannot hold; leave it out with partialize=, or store something in its place"
    )


def _plain_entries(entries: dict[Any, Any], path: Path) -> dict[str, Any]:
    plain: dict[str, Any] = {}
    for key, value in entries.items():
        if not isinstance(key, str):
            raise _UnwritableError(
                f"the state cannot be stored: {_spelled(path)} has a key of type "
                f"{type(key).__name__}, and the keys of a JSON object are of type str"
            )
        if not callable(value) or attrs.has(type(value)):
            plain[key] = _plain(value, (*path, key))
    return plain


def settable_fields(state: Any) -> dict[str, Any]:
    """Give the fields of an attrs instance that its `__init__` takes, by their own names."""
    return {
        field.name: getattr(state, field.name) for field in attrs.fields(type(state)) if field.init
    }


def _spelled(path: Path) -> str:
    return "state" + "".join(f"[{key!r}]" for key in path)


def is_version(value: object) -> bool:
    """Tell whether a value can be the version of a program: a number that JSON has."""
    return type(value) in (int, float) and math.isfinite(cast(float, value))


def _stored(parsed: object) -> Stored:
    if not isinstance(parsed, dict):
        return Stored(None)
    version = parsed.get("version")
    return Stored(parsed.get("state"), version if is_version(version) else None)


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")


def _problem(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"the stored text is no JSON: {error.msg} at character {error.pos}"
    if isinstance(error, TypeError):
        return "the storage gave back something else than a str or None"
    return "the stored text is no JSON that can be read"
