"""The fastest adapter: sends with aiohttp, in an asynchronous instance.

It puts on the wire what the default adapter does. aiohttp comes with the extra ``zustax[aiohttp]``;
this module is imported when ``adapter="aiohttp"`` is used.
"""

from __future__ import annotations

import errno
import functools
import io
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Coroutine
from http.cookiejar import CookieJar
from typing import Any
from urllib.request import getproxies

import aiohttp
import httpx
from aiohttp.http_exceptions import ContentEncodingError
from attrs import define, field
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from ..encoding import basic_auth, header_fields
from ..errors import RequestError
from ..headers import content_length
from ..secrecy import redact_url, with_causes
from .aiohttp_wire import LeftoverError, OwnRequest
from .cookies import cookie_in
from .decompress import decoded, layers_of
from .exchange import ResponseHead
from .proxy import Proxy, ProxyChoice, environment_proxy
from .redirects import WireRequest
from .tls import load_ssl_context, ssl_context

#: Axios's code for each exception of aiohttp; the first class that it is an instance of counts.
CODES: dict[type[BaseException], str] = {
    TimeoutError: RequestError.ECONNABORTED,
    aiohttp.InvalidURL: RequestError.ERR_INVALID_URL,
    aiohttp.NonHttpUrlClientError: RequestError.ERR_BAD_REQUEST,
    aiohttp.TooManyRedirects: RequestError.ERR_FR_TOO_MANY_REDIRECTS,
    httpx.DecodingError: RequestError.ERR_BAD_RESPONSE,
    aiohttp.ClientError: RequestError.ERR_NETWORK,
}

#: Where these were raised, not a byte of the request had left.
_NOTHING_SENT = (
    aiohttp.ClientConnectorError,
    aiohttp.ClientHttpProxyError,
    aiohttp.ConnectionTimeoutError,
    aiohttp.InvalidURL,
    aiohttp.NonHttpUrlClientError,
    aiohttp.ServerFingerprintMismatch,
)

#: As many connections as httpx opens at most, and seconds that it keeps one that nobody uses.
_CONNECTIONS = 100
_KEPT_FOR = 5.0

#: Bytes of the longest line in the head of a response. What httpx takes in all is a little more.
_LONGEST_LINE = 64 * 1024

#: aiohttp warns of more bytes than these in one piece.
_LARGE = 1024 * 1024

_NO_LIMITS = aiohttp.ClientTimeout(total=None, connect=None, sock_connect=None, sock_read=None)

#: The values of ``Content-Encoding`` that a session decodes by itself; none is a list of several.
_DECODED = ("br", "deflate", "gzip", "zstd")


@define(repr=False, eq=False)
class AiohttpRequest:
    """A request that is going to be sent; aiohttp has no class of its own for that."""

    method: str
    url: URL = field(repr=False)  # rich shows the fields of a class that has its own repr, too
    headers: CIMultiDict[str] = field(repr=False)
    body: Any = field(repr=False)
    options: dict[str, Any] = field(repr=False)

    def __repr__(self) -> str:
        return f"<AiohttpRequest {self.method} {redact_url(str(self.url))}>"


class Pieces:
    """A body that is sent piece by piece."""

    def __init__(self, pieces: AsyncIterator[bytes], length: int | None) -> None:
        self._pieces = pieces
        self._length = length
        self.failure: Exception | None = None

    async def __aiter__(self) -> AsyncIterator[bytes]:
        sent = 0
        try:
            async for piece in self._pieces:
                sent += len(piece)
                if self._length is not None and sent > self._length:
                    break
                yield piece
            if self._length is not None and sent != self._length:
                raise _wrong_length(self._length, f"{sent} or more")
        except Exception as error:
            self.failure = error
            raise


class AiohttpBackend:
    """Sends with a session of aiohttp."""

    def __init__(self, given: aiohttp.ClientSession | None, jar: CookieJar) -> None:
        self._is_own = given is None
        self._session = given
        self.jar = jar if given is None else None
        self._proxies = getproxies() if given is None else {}

    def build(
        self, request: WireRequest, content: Any, seconds: float | None, cookie: str | None
    ) -> AiohttpRequest:
        url, given = _parsed(request.url), request.headers
        headers = CIMultiDict(header_fields(given))
        options: dict[str, Any] = {}
        not_added = [] if len(headers) == len(given) else given.removed()
        if cookie:
            headers["Cookie"] = cookie
        if self._is_own and "Accept-Encoding" not in given:
            headers["Accept-Encoding"] = "gzip, deflate"
        if "Accept" not in headers:
            not_added.append("Accept")
        has_body = content is not None or request.method in ("post", "put", "patch")
        if has_body and "Content-Type" not in headers:
            not_added.append("Content-Type")
        if not_added:
            options["skip_auto_headers"] = not_added
        if seconds is not None:
            options["timeout"] = _NO_LIMITS
        if content is not None or "Content-Length" in headers:
            content = _body(content, headers)
        return AiohttpRequest(request.method.upper(), url, headers, content, options)

    def cookie(self, request: AiohttpRequest, name: str, header: str | None) -> str | None:
        if header is not None or self._session is None or self._is_own:
            return cookie_in(header, name)
        morsel = self._session.cookie_jar.filter_cookies(request.url).get(name)
        return None if morsel is None else morsel.value

    async def send(self, request: AiohttpRequest, proxy: ProxyChoice) -> ResponseHead:
        session = self._session
        if session is None:
            await load_ssl_context()
            session = self._session = self._session or _new_session()
        chosen = self._proxy_for(request.url, proxy)
        options = {"data": request.body, "allow_redirects": False, "raise_for_status": False}
        options |= _headers_by(chosen, request) | request.options
        while True:
            try:
                response = await session.request(request.method, request.url, **options)
            except LeftoverError:
                continue  # on another connection
            except Exception as error:
                failure = _explained(error, request)
                break
            return _head(response, request, is_decoded=session.auto_decompress)
        raise failure

    def protect(self, work: Coroutine[Any, Any, Any]) -> Awaitable[Any]:
        return work  # aiohttp closes what a cancelled request leaves behind

    async def close(self) -> None:
        """Close a session of its own; the next request makes another."""
        if self._is_own and self._session is not None:
            session, self._session = self._session, None
            await session.close()

    def forget(self) -> None:
        """Start anew: the connections belonged to an event loop that was closed."""
        if self._is_own:
            self._session = None

    def code_of(self, error: BaseException) -> str | None:
        if isinstance(error, aiohttp.ClientConnectorError) and error.errno == errno.ECONNREFUSED:
            return RequestError.ECONNREFUSED
        if isinstance(error, aiohttp.ClientPayloadError):
            is_decoding = any(isinstance(one, ContentEncodingError) for one in with_causes(error))
            return RequestError.ERR_BAD_RESPONSE if is_decoding else RequestError.ERR_NETWORK
        return next((code for kind, code in CODES.items() if isinstance(error, kind)), None)

    def was_sent(self, error: BaseException) -> bool:
        return not isinstance(error, _NOTHING_SENT)

    def _proxy_for(self, url: URL, proxy: ProxyChoice) -> Proxy | None:
        """Return the proxy for a request to ``url``; ``None``: the session's own, or none."""
        if proxy is False and not self._is_own:
            raise RequestError(
                "proxy=False cannot be asked of a session that was handed in: make that session "
                "without a proxy, or let create() make one",
                RequestError.ERR_NOT_SUPPORT,
                request_was_sent=False,
            )
        if proxy is None and self._proxies:
            proxy = environment_proxy(str(url), self._proxies)
        return proxy or None


def _new_session() -> aiohttp.ClientSession:
    connector = aiohttp.TCPConnector(
        limit=_CONNECTIONS, keepalive_timeout=_KEPT_FOR, ssl=ssl_context()
    )
    session = aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=_NO_LIMITS,
        max_line_size=_LONGEST_LINE,
        max_field_size=_LONGEST_LINE,
        request_class=OwnRequest,
        auto_decompress=False,
    )
    # A request is sent once. It would be sent again where the server closed the connection.
    session._retry_connection = False
    return session


@functools.lru_cache(maxsize=512)
def _parsed(url: str) -> URL:
    """Parse a URL, escaped as httpx escapes it."""
    return URL(str(httpx.URL(url)), encoded=True)


def _body(content: Any, headers: CIMultiDict[str]) -> Any:
    """The body in the form that aiohttp takes without a warning, of the length that it has."""
    declared, length = headers.get("Content-Length"), content_length(headers)
    if content is not None and not isinstance(content, bytes):
        if declared is not None and length is None:
            raise _wrong_length(declared, "any number of")
        return Pieces(content, length)
    size = len(content or b"")
    if declared is not None and length != size:
        raise _wrong_length(declared, size)
    return io.BytesIO(content) if content and size > _LARGE else content


def _wrong_length(declared: Any, found: Any) -> RequestError:
    return RequestError(
        f"Content-Length says {declared}, and the body has {found} bytes",
        RequestError.ERR_BAD_REQUEST,
    )


def _headers_by(proxy: Proxy | None, request: AiohttpRequest) -> dict[str, Any]:
    """The headers and the proxy as arguments, the credentials for it where it looks for them."""
    if proxy is None:
        return {"headers": request.headers}
    if proxy.auth is None:
        return {"headers": request.headers, "proxy": proxy.url}
    credentials = {"Proxy-Authorization": basic_auth(proxy.auth)}
    if request.url.scheme == "https":
        return {"headers": request.headers, "proxy": proxy.url, "proxy_headers": credentials}
    headers = request.headers.copy()
    headers.update(credentials)
    return {"headers": headers, "proxy": proxy.url}


def _head(
    response: aiohttp.ClientResponse, request: AiohttpRequest, *, is_decoded: bool
) -> ResponseHead:
    encoding = response.headers.get("Content-Encoding")
    has_layers = encoding and not (is_decoded and encoding.lower() in _DECODED)
    return ResponseHead(
        response.status,
        response.reason or "",
        httpx.Headers(response.raw_headers),
        request,
        functools.partial(_chunks, response, encoding if has_layers else None),
        functools.partial(_close, response),
        response.close,
        lambda: None,  # aiohttp limits no single read
        None if has_layers else response.content.read,
    )


def _chunks(
    response: aiohttp.ClientResponse, encoding: str | None, limit: int | None
) -> AsyncIterable[bytes]:
    pieces: Any = response.content.iter_any()
    layers = layers_of(encoding) if encoding else ()
    return decoded(pieces, layers, limit) if layers else pieces


async def _close(response: aiohttp.ClientResponse, is_clean: bool) -> None:
    """Give the connection back; aiohttp closes it if there is more to receive or to send."""
    if is_clean:
        response.release()
    else:
        response.close()
    await response.wait_for_close()


# --- what goes wrong ---


def _explained(error: Exception, request: AiohttpRequest) -> Exception:
    """What to raise for an exception of aiohttp: it shows no secret, and hides none of ours."""
    if isinstance(request.body, Pieces) and request.body.failure is not None:
        return request.body.failure
    if isinstance(error, UnicodeError):
        return aiohttp.InvalidURL(redact_url(str(request.url)), str(error))
    if isinstance(error, aiohttp.ClientError):
        _mask(error, str(request.url))
    return error


def _mask(error: aiohttp.ClientError, url: str) -> None:
    """Take headers, credentials and the query out of what an exception shows."""
    if isinstance(error, aiohttp.ClientResponseError):
        bare = CIMultiDictProxy(CIMultiDict[str]())
        shown = URL(redact_url(url), encoded=True)
        error.request_info = aiohttp.RequestInfo(shown, error.request_info.method, bare, shown)
        error.headers = None
        error.args = (error.request_info, ())
    elif isinstance(error, aiohttp.ClientConnectorError):
        error.args = (error.os_error,)
    elif isinstance(error, aiohttp.ServerDisconnectedError):
        error.message = "Server disconnected"
        error.args = (error.message,)
    else:
        error.args = tuple(_without(url, part) for part in error.args)
        if isinstance(error, OSError):
            error.strerror = _without(url, error.strerror)


def _without(url: str, part: Any) -> Any:
    return part.replace(url, redact_url(url)) if isinstance(part, str) else part
