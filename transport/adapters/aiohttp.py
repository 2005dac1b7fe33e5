"""The fastest adapter: sends with aiohttp, in an asynchronous instance.

It puts on the wire what the default adapter does. aiohttp comes with the extra ``zustax[aiohttp]``;
this module is imported when ``adapter="aiohttp"`` is used.
"""

from __future__ import annotations

import errno
import functools
import io
from collections.abc import AsyncIterator
from typing import Any
from urllib.request import getproxies, proxy_bypass

import aiohttp
import httpx
from aiohttp.http_exceptions import ContentEncodingError
from attrs import define, field
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from ..client import ClientHolder, ssl_context
from ..errors import RequestError
from ..headers import basic_auth, content_length
from ..proxy import Proxy, Way, proxy_of
from ..redaction import redact_url
from ..redirects import Sending
from ..xsrf import cookie_in
from .decoding import decoded, layers_of
from .exchange import Arrival
from .latin1 import Latin1Request

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

_HIGHEST_PORT = 65535

#: aiohttp warns of more bytes than these in one piece.
_LARGE = 1024 * 1024

_NO_LIMITS = aiohttp.ClientTimeout(total=None, connect=None, sock_connect=None, sock_read=None)

#: The values of ``Content-Encoding`` that aiohttp decodes by itself; none is a list of several.
_DECODED = ("br", "deflate", "gzip", "zstd")

#: Headers that aiohttp adds to what it is given, and httpx does not.
_ADDED = ("Accept", "Content-Type")


@define(repr=False, eq=False)
class AiohttpRequest:
    """A request that is going to be sent; aiohttp has no class of its own for that.

    Attributes:
        method: In upper case.
        url: Where it goes, without user name and password.
        headers: They may be changed until it is sent.
        body: ``None``, bytes, a file of bytes, or `Pieces`.
        options: Further arguments of ``ClientSession.request``.
    """

    method: str
    url: URL = field(repr=False)  # rich shows the fields of a class that has its own repr, too
    headers: CIMultiDict[str] = field(repr=False)
    body: Any = field(repr=False)
    options: dict[str, Any] = field(repr=False)

    def __repr__(self) -> str:
        return f"<AiohttpRequest {self.method} {redact_url(str(self.url))}>"


class Pieces:
    """A body that is sent piece by piece.

    Args:
        pieces: The pieces.
        length: How many bytes they have to be; ``None``: any number.

    Attributes:
        failure: What went wrong while they were made. aiohttp tells of it in its own words.
    """

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


class Session:
    """A session of aiohttp with what httpx's client has and aiohttp does in another way.

    Args:
        given: One that was handed in: its own cookies, limits, proxies and default headers count.
            ``None``: one is made, in the running loop.
    """

    def __init__(self, given: aiohttp.ClientSession | None = None) -> None:
        self.is_ours = given is None
        self.client = given or _new_client()
        # Its own jar would be asked behind our back, also for a request that is to have no cookie.
        self._cookies = _new_jar() if self.is_ours else self.client.cookie_jar
        self._has_cookies = not self.is_ours
        self._proxies = getproxies() if self.is_ours else {}

    def cookies(self, url: URL) -> dict[str, str]:
        """The cookies that go to ``url``."""
        if not self._has_cookies:
            return {}
        return {name: morsel.value for name, morsel in self._cookies.filter_cookies(url).items()}

    def keep_cookies(self, response: aiohttp.ClientResponse) -> None:
        """Remember what a response has set."""
        if self.is_ours and "Set-Cookie" in response.headers:
            self._has_cookies = True
            fields = response.headers.getall("Set-Cookie")
            self._cookies.update_cookies_from_headers(fields, response.url)

    def through(self, way: Way, url: URL) -> Proxy | None:
        """The proxy for a request to ``url``; ``None``: the session's own, or none.

        Raises:
            RequestError: ``ERR_NOT_SUPPORT``: a session that was handed in is to go straight.
        """
        if way is False and not self.is_ours:
            raise RequestError(
                "proxy=False cannot be asked of a session that was handed in: make that session "
                "without a proxy, or let create() make one",
                RequestError.ERR_NOT_SUPPORT,
                request_was_sent=False,
            )
        if way is None:
            way = self._way_of_the_environment(url)
        return way or None

    def _way_of_the_environment(self, url: URL) -> Way:
        found = self._proxies.get(url.scheme) or self._proxies.get("all")
        if not found or proxy_bypass(url.raw_authority):
            return False
        return proxy_of(found)


def sessions(given: aiohttp.ClientSession | None) -> ClientHolder:
    """Holds the `Session` of an instance.

    Args:
        given: One that was handed in, which is never closed here; ``None``: one is made.
    """
    return ClientHolder(Session, _close_session, Session(given) if given is not None else None)


class AiohttpDriver:
    """Sends with the session of an instance."""

    def __init__(self, sessions: ClientHolder) -> None:
        self._sessions = sessions

    def build(self, sending: Sending, content: Any, seconds: float | None) -> AiohttpRequest:
        """A request with nothing in it that was taken out."""
        session: Session = self._sessions.get()
        url, authorization = _parsed(sending.url)
        headers = CIMultiDict(
            (name.decode(), value.decode("latin-1")) for name, value in sending.headers.to_send()
        )
        if authorization:
            headers["Authorization"] = authorization
        if session.is_ours and "cookie" not in sending.headers:
            cookies = session.cookies(url)
            if cookies:
                headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in cookies.items())
        options: dict[str, Any] = {}
        not_added = sending.headers.removed()
        not_added += [name for name in _ADDED if name not in headers]
        if not_added != ["Content-Type"] or _has_type(sending.method, content):
            options["skip_auto_headers"] = not_added
        if seconds is not None:
            options["timeout"] = _NO_LIMITS
        body = _body(content, headers)
        return AiohttpRequest(sending.method.upper(), url, headers, body, options)

    def cookie(self, request: AiohttpRequest, name: str) -> str | None:
        """The value of a cookie that goes with a request that was built."""
        sent = request.headers.get("Cookie")
        if sent is not None:
            return cookie_in(sent, name)
        session: Session = self._sessions.get()
        return None if session.is_ours else session.cookies(request.url).get(name)

    async def send(self, request: AiohttpRequest, way: Way) -> Arrival:
        """Send it, and wait for the head of the answer."""
        session: Session = self._sessions.get()
        proxy = session.through(way, request.url)
        try:
            response = await session.client.request(
                request.method,
                request.url,
                data=request.body,
                allow_redirects=False,
                raise_for_status=False,
                **_headers_by(proxy, request),
                **request.options,
            )
        except Exception as error:
            failure = _explained(error, request)
        else:
            session.keep_cookies(response)
            return _arrival(response, request)
        raise failure

    def code_of(self, error: BaseException) -> str | None:
        """Axios's code for an exception of aiohttp."""
        if isinstance(error, aiohttp.ClientConnectorError) and error.errno == errno.ECONNREFUSED:
            return RequestError.ECONNREFUSED
        if isinstance(error, aiohttp.ClientError) and _is_wrongly_encoded(error):
            return RequestError.ERR_BAD_RESPONSE
        return next((code for kind, code in CODES.items() if isinstance(error, kind)), None)

    def was_sent(self, error: BaseException) -> bool:
        """Whether anything of the request may have left before this exception."""
        return not isinstance(error, _NOTHING_SENT)


def _new_jar() -> aiohttp.CookieJar:
    """One that sends what was set, as it was set; also to a host that is an address."""
    return aiohttp.CookieJar(unsafe=True, quote_cookie=False)


def _new_client() -> aiohttp.ClientSession:
    connector = aiohttp.TCPConnector(
        limit=_CONNECTIONS, keepalive_timeout=_KEPT_FOR, ssl=ssl_context()
    )
    client = aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=_NO_LIMITS,
        max_line_size=_LONGEST_LINE,
        max_field_size=_LONGEST_LINE,
        request_class=Latin1Request,
    )
    # A request is sent once. It would be sent again where the server closed the connection.
    client._retry_connection = False
    return client


async def _close_session(session: Session) -> None:
    await session.client.close()


@functools.lru_cache(maxsize=512)
def _parsed(url: str) -> tuple[URL, str | None]:
    """A URL, escaped as httpx escapes it, and the ``Authorization`` that its user name asks for."""
    try:
        parsed = httpx.URL(url)
        authorization = None
        if parsed.userinfo:
            authorization = basic_auth((parsed.username, parsed.password))
            parsed = parsed.copy_with(userinfo=b"")
        if parsed.port is not None and parsed.port > _HIGHEST_PORT:
            raise ValueError(f"Port out of range 0-{_HIGHEST_PORT}")
        return URL(str(parsed), encoded=True), authorization
    except (httpx.InvalidURL, ValueError) as error:
        problem = str(error)
    raise aiohttp.InvalidURL(redact_url(url), problem)


def _has_type(method: str, content: Any) -> bool:
    """Whether aiohttp would say a type of the body."""
    return content is not None or method in ("post", "put", "patch")


def _body(content: Any, headers: CIMultiDict[str]) -> Any:
    """The body in the form that aiohttp takes without a warning, of the length that it has.

    Raises:
        RequestError: ``ERR_BAD_REQUEST``: the headers say another length.
    """
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


def _arrival(response: aiohttp.ClientResponse, request: AiohttpRequest) -> Arrival:
    return Arrival(
        status=response.status,
        status_text=response.reason or "",
        headers=httpx.Headers(response.raw_headers),
        request=request,
        chunks=functools.partial(_chunks, response),
        close=functools.partial(_close, response),
        interrupt=response.close,
        unbound=_nothing,
    )


def _chunks(response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    pieces: Any = response.content.iter_any()
    encoding = response.headers.get("Content-Encoding", "")
    layers = None if encoding.lower() in _DECODED else layers_of(encoding)
    return decoded(pieces, layers) if layers else pieces


async def _close(response: aiohttp.ClientResponse) -> None:
    """Give the connection back; it is closed if there is more to receive or to send."""
    response.release()
    await response.wait_for_close()


def _nothing() -> None:
    """What was limited has arrived: aiohttp limits no single read."""


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


def _is_wrongly_encoded(error: BaseException | None) -> bool:
    while error is not None and not isinstance(error, ContentEncodingError):
        error = error.__cause__
    return error is not None
