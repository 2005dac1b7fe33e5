"""The body of a request as it goes on the wire, and whether it can go there twice."""

from __future__ import annotations

import os
from collections.abc import AsyncIterable, Iterable, Iterator, Mapping
from typing import Any

from attrs import field, frozen

from .errors import RequestError
from .params import as_text, encoded, flatten, is_nested

CHUNK = 64 * 1024


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
        while chunk := self.file.read(CHUNK):
            yield chunk


@frozen(repr=False)
class FormBody:
    """The parts of a ``multipart/form-data`` body: names with text, bytes, files or file tuples."""

    parts: list[tuple[str, Any]] = field(factory=list, repr=False)


def multipart(data: Any) -> FormBody:
    """The parts for a nested mapping; names as in `flatten`.

    A tuple ``(file name, content)`` or ``(file name, content, content type)``, its content bytes or
    a file, is one part, as in httpx; any other tuple is a list.

    Raises:
        TypeError: A file does not give bytes, or a content type is not a str.
        ValueError: A content type has control characters, which would begin another header.
    """
    parts = flatten(data, "data", nested=lambda value: is_nested(value) and not _is_file(value))
    for name, value in parts:
        _check_part(name, value)
    return FormBody(parts)


def as_file(value: Any) -> Any:
    """A part as HTTP clients take it: ``(file name, content, content type)``."""
    if isinstance(value, tuple):
        name, content, *content_type = value
        return (name, content if hasattr(content, "read") else bytes(content), *content_type)
    if hasattr(value, "read"):
        return value
    if _is_bytes(value):
        return (None, bytes(value), "application/octet-stream")
    return (None, as_text(value))


def _is_file(value: Any) -> bool:
    return (
        isinstance(value, tuple)
        and len(value) in (2, 3)
        and (value[0] is None or isinstance(value[0], str))
        and (_is_bytes(value[1]) or hasattr(value[1], "read"))
    )


def _is_bytes(value: Any) -> bool:
    return isinstance(value, (bytes, bytearray, memoryview))


def _check_part(name: str, value: Any) -> None:
    content, content_type = value, None
    if isinstance(value, tuple):
        content, content_type = value[1], (*value, None)[2]
    if hasattr(content, "read") and not isinstance(content.read(0), bytes):
        raise TypeError(f"data: the file in {name!r} must give bytes; open it in mode 'rb'")
    if content_type is None:
        return
    if not isinstance(content_type, str):
        kind = type(content_type).__name__
        raise TypeError(f"data: the content type of {name!r} must be a str, not {kind}")
    if not content_type.isprintable():
        raise ValueError(f"data: the content type of {name!r} has control characters")


def to_body(data: Any) -> Any:
    """Transformed data as something that can be sent: ``None``, bytes, or an iterable of bytes.

    Raises:
        RequestError: ``ERR_BAD_REQUEST``: it is neither (a dict that no transform made text of).
    """
    if data is None or data is False or data == 0:
        return None
    if isinstance(data, (bytes, FileBody, FormBody)):
        return data
    if isinstance(data, str):
        return encoded(data, "data")
    if _is_bytes(data):
        return bytes(data)
    if hasattr(data, "read"):
        return FileBody(data, data.tell()) if _can_seek(data) else _pieces(data)
    if isinstance(data, (Iterable, AsyncIterable)) and not isinstance(data, (Mapping, list, tuple)):
        return data
    raise RequestError(
        "Data after transformation must be a string, an ArrayBuffer, a Buffer, or a Stream",
        RequestError.ERR_BAD_REQUEST,
        request_was_sent=False,
    )


def can_be_sent_again(body: Any) -> bool:
    """Whether sending ``body`` once has not used it up: an iterator is gone, a file can seek."""
    if isinstance(body, FormBody):
        return all(_part_can(value) for _, value in body.parts)
    return body is None or isinstance(body, (bytes, FileBody))


def why_not_again(body: Any) -> str:
    """Why ``body`` cannot be sent a second time, for the note of an error."""
    return (
        f"the request was not sent again after the token was renewed: its body, a "
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
