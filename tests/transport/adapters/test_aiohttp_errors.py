"""What goes wrong in aiohttp: axios's code, the cause, and whether anything was sent."""

from __future__ import annotations

import asyncio
import ssl
from http.cookiejar import CookieJar
from typing import Any

import aiohttp
import httpx
import pytest
from aiohttp import client_exceptions
from aiohttp.client_reqrep import ConnectionKey
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL
from zustax.transport import InvalidURLError, RequestError, create
from zustax.transport.adapters.aiohttp import CODES, AiohttpBackend

from ...support.clients import AiohttpClient, Client
from ...support.http1 import Answer
from ...support.server import AuthServer
from ..leaks import Secrets, leaks

#: The code of every exception that a request of aiohttp may raise.
EXPECTED = {
    "ClientError": "ERR_NETWORK",
    "ClientConnectionError": "ERR_NETWORK",
    "ClientConnectionResetError": "ERR_NETWORK",
    "ClientOSError": "ERR_NETWORK",
    "ClientConnectorError": "ERR_NETWORK",
    "ClientConnectorDNSError": "ERR_NETWORK",
    "ClientConnectorSSLError": "ERR_NETWORK",
    "ClientConnectorCertificateError": "ERR_NETWORK",
    "ClientSSLError": "ERR_NETWORK",
    "ClientProxyConnectionError": "ERR_NETWORK",
    "UnixClientConnectorError": "ERR_NETWORK",
    "ClientHttpProxyError": "ERR_NETWORK",
    "ClientPayloadError": "ERR_NETWORK",
    "ClientResponseError": "ERR_NETWORK",
    "ContentTypeError": "ERR_NETWORK",
    "RedirectClientError": "ERR_NETWORK",
    "ServerConnectionError": "ERR_NETWORK",
    "ServerDisconnectedError": "ERR_NETWORK",
    "ServerFingerprintMismatch": "ERR_NETWORK",
    "UploadAbortedError": "ERR_NETWORK",
    "WSServerHandshakeError": "ERR_NETWORK",
    "ServerTimeoutError": "ECONNABORTED",
    "ConnectionTimeoutError": "ECONNABORTED",
    "SocketTimeoutError": "ECONNABORTED",
    "InvalidURL": "ERR_INVALID_URL",
    "InvalidUrlClientError": "ERR_INVALID_URL",
    "InvalidUrlRedirectClientError": "ERR_INVALID_URL",
    "NonHttpUrlClientError": "ERR_BAD_REQUEST",
    "NonHttpUrlRedirectClientError": "ERR_BAD_REQUEST",
    "TooManyRedirects": "ERR_FR_TOO_MANY_REDIRECTS",
}

#: Exceptions before which not a byte of the request has left.
NOTHING_SENT = {
    "ClientConnectorError",
    "ClientConnectorDNSError",
    "ClientConnectorSSLError",
    "ClientConnectorCertificateError",
    "ClientHttpProxyError",
    "ClientProxyConnectionError",
    "ClientSSLError",
    "ConnectionTimeoutError",
    "InvalidURL",
    "InvalidUrlClientError",
    "InvalidUrlRedirectClientError",
    "NonHttpUrlClientError",
    "NonHttpUrlRedirectClientError",
    "ServerFingerprintMismatch",
    "UnixClientConnectorError",
}

KEY = ConnectionKey("host", 80, False, True, None, None, None)
INFO = aiohttp.RequestInfo(
    URL("http://host"), "GET", CIMultiDictProxy(CIMultiDict[str]()), URL("http://host")
)


def exceptions_of_aiohttp() -> dict[str, type[Exception]]:
    return {
        name: value
        for name, value in vars(client_exceptions).items()
        if isinstance(value, type) and issubclass(value, aiohttp.ClientError)
    }


def made(kind: Any) -> Exception:
    """An instance of an exception of aiohttp; they take different arguments."""
    if issubclass(kind, aiohttp.ClientResponseError):
        return kind(INFO, ())  # type: ignore[no-any-return]
    if kind is client_exceptions.UnixClientConnectorError:
        return kind("/socket", KEY, OSError(2, "no such file"))
    if issubclass(kind, aiohttp.ClientConnectorCertificateError):
        return kind(KEY, ssl.CertificateError("expired"))  # type: ignore[no-any-return]
    if issubclass(kind, aiohttp.ClientConnectorError):
        return kind(KEY, OSError(101, "unreachable"))  # type: ignore[no-any-return]
    if kind is aiohttp.ServerFingerprintMismatch:
        return kind(b"a", b"b", "host", 443)
    return kind("it failed")  # type: ignore[no-any-return]


def test_every_exception_of_aiohttp_has_a_code() -> None:
    assert set(exceptions_of_aiohttp()) == set(EXPECTED)
    assert set(CODES.values()) <= {name for name in vars(RequestError) if name.isupper()}


@pytest.mark.parametrize("name", EXPECTED)
def test_an_exception_of_aiohttp_has_its_code(name: str) -> None:
    backend = AiohttpBackend(None, CookieJar())
    exception = made(exceptions_of_aiohttp()[name])
    assert backend.code_of(exception) == EXPECTED[name]
    assert backend.was_sent(exception) is (name not in NOTHING_SENT)


def test_an_exception_that_is_none_of_aiohttp_has_no_code() -> None:
    assert AiohttpBackend(None, CookieJar()).code_of(LookupError("a bug")) is None


# --- what goes wrong between two hosts ---


@pytest.fixture
def kind() -> type[Client]:
    return AiohttpClient


def failure_of(client: Client, url: str = "/items", **options: Any) -> RequestError:
    return client.start(lambda api: api.get(url, **options)).error()


def test_a_refused_connection(kind: type[Client]) -> None:
    with AuthServer(listening=False) as server:
        client = kind.create(base_url=server.url)
        error = failure_of(client)
        client.close()
        assert f"GET {server.url}/items" in str(error)
    assert error.code == "ECONNREFUSED"
    assert isinstance(error.__cause__, aiohttp.ClientConnectorError)
    assert error.__cause__.__traceback__ is None
    assert not error.request_was_sent


def test_a_host_that_does_not_exist(kind: type[Client]) -> None:
    client = kind.create(base_url="http://nobody.invalid")
    error = failure_of(client)
    client.close()
    assert error.code == "ERR_NETWORK"
    assert isinstance(error.__cause__, aiohttp.ClientConnectorDNSError)
    assert not error.request_was_sent


@pytest.mark.parametrize("method", ["get", "put", "delete"])
def test_a_connection_that_is_dropped_is_not_tried_again(
    client: Client, server: AuthServer, method: str
) -> None:
    server.hang_up("/items")
    error = client.start(lambda api: api.request("/items", method=method)).error()
    assert error.code == "ERR_NETWORK"
    assert isinstance(error.__cause__, aiohttp.ServerDisconnectedError)
    assert error.request_was_sent
    assert server.count("/items") == 1


def test_a_body_that_breaks_off(client: Client, server: AuthServer) -> None:
    server.answer("/items", body={"user": "ada"}, cut=-3)
    error = failure_of(client)
    assert error.code == "ERR_NETWORK"
    assert isinstance(error.__cause__, aiohttp.ClientPayloadError)


def test_a_body_that_is_not_encoded_as_it_says(client: Client, server: AuthServer) -> None:
    server.answer("/items", body=b"not gzip", headers={"Content-Encoding": "gzip"})
    error = failure_of(client)
    assert error.code == "ERR_BAD_RESPONSE"
    assert isinstance(error.__cause__, httpx.DecodingError)


def test_a_body_that_was_compressed_too_often(client: Client, server: AuthServer) -> None:
    server.answer("/items", body=b"x", headers={"Content-Encoding": ", ".join(["gzip"] * 9)})
    assert failure_of(client).code == "ERR_BAD_RESPONSE"


def test_a_header_of_the_limit_is_read_and_a_longer_one_is_an_error(
    client: Client, server: AuthServer
) -> None:
    server.answer("/items", body={}, headers={"X-Long": "x" * 60_000}, times=1)
    assert len(client.call(lambda api: api.get("/items")).headers["x-long"]) == 60_000
    server.answer("/items", body={}, headers={"X-Long": "x" * 70_000})
    error = failure_of(client)
    assert error.code == "ERR_NETWORK"
    assert isinstance(error.__cause__, aiohttp.ClientResponseError)


def test_a_timeout_closes_the_connection(client: Client, server: AuthServer) -> None:
    server.hold("/items")
    error = failure_of(client, timeout=0.05)
    assert (error.code, str(error)) == ("ECONNABORTED", "timeout of 50ms exceeded")
    server.answer("/next")
    client.call(lambda api: api.get("/next"))
    assert server.connections == 2


async def test_a_timeout_of_a_session_that_was_handed_in(server: AuthServer) -> None:
    server.hold("/items")
    limits = aiohttp.ClientTimeout(total=0.05)
    async with aiohttp.ClientSession(timeout=limits) as session:
        api = create(client=session, base_url=server.url)
        with pytest.raises(RequestError) as caught:
            await api.get("/items")
        assert caught.value.code == "ECONNABORTED"
        assert isinstance(caught.value.__cause__, TimeoutError)


async def test_a_timeout_of_the_request_counts_instead_of_that_of_the_session(
    server: AuthServer,
) -> None:
    gate = server.hold("/items")
    server.answer("/items", body={})
    limits = aiohttp.ClientTimeout(total=0.01, sock_read=0.01)
    async with aiohttp.ClientSession(timeout=limits) as session:
        api = create(client=session, base_url=server.url)
        asyncio.get_running_loop().call_later(0.2, gate.open)
        assert (await api.get("/items", timeout=20)).status == 200


async def test_a_session_that_raises_for_a_status_does_not(server: AuthServer) -> None:
    server.answer("/items", status=404, body={"why": "because"})
    async with aiohttp.ClientSession(raise_for_status=True) as session:
        with pytest.raises(RequestError) as caught:
            await create(client=session, base_url=server.url).get("/items")
    assert caught.value.response is not None
    assert caught.value.response.data == {"why": "because"}


@pytest.mark.parametrize(
    "url", ["http://a:b/", "http://[::1/", "http://h/\udce9", "http://h:99999/"]
)
async def test_a_url_that_cannot_be_requested(url: str) -> None:
    async with create(adapter="aiohttp") as api:
        with pytest.raises(InvalidURLError) as caught:
            await api.get(url)
    assert caught.value.code == "ERR_INVALID_URL"
    assert not caught.value.request_was_sent


# --- secrets ---


class NoHttp(Answer):
    """An answer in another language."""

    def to_bytes(self, method: str) -> bytes:
        return b"220 mail.host ready\r\n\r\n"


HARM: dict[str, Any] = {
    "is no HTTP": lambda server: server.behave("/items", lambda _seen: NoHttp()),
    "hangs up": lambda server: server.hang_up("/items"),
    "breaks off": lambda server: server.answer("/items", body={"a": 1}, cut=-3),
    "is silent": lambda server: server.hold("/items"),
    "refuses": lambda server: server.answer("/items", status=400),
}


@pytest.fixture
def secrets() -> Secrets:
    return Secrets()


@pytest.mark.parametrize("harm", HARM.values(), ids=HARM)
def test_no_error_shows_a_secret(
    client: Client, server: AuthServer, secrets: Secrets, harm: Any
) -> None:
    harm(server)
    error = client.start(
        lambda api: api.post(
            f"/items?access_token={secrets.new()}",
            {"password": secrets.new()},
            headers={"Authorization": f"Bearer {secrets.new()}", "Cookie": f"a={secrets.new()}"},
            timeout=0.3,
        )
    ).error()
    assert leaks(secrets, error=error, request=error.request) == []
