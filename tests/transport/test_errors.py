"""What a request fails with: the class, axios's code, the cause, and what travels with them."""

from __future__ import annotations

import inspect
import pickle
import socket
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import httpx
import pytest
from attrs import frozen
from zustax.transport import (
    AbortController,
    CanceledError,
    InvalidURLError,
    RefreshError,
    RequestConfig,
    RequestError,
)
from zustax.transport.adapters.httpx import CODES

from ..support.clients import Client
from ..support.http1 import Answer
from ..support.server import AuthServer

PUBLIC_CODES = {name for name in vars(RequestError) if name.isupper()}


def failure_of(client: Client, url: str = "/items", **options: Any) -> RequestError:
    return client.start(lambda api: api.get(url, **options)).error()


@pytest.fixture
def closed_url() -> Iterator[str]:
    """An address that is taken and at which nothing listens."""
    with closing(socket.socket()) as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"


# --- the classes ---


def test_a_code_is_its_own_name() -> None:
    assert {name: getattr(RequestError, name) for name in PUBLIC_CODES} == {
        name: name for name in PUBLIC_CODES
    }


@pytest.mark.parametrize(
    ("error", "base", "code"),
    [
        (CanceledError(), RequestError, "ERR_CANCELED"),
        (InvalidURLError("no URL", "ERR_INVALID_URL"), ValueError, "ERR_INVALID_URL"),
        (InvalidURLError("no URL", "ERR_INVALID_URL"), RequestError, "ERR_INVALID_URL"),
        (RefreshError("refused"), RequestError, "ERR_TOKEN_REFRESH"),
    ],
)
def test_an_error_is_caught_as_what_it_is(
    error: RequestError, base: type[Exception], code: str
) -> None:
    assert isinstance(error, base)
    assert error.code == code


def test_an_error_says_what_happened() -> None:
    config = RequestConfig(url="/items", method="get")
    error = RequestError("it failed", RequestError.ERR_NETWORK, config)
    assert str(error) == error.message == "it failed"
    assert repr(error) == "RequestError('it failed', code='ERR_NETWORK')"
    assert error.to_json() == {
        "message": "it failed",
        "name": "RequestError",
        "code": "ERR_NETWORK",
        "status": None,
        "config": {"url": "/items", "method": "get"},
    }


@pytest.mark.parametrize(
    "error",
    [
        RequestError("it failed", RequestError.ERR_NETWORK),
        RequestError("not sent", RequestError.ERR_NETWORK, request_was_sent=False),
        CanceledError(),
        InvalidURLError("no URL", RequestError.ERR_INVALID_URL),
        RefreshError("refused", rejected=True),
        RefreshError("down", RequestError.ERR_NETWORK),
    ],
    ids=repr,
)
def test_an_error_can_be_sent_to_another_process(error: RequestError) -> None:
    received = pickle.loads(pickle.dumps(error))
    assert type(received) is type(error)
    assert repr(received) == repr(error)
    assert received.message == error.message
    assert received.request_was_sent == error.request_was_sent
    assert getattr(received, "rejected", None) == getattr(error, "rejected", None)


def test_an_error_of_a_request_can_be_sent_to_another_process(
    client: Client, server: AuthServer
) -> None:
    server.answer("/items", status=404)
    received = pickle.loads(pickle.dumps(failure_of(client)))
    assert isinstance(received, RequestError)
    assert received.code == "ERR_BAD_REQUEST"
    assert str(received) == "Request failed with status code 404"


# --- the exceptions of the client ---

#: The code of every exception that httpx has.
EXPECTED = {
    "HTTPError": "ERR_NETWORK",
    "RequestError": "ERR_NETWORK",
    "TransportError": "ERR_NETWORK",
    "TimeoutException": "ECONNABORTED",
    "ConnectTimeout": "ECONNABORTED",
    "ReadTimeout": "ECONNABORTED",
    "WriteTimeout": "ECONNABORTED",
    "PoolTimeout": "ECONNABORTED",
    "NetworkError": "ERR_NETWORK",
    "ConnectError": "ERR_NETWORK",
    "ReadError": "ERR_NETWORK",
    "WriteError": "ERR_NETWORK",
    "CloseError": "ERR_NETWORK",
    "ProtocolError": "ERR_NETWORK",
    "LocalProtocolError": "ERR_BAD_REQUEST",
    "RemoteProtocolError": "ERR_NETWORK",
    "ProxyError": "ERR_NETWORK",
    "UnsupportedProtocol": "ERR_BAD_REQUEST",
    "DecodingError": "ERR_BAD_RESPONSE",
    "TooManyRedirects": "ERR_FR_TOO_MANY_REDIRECTS",
    "HTTPStatusError": "ERR_NETWORK",
    "InvalidURL": "ERR_INVALID_URL",
    "CookieConflict": "ERR_BAD_REQUEST",
    "StreamError": "ERR_BAD_REQUEST",
    "StreamConsumed": "ERR_BAD_REQUEST",
    "StreamClosed": "ERR_BAD_REQUEST",
    "ResponseNotRead": "ERR_BAD_REQUEST",
    "RequestNotRead": "ERR_BAD_REQUEST",
}

#: Exceptions before which not a byte of the request has left.
NOTHING_SENT = {
    "ConnectError",
    "ConnectTimeout",
    "PoolTimeout",
    "ProxyError",
    "UnsupportedProtocol",
    "InvalidURL",
}


def exceptions_of_httpx() -> dict[str, type[Exception]]:
    return {
        name: value
        for name, value in vars(httpx).items()
        if isinstance(value, type) and issubclass(value, Exception)
    }


def test_every_exception_of_httpx_is_in_the_table_and_has_a_code() -> None:
    assert set(exceptions_of_httpx()) == set(EXPECTED)
    assert set(CODES) <= set(EXPECTED)
    assert set(CODES.values()) <= PUBLIC_CODES


def made(kind: type[Exception]) -> Exception:
    """An instance of an exception of httpx; they take different arguments."""
    takes_message = "message" in inspect.signature(kind).parameters
    return kind("it failed") if takes_message else kind()


@frozen
class Raising(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """A transport of httpx that raises."""

    error: Exception

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        raise self.error

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        raise self.error


@pytest.mark.parametrize("name", [name for name in EXPECTED if name != "HTTPStatusError"])
def test_an_exception_of_httpx_becomes_an_error_with_its_code_and_is_the_cause(
    kind: type[Client], name: str
) -> None:
    exception = made(exceptions_of_httpx()[name])
    make = httpx.AsyncClient if kind.is_async else httpx.Client
    theirs: Any = make(transport=Raising(exception))
    client = kind.create(client=theirs, base_url="http://host")
    error = failure_of(client)
    client.call(lambda _api: theirs.aclose() if kind.is_async else theirs.close())
    client.close()
    assert error.code == EXPECTED[name]
    assert error.__cause__ is exception
    assert exception.__traceback__ is None
    assert error.request_was_sent is (name not in NOTHING_SENT)
    assert isinstance(error, ValueError) is (name == "InvalidURL")


def test_an_exception_that_is_none_of_the_client_comes_out_as_it_is(kind: type[Client]) -> None:
    bug = LookupError("a bug in a transport")
    make = httpx.AsyncClient if kind.is_async else httpx.Client
    theirs: Any = make(transport=Raising(bug))
    client = kind.create(client=theirs, base_url="http://host")
    assert client.start(lambda api: api.get("/items")).failure() is bug
    client.call(lambda _api: theirs.aclose() if kind.is_async else theirs.close())
    client.close()


# --- what goes wrong between two hosts ---


def test_a_refused_connection(kind: type[Client], closed_url: str) -> None:
    client = kind.create(base_url=closed_url)
    error = failure_of(client)
    client.close()
    assert error.code == "ECONNREFUSED"
    assert isinstance(error.__cause__, httpx.ConnectError)
    assert f"GET {closed_url}/items" in str(error)
    assert not error.request_was_sent
    assert error.response is None
    assert error.status is None


def test_a_host_that_does_not_exist(kind: type[Client]) -> None:
    client = kind.create(base_url="http://nobody.invalid")
    error = failure_of(client)
    client.close()
    assert error.code == "ERR_NETWORK"
    assert isinstance(error.__cause__, httpx.ConnectError)
    assert not error.request_was_sent


DEEP: dict[str, object] = {}
for _ in range(101):
    DEEP = {"a": DEEP, "b": 1}


@pytest.mark.parametrize(
    "options",
    [{"timeout": -1}, {"headers": {"no name": "1"}}, {"params": DEEP}],
    ids=["option", "header", "params"],
)
def test_what_is_refused_before_sending_was_not_sent(
    client: Client, server: AuthServer, options: dict[str, Any]
) -> None:
    assert not failure_of(client, **options).request_was_sent
    assert server.count("/items") == 0


def test_a_connection_that_is_dropped(client: Client, server: AuthServer) -> None:
    server.hang_up("/items")
    error = failure_of(client)
    assert error.code == "ERR_NETWORK"
    assert isinstance(error.__cause__, httpx.TransportError)
    assert error.request_was_sent


def test_a_body_that_breaks_off(client: Client, server: AuthServer) -> None:
    server.answer("/items", body={"user": "ada"}, cut=-3)
    error = failure_of(client)
    assert error.code == "ERR_NETWORK"
    assert isinstance(error.__cause__, httpx.RemoteProtocolError)


class NoHttp(Answer):
    """An answer in another language."""

    def to_bytes(self, method: str) -> bytes:
        return b"220 mail.host ready\r\n\r\n"


def test_an_answer_that_is_not_http(client: Client, server: AuthServer) -> None:
    server.behave("/items", lambda _seen: NoHttp())
    error = failure_of(client)
    assert error.code == "ERR_NETWORK"
    assert isinstance(error.__cause__, httpx.RemoteProtocolError)


def test_a_body_that_is_not_encoded_as_it_says(client: Client, server: AuthServer) -> None:
    server.answer("/items", body=b"not gzip", headers={"Content-Encoding": "gzip"})
    error = failure_of(client)
    assert error.code == "ERR_BAD_RESPONSE"
    assert isinstance(error.__cause__, httpx.DecodingError)


def test_a_timeout_says_in_milliseconds_how_long_it_was(client: Client, server: AuthServer) -> None:
    server.hold("/items")
    error = failure_of(client, timeout=0.05)
    assert error.code == "ECONNABORTED"
    assert str(error) == "timeout of 50ms exceeded"
    assert isinstance(error.__cause__, (TimeoutError, httpx.TimeoutException))
    assert error.request_was_sent


def test_a_timeout_says_what_the_caller_wants_it_to_say(client: Client, server: AuthServer) -> None:
    server.hold("/items")
    error = failure_of(client, timeout=0.05, timeout_error_message="the server is asleep")
    assert (error.code, str(error)) == ("ECONNABORTED", "the server is asleep")


def test_a_timeout_of_the_callers_own_client(kind: type[Client], server: AuthServer) -> None:
    server.hold("/items")
    make = httpx.AsyncClient if kind.is_async else httpx.Client
    theirs: Any = make(timeout=0.05)
    client = kind.create(client=theirs, base_url=server.url)
    error = failure_of(client)
    server.open_gates()
    client.call(lambda _api: theirs.aclose() if kind.is_async else theirs.close())
    client.close()
    assert error.code == "ECONNABORTED"
    assert isinstance(error.__cause__, httpx.ReadTimeout)


def redirect_in_a_circle(server: AuthServer) -> None:
    server.redirect("/items", "/items")


def test_too_many_redirects(client: Client, server: AuthServer) -> None:
    redirect_in_a_circle(server)
    error = failure_of(client, max_redirects=2)
    assert error.code == "ERR_FR_TOO_MANY_REDIRECTS"
    assert server.count() == 3


def test_redirects_are_followed_until_the_limit(client: Client, server: AuthServer) -> None:
    server.answer("/items", status=302, headers={"Location": "/items"}, times=2)
    server.answer("/items", body={"user": "ada"})
    response = client.call(lambda api: api.get("/items", max_redirects=2))
    assert (response.status, server.count()) == (200, 3)


def test_a_body_of_the_limit_is_read_and_one_byte_more_is_an_error(
    client: Client, server: AuthServer
) -> None:
    server.answer("/items", body=b"12345")
    response = client.call(lambda api: api.get("/items", max_content_length=5))
    assert response.data == 12345
    error = failure_of(client, max_content_length=4)
    assert error.code == "ERR_BAD_RESPONSE"
    assert str(error) == "maxContentLength size of 4 exceeded"


def test_a_body_of_the_limit_is_sent_and_one_byte_more_is_an_error(
    client: Client, server: AuthServer
) -> None:
    server.answer("/items")
    client.call(lambda api: api.post("/items", b"12345", max_body_length=5))
    error = client.start(lambda api: api.post("/items", b"12345", max_body_length=4)).error()
    assert error.code == "ERR_BAD_REQUEST"
    assert not error.request_was_sent
    assert server.count() == 1


def test_an_aborted_request(client: Client, server: AuthServer) -> None:
    server.hold("/items")
    controller = AbortController()
    call = client.start(lambda api: api.get("/items", signal=controller.signal))
    server.wait_for(1)
    controller.abort()
    server.open_gates()
    error = call.error()
    assert isinstance(error, CanceledError)
    assert (error.code, str(error)) == ("ERR_CANCELED", "canceled")


# --- what the server refuses ---


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, "ERR_BAD_REQUEST"),
        (401, "ERR_BAD_REQUEST"),
        (404, "ERR_BAD_REQUEST"),
        (499, "ERR_BAD_REQUEST"),
        (500, "ERR_BAD_RESPONSE"),
        (503, "ERR_BAD_RESPONSE"),
    ],
)
def test_a_status_that_is_no_success(
    client: Client, server: AuthServer, status: int, code: str
) -> None:
    server.answer("/items", status=status, body={"why": "because"})
    error = failure_of(client)
    assert error.code == code
    assert str(error) == f"Request failed with status code {status}"
    assert error.status == status
    assert error.response is not None
    assert error.response.data == {"why": "because"}
    assert error.request_was_sent
    assert error.__cause__ is None


def test_an_error_knows_its_request(client: Client, server: AuthServer) -> None:
    server.answer("/items", status=404)
    error = failure_of(client, headers={"X-Name": "a"})
    assert error.config is not None
    assert (error.config.url, error.config.method) == ("/items", "get")
    assert error.request is not None
    assert error.request.headers["x-name"] == "a"
    assert str(error.request.url) == f"{server.url}/items"


@pytest.mark.parametrize("harm", ["hang up", "too long"])
def test_an_error_without_a_response_knows_its_request(
    client: Client, server: AuthServer, harm: str
) -> None:
    if harm == "hang up":
        server.hang_up("/items")
    else:
        server.hold("/items")
    error = failure_of(client, timeout=0.2)
    assert error.config is not None
    assert error.config.url == "/items"
    assert error.request is not None
    assert str(error.request.url) == f"{server.url}/items"
