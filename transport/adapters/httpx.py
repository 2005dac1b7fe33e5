"""The default adapter: sends with httpx, or with a client that you hand in, of httpx or httpx2."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import importlib.util
import socket
import ssl
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Coroutine, Iterable
from http.cookiejar import CookieJar
from typing import Any
from urllib.request import getproxies

import anyio
import httpx

from ..encoding import header_fields
from ..errors import CanceledError, RequestError
from ..runtime import Runtime
from ..urls import origin
from .cookies import cookie_in
from .decompress import acceptable, decoded, layers_of
from .exchange import ResponseHead
from .pools import Pool, Pools, Route
from .proxy import ProxyChoice, environment_proxy
from .read_timeout import bound_connections, bound_stream
from .redirects import WireRequest
from .streaming import discard
from .tls import load_ssl_context, ssl_context

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
        *("ConnectError", "ConnectTimeout", "PoolTimeout", "ProxyError"),
        *("UnsupportedProtocol", "InvalidURL"),
    )
)

#: httpx speaks SOCKS with this package; see its extra ``httpx[socks]``.
_TAKES_SOCKS = importlib.util.find_spec("socksio") is not None

#: One connection, kept while it is idle; `Pools` has the limits.
_ONE = httpx.Limits(max_connections=1, max_keepalive_connections=1)

#: The headers that httpx adds to a request that does not name them.
_USUAL_HEADERS = (
    ("accept-encoding", (b"Accept-Encoding", b"gzip, deflate")),
    ("connection", (b"Connection", b"keep-alive")),
    ("user-agent", (b"User-Agent", f"python-httpx/{httpx.__version__}".encode())),
)

#: Seconds that closing waits for exchanges that it has cancelled, and for connections to close.
_PATIENCE = 1.0


class _Httpx:
    """What sending has in common with either kind of client."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    def code_of(self, error: BaseException) -> str | None:
        names = [base.__name__ for base in type(error).__mro__]
        if "ConnectError" in names and _was_refused(error):
            return RequestError.ECONNREFUSED
        return next((CODES[name] for name in names if name in CODES), None)

    def was_sent(self, error: BaseException) -> bool:
        return _NOTHING_SENT.isdisjoint(base.__name__ for base in type(error).__mro__)

    def _timeout(self, seconds: float | None) -> dict[str, Any]:
        """Limits of each operation, where a blocked thread cannot be interrupted."""
        if self._runtime.is_async or seconds is None:
            return {}
        each = max(seconds, 0.001)
        limits = dict.fromkeys(("connect", "read", "write", "pool"), each)
        return {"timeout": limits, "trace": bound_connections}

    def _head(self, response: Any, close: Callable[[bool], Any]) -> ResponseHead:
        if not self._runtime.is_async:
            bound_stream(response.extensions.get("network_stream"))
        return ResponseHead(
            response.status_code,
            response.reason_phrase,
            response.headers,
            response.request,
            functools.partial(self._chunks, response),
            close,
            functools.partial(_shut_socket, response),
            functools.partial(_without_read_timeout, response.request),
        )

    def _chunks(self, response: Any, limit: int | None) -> AsyncIterable[bytes]:
        if response.is_stream_consumed:  # by a hook of the client, or the body of a mock
            return _each((response.content,))
        if response.is_closed:  # a hook of the client has raised
            return _each(())
        raw = response.stream if self._runtime.is_async else _each(response.stream)
        encoding = response.headers.get("content-encoding")
        layers = layers_of(encoding) if encoding else ()
        return decoded(raw, layers, limit) if layers else raw


class OwnHttpx(_Httpx):
    """Sends with connections that the instance has made, through httpx's transports."""

    _pools: Pools

    def __init__(self, runtime: Runtime, jar: CookieJar) -> None:
        super().__init__(runtime)
        self.jar = jar
        self._proxies = getproxies()
        self.forget()

    def cookie(self, request: httpx.Request, name: str, header: str | None) -> str | None:
        return cookie_in(header, name)

    def build(
        self, request: WireRequest, content: Any, seconds: float | None, cookie: str | None
    ) -> httpx.Request:
        headers = request.headers
        fields = _encoded(header_fields(headers))
        fields += [field for name, field in _USUAL_HEADERS if name not in headers]
        if cookie:
            fields.append((b"Cookie", cookie.encode("latin-1", "ignore")))
        return httpx.Request(
            request.method.upper(),
            _parsed(httpx.URL, request.url),
            headers=fields,
            content=content,
            extensions=self._timeout(seconds),
        )

    async def send(self, request: httpx.Request, proxy: ProxyChoice) -> ResponseHead:
        url = str(request.url)
        if proxy is None and self._proxies:
            proxy = environment_proxy(url, self._proxies, takes_socks=_TAKES_SOCKS)
        if self._runtime.is_async and request.url.scheme == "https":
            await load_ssl_context()
        limits = request.extensions.get("timeout")
        pools = self._pools
        pool = await pools.take((origin(url), proxy or None), limits and limits["pool"])
        try:
            if self._runtime.is_async:
                response = await pool.transport.handle_async_request(request)
            else:
                response = pool.transport.handle_request(request)
            response.request = request
        except BaseException as error:
            await pools.give_back(pool, is_reusable=False)
            if isinstance(error, httpx.RequestError):
                error.request = request
            raise
        return self._head(response, functools.partial(self._end, pools, pool, response))

    def protect(self, work: Coroutine[Any, Any, Any]) -> Awaitable[Any]:
        return self._until_closed(work) if self._runtime.is_async else work

    async def _until_closed(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Run ``work``, which closing the instance cancels."""
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - for type checkers
        self._running.add(task)
        try:
            return await work
        except asyncio.CancelledError:
            if task in self._running or task.uncancel():
                raise
        finally:
            self._running.discard(task)
        raise CanceledError("the instance was closed while the request was under way")

    async def close(self) -> None:
        """Close all connections; the next request opens others."""
        running = [task for task in self._running if task is not asyncio.current_task()]
        self._running.difference_update(running)
        for task in running:
            task.cancel()
        if running:
            await asyncio.wait(running, timeout=_PATIENCE)
        pools = self._pools
        self._pools = Pools(self._transport, self._runtime)
        await pools.close()

    def forget(self) -> None:
        """Start anew: the connections belonged to an event loop that was closed."""
        self._running: set[asyncio.Task[Any]] = set()
        self._pools = Pools(self._transport, self._runtime)

    def _transport(self, route: Route) -> Any:
        target, proxy = route
        make = httpx.AsyncHTTPTransport if self._runtime.is_async else httpx.HTTPTransport
        is_tls = target is None or target.startswith("https:")
        to_proxy = ssl_context() if proxy and proxy.url.startswith("https:") else None
        return make(
            verify=ssl_context() if is_tls else _no_tls(),
            limits=_ONE,
            proxy=httpx.Proxy(proxy.url, auth=proxy.auth, ssl_context=to_proxy) if proxy else None,
            trust_env=False,
        )

    async def _end(
        self, pools: Pools, pool: Pool, response: httpx.Response, is_clean: bool
    ) -> None:
        """Close a response, and give its connection back unless it may be half closed."""
        if pool.is_back:
            return
        pool.is_back, is_reusable = True, False
        try:
            if self._runtime.is_async:
                await response.stream.aclose()  # type: ignore[union-attr]
            else:
                response.stream.close()  # type: ignore[union-attr]
            is_reusable = is_clean and not _has_more(response)
        finally:
            await pools.give_back(pool, is_reusable=is_reusable)


class GivenHttpx(_Httpx):
    """Sends with a client that you handed in; it is not closed."""

    jar = None

    def __init__(self, runtime: Runtime, client: Any) -> None:
        super().__init__(runtime)
        self._client = client

    def cookie(self, request: Any, name: str, header: str | None) -> str | None:
        return cookie_in(request.headers.get("cookie"), name)

    def build(
        self, request: WireRequest, content: Any, seconds: float | None, cookie: str | None
    ) -> Any:
        client, headers = self._client, request.headers
        options: dict[str, Any] = {}
        extensions = self._timeout(seconds)
        if extensions:
            options["extensions"] = {"trace": extensions["trace"]}
            options["timeout"] = extensions["timeout"]["read"]
        elif seconds is not None:
            options["timeout"] = None
        built = client.build_request(
            request.method.upper(),
            _parsed(client.base_url.__class__, request.url),
            headers=_encoded(header_fields(headers)),
            content=content,
            **options,
        )
        for name in headers.removed():
            built.headers.pop(name, None)
        if "accept-encoding" not in headers and "accept-encoding" in built.headers:
            built.headers["accept-encoding"] = acceptable(built.headers["accept-encoding"])
        if "accept" not in headers and built.headers.get("accept") == "*/*":
            del built.headers["accept"]  # a default of the client, in place of ours
        return built

    async def send(self, request: Any, proxy: ProxyChoice) -> ResponseHead:
        if proxy is not None:
            raise RequestError(
                "proxy cannot be changed for a client that was handed in: give the proxy to that "
                "client, as in httpx.AsyncClient(proxy=...), or let create() make one",
                RequestError.ERR_NOT_SUPPORT,
                request_was_sent=False,
            )
        try:
            response = self._client.send(request, stream=True, follow_redirects=False)
            if self._runtime.is_async:
                response = await response
        except Exception as error:
            if type(error).__name__ != "HTTPStatusError":
                raise
            response = error.response  # type: ignore[attr-defined]  # a hook has refused it
        return self._head(response, functools.partial(self._end, response))

    async def _end(self, response: Any, _is_clean: bool) -> None:
        stream = response.extensions.get("network_stream")
        if stream is not None and _has_more(response):
            await self._runtime.close(stream)
        if not response.is_closed:
            await self._runtime.close(response)

    def protect(self, work: Coroutine[Any, Any, Any]) -> Awaitable[Any]:
        return self._in_own_task(work) if self._runtime.is_async else work

    async def _in_own_task(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Run ``work`` in a task of its own, which is cancelled through a scope of anyio.

        httpcore shields its clean-up only from that. A task that is cancelled in the middle of it
        leaves a connection in the pool of the client that is never free again.
        """
        scope = anyio.CancelScope()
        task = asyncio.get_running_loop().create_task(_within(scope, work))
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            scope.cancel()
            while not task.done():
                with contextlib.suppress(asyncio.CancelledError):
                    await asyncio.wait((task,))
            if not task.cancelled() and task.exception() is None:
                await discard(getattr(task.result(), "data", None))  # it arrived in that moment
            raise

    async def close(self) -> None:
        pass

    def forget(self) -> None:
        pass


async def _within(scope: anyio.CancelScope, work: Coroutine[Any, Any, Any]) -> Any:
    with scope:
        return await work


def _encoded(fields: list[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    return [(name.encode(), value.encode("latin-1")) for name, value in fields]


@functools.lru_cache(maxsize=512)
def _parsed(kind: Callable[[str], Any], url: str) -> Any:
    """Parse a URL; that is half of what building a request costs."""
    return kind(url)


@functools.cache
def _no_tls() -> ssl.SSLContext:
    """Return a context that trusts no certificate, for connections without TLS."""
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


async def _each(pieces: Iterable[bytes]) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


def _was_refused(error: BaseException | None) -> bool:
    """Find a refused connection among the causes; several addresses make a group of them."""
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


def _has_more(response: Any) -> bool:
    """Return True if bytes follow the response: they would be taken for the next one.

    httpx has no public name for what h11 has kept. Without it the bytes are found too late.
    """
    found = response.stream
    for name in ("_stream", "_httpcore_stream", "_stream", "_connection", "_h11_state"):
        found = getattr(found, name, found)
    return bool(getattr(found, "trailing_data", (b"",))[0])


def _without_read_timeout(request: Any) -> None:
    timeout = request.extensions.get("timeout")
    if timeout:
        timeout["read"] = None
