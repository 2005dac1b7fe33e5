"""Values of the file as Python values, and back into what can be compared."""

import math
from dataclasses import fields, is_dataclass
from typing import Any

import attrs

Json = Any


class VectorError(Exception):
    """What a program raises on purpose."""


def decode(value: Json, shared: list[Any] | None = None) -> Any:
    """Make a fresh Python value."""
    match value:
        case {"$": "NaN"}:
            return math.nan
        case {"$": "-0"}:
            return -0.0
        case {"$": "map", "entries": entries}:
            return {key: decode(item, shared) for key, item in entries}
        case {"$": "set", "items": items}:
            return {decode(item, shared) for item in items}
        case {"$": "ref", "n": n}:
            assert shared is not None
            return shared[n]
        case dict():
            return {key: decode(item, shared) for key, item in value.items()}
        case list():
            return [decode(item, shared) for item in value]
    return value


def plain(value: Any) -> Any:
    """Spell a traced value so that `==` tells apart what JavaScript tells apart."""
    value = fields_of(value) or value
    match value:
        case dict():
            return {key: plain(item) for key, item in value.items() if not callable(item)}
        case list():
            return [plain(item) for item in value]
        case bool():
            return ("bool", value)
        case float() if math.isnan(value):
            return ("NaN",)
        case int() | float():
            return ("number", float(value), is_minus_zero(value))
    return value


def fields_of(value: Any) -> dict[str, Any]:
    """Return the fields of an instance of an attrs class or dataclass; of others, none."""
    if attrs.has(type(value)):
        return attrs.asdict(value, recurse=False)
    if is_dataclass(value):
        return {field.name: getattr(value, field.name) for field in fields(value)}
    return {}


def entry(state: Any, key: Any) -> Any:
    """Take one entry, None where there is none."""
    if fields_of(state):
        return getattr(state, key, None)
    if isinstance(state, list):
        return state[key] if isinstance(key, int) and key < len(state) else None
    return state.get(key) if isinstance(state, dict) else None


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def number(value: Any) -> Any:
    return value if is_number(value) else 0


def whole(result: Any) -> Any:
    """Make an int of a whole result, except of -0.0."""
    is_whole = math.isfinite(result) and result == int(result)
    return int(result) if is_whole and not is_minus_zero(result) else result


def is_minus_zero(value: Any) -> bool:
    return bool(value == 0) and math.copysign(1, value) < 0
