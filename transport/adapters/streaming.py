"""The body of a response while it arrives: what ``response_type="stream"`` gives as ``data``."""

from __future__ import annotations

import codecs
import re
import warnings
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator
from typing import Any, Self

from ..runtime import run_now

#: What ends a line in a stream of events (WHATWG HTML, 9.2) and in NDJSON; `str.splitlines` knows
#: more, which may stand inside of a line there.
_LINE_END = re.compile(r"\r\n|\n|\r")


class ResponseStream:
    """A body that you read piece by piece, from an asynchronous instance.

    It holds a connection until it is closed: use it in ``async with``, or `aclose` it. It closes
    itself at its end and when reading fails. Pieces are decoded (gzip and the like), and count
    against ``max_content_length``. It can be read once.

    Args:
        chunks: The pieces of the body. What goes wrong arrives as a `RequestError`.
        release: Gives the connection back. It may be called twice.
        charset: The encoding of its text.
        forget: Called if it was not closed, in any thread.
    """

    def __init__(
        self,
        chunks: AsyncIterator[bytes],
        release: Callable[[], Awaitable[Any]],
        charset: str,
        forget: Callable[[], Any],
    ) -> None:
        self._chunks = chunks
        self._release = release
        self._charset = charset
        self._forget = forget
        self._is_closed = False

    @property
    def closed(self) -> bool:
        """True once it has given its connection back."""
        return self._is_closed

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        if self._is_closed:
            raise StopAsyncIteration
        try:
            return await anext(self._chunks)
        except BaseException:  # the end, a failure, a cancellation
            await self.aclose()
            raise

    async def text(self) -> AsyncGenerator[str, None]:
        """Iterate over the body as text; what cannot be decoded becomes U+FFFD."""
        decoder = codecs.getincrementaldecoder(self._charset)(errors="replace")
        async for chunk in self:
            if piece := decoder.decode(chunk):
                yield piece
        if piece := decoder.decode(b"", final=True):
            yield piece

    async def lines(self) -> AsyncGenerator[str, None]:
        """Iterate over the lines of the text, without what ends them: CR LF, LF, or CR."""
        parts: list[str] = []  # of a line that has not ended yet
        was_cut_after_cr = False
        async for piece in self.text():
            text = piece.removeprefix("\n") if was_cut_after_cr else piece
            was_cut_after_cr = text.endswith("\r")
            end, *begun = _LINE_END.split(text)
            parts.append(end)
            for part in begun:
                yield "".join(parts)
                parts = [part]
        if rest := "".join(parts):
            yield rest

    async def read(self) -> bytes:
        """Read what is left."""
        body = bytearray()
        async for chunk in self:
            body += chunk
        return bytes(body)

    async def aclose(self) -> None:
        """Give the connection back; what has not been read is lost."""
        self._is_closed = True
        await self._release()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    def __del__(self) -> None:
        if not getattr(self, "_is_closed", True):
            warnings.warn(
                "a response with response_type='stream' was not closed: use `async with "
                "response.data` (or `with`), or close it",
                ResourceWarning,
                stacklevel=2,
                source=self,
            )
            self._forget()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {'closed' if self._is_closed else 'open'}>"


class SyncResponseStream:
    """A body that is read piece by piece, by a synchronous instance; see `ResponseStream`."""

    def __init__(self, stream: ResponseStream) -> None:
        self._stream = stream

    @property
    def closed(self) -> bool:
        """True once it has given its connection back."""
        return self._stream.closed

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        try:
            return run_now(self._stream.__anext__())
        except StopAsyncIteration:
            raise StopIteration from None

    def text(self) -> Iterator[str]:
        """Iterate over the body as text; what cannot be decoded becomes U+FFFD."""
        return _driven(self._stream.text())

    def lines(self) -> Iterator[str]:
        """Iterate over the lines of the text, without what ends them: CR LF, LF, or CR."""
        return _driven(self._stream.lines())

    def read(self) -> bytes:
        """Read what is left."""
        return run_now(self._stream.read())

    def close(self) -> None:
        """Give the connection back; what has not been read is lost."""
        run_now(self._stream.aclose())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {'closed' if self.closed else 'open'}>"


async def discard(data: Any) -> None:
    """Close the body of a response if it is a stream."""
    if isinstance(data, SyncResponseStream):
        data.close()
    elif isinstance(data, ResponseStream):
        await data.aclose()


def _driven(items: AsyncGenerator[str, None]) -> Iterator[str]:
    while True:
        try:
            item = run_now(items.__anext__())
        except StopAsyncIteration:
            return
        yield item
