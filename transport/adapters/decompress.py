"""Decompresses a body bit by bit: what is small on the wire may be huge."""

from __future__ import annotations

import functools
import zlib
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterator, Sequence

import httpx

from ..errors import RequestError

#: Bytes that are decompressed at once.
_PIECE = 64 * 1024

#: Bytes of zstd that are decompressed at once: each 4 may become a block of 128 KB.
_SLICE = 256

#: Bytes that a server may ask to be remembered (RFC 9659).
_WINDOW = 8 << 20

#: How often a body may be compressed; more than two is nothing that a server has reason to do.
_MOST_LAYERS = 5

_GZIP_MEMBER = b"\x1f\x8b"


class _Layer:
    """One layer of compression; ``surplus`` counts the bytes that have come after its end."""

    surplus = 0

    def pieces(self, data: bytes) -> Iterator[bytes]:
        """Decompress what has arrived."""
        raise NotImplementedError


class _Zlib(_Layer):
    """gzip and deflate: of ``formats``, zlib's ``wbits``, the first that fits the beginning."""

    def __init__(self, *formats: int) -> None:
        self._formats = list(formats)
        self._inflate = zlib.decompressobj(self._formats.pop(0))

    def pieces(self, data: bytes) -> Iterator[bytes]:
        while data:
            if self._inflate.eof:
                if not data.startswith(_GZIP_MEMBER):  # a gzip file may be several (RFC 1952)
                    self.surplus += len(data)
                    return
                self._inflate = zlib.decompressobj(_GZIP)
            if piece := self._decompress(data):
                yield piece
            data = self._inflate.unconsumed_tail or self._inflate.unused_data

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


class _Brotli(_Layer):
    def __init__(self) -> None:
        import brotli  # type: ignore[import-untyped]

        self._error = brotli.error
        self._decompressor = brotli.Decompressor()
        _ = self._decompressor.can_accept_more_data  # older ones know no limit

    def pieces(self, data: bytes) -> Iterator[bytes]:
        try:  # what comes after the end is an error to it
            while piece := self._decompressor.process(data, output_buffer_limit=_PIECE):
                yield piece
                data = b""
        except self._error as error:
            raise httpx.DecodingError(str(error)) from None


class _Zstd(_Layer):
    def __init__(self) -> None:
        import zstandard

        self._error = zstandard.ZstdError
        self._context = zstandard.ZstdDecompressor(max_window_size=_WINDOW)
        self._decompress = self._context.decompressobj()

    def pieces(self, data: bytes) -> Iterator[bytes]:
        try:
            for start in range(0, len(data), _SLICE):
                rest = data[start : start + _SLICE]
                while rest:
                    if self._decompress.eof:  # a body may be several frames (RFC 8878)
                        self._decompress = self._context.decompressobj()
                    if piece := self._decompress.decompress(rest):
                        yield piece
                    rest = self._decompress.unused_data
        except self._error as error:
            raise httpx.DecodingError(str(error)) from None


_GZIP = zlib.MAX_WBITS | 16

#: RFC 9110, section 8.4.1. A deflate without its header is wrong, and common.
_LAYERS: dict[str, Callable[[], _Layer]] = {
    "gzip": lambda: _Zlib(_GZIP),
    "x-gzip": lambda: _Zlib(_GZIP),
    "deflate": lambda: _Zlib(zlib.MAX_WBITS, -zlib.MAX_WBITS),
    "br": _Brotli,
    "zstd": _Zstd,
}

_PACKAGES = {"br": "brotli 1.2 or newer", "zstd": "zstandard"}


@functools.lru_cache(maxsize=16)
def acceptable(accept_encoding: str) -> str:
    """Leave out of an ``Accept-Encoding`` what cannot be decompressed bit by bit here."""
    names = accept_encoding.split(", ")
    return ", ".join(name for name in names if name not in _PACKAGES or _is_there(name))


def _is_there(name: str) -> bool:
    try:
        return bool(_layer(name))
    except httpx.DecodingError:
        return False


def layers_of(content_encoding: str | None) -> Sequence[_Layer]:
    """Return the layers of a ``Content-Encoding``, outermost first; none if one is unknown."""
    names = [name.strip().lower() for name in (content_encoding or "").split(",")]
    names = [name for name in names if name not in ("", "identity")]
    if len(names) > _MOST_LAYERS:
        raise httpx.DecodingError(
            f"the body was compressed {len(names)} times; {_MOST_LAYERS} are the most"
        )
    if not _LAYERS.keys() >= set(names):
        return ()
    return [_layer(name) for name in reversed(names)]


def _layer(name: str) -> _Layer:
    try:
        return _LAYERS[name]()
    except (ImportError, AttributeError):
        problem = f"the body is compressed with {name}: install {_PACKAGES[name]}"
    raise httpx.DecodingError(problem)


async def decoded(
    raw: AsyncIterable[bytes], layers: Sequence[_Layer], limit: int | None
) -> AsyncIterator[bytes]:
    """The pieces of a body without its layers; what comes after its end counts, too."""
    received = 0
    async for data in raw:
        for piece in _through(layers, data):
            received += len(piece)
            yield piece
        if limit is not None and received + sum(layer.surplus for layer in layers) > limit:
            raise too_long(limit)


def too_long(limit: int) -> RequestError:
    """Return the error for a body that is longer than ``max_content_length``."""
    return RequestError(f"maxContentLength size of {limit} exceeded", RequestError.ERR_BAD_RESPONSE)


def _through(layers: Sequence[_Layer], data: bytes) -> Iterator[bytes]:
    if not layers:
        yield data
        return
    for piece in layers[0].pieces(data):
        yield from _through(layers[1:], piece)
