r"""What can go wrong with an answer, ready to be given to `MisbehavingServer.fail`.

    server.fail("/items", faults.half_a_body(), times=1)

A fault is an async function of the `Wire`; the connection is closed behind it. So is one of yours:

    async def too_early(wire):
        await wire.send(b"HTTP/1.1 103 Early Hints\r\n\r\n")
        await wire.stall()

Faults that have no end go on until the client leaves, or the server ends.
"""

from __future__ import annotations

import gzip
import struct
import zlib

from .messages import head_of
from .wire import Fault, Wire

#: The body of which a part is sent, or that is sent slowly; short enough for one packet.
BODY = b'{"text": "' + b"x" * 1000 + b'"}'

_JSON = ("Content-Type", "application/json")
_CHUNKED = ("Transfer-Encoding", "chunked")
_GZIP = ("Content-Encoding", "gzip")
_PIECE = 64 * 1024


# --- instead of an answer ---


def hang_up() -> Fault:
    """Close the connection without a word, as TCP does in good order (FIN)."""

    async def fault(_wire: Wire) -> None: ...

    return fault


def reset() -> Fault:
    """Break the connection off without a word (RST)."""

    async def fault(wire: Wire) -> None:
        wire.reset()

    return fault


def stall() -> Fault:
    """Never answer, and keep the connection."""

    async def fault(wire: Wire) -> None:
        await wire.stall()

    return fault


def garbage(data: bytes = b"220 mail.example.com ready\r\n\r\n") -> Fault:
    """Answer with something that is no HTTP, and keep the connection.

    Args:
        data: What to send.
    """

    async def fault(wire: Wire) -> None:
        await wire.send(data)
        await wire.stall()

    return fault


# --- in the headers ---


def endless_headers() -> Fault:
    """Send header after header, as fast as the client takes them."""

    async def fault(wire: Wire) -> None:
        await wire.send(b"HTTP/1.1 200 OK\r\n")
        piece = b"X-Header: x\r\n" * 100
        while True:
            await wire.send(piece)

    return fault


def trickling_headers(pause: float = 0.01) -> Fault:
    """Send one header that has no end, byte by byte.

    Args:
        pause: Seconds between two bytes.
    """

    async def fault(wire: Wire) -> None:
        await wire.send(b"HTTP/1.1 200 OK\r\nX-Header: ")
        while True:
            await wire.send(b"x")
            await wire.pause(pause)

    return fault


def content_length(difference: int) -> Fault:
    """Send a ``Content-Length`` that is wrong, and keep the connection.

    Args:
        difference: Bytes that it says beyond those that are sent; negative: that are sent beyond
            those that it says.
    """

    async def fault(wire: Wire) -> None:
        await wire.send(_head(len(BODY) + difference) + BODY)
        await wire.stall()

    return fault


# --- in the body ---


def half_a_body() -> Fault:
    """Send half of the body, and close the connection."""

    async def fault(wire: Wire) -> None:
        await wire.send(_half())

    return fault


def reset_in_the_body() -> Fault:
    """Send half of the body, and break the connection off (RST)."""

    async def fault(wire: Wire) -> None:
        await wire.send(_half())
        wire.reset()

    return fault


def stall_in_the_body() -> Fault:
    """Send half of the body, and then nothing more."""

    async def fault(wire: Wire) -> None:
        await wire.send(_half())
        await wire.stall()

    return fault


def trickle(body: bytes = BODY, pause: float = 0.01) -> Fault:
    """Send a body byte by byte.

    Args:
        body: What to send.
        pause: Seconds between two bytes.
    """

    async def fault(wire: Wire) -> None:
        await wire.send(_head(len(body)))
        for byte in body:
            await wire.send(bytes((byte,)))
            await wire.pause(pause)

    return fault


def endless_body() -> Fault:
    """Send a body that has no end, as fast as the client takes it."""

    async def fault(wire: Wire) -> None:
        await wire.send(head_of(200, (_JSON, _CHUNKED)))
        piece = _chunk(b"x" * _PIECE)
        while True:
            await wire.send(piece)

    return fault


def broken_chunks() -> Fault:
    """Send a chunk whose size is no number (RFC 9112, section 7.1), and keep the connection."""

    async def fault(wire: Wire) -> None:
        await wire.send(head_of(200, (_JSON, _CHUNKED)) + b"no size\r\n" + BODY + b"\r\n")
        await wire.stall()

    return fault


def broken_gzip() -> Fault:
    """Send a body that is not compressed although it says so, and keep the connection."""

    async def fault(wire: Wire) -> None:
        await wire.send(head_of(200, (_JSON, _GZIP, _length(len(BODY)))) + BODY)
        await wire.stall()

    return fault


def gzip_bomb(size: int = 1 << 30, *, layers: int = 1) -> Fault:
    """Send a small body that becomes a huge one when it is decompressed.

    Args:
        size: Bytes that it becomes, rounded down to whole mebibytes.
        layers: How often it is compressed; each layer makes it up to a thousand times smaller.
    """
    body = _compressed_zeros(size)
    for _ in range(layers - 1):
        body = gzip.compress(body)
    encodings = ("Content-Encoding", ", ".join(["gzip"] * layers))

    async def fault(wire: Wire) -> None:
        await wire.send(head_of(200, (_JSON, encodings, _length(len(body)))) + body)
        await wire.stall()

    return fault


def _head(length: int) -> bytes:
    return head_of(200, (_JSON, _length(length)))


def _length(length: int) -> tuple[str, str]:
    return ("Content-Length", str(length))


def _half() -> bytes:
    return _head(len(BODY)) + BODY[: len(BODY) // 2]


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def _compressed_zeros(size: int) -> bytes:
    """As many zeros in the format of gzip (RFC 1952), put together from a mebibyte of them."""
    zeros = bytes(1 << 20)
    count = size // len(zeros)
    compressor = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    # After a full flush nothing refers to what came before: the piece can be repeated.
    piece = compressor.compress(zeros) + compressor.flush(zlib.Z_FULL_FLUSH)
    checksum = 0
    for _ in range(count):
        checksum = zlib.crc32(zeros, checksum)
    head = b"\x1f\x8b\x08" + bytes(6) + b"\xff"
    end = compressor.flush() + struct.pack("<II", checksum, count * len(zeros) % (1 << 32))
    return head + piece * count + end
