"""A dict of changes becomes the next state.

How that is done depends on the class of the state, and is worked out once for each. A dict is
merged, an attrs class is called. An attrs class that only keeps its values is not even called: its
instances are copied field by field, by a function that is generated for it as attrs generates
``__init__``. A loop over the fields would take twice as long as calling the class.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import is_dataclass
from difflib import get_close_matches
from functools import lru_cache, partial
from types import FunctionType
from typing import Any, NoReturn, TypeAlias, TypeVar, cast

import attrs

T = TypeVar("T")
Merge: TypeAlias = Callable[[Any, dict[str, Any]], Any]

_FROZEN_SETATTR: Any = attrs.make_class("Frozen", [], frozen=True).__setattr__


def merge_state(state: T, changes: dict[str, Any]) -> T:
    """Make a new state of an attrs instance or a dict, with some of its fields changed."""
    cls: Any = type(state)
    merged: T = merging(cls)(state, changes)
    return merged


def fields_of(value: Any) -> dict[str, Any] | None:
    """Return the fields of an attrs instance, None for any other value."""
    if not attrs.has(type(value)):
        return None
    return {field.name: getattr(value, field.name) for field in attrs.fields(type(value))}


@lru_cache(maxsize=256)
def merging(cls: Any) -> Merge:
    """Return the function ``(state, changes) -> next state`` for the states of a class."""
    if issubclass(cls, dict):
        return lambda state, changes: {**state, **changes}
    if is_dataclass(cls):
        return partial(_refuse_to_merge, cls)
    if not attrs.has(cls):
        return lambda state, changes: {**changes}
    return _copying(cls) if _only_keeps_values(cls) else _calling(cls)


def _refuse_to_merge(cls: Any, state: object, changes: object) -> NoReturn:
    raise TypeError(
        f"a dict is not merged into a dataclass: set dataclasses.replace(state, ...), or make "
        f"{cls.__name__} an attrs class; with replace=True the dict itself becomes the state"
    )


def _calling(cls: Any) -> Merge:
    parameters = {field.name: field.alias for field in attrs.fields(cls) if field.init}
    aliases = {alias: alias for alias in parameters.values()} | parameters

    def evolved(state: Any, changes: dict[str, Any]) -> Any:
        values = {alias: getattr(state, name) for name, alias in parameters.items()}
        for name in changes:
            if name not in aliases:
                _refuse(name, cls, list(aliases))
            values[aliases[name]] = changes[name]
        return cls(**values)

    return evolved


def _copying(cls: Any) -> Merge:
    setters = {field.name: getattr(cls, field.name).__set__ for field in attrs.fields(cls)}
    is_frozen = cls.__setattr__ is _FROZEN_SETATTR
    copy_field = "set_{0}(new, state.{0})" if is_frozen else "new.{0} = state.{0}"
    source = [
        "def evolved(state, changes):",
        "  new = allocate(cls)",
        *("  " + copy_field.format(name) for name in setters),
        "  for name in changes:",
        "    if name not in setters: refuse(name, cls, list(setters))",
        "    setters[name](new, changes[name])",
        "  return new",
    ]
    scope: dict[str, Any] = {f"set_{name}": setter for name, setter in setters.items()}
    scope |= {"allocate": object.__new__, "cls": cls, "setters": setters, "refuse": _refuse}
    code = compile("\n".join(source), f"<zustax evolving {cls.__qualname__}>", "exec")
    exec(code, scope)  # noqa: S102 (written from the names of fields alone)
    evolved: Merge = scope["evolved"]
    return evolved


def _only_keeps_values(cls: Any) -> bool:
    """Return True if an instance is its values in slots, just as ``__init__`` was given them."""
    fields, allocate = attrs.fields(cls), cast(object, cls.__new__)
    slots = {slot for base in cls.__mro__ for slot in vars(base).get("__slots__", ())}
    return (
        type(cls) is type
        and allocate is object.__new__
        and cls.__setattr__ in (object.__setattr__, _FROZEN_SETATTR)
        and slots - {"__weakref__"} == {field.name for field in fields}
        and all(field.init and field.alias == field.name for field in fields)
        and not any(field.validator or field.converter for field in fields)
        and not hasattr(cls, "__attrs_pre_init__")
        and not hasattr(cls, "__attrs_post_init__")
        and _is_written_by_attrs(vars(cls).get("__init__"))
    )


def _is_written_by_attrs(function: object) -> bool:
    """Tell a function of attrs from one of the class's author or of a decorator."""
    return isinstance(function, FunctionType) and function.__code__.co_filename.startswith(
        "<attrs generated "
    )


def _refuse(name: object, cls: Any, settable: list[str]) -> NoReturn:
    if name in attrs.fields_dict(cls):
        raise TypeError(
            f"field {name!r} of {cls.__name__} cannot be set: it is declared with init=False"
        )
    nearest = get_close_matches(str(name), settable, n=1)
    hint = f"; did you mean {nearest[0]!r}?" if nearest else ""
    raise TypeError(f"{cls.__name__} has no field {name!r}{hint}")
