"""A dict of changes becomes the next state, in a way that is worked out once for each class.

A dict is merged; an instance of a class with fields is made anew in that class's own way. One of an
attrs class that only keeps its values is copied field by field, by a function that is generated for
it as attrs generates ``__init__``: a loop over the fields would take twice as long as the class.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection
from difflib import get_close_matches
from functools import lru_cache, partial
from types import FunctionType
from typing import Any, NoReturn, TypeAlias, TypeVar, cast

import attrs

T = TypeVar("T")
Merge: TypeAlias = Callable[[Any, dict[str, Any]], Any]

_FROZEN_SETATTR: Any = attrs.make_class("Frozen", [], frozen=True).__setattr__


def _cached(function: Callable[[Any], T]) -> Callable[[Any], T]:
    return lru_cache(maxsize=256)(function)


def merge_state(state: T, changes: dict[str, Any]) -> T:
    """Make a new state of an instance with fields, or of a dict, with some of them changed."""
    merged: T = merging(type(state))(state, changes)
    return merged


@_cached
def field_names(cls: Any) -> tuple[str, ...] | None:
    """Return the fields of attrs, dataclass, NamedTuple, pydantic and msgspec classes, or None."""
    if attrs.has(cls):
        return tuple(field.name for field in attrs.fields(cls))
    if dataclasses.is_dataclass(cls):
        return tuple(field.name for field in dataclasses.fields(cls))
    if issubclass(cls, tuple) and hasattr(cls, "_replace"):
        return tuple(getattr(cls, "_fields", ()))
    if is_pydantic(cls):
        return tuple(getattr(cls, "model_fields", ()))
    return getattr(cls, "__struct_fields__", None)  # msgspec's


def fields_of(value: Any) -> dict[str, Any] | None:
    """Return the fields of an instance; None for a value that has none."""
    names = field_names(type(value))
    return None if names is None else {name: getattr(value, name) for name in names}


@_cached
def settable_names(cls: Any) -> tuple[str, ...]:
    """Return the names of the fields that a new instance of a class can be given."""
    if attrs.has(cls):
        return tuple(field.name for field in attrs.fields(cls) if field.init)
    if dataclasses.is_dataclass(cls):
        return tuple(field.name for field in dataclasses.fields(cls) if field.init)
    return field_names(cls) or ()


def settable_fields(value: Any) -> dict[str, Any] | None:
    """Return the fields of an instance that a new one can be given; None if it has no fields."""
    if field_names(type(value)) is None:
        return None
    return {name: getattr(value, name) for name in settable_names(type(value))}


@_cached
def merging(cls: Any) -> Merge:
    """Return the function ``(state, changes) -> next state`` for the states of a class."""
    if issubclass(cls, dict):
        return lambda state, changes: {**state, **changes}
    names = field_names(cls)
    if names is None:
        return lambda state, changes: {**changes}
    if attrs.has(cls):
        return _copying(cls) if _only_keeps_values(cls) else _calling(cls)
    if dataclasses.is_dataclass(cls):
        return partial(_replacing, dataclasses.replace, cls, settable_names(cls))
    if issubclass(cls, tuple):
        return partial(_replacing, getattr(cls, "_replace"), cls, names)  # noqa: B009
    if is_pydantic(cls):
        return partial(_replacing, _replace_pydantic, cls, names)
    import msgspec

    return partial(_replacing, msgspec.structs.replace, cls, names)


def _replacing(
    replace: Callable[..., Any],
    cls: Any,
    settable: Collection[str],
    state: Any,
    changes: dict[str, Any],
) -> Any:
    for name in changes:
        if name not in settable:
            _refuse(name, cls, settable)
    return replace(state, **changes)


def is_pydantic(cls: Any) -> bool:
    """Return True for a model of pydantic 2."""
    return hasattr(cls, "__pydantic_validator__") and hasattr(cls, "model_copy")


def is_struct(cls: Any) -> bool:
    """Return True for a struct of msgspec."""
    return hasattr(cls, "__struct_fields__")


def _replace_pydantic(state: Any, **changes: Any) -> Any:
    """Copy a model with its changed fields validated; those that have not changed stay."""
    values = {**(fields_of(state) or {}), **changes}
    valid = type(state).model_validate(values, by_alias=False, by_name=True)
    return state.model_copy(update={name: getattr(valid, name) for name in changes})


def _calling(cls: Any) -> Merge:
    # Not with attrs.evolve, whose frame would hold the values in the traceback of a validator.
    parameters = {field.name: field.alias for field in attrs.fields(cls) if field.init}
    aliases = {alias: alias for alias in parameters.values()} | parameters

    def evolved(state: Any, changes: dict[str, Any]) -> Any:
        values = {alias: getattr(state, name) for name, alias in parameters.items()}
        for name in changes:
            if name not in aliases:
                _refuse(name, cls, aliases)
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
        "    if name not in setters: refuse(name, cls, setters)",
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
    init = vars(cls).get("__init__")
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
        and isinstance(init, FunctionType)
        and init.__code__.co_filename.startswith("<attrs generated ")
    )


def _refuse(name: object, cls: Any, settable: Collection[str]) -> NoReturn:
    if name in (field_names(cls) or ()):
        raise TypeError(
            f"field {name!r} of {cls.__name__} cannot be set: it is declared with init=False"
        )
    nearest = get_close_matches(str(name), settable, n=1)
    hint = f"; did you mean {nearest[0]!r}?" if nearest else ""
    raise TypeError(f"{cls.__name__} has no field {name!r}{hint}")
