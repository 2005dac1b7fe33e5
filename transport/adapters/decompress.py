"""Decompresses a body, a piece at a time: what is small on the wire may be huge.

HTTP clients decompress whatever one read gives them, which may become a thousand times as much with
each layer of compression, before a limit of size is asked.
"""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator, Sequence

import httpx

#: Bytes that are decompressed at once.
_PIECE = 64 * 1024

#: How often a body may be compressed; more than two is nothing that a server has reason to do.
_MOST_LAYERS = 5


class _Inflating:
    """Takes away one layer of compression.

    Args:
        formats: What may come, as zlib's ``wbits``; the first that fits the beginning is taken.
    """

    def __init__(self, *formats: int) -> None:
        self._formats = list(formats)
        self._inflate = zlib.decompressobj(self._formats.pop(0))

    def __call__(self, data: bytes) -> Iterator[bytes]:
        while piece := self._decompress(data):
            yield piece
            data = self._inflate.unconsumed_tail

    def _decompress(self, data: bytes) -> bytes:
        try:
            piece = self._inflate.decompress(data, _PIECE)
        except zlib.error as error:
            if not self._formats:
                raise httpx.DecodingError(str(error)) from None
            self._inflate = zlib.decompressobj(self._formats.pop(0))
            return self._decompress(data)
        self._formats.clear()
        return piece


_GZIP = (zlib.MAX_WBITS | 16,)

#: RFC 9110, section 8.4.1. A deflate without its header is wrong, and common.
_FORMATS = {"gzip": _GZIP, "x-gzip": _GZIP, "deflate": (zlib.MAX_WBITS, -zlib.MAX_WBITS)}

Layers = Sequence[Callable[[bytes], Iterable[bytes]]]


def layers_of(content_encoding: str | None) -> Layers | None:
    """What takes away the layers of compression that a ``Content-Encoding`` names, outermost first.

    Returns:
        ``None`` if there is none, or if one of them is for the client to take away.

    Raises:
        httpx.DecodingError: There are too many.
    """
    if not content_encoding:
        return None
    names = [name.strip().lower() for name in content_encoding.split(",")]
    names = [name for name in names if name not in ("", "identity")]
    if len(names) > _MOST_LAYERS:
        raise httpx.DecodingError(
            f"the body was compressed {len(names)} times; {_MOST_LAYERS} are the most"
        )
    if not names or not _FORMATS.keys() >= set(names):
        return None
    return [_Inflating(*_FORMATS[name]) for name in reversed(names)]


async def decoded(raw: AsyncIterable[bytes], layers: Layers) -> AsyncIterator[bytes]:
    """The pieces of a body without its layers of compression."""
    async for data in raw:
        for piece in _through(layers, data):
            yield piece


def _through(layers: Layers, data: bytes) -> Iterator[bytes]:
    if not layers:
        yield data
        return
    for piece in layers[0](data):
        yield from _through(layers[1:], piece)
