"""A state as JSON values, and back, and how what is stored is merged over the present state."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from ..checks import is_function
from ..merge_state import (
    field_names,
    is_pydantic,
    is_struct,
    merge_state,
    settable_fields,
    settable_names,
)
from ..storage.protocol import StoredStateError
from .by_annotation import field_from_json, fields_to_json, model_from_json, struct_from_json
from .json_values import Breathe, plain


def dump(value: Any, state: Any, *, breathe: Breathe = None) -> Any:
    """Make JSON values of what ``partialize`` took from a state."""
    fields = settable_fields(value)
    cls: Any = type(state if fields is None else value)
    if field_names(cls) is None or (fields is None and not isinstance(value, dict)):
        return plain(value, breathe=breathe)
    fields = value if fields is None else fields
    if is_pydantic(cls):
        import pydantic_core

        return pydantic_core.to_jsonable_python(fields)
    if is_struct(cls):
        import msgspec

        return msgspec.to_builtins(fields, str_keys=True)
    return fields_to_json(cls, fields, breathe)


def load(stored: Mapping[str, Any], current: Any) -> dict[str, Any]:
    """Make values of those stored fields that the class of the present state still has."""
    cls: Any = type(current)
    known = {name: stored[name] for name in settable_names(cls) if name in stored}
    if not is_pydantic(cls) and not is_struct(cls):
        return {
            name: _load_field(name, value, partial(field_from_json, cls, name))
            for name, value in known.items()
        }
    if is_pydantic(cls):
        whole = {**current.model_dump(mode="json", by_alias=False), **known}
        valid = _load_field(cls.__name__, whole, partial(model_from_json, cls=cls))
    else:
        import msgspec

        encoded = dict(zip(cls.__struct_fields__, cls.__struct_encode_fields__, strict=True))
        whole = msgspec.to_builtins(current, str_keys=True)
        whole |= {encoded[name]: value for name, value in known.items()}
        valid = _load_field(cls.__name__, whole, partial(struct_from_json, cls=cls))
    return {name: getattr(valid, name) for name in known}


def merge_stored(stored: Any, current: Any) -> Any:
    """Merge a stored JSON value over the present state: what ``persist`` does by default."""
    if isinstance(stored, dict) and field_names(type(current)) is not None:
        return merge_state(current, load(stored, current))
    return merge_values(stored, current)


def merge_values(stored: Any, current: Any) -> Any:
    """Merge what ``deserialize`` has made over the present state."""
    if isinstance(current, dict):
        entries = stored if isinstance(stored, dict) else {}
        kept = {key: _with_functions(entries[key], current.get(key)) for key in entries}
        return {**current, **kept}
    if field_names(type(current)) is None or isinstance(stored, type(current)):
        return stored
    return merge_state(current, stored) if isinstance(stored, dict) else current


def _with_functions(value: Any, mine: Any) -> Any:
    """Return a stored value with the functions that the present one has at the same places."""
    if is_function(mine):
        return mine
    if not isinstance(mine, dict):
        return value
    entries = value if isinstance(value, dict) else {}
    merged = {key: _with_functions(entries.get(key), part) for key, part in mine.items()}
    functions = {key: part for key, part in merged.items() if part is not entries.get(key)}
    return {**entries, **functions} if functions else value


def _load_field(name: str, value: Any, read: Callable[[Any], Any]) -> Any:
    try:
        return read(value)
    except Exception as error:  # it, and the frames that it passed, may hold a value
        kind = type(error).__name__
    raise StoredStateError(f"what is stored of {name!r} cannot be read as it was ({kind})")
