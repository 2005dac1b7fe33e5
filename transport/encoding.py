"""How values become text: params and forms (axios's ``toFormData``), JSON, header fields."""

from __future__ import annotations

import base64
import datetime
import functools
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import Enum
from typing import Any
from urllib.parse import quote_plus

from attrs import frozen

from .arity import call
from .errors import RequestError
from .headers import Headers, is_header_name

_MAX_DEPTH = 100
_NOT_IN_HEADERS = dict.fromkeys((*range(9), *range(10, 32), 127))


# --- percent-encoding ---


def encode_param(text: str) -> str:
    """Percent-encode for a query; axios leaves ``: $ , ! ' ( ) * ~``, and a space is ``+``."""
    return quote_plus(text, safe="!~*'():$,")


def encode_form(text: str) -> str:
    """Percent-encode for ``application/x-www-form-urlencoded`` (WHATWG URL, section 5)."""
    return quote_plus(text, safe="*").replace("~", "%7E")


def serialize_params(params: Any, serializer: Any) -> str:
    """Make the query for ``params`` with the ``params_serializer`` of a config."""
    if callable(serializer):
        return str(call(serializer, params))
    options = serializer or {}
    if options.get("serialize"):
        return str(call(options["serialize"], params))
    given = options.get("encode")
    encode = functools.partial(call, given) if given else encode_param
    pairs = flatten(
        params, "params", dots=bool(options.get("dots")), indexes=options.get("indexes", False)
    )
    return "&".join(f"{encode(name)}={encode(as_text(value))}" for name, value in pairs)


# --- nested values ---


def is_nested(value: Any) -> bool:
    """Return True if ``value`` has parts of its own."""
    return isinstance(value, (Mapping, list, tuple))


def flatten(
    value: Any,
    option: str,
    *,
    dots: bool = False,
    indexes: bool | None = False,
    is_part: Callable[[Any], bool] = lambda value: False,
) -> list[tuple[str, Any]]:
    """Return pairs of name and leaf for a nested mapping or list, named as axios names them."""
    if not is_nested(value):
        raise TypeError(f"{option} must be a mapping, not {type(value).__name__}")
    pairs = list(_Flattening(option, dots, indexes, is_part).leaves(value, (), ()))
    encoded("".join(part for pair in pairs for part in pair if isinstance(part, str)), option)
    return pairs


@frozen
class _Flattening:
    """How one value is flattened; see `flatten`."""

    option: str
    dots: bool
    indexes: bool | None
    is_part: Callable[[Any], bool]

    def leaves(
        self, value: Any, path: tuple[str, ...], above: tuple[int, ...]
    ) -> Iterator[tuple[str, Any]]:
        if len(path) > _MAX_DEPTH:
            raise RequestError(
                f"{self.option}: nested more than {_MAX_DEPTH} levels deep",
                RequestError.ERR_FORM_DATA_DEPTH_EXCEEDED,
                request_was_sent=False,
            )
        if id(value) in above:
            raise ValueError(f"{self.option}: it contains itself, at {'.'.join(path)!r}")
        for key, given in _items(value):
            item = self._plain(given, (*path, key))
            if item is None:
                continue
            if not path and key.endswith("{}") and self._is_nested(item):
                yield key, to_json(item)
            elif not path and self._is_list_of_leaves(key, item):
                yield from self._listed(key.removesuffix("[]"), item)
            elif self._is_nested(item):
                yield from self.leaves(item, (*path, key), (*above, id(value)))
            else:
                yield self._name((*path, key)), item

    def _is_nested(self, value: Any) -> bool:
        return is_nested(value) and not self.is_part(value)

    def _is_list_of_leaves(self, key: str, value: Any) -> bool:
        if not (isinstance(value, (list, tuple)) and self._is_nested(value)):
            return False
        return key.endswith("[]") or not any(self._is_nested(item) for item in value)

    def _listed(self, key: str, items: Any) -> Iterator[tuple[str, Any]]:
        for index, given in enumerate(items):
            item = self._plain(given, (key, str(index)))
            if item is not None:
                if self.indexes:
                    yield self._name((key, str(index))), item
                else:
                    yield (key if self.indexes is None else f"{key}[]"), item

    def _plain(self, value: Any, path: tuple[str, ...]) -> Any:
        """Return a leaf that has a text, or a mapping, list or tuple."""
        while isinstance(value, Enum):
            value = value.value
        if value is None or isinstance(value, (str, int, float)):
            return value
        if is_nested(value) or self.is_part(value):
            return value
        if isinstance(value, (bytes, bytearray, memoryview)):
            try:
                return bytes(value).decode()
            except UnicodeDecodeError:
                raise TypeError(
                    f"{self.option}: the bytes in {'.'.join(path)!r} are not UTF-8; "
                    "encode them, for example with base64"
                ) from None
        if isinstance(value, Iterable):
            return [*value]
        # A class without a text of its own would send its address; a duration could mean anything.
        has_text = any("__str__" in vars(kind) for kind in type(value).__mro__[:-1])
        if not has_text or isinstance(value, datetime.timedelta):
            raise TypeError(
                f"{self.option}: {'.'.join(path)!r} is a {type(value).__name__}, which has no "
                "meaning as text; give a str or a number"
            )
        return value

    def _name(self, path: tuple[str, ...]) -> str:
        if len(path) == 1:
            return path[0]
        first, *rest = (part.removesuffix("[]") for part in path)
        if self.dots:
            return ".".join((first, *rest))
        return first + "".join(f"[{part}]" for part in rest)


def _items(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        return ((as_text(key).strip(), item) for key, item in value.items())
    return ((str(index), item) for index, item in enumerate(value))


# --- text ---


def as_text(value: Any) -> str:
    """Write a leaf as JavaScript does: ``true``, ``1`` for 1.0, an ISO 8601 date in UTC."""
    while isinstance(value, Enum):
        value = value.value
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
    """Encode ``text`` in UTF-8; a `ValueError` names ``option`` and does not show the text."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        problem = f"{option}: it holds half a character (a lone surrogate), which is no text"
    raise ValueError(problem)


def to_json(value: Any) -> str:
    """Make compact JSON; dates become ISO 8601."""
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


# --- header fields ---


def header_fields(headers: Headers) -> list[tuple[str, str]]:
    """Return names and values as they go on the wire, in Latin-1; those not sent are left out."""
    fields = []
    for name, value in headers.fields():
        if value is None or value is False:
            continue
        if not is_header_name(name):
            raise RequestError(
                f"headers: {name!r} is not a header name; use letters, digits and -",
                RequestError.ERR_BAD_OPTION_VALUE,
                request_was_sent=False,
            )
        text = value if isinstance(value, str) else _field_text(value)
        if not (text.isascii() and text.isprintable()):  # as in axios: nothing is injected
            text = text.translate(_NOT_IN_HEADERS).encode("latin-1", "ignore").decode("latin-1")
        fields.append((name, text.strip(" \t")))
    return fields


def _field_text(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return ", ".join(_field_text(item) for item in value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def basic_auth(auth: tuple[str, str]) -> str:
    """Return the ``Authorization`` of basic authentication (RFC 7617, in UTF-8)."""
    return f"Basic {base64.b64encode(encoded(':'.join(auth), 'auth')).decode()}"


def username_and_password(auth: Any, name: str = "auth") -> tuple[str, str]:
    """Return the two of a mapping or a pair, empty where they are missing."""
    if isinstance(auth, Mapping):
        username, password = auth.get("username") or "", auth.get("password") or ""
    elif isinstance(auth, (tuple, list)) and len(auth) == 2:
        username, password = auth
    else:
        raise TypeError(
            f"{name} must be a mapping with username and password, or a pair of them, "
            f"not {type(auth).__name__}"
        )
    for part in (username, password):
        if not isinstance(part, str):
            kind = type(part).__name__
            raise TypeError(f"{name}: user name and password must be str, not {kind}")
    return username, password
