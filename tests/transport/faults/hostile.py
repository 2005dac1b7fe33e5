"""Servers that mean harm: what each sends instead of an answer."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable, Iterable

import brotli  # type: ignore[import-untyped]
import zstandard
from attrs import define
from zustax.transport.testing import Fault, faults
from zustax.transport.testing.wire import Wire

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"


def sends(*pieces: bytes, then_closes: bool = False) -> Fault:
    """Send these, and keep the connection."""

    async def fault(wire: Wire) -> None:
        for piece in pieces:
            await wire.send(piece)
        if not then_closes:
            await wire.stall()

    return fault


def floods(first: bytes, piece: bytes) -> Fault:
    """Send ``piece`` again and again."""

    async def fault(wire: Wire) -> None:
        await wire.send(first)
        while True:
            await wire.send(piece)

    return fault


def sized(*headers: bytes, body: bytes, length: int | None = None) -> Fault:
    """Send a body of a length; ``length`` is what is said of it."""
    said = b"Content-Length: %d" % (len(body) if length is None else length)
    head = OK + b"\r\n".join((*headers, said)) + b"\r\n\r\n"
    return sends(head + body, then_closes=length is None)


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


@define
class Compressed:
    """Send what ``make`` gives; a bomb is made when it is needed."""

    encoding: str
    make: Callable[[], bytes]
    body: bytes = b""

    async def __call__(self, wire: Wire) -> None:
        await sized(b"Content-Encoding: " + self.encoding.encode(), body=self.body)(wire)


def compressed_flood(encoding: str, first: bytes, piece: bytes) -> Fault:
    head = OK + b"Content-Encoding: %b\r\nTransfer-Encoding: chunked\r\n\r\n" % encoding.encode()
    return floods(head + chunk(first), chunk(piece))


def packed(parts: Iterable[bytes]) -> bytes:
    return b"".join(parts)


ZEROS = bytes(1 << 20)


def gzip_bomb() -> bytes:
    packer = zlib.compressobj(wbits=zlib.MAX_WBITS | 16)
    return packed(packer.compress(ZEROS) for _ in range(128)) + packer.flush()


def deflate_bomb() -> bytes:
    packer = zlib.compressobj()
    return packed(packer.compress(ZEROS) for _ in range(128)) + packer.flush()


def brotli_bomb() -> bytes:
    packer = brotli.Compressor(quality=1)
    return packed(packer.process(ZEROS) for _ in range(128)) + bytes(packer.finish())


def zstd_bomb() -> bytes:
    packer = zstandard.ZstdCompressor(level=1).compressobj()
    return packed(packer.compress(ZEROS) for _ in range(128)) + packer.flush()


def zstd_with_a_huge_window() -> bytes:
    far = zstandard.ZstdCompressionParameters.from_level(1, window_log=27)
    packer = zstandard.ZstdCompressor(compression_params=far).compressobj()
    return packer.compress(bytes(1 << 20)) + packer.flush()


def deflate_of_nothing() -> tuple[bytes, bytes]:
    """The beginning, and a block that becomes nothing."""
    packer = zlib.compressobj(wbits=zlib.MAX_WBITS | 16)
    return packer.compress(b"") + packer.flush(zlib.Z_FULL_FLUSH), b"\x00\x00\x00\xff\xff" * 4000


def in_layers(count: int) -> bytes:
    body = b"{}"
    for _ in range(count):
        body = gzip.compress(body)
    return body


SKIPPED_FRAME = b"\x50\x2a\x4d\x18\x00\x00\x00\x00"

SERVERS: dict[str, Fault] = {
    # instead of an answer
    "says nothing": faults.stall(),
    "closes": faults.hang_up(),
    "resets": faults.reset(),
    "another protocol": faults.garbage(),
    "no head at all": sends(b'{"a": 1}\r\n\r\n', then_closes=True),
    "status of letters": sends(b"HTTP/1.1 two hundred\r\n\r\n"),
    "status 999": sends(b"HTTP/1.1 999 Odd\r\nContent-Length: 2\r\n\r\n{}", then_closes=True),
    "status 000": sends(b"HTTP/1.1 000 Odd\r\nContent-Length: 2\r\n\r\n{}", then_closes=True),
    "another version": sends(b"HTTP/9.9 200 OK\r\nContent-Length: 2\r\n\r\n{}", then_closes=True),
    "status line without an end": floods(b"HTTP/1.1 200 ", b"x" * 65536),
    # before the answer
    "flood of 100": floods(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 200),
    "flood of 102": floods(b"", b"HTTP/1.1 102 Processing\r\n\r\n"),
    "flood of 103": floods(b"", b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * 200),
    "101 that was not asked for": sends(b"HTTP/1.1 101 Switching\r\n\r\nabc", then_closes=True),
    # in the headers
    "endless headers": faults.endless_headers(),
    "endless value": floods(OK + b"X: ", b"x" * 65536),
    "endless name": floods(OK, b"x" * 65536),
    "folded without an end": floods(OK + b"X: a\r\n", b" folded\r\n" * 1000),
    "trickling headers": faults.trickling_headers(),
    "blank before the colon": sends(OK + b"Set-Cookie : a=b\r\nContent-Length: 0\r\n\r\n"),
    "no colon": sends(OK + b"nothing\r\nContent-Length: 0\r\n\r\n"),
    "control characters": sends(OK + b"X: a\x00b\x01\r\nContent-Length: 2\r\n\r\n{}"),
    "many cookies": sized(*(b"Set-Cookie: c%d=1" % i for i in range(2000)), body=b"{}"),
    # lying lengths
    "negative length": sends(OK + b"Content-Length: -1\r\n\r\n{}"),
    "length beyond all numbers": sends(OK + b"Content-Length: 1" + b"0" * 400 + b"\r\n\r\n{}"),
    "length of letters": sends(OK + b"Content-Length: many\r\n\r\n{}"),
    "two lengths": sends(OK + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n{}"),
    "length and chunks": sends(OK + b"Content-Length: 1\r\n" + CHUNKED[len(OK) :] + chunk(b"{}")),
    "unknown transfer-encoding": sends(OK + b"Transfer-Encoding: none\r\n\r\n{}"),
    "length too long": sized(body=b"{}", length=10),
    "length too long, then closed": sends(OK + b"Content-Length: 9\r\n\r\n{}", then_closes=True),
    "length too short": sized(body=b'{"a": 1}', length=2),
    "204 with a body": sends(b"HTTP/1.1 204 None\r\nContent-Length: 2\r\n\r\n{}"),
    # slow or endless bodies
    "trickles": faults.trickle(pause=0.05),
    "stops in the middle": faults.stall_in_the_body(),
    "resets in the middle": faults.reset_in_the_body(),
    "endless body": floods(OK + b"\r\n", b"x" * 65536),
    "endless chunks": faults.endless_body(),
    "endless chunks of one byte": floods(CHUNKED, chunk(b"x") * 1000),
    "chunk of no end": sends(CHUNKED + b"7fffffffffffffff\r\nabc"),
    "chunk size of no end": floods(CHUNKED, b"0" * 65536),
    "chunk extension of no end": floods(CHUNKED + b"1;x=", b"x" * 65536),
    "chunk without a size": faults.broken_chunks(),
    "endless trailers": floods(CHUNKED + b"0\r\n", b"X-Trailer: x\r\n" * 1000),
    "deep JSON": sized(b"Content-Type: application/json", body=b"[" * 200_000),
    # compressed
    "no gzip": Compressed("gzip", lambda: b"no gzip"),
    "gzip bomb": Compressed("gzip", gzip_bomb),
    "gzip bomb in a gzip bomb": Compressed("gzip, gzip", lambda: gzip.compress(gzip_bomb())),
    "deflate bomb": Compressed("deflate", deflate_bomb),
    "brotli bomb": Compressed("br", brotli_bomb),
    "zstd bomb": Compressed("zstd", zstd_bomb),
    "brotli bomb in gzip": Compressed("br, gzip", lambda: gzip.compress(brotli_bomb())),
    "zstd with a huge window": Compressed("zstd", zstd_with_a_huge_window),
    "six layers": Compressed(", ".join(["gzip"] * 6), lambda: in_layers(6)),
    "gzip blocks of nothing": compressed_flood("gzip", *deflate_of_nothing()),
    "gzip members of nothing": compressed_flood(
        "gzip", gzip.compress(b""), gzip.compress(b"") * 99
    ),
    "zstd frames of nothing": compressed_flood("zstd", SKIPPED_FRAME, SKIPPED_FRAME * 1000),
    "bytes after a gzip body": compressed_flood("gzip", gzip.compress(b"{}"), b"x" * 65536),
    "bytes after a brotli body": compressed_flood("br", brotli.compress(b"{}"), b"x" * 65536),
    # redirects
    "redirects to itself": sends(b"HTTP/1.1 302 Found\r\nLocation: ?\r\nContent-Length: 0\r\n\r\n"),
    "redirects nowhere": sends(b"HTTP/1.1 302 Found\r\nLocation: http://xn--/\r\n\r\n"),
    "redirect with an endless body": floods(
        b"HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n", b"x" * 999
    ),
}

#: One of each kind, for every day.
QUICK = frozenset(
    (
        *("flood of 100", "blank before the colon", "length too short", "brotli bomb"),
        *("gzip blocks of nothing", "bytes after a gzip body"),
    )
)
