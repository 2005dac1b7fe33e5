"""Bodies: what the default transforms make of data, and which bodies can be sent twice."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import AsyncIterable, Callable, Iterable, Iterator
from types import NoneType
from typing import Any

from attrs import field, frozen

from .config import Transforms
from .encoding import as_text, encode_form, encoded, flatten, is_nested, to_json
from .errors import RequestError
from .headers import Headers

#: Bytes that are read from a file at once.
CHUNK = 64 * 1024

_FORM = "application/x-www-form-urlencoded"


# --- the default transforms (axios's ``defaults``) ---


def transform_request(data: Any, headers: Headers) -> Any:
    """Make a body of ``data``: JSON of a dict or list, or a form if the content type says so."""
    content_type = str(headers.get("content-type") or "")
    if isinstance(data, (dict, list, tuple)):
        if _FORM in content_type:
            return _form(data)
        if "multipart/form-data" in content_type:
            return _multipart(data)
        if "content-type" not in headers:
            headers["Content-Type"] = "application/json"
        return to_json(data)
    if "application/json" in content_type and isinstance(data, (str, int, float, NoneType)):
        if isinstance(data, str) and transform_response(data) is not data:  # it was parsed
            return data.strip()
        return to_json(data)
    return data


def transform_response(data: Any, headers: Any = None, status: int | None = None) -> Any:
    """Make data of the text of a body: JSON where it parses, else the text as it is."""
    if not isinstance(data, str) or not data:
        return data
    try:
        return _decoder.decode(data)
    except (ValueError, RecursionError):
        return data


def in_order(transforms: Transforms | None) -> tuple[Callable[..., Any], ...]:
    """Return one transform or several as a tuple."""
    if not transforms:
        return ()
    return (transforms,) if callable(transforms) else tuple(transforms)


def _refuse_constant(name: str) -> None:
    """NaN and Infinity are no JSON (RFC 8259, section 6), though Python's parser takes them."""
    raise ValueError(f"{name} is not JSON")


_decoder = json.JSONDecoder(parse_constant=_refuse_constant)


def _form(data: Any) -> str:
    """Make ``application/x-www-form-urlencoded`` text; bytes become base64."""
    pairs = []
    for name, value in flatten(data, "data", is_part=is_bytes):
        text = base64.b64encode(value).decode() if is_bytes(value) else as_text(value)
        pairs.append(f"{encode_form(name)}={encode_form(text)}")
    return "&".join(pairs)


# --- multipart ---


@frozen(repr=False)
class FormBody:
    """The parts of a ``multipart/form-data`` body: names, and files as httpx takes them."""

    parts: list[tuple[str, Any]] = field(repr=False)


def _multipart(data: Any) -> FormBody:
    """Flatten ``data`` into a form."""
    parts = flatten(data, "data", is_part=_is_part)
    return FormBody([(name, _part(name, value)) for name, value in parts])


def _is_part(value: Any) -> bool:
    return is_bytes(value) or hasattr(value, "read") or _is_file_tuple(value)


def _is_file_tuple(value: Any) -> bool:
    return (
        isinstance(value, tuple)
        and len(value) in (2, 3)
        and (value[0] is None or isinstance(value[0], str))
        and (is_bytes(value[1]) or hasattr(value[1], "read"))
    )


def is_bytes(value: Any) -> bool:
    """Return True for bytes in any form."""
    return isinstance(value, (bytes, bytearray, memoryview))


def _part(name: str, value: Any) -> Any:
    """Return a part as httpx takes it: a file, or ``(file name, content, content type)``."""
    part: tuple[Any, ...] = (None, value, None)
    if _is_file_tuple(value):
        part = (*value, None)[:3]
    elif is_bytes(value):
        part = (None, value, "application/octet-stream")
    elif not hasattr(value, "read"):
        return (None, as_text(value))
    file_name, content, content_type = part
    if content_type is not None and not isinstance(content_type, str):
        kind = type(content_type).__name__
        raise TypeError(f"data: the content type of {name!r} must be a str, not {kind}")
    if content_type is not None and not content_type.isprintable():
        raise ValueError(f"data: the content type of {name!r} has control characters")
    if is_bytes(content):
        return (file_name, bytes(content), content_type)
    if not isinstance(content.read(0), bytes):
        raise TypeError(f"data: the file in {name!r} must give bytes; open it in mode 'rb'")
    return value


# --- bodies ---


@frozen(repr=False)
class FileBody:
    """A file that can seek: each iteration begins where it stood when the request was made."""

    file: Any
    start: int

    def length(self) -> int | None:
        """How many bytes there are; ``None`` for text, whose characters may be longer."""
        if not isinstance(self.file.read(0), bytes):
            return None
        end = self.file.seek(0, os.SEEK_END)
        return max(int(end) - self.start, 0)

    def __iter__(self) -> Iterator[bytes]:
        self.file.seek(self.start)
        yield from _pieces(self.file)


def to_body(data: Any) -> Any:
    """Turn transformed data into what can be sent: ``None``, bytes, or an iterable of bytes."""
    if data is None or data is False or data == 0:
        return None
    if isinstance(data, (bytes, FileBody, FormBody)):
        return data
    if isinstance(data, str):
        return encoded(data, "data")
    if is_bytes(data):
        return bytes(data)
    if hasattr(data, "read"):
        return FileBody(data, data.tell()) if _can_seek(data) else _pieces(data)
    if isinstance(data, (Iterable, AsyncIterable)) and not is_nested(data):
        return data
    raise RequestError(
        "Data after transformation must be a string, an ArrayBuffer, a Buffer, or a Stream",
        RequestError.ERR_BAD_REQUEST,
        request_was_sent=False,
    )


def can_be_sent_again(body: Any) -> bool:
    """Return True unless sending ``body`` once uses it up: an iterator is gone, a file can seek."""
    if isinstance(body, FormBody):
        return all(_part_can(value) for _, value in body.parts)
    if body is None or isinstance(body, (bytes, FileBody)):
        return True
    return not (hasattr(body, "__next__") or hasattr(body, "__anext__"))


def why_not_again(body: Any) -> str:
    """Return the note for a request whose body cannot be sent a second time."""
    return (
        f"the request was not sent again after the token was refreshed: its body, a "
        f"{type(body).__name__}, can be read only once; send bytes, text or a file that can seek"
    )


def _part_can(value: Any) -> bool:
    content = value[1] if isinstance(value, tuple) else value
    return not hasattr(content, "read") or _can_seek(content)


def _can_seek(file: Any) -> bool:
    seekable = getattr(file, "seekable", None)
    return bool(seekable and seekable())


def _pieces(file: Any) -> Iterator[bytes]:
    while chunk := file.read(CHUNK):
        yield chunk
