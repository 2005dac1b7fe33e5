"""One request and its response, whichever client sends it: redirects, time-out, limits, body."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Coroutine
from typing import Any, Protocol

from attrs import define

from ..arity import call
from ..cancel import AbortSignal
from ..config import UNSET, RequestConfig
from ..encoding import as_text
from ..errors import CanceledError, InvalidURLError, RequestError
from ..headers import charset, content_length
from ..response import Response
from ..runtime import Runtime
from ..secrecy import in_own_words, redact_url, without_tracebacks
from ..urls import full_url, origin
from .cookies import cookie_header, keep_cookies, xsrf_header
from .decompress import too_long
from .progress import Meter
from .proxy import ProxyChoice, proxy_of
from .read_timeout import reads_within
from .redirects import WireRequest, first_request, next_request
from .request_body import limit_of, request_body
from .streaming import ResponseStream, SyncResponseStream

#: Seconds that stand for any longer time-out: sockets and locks take no more than some weeks.
LONGEST = 2_000_000.0


@define(eq=False)
class ResponseHead:
    """A response whose body has not been read yet."""

    status: int
    status_text: str
    headers: Any  #: ``httpx.Headers``
    request: Any  #: the client's
    #: Returns the decoded body piece by piece, given the most bytes that it may have; called once.
    chunks: Callable[[int | None], AsyncIterable[bytes]]
    #: Gives the connection back; awaited. False: it may be in the middle of something.
    close: Callable[[bool], Awaitable[Any]]
    interrupt: Callable[[], Any]  #: makes a read that another thread waits in fail
    without_timeout: Callable[[], Any]  #: takes the time-out off the reads that follow
    #: Returns the decoded body at once, where the client has a faster way than ``chunks``.
    read: Callable[[], Awaitable[bytes]] | None = None


class Backend(Protocol):
    """What a client library does in an exchange."""

    jar: Any  #: the cookies of the instance; ``None``: the client has its own

    def build(
        self, request: WireRequest, content: Any, seconds: float | None, cookie: str | None
    ) -> Any:
        """Make a request of the client, whose ``headers`` are a mapping that can be changed.

        ``content`` is ``None``, bytes, or an iterator of bytes. ``seconds`` are those until the
        time-out, for a client whose thread cannot be interrupted. ``cookie`` is a header.
        """
        ...

    def cookie(self, request: Any, name: str, header: str | None) -> str | None:
        """Return the value of a cookie that goes with a built request; ``header`` is known."""
        ...

    async def send(self, request: Any, proxy: ProxyChoice) -> ResponseHead:
        """Send a built request and wait for the head of the response; follow no redirect."""
        ...

    def protect(self, work: Coroutine[Any, Any, Any]) -> Awaitable[Any]:
        """Have ``work`` run so that cancelling the caller leaves no connection half open."""
        ...

    def code_of(self, error: BaseException) -> str | None:
        """Return axios's code for an exception of the client; ``None`` if it is not one."""
        ...

    def was_sent(self, error: BaseException) -> bool:
        """Return True if something of the request may have left before this exception."""
        ...


class ClientAdapter:
    """Sends requests through a backend, and maps what goes wrong to axios's codes."""

    def __init__(self, backend: Backend, runtime: Runtime) -> None:
        self._backend = backend
        self._runtime = runtime

    async def send(self, config: RequestConfig) -> Response:
        """Send a request, follow its redirects, and read the body or return it as a stream."""
        exchange = _Exchange(self._backend, self._runtime, config)
        try:
            if not config.timeout:
                return await self._backend.protect(exchange.run())  # type: ignore[no-any-return]
            seconds = min(config.timeout, LONGEST)
            if self._runtime.is_async:
                async with asyncio.timeout(seconds):
                    return await self._backend.protect(exchange.run())  # type: ignore[no-any-return]
            with reads_within(seconds):  # a blocked thread cannot be interrupted
                return await exchange.run()
        except Exception as error:
            failure = exchange.failure(error)
            if failure is None:
                raise
        raise failure


class _Exchange:
    """One request with its redirects."""

    def __init__(self, backend: Backend, runtime: Runtime, config: RequestConfig) -> None:
        self._backend = backend
        self._runtime = runtime
        self._config = config
        limit, proxy = min(config.timeout or 0, LONGEST), config.proxy
        self._deadline = time.monotonic() + limit if limit else None
        self._request: Any = None
        self._head: ResponseHead | None = None  # it holds a connection if the exchange fails
        self._left_origin = False
        self._is_clean = True  # False once reading a stream has been broken off
        self._proxy: ProxyChoice = None if proxy is UNSET else proxy_of(proxy)

    async def run(self) -> Response:
        config = self._config
        request = first_request(config)
        try:
            head = await self._send(request)
            if config.max_redirects and 300 <= head.status < 400:
                head = await self._follow(request, head)
            if config.response_type == "stream":
                data: Any = self._stream(head)
            else:
                data = await self._read(head)
        except BaseException:
            if self._head is not None:
                await self._head.close(False)
            raise
        return Response(
            data,
            head.status,
            head.status_text,
            head.headers,
            config,
            head.request,
            left_origin=self._left_origin,
        )

    async def _follow(self, request: WireRequest, head: ResponseHead) -> ResponseHead:
        config, left = self._config, self._config.max_redirects
        while True:
            following = next_request(request, head, config)
            if following is None:
                return head
            left -= 1
            if left < 0:
                raise RequestError(
                    "Maximum number of redirects exceeded",
                    RequestError.ERR_FR_TOO_MANY_REDIRECTS,
                )
            self._head = None
            await head.close(True)
            self._check_deadline()
            self._left_origin |= origin(following.url) != origin(request.url)
            request = following
            head = await self._send(request)

    async def _send(self, request: WireRequest) -> ResponseHead:
        config, backend, is_redirected = self._config, self._backend, self._request is not None
        jar = None if config.cookies is False else backend.jar
        if config.cookies is False and backend.jar is None:
            raise RequestError(
                "cookies=False cannot be asked of a client that was handed in: give that client a "
                "jar that keeps none, such as CookieJar(DefaultCookiePolicy(allowed_domains=[])) "
                "of http.cookiejar, or aiohttp.DummyCookieJar()",
                RequestError.ERR_NOT_SUPPORT,
                request_was_sent=False,
            )
        cookie = None if jar is None else cookie_header(jar, request)
        built = self._request = self._build(request, cookie)
        if is_redirected and config.before_redirect:
            call(config.before_redirect, built)
        head = self._head = await backend.send(built, self._proxy)
        if jar is not None:
            keep_cookies(jar, request.url, head.headers)
        return head

    def _build(self, request: WireRequest, cookie: str | None) -> Any:
        config, content = self._config, None
        seconds = None if self._deadline is None else self._deadline - time.monotonic()
        if request.body is not None:
            content = request_body(
                request.body, request.headers, config, is_async=self._runtime.is_async
            )
        built = self._backend.build(request, content, seconds, cookie)
        name = config.xsrf_cookie_name
        if name:
            token = self._backend.cookie(built, name, cookie or request.headers.get("cookie"))
            header = xsrf_header(token, request, config) if token else None
            if header is not None:
                built.headers[header[0]] = header[1]
        return built

    async def _read(self, head: ResponseHead) -> bytes:
        config = self._config
        is_bounded = limit_of(config.max_content_length) is not None or config.on_download_progress
        if head.read is not None and not is_bounded:
            body = await head.read()
        else:
            pieces: list[bytes] = []
            async for chunk in self._measured(head) if is_bounded else head.chunks(None):
                if pieces:  # a body that came in one piece while the process was stopped counts
                    self._check_deadline()
                pieces.append(chunk)
            body = b"".join(pieces)
        await head.close(True)
        return body

    async def _measured(self, head: ResponseHead) -> AsyncIterator[bytes]:
        """The body, counted against its limit and reported to the listener."""
        limit, meter = limit_of(self._config.max_content_length), self._meter(head)
        received = 0
        async for chunk in head.chunks(limit):
            received += len(chunk)
            if limit is not None and limit < received:
                raise too_long(limit)
            if meter is not None:
                meter.add(len(chunk))
            yield chunk
        if meter is not None:
            meter.end()

    def _meter(self, head: ResponseHead) -> Meter | None:
        if not self._config.on_download_progress:
            return None
        is_encoded = "content-encoding" in head.headers  # its length is not that of what is read
        total = None if is_encoded else content_length(head.headers)
        return Meter(self._config.on_download_progress, total, is_upload=False)

    # --- a body that the caller reads ---

    def _stream(self, head: ResponseHead) -> ResponseStream | SyncResponseStream:
        head.without_timeout()

        async def close() -> None:
            await self._runtime.to_the_end(head.close(self._is_clean))

        release = self._released_by(self._config.signal, head, close)
        stream = ResponseStream(
            self._streamed(head), release, charset(head.headers), self._runtime.later(release)
        )
        return stream if self._runtime.is_async else SyncResponseStream(stream)

    def _released_by(
        self, signal: AbortSignal | None, head: ResponseHead, close: Callable[[], Awaitable[Any]]
    ) -> Callable[[], Awaitable[Any]]:
        """Give the connection back when ``signal`` is aborted, even if nothing is being read."""
        if not signal:
            return close
        on_abort = self._runtime.later(close) if self._runtime.is_async else head.interrupt
        stop_listening = signal.add_listener(on_abort)

        async def release() -> None:
            stop_listening()
            await close()

        return release

    async def _streamed(self, head: ResponseHead) -> AsyncIterator[bytes]:
        """The body as it is streamed: failures are explained, and the signal is heeded."""
        chunks = self._measured(head)
        while True:
            try:
                chunk = await self._next(chunks)
            except BaseException as error:
                self._is_clean = False
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
            return await self._backend.protect(_next_of(chunks))  # type: ignore[no-any-return]
        try:
            async with self._runtime.abortable(signal):
                return await self._backend.protect(_next_of(chunks))  # type: ignore[no-any-return]
        except Exception:
            if signal.aborted:
                raise CanceledError from None
            raise

    # --- what goes wrong ---

    def _check_deadline(self) -> None:
        if self._deadline is not None and time.monotonic() > self._deadline:
            raise TimeoutError

    def failure(self, error: BaseException) -> RequestError | None:
        """Return the error for the caller; ``None``: the exception itself."""
        if isinstance(error, RequestError):
            error.request = error.request or self._request
            return None
        if not isinstance(error, Exception):
            return None
        if isinstance(error, TimeoutError) and self._deadline is not None:
            return self._timed_out(error)
        code = self._backend.code_of(error)
        if code is None:
            return None
        if code == RequestError.ECONNABORTED and self._config.timeout:
            return self._timed_out(error)
        where = f"{self._config.method.upper()} {redact_url(full_url(self._config))}"
        in_own_words(error)
        return self._error(f"{str(error) or type(error).__name__} ({where})", code, error)

    def _timed_out(self, cause: BaseException) -> RequestError:
        milliseconds = as_text(round((self._config.timeout or 0) * 1000, 3))
        message = self._config.timeout_error_message or f"timeout of {milliseconds}ms exceeded"
        return self._error(message, RequestError.ECONNABORTED, cause)

    def _error(self, message: str, code: str, cause: BaseException) -> RequestError:
        kind = InvalidURLError if code == RequestError.ERR_INVALID_URL else RequestError
        was_sent = self._backend.was_sent(cause)
        error = kind(message, code, request=self._request, request_was_sent=was_sent)
        error.__cause__ = without_tracebacks(cause)
        return error


async def _next_of(chunks: AsyncIterator[bytes]) -> bytes | None:
    return await anext(chunks, None)
