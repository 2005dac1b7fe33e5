"""The functions that ``$fn`` names, by the option in which they stand.

Each table gives, for a name, a maker: it takes the rest of the description, and gives the function.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias
from urllib.parse import quote

Maker: TypeAlias = Callable[[Mapping[str, Any]], Callable[..., Any]]


class RaisedError(Exception):
    """What transforms and handlers of a program raise; it must come out as it went in."""


def _validator(accepts: Callable[[Mapping[str, Any], int], bool]) -> Maker:
    return lambda spec: lambda status: accepts(spec, status)


def _serializer(serialize: Callable[[Mapping[str, Any], list[str]], str]) -> Maker:
    return lambda spec: lambda params: serialize(spec, _pairs(params))


def _transform(transform: Callable[[Mapping[str, Any], Any, Any, int | None], Any]) -> Maker:
    def maker(spec: Mapping[str, Any]) -> Callable[..., Any]:
        return lambda data, headers, status=None: transform(spec, data, headers, status)

    return maker


def _pairs(params: Mapping[str, Any]) -> list[str]:
    def text(value: object) -> str:
        return str(value).lower() if isinstance(value, bool) else str(value)

    return [f"{name}={text(value)}" for name, value in params.items()]


def _set_header(spec: Mapping[str, Any], data: Any, headers: Any, _status: int | None) -> Any:
    headers[spec["name"]] = spec["value"]
    return data


def _raise(spec: Mapping[str, Any], *_: Any) -> Any:
    raise RaisedError(spec["message"])


VALIDATORS: dict[str, Maker] = {
    "below": _validator(lambda spec, status: status < spec["limit"]),
    "in": _validator(lambda spec, status: status in spec["statuses"]),
    "always": _validator(lambda _spec, _status: True),
    "never": _validator(lambda _spec, _status: False),
}

SERIALIZERS: dict[str, Maker] = {
    "pairs": _serializer(lambda spec, pairs: spec.get("sep", "&").join(pairs)),
    "sorted": _serializer(lambda _spec, pairs: "&".join(sorted(pairs))),
    "const": _serializer(lambda spec, _pairs: spec["value"]),
}

ENCODERS: dict[str, Maker] = {
    "identity": lambda _spec: lambda text: text,
    "upper": lambda _spec: lambda text: quote(text, safe="-_.!~*'()").upper(),
}

TRANSFORMS: dict[str, Maker] = {
    "json": _transform(
        lambda _spec, data, *_: json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    ),
    "parse": _transform(lambda _spec, data, *_: json.loads(data)),
    "upper": _transform(lambda _spec, data, *_: data.upper()),
    "prefix": _transform(lambda spec, data, *_: spec["value"] + data),
    "wrap": _transform(lambda spec, data, *_: {spec["key"]: data}),
    "put": _transform(lambda spec, data, *_: {**data, spec["key"]: spec["value"]}),
    "pick": _transform(lambda spec, data, *_: data[spec["key"]]),
    "const": _transform(lambda spec, *_: spec["value"]),
    "length": _transform(lambda _spec, data, *_: len(data)),
    "status": _transform(lambda _spec, data, _headers, status: {"status": status, "data": data}),
    "header": _transform(_set_header),
    "see_header": _transform(
        lambda spec, data, headers, _status: {"header": headers.get(spec["name"]), "data": data}
    ),
    "raise": _transform(_raise),
}

FUNCTIONS: dict[str, dict[str, Maker]] = {
    "validate_status": VALIDATORS,
    "params_serializer": SERIALIZERS,
    "serialize": SERIALIZERS,
    "encode": ENCODERS,
    "transform_request": TRANSFORMS,
    "transform_response": TRANSFORMS,
}
