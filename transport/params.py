"""How nested params and forms become pairs of name and text (axios's ``toFormData``)."""

from __future__ import annotations

import contextlib
import datetime
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import quote_plus

from attrs import frozen

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


def is_nested(value: Any) -> bool:
    """Whether ``value`` has parts of its own, and is no leaf."""
    return isinstance(value, (Mapping, list, tuple))


def flatten(
    value: Any,
    option: str,
    *,
    dots: bool = False,
    indexes: bool | None = False,
    nested: Callable[[Any], bool] = is_nested,
) -> list[tuple[str, Any]]:
    """Pairs of name and leaf for a nested mapping or list, names as axios writes them.

    Args:
        value: What to flatten; ``None`` leaves are left out.
        option: The option it came from, for the text of errors.
        dots: ``a.b`` instead of ``a[b]``.
        indexes: Lists of leaves: ``False`` as ``a[]``, ``True`` as ``a[0]``, ``None`` as ``a``.
        nested: Tells what is no leaf.

    Raises:
        TypeError: It is neither a mapping nor a list.
        ValueError: It contains itself, or half a character.
        RequestError: ``ERR_FORM_DATA_DEPTH_EXCEEDED``: it is nested too deeply.
    """
    if not is_nested(value):
        raise TypeError(f"{option} must be a mapping, not {type(value).__name__}")
    pairs = list(_Flattening(option, dots, indexes, nested).leaves(value, (), ()))
    encoded("".join(part for pair in pairs for part in pair if isinstance(part, str)), option)
    return pairs


@frozen
class _Flattening:
    """How one value is flattened; see `flatten`."""

    option: str
    dots: bool
    indexes: bool | None
    is_nested: Callable[[Any], bool]

    def leaves(
        self, value: Any, path: tuple[str, ...], above: tuple[int, ...]
    ) -> Iterator[tuple[str, Any]]:
        """The leaves below ``value``, which is at ``path`` and within what ``above`` identifies."""
        if len(path) > MAX_DEPTH:
            raise RequestError(
                f"{self.option}: nested more than {MAX_DEPTH} levels deep",
                RequestError.ERR_FORM_DATA_DEPTH_EXCEEDED,
            )
        if id(value) in above:
            raise ValueError(f"{self.option}: it contains itself, at {'.'.join(path)!r}")
        for key, item in _items(value):
            if item is None:
                continue
            if not path and key.endswith("{}") and self.is_nested(item):
                yield key, to_json(item)
            elif not path and self._is_list_of_leaves(key, item):
                yield from self._listed(key.removesuffix("[]"), item)
            elif self.is_nested(item):
                yield from self.leaves(item, (*path, key), (*above, id(value)))
            else:
                yield self._name((*path, key)), item

    def _is_list_of_leaves(self, key: str, value: Any) -> bool:
        if not (self.is_nested(value) and isinstance(value, (list, tuple))):
            return False
        return key.endswith("[]") or not any(self.is_nested(item) for item in value)

    def _listed(self, key: str, items: Any) -> Iterator[tuple[str, Any]]:
        for index, item in enumerate(items):
            if item is not None:
                if self.indexes:
                    yield self._name((key, str(index))), item
                else:
                    yield (key if self.indexes is None else f"{key}[]"), item

    def _name(self, path: tuple[str, ...]) -> str:
        if len(path) == 1:
            return path[0]
        first, *rest = (part.removesuffix("[]") for part in path)
        if self.dots:
            return ".".join((first, *rest))
        return first + "".join(f"[{part}]" for part in rest)


def _items(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        return ((str(key).strip(), item) for key, item in value.items())
    return ((str(index), item) for index, item in enumerate(value))


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


def encoded(text: str, option: str) -> bytes:
    """``text`` in UTF-8.

    Args:
        text: What is encoded. It is not part of the error: Python's own would show it.
        option: The option it came from, for the text of the error.

    Raises:
        ValueError: It holds half a character.
    """
    with contextlib.suppress(UnicodeEncodeError):
        return text.encode()
    del text
    raise ValueError(f"{option}: it holds half a character (a lone surrogate), which is no text")


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
    except RecursionError:
        problem: Exception = ValueError("data: it is nested too deeply to become JSON")
    except (TypeError, ValueError) as error:
        problem = type(error)(f"data cannot become JSON: {error}")
    else:
        encoded(text, "data")
        return text
    raise problem


def _to_json(value: Any) -> Any:
    if isinstance(value, datetime.date):
        return as_text(value)
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__!r} has no form in JSON; convert it first")
