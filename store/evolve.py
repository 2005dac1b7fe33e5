"""A dict of changes becomes a new instance of an attrs class."""

from difflib import get_close_matches
from typing import Any, TypeVar

import attrs

T = TypeVar("T")


def evolve(state: T, changes: dict[str, Any]) -> T:
    """Make a copy of an attrs instance with some of its fields changed.

    Unlike `attrs.evolve` it leaves none of the values in the frames of a traceback, and it knows a
    private field by its own name as well as by its alias.

    Args:
        state: An instance of an attrs class.
        changes: The new values by field name.

    Returns:
        A new instance of the same class.

    Raises:
        TypeError: If `changes` names a field that the class does not have, or one that its
            `__init__` does not take.
        Exception: Whatever a validator of the class raises.
    """
    try:
        aliases = _aliases(type(state))
        for name in changes:
            if name not in aliases:
                raise TypeError(_cannot_set(name, type(state), list(aliases)))
        return type(state)(**_arguments(state, changes, aliases))
    finally:
        del changes  # tracebacks are printed with their local variables


def _aliases(cls: Any) -> dict[str, str]:
    """Map each name of a field that `__init__` takes to the name of its parameter there."""
    settable = [field for field in attrs.fields(cls) if field.init]
    return {field.alias: field.alias for field in settable} | {
        field.name: field.alias for field in settable
    }


def _arguments(state: Any, changes: dict[str, Any], aliases: dict[str, str]) -> dict[str, Any]:
    values = {
        field.alias: getattr(state, field.name) for field in attrs.fields(type(state)) if field.init
    }
    return values | {aliases[name]: value for name, value in changes.items()}


def _cannot_set(name: object, cls: Any, settable: list[str]) -> str:
    if name in attrs.fields_dict(cls):
        return f"field {name!r} of {cls.__name__} cannot be set: it is declared with init=False"
    nearest = get_close_matches(str(name), settable, n=1)
    hint = f"; did you mean {nearest[0]!r}?" if nearest else ""
    return f"{cls.__name__} has no field {name!r}{hint}"
