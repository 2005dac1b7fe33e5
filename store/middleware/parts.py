"""What a state consists of, and how one of its kind is made of other parts.

Nothing here raises with a content in a local variable: tracebacks are printed with them, and it may
be a token.
"""

from collections.abc import Collection, Mapping
from operator import is_
from typing import Any

import attrs

from ..evolve import evolve

_MISSING: Any = object()


def entries_of(value: Any) -> Mapping[Any, Any]:
    """Give the entries of a mapping or the fields of an attrs instance; of others, none."""
    if isinstance(value, Mapping):
        return value
    if attrs.has(type(value)):
        return {field.name: getattr(value, field.name) for field in attrs.fields(type(value))}
    return {}


def parts_of(value: Any) -> Collection[Any]:
    """Give what is one level below a mapping, a list, a tuple or an attrs instance."""
    return value if isinstance(value, (list, tuple)) else entries_of(value).values()


def with_parts(value: Any, parts: list[Any]) -> Any:
    """Make a container like `value` with other parts; give `value` if they are what it has."""
    try:
        if all(map(is_, parts, parts_of(value))):
            return value
        if isinstance(value, tuple):
            return tuple.__new__(type(value), parts)
        if isinstance(value, list):
            return parts
        return with_entries(value, dict(zip(entries_of(value), parts, strict=True)))
    finally:
        del value, parts


def with_entries(base: Any, entries: Any) -> Any:
    """Make what has these entries: an attrs instance if `base` is one, else what holds them now.

    Raises:
        TypeError: If the attrs class does not have one of the fields.
        Exception: Whatever a validator of the class raises.
    """
    try:
        if not attrs.has(type(base)):
            return entries
        return evolve(
            base,
            {
                name: value
                for name, value in entries.items()
                if value is not getattr(base, name, _MISSING)
            },
        )
    finally:
        del base, entries
