"""One request and its answer, whichever client sends it: redirects, time-out, limits, body."""

from __future__ import annotations

import math
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Protocol

from attrs import frozen

from ..cancel import AbortSignal
from ..config import RequestConfig
from ..errors import CanceledError, InvalidURLError, RequestError, without_tracebacks
from ..headers import charset, content_length
from ..params import as_text
from ..progress import Meter
from ..proxy import Way, proxy_of
from ..redaction import redact_url
from ..redirects import Sending, first_sending, next_sending
from ..response import Response
from ..runtime import Runtime
from ..streaming import ResponseStream, SyncResponseStream
from ..urls import requestable_url
from ..xsrf import xsrf_header
from .outgoing import outgoing


@frozen
class Arrival:
    """A response of which the head is there.

    Attributes:
        status: The status code.
        status_text: The reason phrase.
        headers: The headers, of the client library's class.
        request: The client's request.
        chunks: Gives the decoded body, piece by piece; called once.
        close: Gives the connection back; awaited.
        interrupt: Makes a read that another thread waits in fail.
        unbound: Takes the time-out off the reads that follow.
    """

    status: int
    status_text: str
    headers: Any
    request: Any
    chunks: Callable[[], AsyncIterator[bytes]]
    close: Callable[[], Awaitable[Any]]
    interrupt: Callable[[], Any]
    unbound: Callable[[], Any]


class Driver(Protocol):
    """What a client library does in an exchange."""

    def build(self, sending: Sending, content: Any, seconds: float | None) -> Any:
        """A request of the client; its ``headers`` are a mapping that can be changed.

        Args:
            sending: Method, URL and headers.
            content: ``None``, bytes, or an iterator of bytes.
            seconds: Until the time-out, for a client whose thread cannot be interrupted.
        """
        ...

    def cookie(self, request: Any, name: str) -> str | None:
        """The value of a cookie of the client that goes with a request that was built."""
        ...

    async def send(self, request: Any, way: Way) -> Arrival:
        """Send it, and wait for the head of the answer; no redirect is followed.

        Args:
            request: What `build` gave.
            way: Through which proxy it goes.
        """
        ...

    def code_of(self, error: BaseException) -> str | None:
        """Axios's code for an exception of the client; ``None`` if it is not one."""
        ...

    def was_sent(self, error: BaseException) -> bool:
        """Whether anything of the request may have left before this exception."""
        ...


class ClientAdapter:
    """Sends requests through a driver, and maps what goes wrong to axios's codes."""

    def __init__(self, driver: Driver, runtime: Runtime) -> None:
        self._driver = driver
        self._runtime = runtime

    async def send(self, config: RequestConfig) -> Response:
        """Send a request, follow its redirects, and read the body, or give it as a stream.

        Raises:
            RequestError: It failed; the client's exception is the ``__cause__``.
        """
        exchange = _Exchange(self._driver, self._runtime, config)
        try:
            if config.timeout and config.timeout != math.inf:
                async with self._runtime.limit(config.timeout):
                    return await exchange.run()
            return await exchange.run()
        except Exception as error:
            failure = exchange.failure(error)
            if failure is None:
                raise
        raise failure


class _Exchange:
    """One request with its redirects."""

    def __init__(self, driver: Driver, runtime: Runtime, config: RequestConfig) -> None:
        self._driver = driver
        self._runtime = runtime
        self._config = config
        limit = config.timeout
        self._deadline = time.monotonic() + limit if limit and limit != math.inf else None
        self._request: Any = None
        self._way: Way = proxy_of(config.proxy)

    async def run(self) -> Response:
        arrival = await self._follow(first_sending(self._config))
        if self._config.response_type == "stream":
            data: Any = self._stream(arrival)
        else:
            data = await self._read(arrival)
        return Response(
            data=data,
            status=arrival.status,
            status_text=arrival.status_text,
            headers=arrival.headers,
            config=self._config,
            request=arrival.request,
        )

    async def _follow(self, sending: Sending) -> Arrival:
        left = self._config.max_redirects or 0
        follows = left > 0
        while True:
            request = self._build(sending)
            self._protect(request, sending)
            if self._request is not None and self._config.before_redirect:
                self._config.before_redirect(request)
            self._request = request
            arrival = await self._driver.send(request, self._way)
            location = arrival.headers.get("location") if follows else None
            try:
                following = next_sending(sending, arrival.status, location, self._config)
            except BaseException:
                await arrival.close()
                raise
            if following is None:
                return arrival
            await arrival.close()
            left -= 1
            if left < 0:
                raise RequestError(
                    "Maximum number of redirects exceeded",
                    RequestError.ERR_FR_TOO_MANY_REDIRECTS,
                    request=self._request,
                )
            self._check_deadline()
            sending = following

    def _build(self, sending: Sending) -> Any:
        seconds = None if self._deadline is None else self._deadline - time.monotonic()
        if sending.body is None:
            return self._driver.build(sending, None, seconds)
        sending = sending.with_own_headers()
        content = outgoing(
            sending.body, sending.headers, self._config, is_async=self._runtime.is_async
        )
        return self._driver.build(sending, content, seconds)

    def _protect(self, request: Any, sending: Sending) -> None:
        """Put the XSRF token of a cookie that goes with the request into its header."""
        name = self._config.xsrf_cookie_name
        cookie = self._driver.cookie(request, name) if name else None
        header = xsrf_header(cookie, sending, self._config) if cookie else None
        if header is not None:
            request.headers[header[0]] = header[1]

    async def _read(self, arrival: Arrival) -> bytes:
        body = bytearray()
        config = self._config
        is_bounded = config.max_content_length not in (None, -1) or config.on_download_progress
        chunks = self._measured(arrival) if is_bounded else arrival.chunks()
        try:
            async for chunk in chunks:
                body += chunk
                self._check_deadline()
        finally:
            await arrival.close()
        return bytes(body)

    async def _measured(self, arrival: Arrival) -> AsyncIterator[bytes]:
        """The body, counted against its limit and told to the listener."""
        limit, meter = self._config.max_content_length, self._meter(arrival)
        received = 0
        async for chunk in arrival.chunks():
            received += len(chunk)
            if limit is not None and 0 <= limit < received:
                raise RequestError(
                    f"maxContentLength size of {limit} exceeded",
                    RequestError.ERR_BAD_RESPONSE,
                    request=self._request,
                )
            if meter is not None:
                meter.add(len(chunk))
            yield chunk
        if meter is not None:
            meter.end()

    def _meter(self, arrival: Arrival) -> Meter | None:
        if not self._config.on_download_progress:
            return None
        is_encoded = "content-encoding" in arrival.headers  # its length is not that of what is read
        total = None if is_encoded else content_length(arrival.headers)
        return Meter(self._config.on_download_progress, total, is_upload=False)

    # --- a body that the caller reads ---

    def _stream(self, arrival: Arrival) -> ResponseStream | SyncResponseStream:
        arrival.unbound()
        release = arrival.close
        if self._config.signal:
            release = self._released_by(self._config.signal, arrival)
        stream = ResponseStream(
            self._streamed(arrival), release, charset(arrival.headers), self._runtime.later(release)
        )
        return stream if self._runtime.is_async else SyncResponseStream(stream)

    def _released_by(self, signal: AbortSignal, arrival: Arrival) -> Callable[[], Awaitable[Any]]:
        """Give the connection back when ``signal`` is aborted, even if nobody is reading."""
        is_async = self._runtime.is_async
        on_abort = self._runtime.later(arrival.close) if is_async else arrival.interrupt
        stop_listening = signal.add_listener(on_abort)

        async def release() -> None:
            stop_listening()
            await arrival.close()

        return release

    async def _streamed(self, arrival: Arrival) -> AsyncIterator[bytes]:
        """The body as it is streamed: what fails is explained, and a signal is heard."""
        chunks = self._measured(arrival)
        while True:
            try:
                chunk = await self._next(chunks)
            except Exception as error:
                failure = self.failure(error)
                if failure is None:
                    raise
            else:
                if chunk is None:
                    return
                yield chunk
                continue
            failure.config = self._config
            raise failure

    async def _next(self, chunks: AsyncIterator[bytes]) -> bytes | None:
        signal = self._config.signal
        if not signal:
            return await anext(chunks, None)
        try:
            async with self._runtime.abortable(signal):
                return await anext(chunks, None)
        except Exception:
            if signal.aborted:
                raise CanceledError from None
            raise

    # --- what goes wrong ---

    def _check_deadline(self) -> None:
        if self._deadline is not None and time.monotonic() > self._deadline:
            raise TimeoutError

    def failure(self, error: Exception) -> RequestError | None:
        """What the caller is told of an exception; ``None``: the exception itself."""
        if isinstance(error, RequestError):
            return None
        if isinstance(error, TimeoutError) and self._deadline is not None:
            return self._timed_out(error)
        code = self._driver.code_of(error)
        if code is None:
            return None
        if code == RequestError.ECONNABORTED and self._config.timeout:
            return self._timed_out(error)
        where = f"{self._config.method.upper()} {redact_url(requestable_url(self._config))}"
        return self._error(f"{str(error) or type(error).__name__} ({where})", code, error)

    def _timed_out(self, cause: BaseException) -> RequestError:
        milliseconds = as_text(round((self._config.timeout or 0) * 1000, 3))
        message = self._config.timeout_error_message or f"timeout of {milliseconds}ms exceeded"
        return self._error(message, RequestError.ECONNABORTED, cause)

    def _error(self, message: str, code: str, cause: BaseException) -> RequestError:
        kind = InvalidURLError if code == RequestError.ERR_INVALID_URL else RequestError
        was_sent = self._driver.was_sent(cause)
        error = kind(message, code, request=self._request, request_was_sent=was_sent)
        error.__cause__ = without_tracebacks(cause)
        return error
