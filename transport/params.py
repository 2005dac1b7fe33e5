"""How nested params and forms become pairs of name and text (axios's ``toFormData``)."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import quote_plus

from .errors import RequestError

MAX_DEPTH = 100


def encode_param(text: str) -> str:
    """Percent-encode for a query; axios leaves ``: $ , ! ' ( ) * ~``, and a space is ``+``."""
    return quote_plus(text, safe="!~*'():$,")


def encode_form(text: str) -> str:
    """Percent-encode for ``application/x-www-form-urlencoded`` (WHATWG URL, section 5)."""
    return quote_plus(text, safe="*").replace("~", "%7E")


def serialize_params(params: Any, serializer: Any) -> str:
    """The query for ``params``, made by the ``params_serializer`` of a config.

    Raises:
        TypeError: The params are no mapping, or the serializer is neither callable nor a mapping.
        ValueError: The params contain themselves.
        RequestError: ``ERR_FORM_DATA_DEPTH_EXCEEDED``: they are nested too deeply.
    """
    if callable(serializer):
        return str(serializer(params))
    options = serializer or {}
    if not isinstance(options, Mapping):
        raise TypeError(
            f"params_serializer must be a function or a mapping, not {type(options).__name__}"
        )
    if options.get("serialize"):
        return str(options["serialize"](params))
    encode: Callable[[str], str] = options.get("encode") or encode_param
    pairs = flatten(
        params, "params", dots=bool(options.get("dots")), indexes=options.get("indexes", False)
    )
    return "&".join(f"{encode(name)}={encode(as_text(value))}" for name, value in pairs)


def flatten(
    value: Any, option: str, *, dots: bool = False, indexes: bool | None = False
) -> list[tuple[str, Any]]:
    """Pairs of name and leaf for a nested mapping or list, names as axios writes them.

    Args:
        value: What to flatten; ``None`` leaves are left out.
        option: The option it came from, for the text of errors.
        dots: ``a.b`` instead of ``a[b]``.
        indexes: Lists of leaves: ``False`` as ``a[]``, ``True`` as ``a[0]``, ``None`` as ``a``.
    """
    if isinstance(value, (str, bytes)) or not isinstance(value, (Mapping, list, tuple)):
        raise TypeError(f"{option} must be a mapping, not {type(value).__name__}")
    return list(_leaves(value, (), option, dots, indexes, ()))


def _leaves(
    value: Any,
    path: tuple[str, ...],
    option: str,
    dots: bool,
    indexes: bool | None,
    above: tuple[int, ...],
) -> Iterator[tuple[str, Any]]:
    if len(path) > MAX_DEPTH:
        raise RequestError(
            f"{option}: nested more than {MAX_DEPTH} levels deep",
            RequestError.ERR_FORM_DATA_DEPTH_EXCEEDED,
        )
    if id(value) in above:
        raise ValueError(f"{option}: it contains itself, at {'.'.join(path)!r}")
    for key, item in _items(value):
        if item is None:
            continue
        if not path and key.endswith("{}") and _is_container(item):
            yield key, to_json(item)
        elif not path and _is_list_of_leaves(key, item):
            yield from _listed(key.removesuffix("[]"), item, dots, indexes)
        elif _is_container(item):
            inner = (*above, id(value))
            yield from _leaves(item, (*path, key), option, dots, indexes, inner)
        else:
            yield _name((*path, key), dots), item


def _items(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        return ((str(key).strip(), item) for key, item in value.items())
    return ((str(index), item) for index, item in enumerate(value))


def _listed(key: str, items: Any, dots: bool, indexes: bool | None) -> Iterator[tuple[str, Any]]:
    for index, item in enumerate(items):
        if item is not None:
            if indexes:
                yield _name((key, str(index)), dots), item
            else:
                yield (key if indexes is None else f"{key}[]"), item


def _name(path: tuple[str, ...], dots: bool) -> str:
    if len(path) == 1:
        return path[0]
    first, *rest = (part.removesuffix("[]") for part in path)
    return ".".join((first, *rest)) if dots else first + "".join(f"[{part}]" for part in rest)


def _is_container(value: Any) -> bool:
    return isinstance(value, (Mapping, list, tuple))


def _is_list_of_leaves(key: str, value: Any) -> bool:
    if not isinstance(value, (list, tuple)):
        return False
    return key.endswith("[]") or not any(_is_container(item) for item in value)


def as_text(value: Any) -> str:
    """A leaf as JavaScript writes it: ``true``, ``1`` for 1.0, an ISO 8601 date in UTC."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e21:
        return str(int(value))
    if isinstance(value, datetime.datetime):
        utc = value.astimezone(datetime.UTC)
        return f"{utc:%Y-%m-%dT%H:%M:%S}.{utc.microsecond // 1000:03}Z"
    if isinstance(value, datetime.date):
        return value.isoformat()
    return str(value)


def to_json(value: Any) -> str:
    """``value`` as compact JSON; dates become ISO 8601.

    Raises:
        TypeError: It holds something that JSON lacks.
        ValueError: It contains itself, or a number that JSON lacks.
    """
    try:
        text = json.dumps(
            value, separators=(",", ":"), ensure_ascii=False, allow_nan=False, default=_to_json
        )
        text.encode()
    except RecursionError:
        problem: Exception = ValueError("data: it is nested too deeply to become JSON")
    except UnicodeEncodeError:
        problem = ValueError("data: it holds half a character (a lone surrogate), which is no text")
    except (TypeError, ValueError) as error:
        problem = type(error)(f"data cannot become JSON: {error}")
    else:
        return text
    raise problem


def _to_json(value: Any) -> Any:
    if isinstance(value, datetime.date):
        return as_text(value)
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"a {type(value).__name__} has no form in JSON; convert it first")
