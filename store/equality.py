"""When two values are the same: ``object_is`` compares values, ``shallow`` looks one level deep."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence, Set
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from math import copysign
from pathlib import PosixPath, PurePosixPath, PureWindowsPath, WindowsPath
from typing import Any
from uuid import UUID

from .merge_state import fields_of

_NAN = object()

_NUMBERS = frozenset((complex, Decimal, Fraction))

#: Of these two are the same if they also look the same: equal is not enough, since 12:00 in London
#: is 13:00 in Paris.
_VALUES = frozenset((date, datetime, time, timedelta, UUID)) | {
    PosixPath,
    PurePosixPath,
    PureWindowsPath,
    WindowsPath,
}


def object_is(a: object, b: object, /) -> bool:
    """Return True if two values are the same value, as JavaScript's ``Object.is`` does.

    Objects are compared by identity. Numbers, ``str``, ``bytes``, ``bool`` and ``None`` are
    compared by value, an ``int`` also with a ``float``. Unlike ``==``: NaN is itself, ``0.0`` is
    not ``-0.0``, and ``True`` is not ``1``. The standard library's immutable value types are
    compared by value as well: ``complex``, ``Decimal``, ``Fraction``, ``datetime``, ``date``,
    ``time``, ``timedelta``, ``UUID`` and paths. A time in another time zone is another value.
    """
    if a is b:
        return True
    if type(a) is type(b):
        if not isinstance(a, (int, float, str, bytes)):
            return _is_same_value(a, b)
    elif {type(a), type(b)} != {int, float}:
        return False
    if a == b:
        return a != 0 or _sign(a) == _sign(b)
    return a != a and b != b


def shallow(a: object, b: object, /) -> bool:
    """Return True if two values are the same one level deep.

    Two values of one type are compared by their entries, each with ``object_is``: mappings by key,
    sets by member, sequences by position, instances with fields (of attrs, dataclasses, pydantic,
    msgspec) by field. All others are compared with ``object_is`` themselves.
    """
    if object_is(a, b):
        return True
    if type(a) is not type(b):
        return False
    if isinstance(a, Sequence) and isinstance(b, Sequence):
        return len(a) == len(b) and all(map(object_is, a, b))
    before, after = _entries(a), _entries(b)
    return (
        before is not None
        and after is not None
        and before.keys() == after.keys()
        and all(object_is(value, after[key]) for key, value in before.items())
    )


def _is_same_value(a: Any, b: Any) -> bool:
    if type(a) in _VALUES:
        return repr(a) == repr(b)
    return type(a) in _NUMBERS and (repr(a) == repr(b) or (a == b and a != 0))


def _sign(zero: Any) -> float:
    return copysign(1, zero)


def _entries(value: object) -> Any:
    """Return what a value consists of, or None for a value that has no parts."""
    if isinstance(value, Mapping):
        return {_key(key): entry for key, entry in value.items()}
    if isinstance(value, Set):
        return {_key(member): None for member in value}
    return fields_of(value)


def _key(key: Any) -> Hashable:
    """Keep apart keys that Python's hash tables confuse (True and 1), and unite NaN with NaN."""
    return isinstance(key, bool), _NAN if key != key else key
