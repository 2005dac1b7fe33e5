"""Values that JSON has, and the errors for those that it has not."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from enum import Enum
from functools import partial
from operator import is_
from types import NoneType
from typing import Any, TypeAlias

from ..checks import is_function
from ..merge_state import settable_fields

Path: TypeAlias = tuple[object, ...]

#: Called with the amount of work done, to let other threads run now and then.
Breathe: TypeAlias = Callable[[int], None] | None

SCALARS = (str, int, float, bool, NoneType)


def plain(value: Any, path: Path = (), *, is_strict: bool = True, breathe: Breathe = None) -> Any:
    """Return what ``JSON.stringify`` writes of a value: the value itself, if that is as it is.

    Unless it is strict, an instance becomes a dict of its fields.
    """
    if breathe is not None:
        breathe(1)
    if value is None or isinstance(value, (str, int)):
        if is_strict and isinstance(value, Enum):
            raise unwritable(value, path)
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    inner = partial(plain, is_strict=is_strict, breathe=breathe)
    fields = settable_fields(value)
    if is_strict and fields is not None:
        raise unwritable(value, path)
    if isinstance(value, (list, tuple)):
        parts = [inner(entry, (*path, index)) for index, entry in enumerate(value)]
        return value if isinstance(value, list) and all(map(is_, parts, value)) else parts
    if isinstance(value, dict) or fields is not None:
        entries = value if fields is None else fields
        result = {
            _key(key, path, is_strict): inner(entry, (*path, key))
            for key, entry in entries.items()
            if not is_function(entry)
        }
        is_same = len(result) == len(entries) and all(map(is_, result.values(), entries.values()))
        return entries if is_same else result
    raise unwritable(value, path)


def unwritable(value: Any, path: Path, why: str = "which JSON cannot hold") -> TypeError:
    """Make the error for a value that could not come back."""
    return TypeError(
        f"the state cannot be stored: {_spelled(path)} is a {type(value).__name__}, {why}; leave "
        "it out with partialize=, or pass serialize= and deserialize= for a form of your own"
    )


def _spelled(path: Path) -> str:
    return "state" + "".join(f"[{key!r}]" for key in path)


def _key(key: Any, path: Path, is_strict: bool) -> str:
    if isinstance(key, str):
        return key
    if is_strict or not isinstance(key, SCALARS):
        raise TypeError(
            f"the state cannot be stored: {_spelled(path)} has a key of type "
            f"{type(key).__name__}, and the keys of a JSON object are of type str"
        )
    return json.dumps(key)
