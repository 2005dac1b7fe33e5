"""The values of fields as JSON values, and back, by the annotations of the fields.

cattrs does it. What it could not bring back as it was is left to ``plain``, which refuses it.
"""

from __future__ import annotations

import json
import sys
from base64 import b64decode, b64encode
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence, Set
from contextlib import suppress
from dataclasses import is_dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from functools import lru_cache, partial
from operator import attrgetter
from pathlib import PurePath
from types import NoneType, SimpleNamespace, UnionType
from typing import Any, Literal, TypeAlias, TypeVar, Union, get_args, get_origin, get_type_hints
from uuid import UUID

import attrs

from ..checks import is_function, needs_extra
from ..merge_state import field_names, is_pydantic, is_struct, settable_fields, settable_names
from .json_values import SCALARS, Breathe, Path, plain, unwritable

#: The hint of a field whose annotation names what only a type checker can see.
_UNKNOWN: Any = object()

_ISO = (datetime, date, time)
_TEXTS = (Decimal, UUID, Fraction, complex)
_TICK = timedelta(microseconds=1)

#: What JSON has of the values of a class.
_KINDS: tuple[tuple[type, Any], ...] = (
    (bool, bool),
    (int, (int, float, timedelta)),
    (str, (str, bytes, PurePath, *_ISO, *_TEXTS)),
    (NoneType, NoneType),
    (dict, Mapping),
    (list, (Sequence, Set)),
)

#: How many entries of a field are converted in one go while other threads wait.
_PIECE = 256

#: How the values of an annotation become JSON values, and how they come back.
_Conversion: TypeAlias = tuple[Callable[..., Any], Callable[[Any], Any]]

_STRICT: _Conversion = plain, lambda value: value
_LENIENT: _Conversion = partial(plain, is_strict=False), lambda value: value


def fields_to_json(cls: Any, fields: Any, breathe: Breathe = None) -> dict[str, Any]:
    """Make JSON values of fields of a class, each on its own; functions are left out."""
    return {
        name: _field_conversion(cls, name)[0](part, (name,), breathe=breathe)
        for name, part in fields.items()
        if not is_function(part)
    }


def field_from_json(cls: Any, name: str, stored: Any) -> Any:
    """Make the value of a field of what is stored."""
    return _field_conversion(cls, name)[1](stored)


def ensure_convertible(state: Any) -> None:
    """Raise ImportError if it takes cattrs to store a state, and that is not installed."""
    cls: Any = type(state)
    if not is_pydantic(cls) and not is_struct(cls):
        hints = hints_of.__wrapped__(cls)  # not kept: a class further below may not be there yet
        for name, part in (settable_fields(state) or {}).items():
            hint = hints.get(name, _UNKNOWN)
            if not (is_function(part) or hint is _UNKNOWN or _is_json(hint)):
                _converter()


def _field_conversion(cls: Any, name: str) -> _Conversion:
    return _conversion(hints_of(cls).get(name, _UNKNOWN))


@lru_cache(maxsize=256)
def hints_of(cls: Any) -> dict[str, Any]:
    """Return the annotations of a class, ``_UNKNOWN`` for each that cannot be resolved."""
    try:
        return get_type_hints(cls)
    except Exception:
        hints = dict[str, Any]()
    for base in reversed(cls.__mro__):
        names = {**vars(sys.modules.get(base.__module__, sys)), **vars(base)}
        for name, annotation in vars(base).get("__annotations__", {}).items():
            try:
                holder = SimpleNamespace(__annotations__={name: annotation})
                hints |= get_type_hints(holder, names)
            except Exception:
                hints[name] = _UNKNOWN
    return hints


@lru_cache(maxsize=1024)
def _conversion(hint: Any) -> _Conversion:
    if hint is _UNKNOWN:
        return _STRICT
    if _is_json(hint):
        return _LENIENT
    converter = _converter()
    try:
        _require_hook(converter, hint)
    except Exception:  # cattrs has no way back, so only what JSON has is stored
        return _STRICT
    return partial(_dump_by, converter, hint), partial(converter.structure, cl=hint)


def _is_json(hint: Any) -> bool:
    """Return True if JSON has the values of an annotation as they are."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (list, dict, Union, UnionType):
        return all(map(_is_json, arguments)) and (origin is not dict or arguments[0] is str)
    if origin is Literal:
        return all(type(argument) in SCALARS for argument in arguments)
    return hint in (*SCALARS, None, Any, object, list, dict) or isinstance(hint, TypeVar)


def _require_hook(converter: Any, hint: Any) -> None:
    """Raise if there is no way back for an annotation, or for a part of it."""
    converter.get_structure_hook(hint)
    for argument in get_args(hint) if get_origin(hint) is not Literal else ():
        if argument not in (Ellipsis, NoneType):
            _require_hook(converter, argument)


def _dump_by(converter: Any, hint: Any, value: Any, path: Path, *, breathe: Breathe) -> Any:
    unstructure = partial(converter.unstructure, unstructure_as=hint)
    try:
        if breathe is not None and type(value) is list and get_origin(hint) is list:
            dumped = []
            for start in range(0, len(value), _PIECE):
                breathe(_PIECE)
                dumped += unstructure(value[start : start + _PIECE])
        else:
            dumped = unstructure(value)
    except Exception:  # noqa: S110 (the frames that it passed may hold a value)
        pass
    else:
        return plain(dumped, path, is_strict=False, breathe=breathe)
    raise unwritable(value, path, f"which is not what its annotation says ({hint})")


@lru_cache(maxsize=1)
def _converter() -> Any:
    with needs_extra("cattrs", "persist", "a state with such fields"):
        import cattrs
    converter = cattrs.Converter(
        detailed_validation=False, unstruct_collection_overrides={Set: list}
    )
    both_ways: list[tuple[Any, Callable[[Any], Any], Callable[[Any, Any], Any]]] = [
        *((kind, lambda value: value, _scalar) for kind in (str, int, float, bool)),
        *((kind, kind.isoformat, lambda text, cls: cls.fromisoformat(text)) for kind in _ISO),
        *((kind, str, lambda text, cls: cls(text)) for kind in (*_TEXTS, PurePath)),
        (timedelta, lambda span: span // _TICK, lambda count, _: count * _TICK),
        (bytes, lambda value: b64encode(value).decode(), lambda text, _: b64decode(text)),
    ]
    for kind, unstructure, structure in both_ways:
        converter.register_unstructure_hook(kind, unstructure)
        converter.register_structure_hook(kind, structure)
    for predicate, to_json, from_json in (
        (is_pydantic, _model_to_json, model_from_json),
        (is_struct, _struct_to_json, struct_from_json),
    ):
        converter.register_unstructure_hook_func(predicate, to_json)
        converter.register_structure_hook_func(predicate, from_json)
    converter.register_unstructure_hook_factory(_is_named_tuple, _tuple_to_json)
    converter.register_structure_hook_func(_is_named_tuple, _tuple_from_json)
    converter.register_unstructure_hook_factory(_is_enum, _enum_to_json)
    converter.register_structure_hook_factory(_is_enum, _enum_from_json)
    converter.register_unstructure_hook_factory(_is_class, _class_to_json)
    converter.register_structure_hook_factory(_is_class, _class_from_json)
    converter.register_structure_hook_factory(_is_union, _union_from_json)
    return converter


def _scalar(value: Any, cls: Any) -> Any:
    """Return what was stored; a number that is a key is a text in JSON."""
    if isinstance(value, str) and not issubclass(cls, str):
        with suppress(ValueError):
            value = json.loads(value)
    return value if cls in SCALARS else cls(value)


def _is_enum(hint: Any) -> bool:
    return isinstance(hint, type) and issubclass(hint, Enum)


def _has_values(cls: Any) -> bool:
    """Return True if the members of an enum are stored by value, and not by name."""
    return all(type(member.value) in (str, int) for member in cls)


def _enum_to_json(cls: Any) -> Callable[[Any], Any]:
    return attrgetter("value" if _has_values(cls) else "name")


def _enum_from_json(cls: Any) -> Callable[[Any, Any], Any]:
    if not _has_values(cls):
        return lambda name, _: cls[name]
    kind = type(next(iter(cls)).value)
    return lambda value, _: cls(_scalar(value, kind))


def _is_named_tuple(hint: Any) -> bool:
    return isinstance(hint, type) and issubclass(hint, tuple) and hasattr(hint, "_fields")


def _tuple_to_json(cls: Any) -> Callable[[Any], list[Any]]:
    return lambda value: [
        _field_conversion(cls, name)[0](part, (name,), breathe=None)
        for name, part in zip(cls._fields, value, strict=True)
    ]


def _tuple_from_json(stored: Any, cls: Any) -> Any:
    parts = zip(cls._fields, stored, strict=False)  # fields may have come or gone
    return cls(*(field_from_json(cls, name, part) for name, part in parts))


def _model_to_json(model: Any) -> Any:
    return model.model_dump(mode="json", by_alias=False)


def model_from_json(stored: Any, cls: Any) -> Any:
    """Make a model of pydantic."""
    return cls.model_validate_json(json.dumps(stored), by_alias=False, by_name=True)


def _struct_to_json(struct: Any) -> Any:
    import msgspec

    return msgspec.to_builtins(struct, str_keys=True)


def struct_from_json(stored: Any, cls: Any) -> Any:
    """Make a struct of msgspec."""
    import msgspec

    return msgspec.convert(stored, cls, str_keys=True)


def _is_class(hint: Any) -> bool:
    cls = get_origin(hint) or hint
    return isinstance(cls, type) and (attrs.has(cls) or is_dataclass(cls))


def _is_resolved(cls: Any) -> bool:
    """Resolve the annotations of a class; return False if that cannot be done for all of them."""
    if _UNKNOWN in hints_of(cls).values():
        return False
    if attrs.has(cls):
        attrs.resolve_types(cls)
    return True


def _class_to_json(hint: Any, converter: Any) -> Callable[[Any], Any]:
    import cattrs.gen

    cls: Any = get_origin(hint) or hint
    unstructure: Any = None
    if _is_resolved(cls):
        unstructure = cattrs.gen.make_dict_unstructure_fn(hint, converter)

    def to_json(value: Any) -> Any:
        if type(value) is not cls:  # what a subclass has besides would be lost
            raise TypeError
        return unstructure(value) if unstructure else fields_to_json(cls, settable_fields(value))

    return to_json


def _class_from_json(hint: Any, converter: Any) -> Callable[[Any, Any], Any]:
    import cattrs.gen

    cls: Any = get_origin(hint) or hint
    aliases = {field.name: field.alias for field in attrs.fields(cls)} if attrs.has(cls) else {}

    def from_dict(stored: Any, _: Any) -> Any:
        known = (name for name in settable_names(cls) if name in stored)
        return cls(
            **{aliases.get(name, name): field_from_json(cls, name, stored[name]) for name in known}
        )

    structure: Any = from_dict
    if _is_resolved(cls):
        structure = cattrs.gen.make_dict_structure_fn(hint, converter)

    def from_json(stored: Any, _: Any) -> Any:
        if not isinstance(stored, dict):
            raise TypeError
        return structure(stored, hint)

    return from_json


def _is_union(hint: Any) -> bool:
    return get_origin(hint) in (Union, UnionType)


def _union_from_json(union: Any, converter: Any) -> Callable[[Any, Any], Any]:
    """Distinguish the members of a union by what JSON has of each, and classes by their fields."""
    by_kind = defaultdict[type, list[Any]](list)
    for member in get_args(union):
        for kind in _kinds(member):
            by_kind[kind].append(member)
    for kind, members in by_kind.items():
        is_certain = len(members) == 1 or all(map(_is_json, members))
        if not is_certain and not (kind is dict and _can_be_told_apart(members)):
            raise TypeError

    def from_json(value: Any, _: Any) -> Any:
        members = by_kind.get(int if isinstance(value, float) else type(value), [])
        if all(map(_is_json, members)):
            return value
        return converter.structure(value, _nearest(members, value))

    return from_json


def _kinds(hint: Any) -> set[type]:
    """Return which of str, int (for all numbers), bool, None, list and dict JSON has of a hint."""
    cls: Any = get_origin(hint) or hint
    if cls is Literal:
        return {type(argument) for argument in get_args(hint)}
    if _is_enum(cls):
        return {type(member.value) for member in cls} if _has_values(cls) else {str}
    if not isinstance(cls, type):
        return {NoneType} if cls is None else set()
    if field_names(cls) is not None and not issubclass(cls, tuple):
        return {dict}
    for kind, classes in _KINDS:
        if issubclass(cls, classes):
            return {kind}
    raise TypeError


def _can_be_told_apart(classes: list[Any]) -> bool:
    if not all(map(_is_class, classes)):
        return False
    looks = {(settable_names(cls), frozenset(_tags(cls).items())) for cls in classes}
    return len(looks) == len(classes)


def _tags(cls: Any) -> dict[str, Any]:
    """Return the values that the fields with a literal annotation have."""
    return {
        name: get_args(hint)
        for name, hint in hints_of(get_origin(cls) or cls).items()
        if get_origin(hint) is Literal
    }


def _nearest(classes: list[Any], stored: Any) -> Any:
    """Return the class whose tags are those of a stored dict, and whose fields are nearest."""
    if len(classes) == 1:
        return classes[0]
    tagged = [
        cls
        for cls in classes
        if all(stored.get(name) in values for name, values in _tags(cls).items())
    ]
    return min(tagged, key=lambda cls: len(stored.keys() ^ set(settable_names(cls))))
