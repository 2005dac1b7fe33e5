"""A stored state joins the present one.

Tracebacks are often printed with the local variables of their frames, and a validator may raise in
here. So whatever passes on an error drops the stored values first.
"""

import types
from itertools import repeat
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

import attrs

from ..evolve import evolve

T = TypeVar("T")


def merge(persisted: Any, current: T) -> T:
    """Merge what was stored over the present state, one level deep: what `persist` does by default.

    A dict gets the stored keys. An attrs instance gets the stored fields that its class still has;
    each becomes what its annotation says, as far as that is made of attrs classes, `list`, `tuple`,
    `dict` and unions. Any other state is replaced.

    Args:
        persisted: The stored state, None if nothing is stored.
        current: The present state.

    Returns:
        The next state.

    Raises:
        Exception: Whatever a validator of an attrs class raises.
    """
    state: Any = current
    entries = persisted if isinstance(persisted, dict) else {}
    try:
        if isinstance(state, dict):
            return cast(T, {**state, **entries})
        if attrs.has(type(current)):
            return evolve(current, _fields(type(current), entries))
        return current if persisted is None else cast(T, persisted)
    finally:
        del persisted, entries, state, current


def restored(value: Any, hint: Any) -> Any:
    """Turn what JSON gave back into what it was before it was stored.

    Args:
        value: A value of JSON.
        hint: The annotation of the field that it is for, or a part of that.

    Returns:
        An instance for a dict where `hint` is an attrs class, a tuple for a list where it is a
        tuple, and so on for what a list, a tuple or a dict holds; else the value itself.
    """
    origin, arguments = get_origin(hint) or hint, get_args(hint)
    try:
        if origin in (Union, types.UnionType):
            return _restored_as_one_of(value, arguments)
        if isinstance(value, dict) and isinstance(origin, type) and attrs.has(origin):
            return _instance(origin, value)
        if isinstance(value, dict) and origin is dict and arguments:
            return {key: restored(entry, arguments[1]) for key, entry in value.items()}
        if isinstance(value, list) and origin is list and arguments:
            return [restored(entry, arguments[0]) for entry in value]
        if isinstance(value, list) and origin is tuple:
            return tuple(map(restored, value, _hints_of_entries(arguments)))
        return value
    finally:
        del value


def _restored_as_one_of(value: Any, hints: tuple[Any, ...]) -> Any:
    """Restore by the first alternative of a union that makes something of the value."""
    try:
        for hint in hints:
            result = restored(value, hint)
            if result is not value:
                return result
        return value
    finally:
        del value


def _hints_of_entries(arguments: tuple[Any, ...]) -> Any:
    """Give the hint for each entry of a tuple: `tuple[X, ...]`, `tuple[X, Y]` or `tuple`."""
    if len(arguments) == 2 and arguments[1] is Ellipsis:
        return repeat(arguments[0])
    return arguments or repeat(None)


def _instance(cls: Any, stored: dict[str, Any]) -> Any:
    try:
        aliases = {field.name: field.alias for field in attrs.fields(cls)}
        return cls(**{aliases[name]: value for name, value in _fields(cls, stored).items()})
    finally:
        del stored


def _fields(cls: Any, stored: dict[str, Any]) -> dict[str, Any]:
    """Give the values of those fields of a class that are stored."""
    try:
        hints = _hints(cls)
        names = [field.name for field in attrs.fields(cls) if field.init and field.name in stored]
        return {name: restored(stored[name], hints.get(name)) for name in names}
    finally:
        del stored


def _hints(cls: type) -> dict[str, Any]:
    try:
        return get_type_hints(cls)
    except NameError:  # an annotation names what only a type checker can see
        return {}
