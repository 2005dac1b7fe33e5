"""The default adapter: sends with httpx, or with a client of the same shape, as httpx2's is."""

from __future__ import annotations

import contextlib
import functools
import socket
from collections.abc import AsyncIterator, Callable
from typing import Any

from ..deadline import bound_connections, bound_reads
from ..errors import InvalidURLError, RequestError
from ..proxy import Way
from ..redaction import redact_url
from ..redirects import Sending
from ..runtime import Runtime
from ..xsrf import cookie_in
from .decoding import decoded, layers_of
from .exchange import Arrival
from .httpx_clients import HttpxClients, Loan

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
    (
        "ConnectError",
        "ConnectTimeout",
        "PoolTimeout",
        "ProxyError",
        "UnsupportedProtocol",
        "InvalidURL",
    )
)


class HttpxDriver:
    """Sends with the client of an instance."""

    def __init__(self, clients: HttpxClients, runtime: Runtime) -> None:
        self._clients = clients
        self._runtime = runtime

    def build(self, sending: Sending, content: Any, seconds: float | None) -> Any:
        """A request of the client, with the headers that were taken out not in it."""
        client = self._clients.get()
        request = client.build_request(
            sending.method.upper(),
            _parsed(client.base_url.__class__, sending.url),
            headers=sending.headers.to_send(),
            content=content,
            **self._time_out(seconds),
        )
        for name in sending.headers.removed():
            request.headers.pop(name, None)
        if "accept" not in sending.headers and request.headers.get("accept") == "*/*":
            del request.headers["accept"]  # a default of the client, in place of ours
        return request

    def cookie(self, request: Any, name: str) -> str | None:
        """The value of a cookie that goes with a request that was built."""
        for key, value in request.headers.raw:
            if key.lower() == b"cookie":
                return cookie_in(value.decode("latin-1"), name)
        return None

    async def send(self, request: Any, way: Way) -> Arrival:
        """Send it, and wait for the head of the answer."""
        loan = self._clients.lend(way)
        try:
            await loan.enter()
            response = await self._runtime.settle(
                loan.client.send(request, stream=True, follow_redirects=False)
            )
        except BaseException:
            self._clients.take_back(loan)
            raise
        if not self._runtime.is_async:
            bound_reads(response.extensions.get("network_stream"))
        return Arrival(
            status=response.status_code,
            status_text=response.reason_phrase,
            headers=response.headers,
            request=response.request,
            chunks=functools.partial(self._chunks, response),
            close=functools.partial(self._close, response, loan),
            interrupt=functools.partial(_shut_socket, response),
            unbound=functools.partial(_unbound, response.request),
        )

    async def _close(self, response: Any, loan: Loan) -> None:
        try:
            await self._runtime.close(response)
        finally:
            self._clients.take_back(loan)

    def code_of(self, error: BaseException) -> str | None:
        """Axios's code for an exception of httpx or httpx2."""
        names = [base.__name__ for base in type(error).__mro__]
        if "ConnectError" in names and _was_refused(error):
            return RequestError.ECONNREFUSED
        return next((CODES[name] for name in names if name in CODES), None)

    def was_sent(self, error: BaseException) -> bool:
        """Whether anything of the request may have left before this exception."""
        return _NOTHING_SENT.isdisjoint(base.__name__ for base in type(error).__mro__)

    def _time_out(self, seconds: float | None) -> dict[str, Any]:
        """The client's own limits, per operation, where a blocked thread cannot be interrupted."""
        if seconds is None:
            return {}
        if self._runtime.is_async:
            return {"timeout": None}
        return {"timeout": max(seconds, 0.001), "extensions": {"trace": bound_connections}}

    def _chunks(self, response: Any) -> AsyncIterator[bytes]:
        is_async, iterate = self._runtime.is_async, self._runtime.iterate
        layers = layers_of(response.headers.get("content-encoding"))
        if layers is None or response.is_stream_consumed:  # a mock's body is there already
            return iterate(response.aiter_bytes() if is_async else response.iter_bytes())
        return decoded(iterate(response.aiter_raw() if is_async else response.iter_raw()), layers)


@functools.lru_cache(maxsize=512)
def _parsed(kind: Callable[[str], Any], url: str) -> Any:
    """A URL as the client has it; parsing is half of what building a request costs.

    Raises:
        InvalidURLError: A domain name in it is none (IDNA 2008).
    """
    try:
        parsed = kind(url)
        _ = parsed.host  # looked at only when it is asked for
        return parsed
    except UnicodeError as error:
        raise InvalidURLError(
            f"Invalid URL {redact_url(url)!r}: {error}",
            RequestError.ERR_INVALID_URL,
            request_was_sent=False,
        ) from None


def _was_refused(error: BaseException | None) -> bool:
    """Whether a refused connection is among the causes; several addresses make a group of them."""
    if isinstance(error, ConnectionRefusedError):
        return True
    if isinstance(error, BaseExceptionGroup):
        return any(_was_refused(inner) for inner in error.exceptions)
    return error is not None and _was_refused(error.__cause__ or error.__context__)


def _shut_socket(response: Any) -> None:
    """End a read that another thread waits in: closing the socket would not."""
    stream = response.extensions.get("network_stream")
    found = stream and stream.get_extra_info("socket")
    if isinstance(found, socket.socket) and response.http_version != "HTTP/2":
        with contextlib.suppress(OSError):
            socket.socket.shutdown(found, socket.SHUT_RDWR)  # below TLS, whose reader is busy


def _unbound(request: Any) -> None:
    timeout = request.extensions.get("timeout")
    if timeout:
        timeout["read"] = None
