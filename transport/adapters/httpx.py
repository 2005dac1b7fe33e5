"""The default adapter: sends a request with httpx, or with a client of the same shape."""

from __future__ import annotations

import functools
import math
import time
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator
from typing import Any

from ..body import FormBody, as_file
from ..client import ClientHolder
from ..config import RequestConfig
from ..errors import InvalidURLError, RequestError, without_tracebacks
from ..params import as_text
from ..redaction import redact_url
from ..redirects import Sending, first_sending, next_sending
from ..response import Response
from ..runtime import Runtime
from ..urls import requestable_url

#: Axios's code for each exception of httpx, by the name of its class or of one it derives from:
#: httpx2's exceptions have the same names and no common base.
CODES = {
    "TimeoutException": RequestError.ECONNABORTED,
    "ConnectError": RequestError.ERR_NETWORK,
    "UnsupportedProtocol": RequestError.ERR_BAD_REQUEST,
    "LocalProtocolError": RequestError.ERR_BAD_REQUEST,
    "TransportError": RequestError.ERR_NETWORK,
    "DecodingError": RequestError.ERR_BAD_RESPONSE,
    "TooManyRedirects": RequestError.ERR_FR_TOO_MANY_REDIRECTS,
    "HTTPError": RequestError.ERR_NETWORK,
    "InvalidURL": RequestError.ERR_INVALID_URL,
    "CookieConflict": RequestError.ERR_BAD_REQUEST,
    "StreamError": RequestError.ERR_BAD_REQUEST,
}

#: Where these were raised, not a byte of the request had left.
_NOTHING_SENT = frozenset(
    ("ConnectError", "ConnectTimeout", "PoolTimeout", "UnsupportedProtocol", "InvalidURL")
)


class HttpxAdapter:
    """Sends requests with the client of an instance, and maps what goes wrong to axios's codes."""

    def __init__(self, client: ClientHolder, runtime: Runtime) -> None:
        self._client = client
        self._runtime = runtime

    async def send(self, config: RequestConfig) -> Response:
        """Send a request, follow its redirects, and read the body.

        Raises:
            RequestError: It failed; the client's exception is the ``__cause__``.
        """
        exchange = _Exchange(self._client.get(), self._runtime, config)
        try:
            if config.timeout and config.timeout != math.inf:
                async with self._runtime.limit(config.timeout):
                    return await exchange.run()
            return await exchange.run()
        except TimeoutError as error:
            failure = exchange.timed_out(error)
        except Exception as error:
            if isinstance(error, RequestError) or not _is_of_the_client(error):
                raise
            failure = exchange.failed(error)
        raise failure


class _Exchange:
    """One request with its redirects."""

    def __init__(self, client: Any, runtime: Runtime, config: RequestConfig) -> None:
        self._client = client
        self._runtime = runtime
        self._config = config
        limit = config.timeout
        self._deadline = time.monotonic() + limit if limit and limit != math.inf else None
        self._request: Any = None

    async def run(self) -> Response:
        response = await self._follow(first_sending(self._config))
        try:
            body = await self._read(response)
        finally:
            await self._runtime.close(response)
        return Response(
            data=body,
            status=response.status_code,
            status_text=response.reason_phrase,
            headers=response.headers,
            config=self._config,
            request=response.request,
        )

    async def _follow(self, sending: Sending) -> Any:
        left = self._config.max_redirects or 0
        follows = left > 0
        while True:
            request = self._build(sending)
            if self._request is not None and self._config.before_redirect:
                self._config.before_redirect(request)
            self._request = request
            response = await self._runtime.settle(
                self._client.send(self._request, stream=True, follow_redirects=False)
            )
            location = response.headers.get("location") if follows else None
            following = next_sending(sending, response.status_code, location, self._config)
            if following is None:
                return response
            await self._runtime.close(response)
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
        headers, content = sending.headers, {}
        if isinstance(sending.body, FormBody):
            headers = headers.copy()
            headers.pop("content-type", None)  # the client writes it, with the boundary
            content["files"] = [(name, as_file(value)) for name, value in sending.body.parts]
        elif sending.body is not None:
            content["content"] = self._content(sending.body)
        request = self._client.build_request(
            sending.method.upper(),
            _parsed(self._client.base_url.__class__, sending.url),
            headers=headers.to_send(),
            **content,
            **self._client_timeout(),
        )
        for name in headers.removed():
            request.headers.pop(name, None)
        return request

    def _client_timeout(self) -> dict[str, Any]:
        """The client's own limits, per operation, where a blocked thread cannot be interrupted."""
        if self._deadline is None:
            return {}
        if self._runtime.is_async:
            return {"timeout": None}
        return {"timeout": max(self._deadline - time.monotonic(), 0.001)}

    def _content(self, body: Any) -> Any:
        limit = self._config.max_body_length
        if isinstance(body, bytes):
            _check_sent(len(body), limit)
            return body
        if not self._runtime.is_async:
            return _pieces(body, limit)
        return _async_pieces(body, limit)

    async def _read(self, response: Any) -> bytes:
        limit = self._config.max_content_length
        body = bytearray()
        async for chunk in self._runtime.chunks(response):
            body += chunk
            if limit is not None and 0 <= limit < len(body):
                raise RequestError(
                    f"maxContentLength size of {limit} exceeded",
                    RequestError.ERR_BAD_RESPONSE,
                    request=self._request,
                )
            self._check_deadline()
        return bytes(body)

    def _check_deadline(self) -> None:
        if self._deadline is not None and time.monotonic() > self._deadline:
            raise TimeoutError

    def timed_out(self, cause: BaseException) -> RequestError:
        milliseconds = as_text(round((self._config.timeout or 0) * 1000, 3))
        message = self._config.timeout_error_message or f"timeout of {milliseconds}ms exceeded"
        return self._error(message, RequestError.ECONNABORTED, cause)

    def failed(self, cause: Exception) -> RequestError:
        names = [base.__name__ for base in type(cause).__mro__]
        code = next(CODES[name] for name in names if name in CODES)
        if code == RequestError.ECONNABORTED and self._config.timeout:
            return self.timed_out(cause)
        if "ConnectError" in names and _was_refused(cause):
            code = RequestError.ECONNREFUSED
        where = f"{self._config.method.upper()} {redact_url(requestable_url(self._config))}"
        return self._error(f"{str(cause) or names[0]} ({where})", code, cause)

    def _error(self, message: str, code: str, cause: BaseException) -> RequestError:
        kind = InvalidURLError if code == RequestError.ERR_INVALID_URL else RequestError
        error = kind(
            message,
            code,
            request=self._request,
            request_was_sent=_NOTHING_SENT.isdisjoint(b.__name__ for b in type(cause).__mro__),
        )
        error.__cause__ = without_tracebacks(cause)
        return error


@functools.lru_cache(maxsize=512)
def _parsed(kind: Callable[[str], Any], url: str) -> Any:
    """A URL as the client has it; parsing is half of what building a request costs."""
    return kind(url)


def _is_of_the_client(error: Exception) -> bool:
    return any(base.__name__ in CODES for base in type(error).__mro__)


def _was_refused(error: BaseException | None) -> bool:
    """Whether a refused connection is among the causes; several addresses make a group of them."""
    if isinstance(error, ConnectionRefusedError):
        return True
    if isinstance(error, BaseExceptionGroup):
        return any(_was_refused(inner) for inner in error.exceptions)
    return error is not None and _was_refused(error.__cause__ or error.__context__)


def _check_sent(length: int, limit: int | None) -> None:
    if limit is not None and 0 <= limit < length:
        raise RequestError(
            "Request body larger than maxBodyLength limit",
            RequestError.ERR_BAD_REQUEST,
            request_was_sent=False,
        )


def _pieces(body: Any, limit: int | None) -> Iterator[bytes]:
    if isinstance(body, AsyncIterable):
        raise TypeError(
            f"data is async ({type(body).__name__}), but this is a synchronous instance: "
            "give it a plain iterator"
        )
    return _counted(body, limit)


def _counted(body: Iterable[Any], limit: int | None) -> Iterator[bytes]:
    sent = 0
    for piece in body:
        data = piece.encode() if isinstance(piece, str) else bytes(piece)
        sent += len(data)
        _check_sent(sent, limit)
        yield data


async def _async_pieces(body: Any, limit: int | None) -> AsyncIterator[bytes]:
    if not isinstance(body, AsyncIterable):
        for data in _counted(body, limit):
            yield data
        return
    sent = 0
    async for piece in body:
        for data in _counted((piece,), None):
            sent += len(data)
            _check_sent(sent, limit)
            yield data
