"""The default transforms: data to a body, and a body to data (axios's ``defaults``)."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

from .body import multipart
from .config import Transforms
from .headers import Headers
from .params import as_text, encode_form, flatten, to_json

_FORM = "application/x-www-form-urlencoded"


def transform_request(data: Any, headers: Headers) -> Any:
    """Make a body of ``data``: JSON of a dict or list, or a form if the content type says so."""
    content_type = str(headers.get("content-type") or "")
    if isinstance(data, (dict, list, tuple)):
        if _FORM in content_type:
            return to_form(data)
        if "multipart/form-data" in content_type:
            return multipart(data)
        _set_default(headers, "application/json")
        return to_json(data)
    if "application/json" in content_type and not _is_raw(data):
        return data.strip() if isinstance(data, str) and _is_json(data) else to_json(data)
    return data


def to_form(data: Any) -> str:
    """``data`` as ``application/x-www-form-urlencoded`` text; bytes become base64."""
    return "&".join(
        f"{encode_form(name)}={encode_form(_form_text(value))}"
        for name, value in flatten(data, "data")
    )


def transform_response(data: Any, headers: Any = None, status: int | None = None) -> Any:
    """Make data of a body's text: JSON where it parses, else the text as it is."""
    if not isinstance(data, str) or not data:
        return data
    try:
        return _decoder.decode(data)
    except (ValueError, RecursionError):
        return data


def in_order(transforms: Transforms | None) -> tuple[Callable[..., Any], ...]:
    """One transform or several as a tuple.

    Raises:
        TypeError: One cannot be called.
    """
    if not transforms:
        return ()
    several = (transforms,) if callable(transforms) else tuple(transforms)
    for transform in several:
        if not callable(transform):
            raise TypeError(f"a transform must be callable, not {type(transform).__name__}")
    return several


def _refuse_constant(name: str) -> None:
    """NaN and Infinity are no JSON (RFC 8259, section 6), though Python's parser takes them."""
    raise ValueError(f"{name} is not JSON")


_decoder = json.JSONDecoder(parse_constant=_refuse_constant)


def _set_default(headers: Headers, content_type: str) -> None:
    if "content-type" not in headers:
        headers["Content-Type"] = content_type


def _is_raw(data: Any) -> bool:
    is_text_or_number = data is None or isinstance(data, (str, bool, int, float))
    return not is_text_or_number


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _form_text(value: Any) -> str:
    if isinstance(value, (bytes, bytearray)):
        return base64.b64encode(value).decode()
    return as_text(value)
