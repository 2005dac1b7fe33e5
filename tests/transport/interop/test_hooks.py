"""A hook of a client that is handed in may raise for a status, as httpx recommends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import httpx2
import pytest
from zustax.store import UserStore
from zustax.transport import silent_refresh

from ...support.clients import TLS, AsyncClient, Client, SyncClient
from ...support.server import AuthServer


def refuse(response: Any) -> None:
    response.raise_for_status()


def read_and_refuse(response: Any) -> None:
    response.read()
    response.raise_for_status()


async def refuse_async(response: Any) -> None:
    response.raise_for_status()


async def read_and_refuse_async(response: Any) -> None:
    await response.aread()
    response.raise_for_status()


def client_with(kind: type[Client], library: Any, plain: Any, other: Any, url: str) -> Client:
    if kind.is_async:
        theirs = library.AsyncClient(verify=TLS, event_hooks={"response": [other]})
    else:
        theirs = library.Client(verify=TLS, event_hooks={"response": [plain]})
    return kind.create(client=theirs, base_url=url)


@pytest.fixture(params=[httpx, httpx2], ids=["httpx", "httpx2"])
def library(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture(params=[AsyncClient, SyncClient], ids=["async", "sync"])
def kind(request: pytest.FixtureRequest) -> type[Client]:
    kind: type[Client] = request.param
    return kind


def test_the_status_the_code_and_the_response_are_there(
    kind: type[Client], library: Any, server: AuthServer
) -> None:
    client = client_with(kind, library, refuse, refuse_async, server.url)
    server.answer("/missing", status=404, body={"error": "missing"})
    error = client.start(lambda api: api.get("/missing")).error()
    assert (error.status, error.code) == (404, "ERR_BAD_REQUEST")
    assert error.response is not None
    assert error.response.headers["content-type"] == "application/json"
    client.close()


def test_a_body_that_the_hook_has_read_is_there(
    kind: type[Client], library: Any, server: AuthServer
) -> None:
    client = client_with(kind, library, read_and_refuse, read_and_refuse_async, server.url)
    server.answer("/missing", status=404, body={"error": "missing"})
    error = client.start(lambda api: api.get("/missing")).error()
    assert error.response is not None
    assert error.response.data == {"error": "missing"}
    client.close()


def test_validate_status_decides(kind: type[Client], library: Any, server: AuthServer) -> None:
    client = client_with(kind, library, refuse, refuse_async, server.url)
    server.answer("/missing", status=404)
    assert client.call(lambda api: api.get("/missing", validate_status=None)).status == 404
    client.close()


def test_a_refused_token_is_refreshed(kind: type[Client], library: Any, server: AuthServer) -> None:
    client = client_with(kind, library, refuse, refuse_async, server.url)
    store = UserStore()
    silent_refresh(client.api, store)
    tokens = server.login("ada")
    store.login(tokens.access_token, tokens.refresh_token)
    server.expire()
    get: Callable[[Any], Any] = lambda api: api.get("/items")  # noqa: E731
    assert client.call(get).status == 200
    client.close()


def test_what_else_a_hook_raises_comes_out(
    kind: type[Client], library: Any, server: AuthServer
) -> None:
    def fail(_response: Any) -> None:
        raise LookupError("mine")

    async def fail_async(_response: Any) -> None:
        raise LookupError("mine")

    client = client_with(kind, library, fail, fail_async, server.url)
    assert isinstance(client.start(lambda api: api.get("/")).failure(), LookupError)
    client.close()
