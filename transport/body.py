"""The body of a request as it goes on the wire, and whether it can go there twice."""

from __future__ import annotations

from collections.abc import AsyncIterable, Iterable, Iterator, Mapping
from typing import Any

from attrs import field, frozen

from .errors import RequestError
from .params import as_text, flatten

CHUNK = 64 * 1024


@frozen(repr=False)
class FileBody:
    """A file that can seek: each iteration begins where it stood when the request was made."""

    file: Any
    start: int

    def __iter__(self) -> Iterator[bytes]:
        self.file.seek(self.start)
        while chunk := self.file.read(CHUNK):
            yield chunk


@frozen(repr=False)
class FormBody:
    """The parts of a ``multipart/form-data`` body: names with text, bytes, files or file tuples."""

    parts: list[tuple[str, Any]] = field(factory=list, repr=False)


def multipart(data: Any) -> FormBody:
    """The parts for a nested mapping; names as in `flatten`."""
    return FormBody(flatten(data, "data"))


def as_file(value: Any) -> Any:
    """A part as HTTP clients take it: ``(file name, content, content type)``."""
    if isinstance(value, tuple) or hasattr(value, "read"):
        return value
    if isinstance(value, (bytes, bytearray)):
        return (None, bytes(value), "application/octet-stream")
    return (None, as_text(value))


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
        return data.encode()
    if isinstance(data, (bytearray, memoryview)):
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
