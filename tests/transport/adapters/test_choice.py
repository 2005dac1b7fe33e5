"""Which adapter sends: one by its name, that of the client that was handed in, or a function."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from typing import Any

import aiohttp
import httpx
import httpx2
import pytest
from zustax.transport import RequestConfig, RequestError, create, create_sync

from ...support.server import AuthServer

OK = {"user": "ada"}


@pytest.fixture(autouse=True)
def _items(server: AuthServer) -> None:
    server.answer("/items", body=OK)


def user_agent(server: AuthServer) -> str:
    """What sent the latest request."""
    return server.seen("/items")[-1].headers["user-agent"].lower()


async def test_httpx_is_the_default(server: AuthServer) -> None:
    async with create(base_url=server.url) as api:
        await api.get("/items")
    assert "httpx" in user_agent(server)


async def test_an_instance_sends_with_the_adapter_that_it_was_made_with(server: AuthServer) -> None:
    async with create(base_url=server.url, adapter="aiohttp") as api:
        response = await api.get("/items")
    assert response.data == OK
    assert "aiohttp" in user_agent(server)


async def test_a_request_may_name_another_adapter(server: AuthServer) -> None:
    async with create(base_url=server.url) as api:
        await api.get("/items", adapter="aiohttp")
        assert "aiohttp" in user_agent(server)
        await api.get("/items")
        assert "httpx" in user_agent(server)


async def test_requests_that_name_an_adapter_share_its_connections(server: AuthServer) -> None:
    async with create(base_url=server.url) as api:
        for _ in range(3):
            await api.get("/items", adapter="aiohttp")
    assert server.connections == 1


async def test_a_derived_instance_shares_the_connections_of_an_adapter(server: AuthServer) -> None:
    async with create(base_url=server.url, adapter="aiohttp") as api:
        await api.get("/items")
        await api.create().get("/items")
    assert server.connections == 1


async def test_a_derived_instance_may_have_another_adapter(server: AuthServer) -> None:
    async with create(base_url=server.url) as api:
        await api.create(adapter="aiohttp").get("/items")
    assert "aiohttp" in user_agent(server)


@pytest.mark.parametrize("adapter", ["httpx", "aiohttp"])
async def test_closing_closes_the_connections_and_the_next_request_opens_others(
    server: AuthServer, adapter: Any
) -> None:
    api = create(base_url=server.url, adapter=adapter)
    await api.get("/items")
    await api.aclose()
    await api.get("/items")
    await api.aclose()
    assert server.connections == 2


def test_an_instance_that_was_closed_serves_the_next_loop(server: AuthServer) -> None:
    api = create(base_url=server.url, adapter="aiohttp")

    async def use_and_close() -> None:
        await api.get("/items")
        await api.aclose()

    asyncio.run(use_and_close())
    asyncio.run(use_and_close())
    assert server.count("/items") == 2


# --- clients that are handed in ---


async def test_a_session_that_is_handed_in_sends_and_stays_open(server: AuthServer) -> None:
    async with aiohttp.ClientSession(headers={"X-App": "mine"}) as session:
        async with create(client=session, base_url=server.url) as api:
            response = await api.get("/items")
        assert not session.closed
    assert response.data == OK
    assert server.seen("/items")[0].headers["x-app"] == "mine"


async def test_a_client_of_httpx2_that_is_handed_in_sends_and_stays_open(
    server: AuthServer,
) -> None:
    async with httpx2.AsyncClient(base_url=server.url, headers={"X-App": "mine"}) as client:
        async with create(client=client) as api:
            response = await api.get("/items")
        assert not client.is_closed
    assert response.data == OK
    assert isinstance(response.headers, httpx2.Headers)
    assert server.seen("/items")[0].headers["x-app"] == "mine"


def test_a_synchronous_client_of_httpx2_that_is_handed_in_sends_and_stays_open(
    server: AuthServer,
) -> None:
    with httpx2.Client(base_url=server.url) as client:
        with create_sync(client=client) as api:
            assert api.get("/items").data == OK
        assert not client.is_closed


async def test_what_a_client_accepts_by_default_is_not_what_the_instance_accepts(
    server: AuthServer,
) -> None:
    async with httpx2.AsyncClient() as client:
        await create(client=client, base_url=server.url).get("/items", headers={"Accept": None})
        api = create(client=client, base_url=server.url)
        api.defaults.headers.common.pop("Accept")
        await api.get("/items")
    assert ["accept" in seen.headers for seen in server.seen("/items")] == [False, False]


async def test_a_session_that_authorizes_is_known_to(server: AuthServer) -> None:
    async with aiohttp.ClientSession(headers={"Authorization": "Basic abc"}) as session:
        assert create(client=session).client_authorizes
    async with aiohttp.ClientSession() as session:
        assert not create(client=session).client_authorizes


# --- what is refused ---


async def test_a_synchronous_instance_takes_no_session() -> None:
    async with aiohttp.ClientSession() as session:
        with pytest.raises(TypeError, match=r"synchronous HTTP client.*ClientSession.*create\(\)"):
            create_sync(client=session)


def test_a_synchronous_instance_cannot_be_made_with_aiohttp() -> None:
    with pytest.raises(TypeError, match=r"adapter='aiohttp'.*create\(\)"):
        create_sync(adapter="aiohttp")


def test_a_request_of_a_synchronous_instance_cannot_name_aiohttp(server: AuthServer) -> None:
    with (
        create_sync(base_url=server.url) as api,
        pytest.raises(TypeError, match="adapter='aiohttp'"),
    ):
        api.get("/items", adapter="aiohttp")
    assert server.count() == 0


async def test_an_adapter_that_is_not_that_of_the_client_is_refused() -> None:
    async with httpx.AsyncClient() as client:
        with pytest.raises(TypeError, match=r"adapter='aiohttp'.*AsyncClient"):
            create(client=client, adapter="aiohttp")
        create(client=client, adapter="httpx")


def test_a_name_that_is_no_adapter_is_refused() -> None:
    with pytest.raises(RequestError, match="adapter must be 'httpx', 'aiohttp' or a function") as e:
        RequestConfig(adapter="xhr")  # type: ignore[arg-type]
    assert e.value.code == "ERR_BAD_OPTION_VALUE"
    with pytest.raises(TypeError, match=r"adapter must be .* not int"):
        RequestConfig(adapter=5)  # type: ignore[arg-type]


# --- the library of an adapter ---


def test_a_library_that_is_missing_is_named_with_the_extra_that_brings_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "aiohttp", None)
    monkeypatch.delitem(sys.modules, "zustax.transport.adapters.aiohttp", raising=False)
    with pytest.raises(ImportError, match=r"needs aiohttp: install zustax\[aiohttp\]"):
        create(adapter="aiohttp")


def test_aiohttp_is_imported_when_it_is_used() -> None:
    program = (
        "import sys; from zustax.transport import create; create(); "
        "assert 'aiohttp' not in sys.modules; create(adapter='aiohttp'); "
        "assert 'aiohttp' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=50)
