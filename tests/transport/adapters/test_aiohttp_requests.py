"""aiohttp puts on the wire what httpx would put there, and its connections are given back."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from zustax.transport import AbortController, CanceledError, Instance, RequestError, create

from ...support.server import AuthServer
from ...support.waiting import until
from ..leaks import LogRecorder

LARGE = 3 * 1024 * 1024


@pytest.fixture
async def api(server: AuthServer) -> AsyncIterator[Instance]:
    server.answer("/items", body={})
    async with create(base_url=server.url, adapter="aiohttp") as api:
        yield api
        server.open_gates()


# --- headers ---


async def test_what_is_added_to_the_headers(api: Instance, server: AuthServer) -> None:
    await api.get("/items")
    assert set(server.seen("/items")[0].headers) == {
        "host",
        "accept",
        "accept-encoding",
        "user-agent",
    }
    assert "gzip" in server.seen("/items")[0].headers["accept-encoding"]


@pytest.mark.parametrize("name", ["Accept", "Accept-Encoding", "User-Agent", "Content-Type"])
async def test_a_header_that_was_taken_out_is_not_sent(
    api: Instance, server: AuthServer, name: str
) -> None:
    await api.post("/items", b"x", headers={name: None})
    assert name.lower() not in server.seen("/items")[0].headers


async def test_headers_of_a_response_are_those_of_httpx(api: Instance, server: AuthServer) -> None:
    server.answer("/named", body=b"{}", headers={"X-A": "caf\xe9"})
    response = await api.get("/named")
    assert response.headers["x-a"] == "caf\xe9"
    assert response.headers.get_list("x-a") == ["caf\xe9"]


async def test_the_user_name_of_a_url_is_sent_as_a_header(
    api: Instance, server: AuthServer
) -> None:
    url = server.url.replace("//", "//ada:love%40lace@")
    response = await api.get(f"{url}/items")
    assert server.seen("/items")[0].authorization == "Basic YWRhOmxvdmVAbGFjZQ=="
    assert "lace" not in repr(response.request)


async def test_a_request_can_be_changed_before_it_is_redirected(
    api: Instance, server: AuthServer
) -> None:
    server.redirect("/moved", "/items")

    def before_redirect(request: Any) -> None:
        request.headers["X-Moved"] = "yes"

    await api.get("/moved", before_redirect=before_redirect)
    assert server.seen("/items")[0].headers["x-moved"] == "yes"


# --- cookies ---


async def set_cookie(api: Instance, server: AuthServer) -> None:
    server.answer("/session", headers={"Set-Cookie": "id=1=2; Path=/"})
    await api.get("/session")


def cookies(server: AuthServer) -> list[str | None]:
    return [seen.headers.get("cookie") for seen in server.seen("/items")]


async def test_cookies_are_kept(api: Instance, server: AuthServer) -> None:
    await set_cookie(api, server)
    await api.get("/items")
    assert cookies(server) == ["id=1=2"]


async def test_a_cookie_of_the_caller_stands_alone(api: Instance, server: AuthServer) -> None:
    await set_cookie(api, server)
    await api.get("/items", headers={"Cookie": "mine=x"})
    await api.get("/items", headers={"Cookie": None})
    assert cookies(server) == ["mine=x", None]


async def test_a_session_that_was_handed_in_keeps_its_cookies(server: AuthServer) -> None:
    server.answer("/items", body={})
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(cookie_jar=jar) as session:
        api = create(client=session, base_url=server.url)
        await set_cookie(api, server)
        await api.get("/items")
    assert cookies(server) == ['id="1=2"']
    assert [morsel.value for morsel in jar] == ["1=2"]


# --- bodies ---


async def test_a_large_body(api: Instance, server: AuthServer) -> None:
    await api.post("/items", bytes(LARGE))
    assert server.seen("/items")[0].body == bytes(LARGE)


async def pieces(*items: bytes, error: Exception | None = None) -> AsyncIterator[bytes]:
    for item in items:
        yield item
    if error:
        raise error


async def test_what_goes_wrong_while_a_body_is_made_comes_out(
    api: Instance, server: AuthServer
) -> None:
    bug = LookupError("a bug in a generator")
    with pytest.raises(LookupError) as caught:
        await api.post("/items", pieces(b"a", error=bug))
    assert caught.value is bug
    assert (await api.get("/items")).status == 200


@pytest.mark.parametrize("length", ["1", "5", "many"])
@pytest.mark.parametrize("make", [lambda: b"abc", lambda: pieces(b"ab", b"c")], ids=["bytes", "it"])
async def test_a_body_of_another_length_than_its_header_says_is_not_sent_in_part(
    api: Instance, server: AuthServer, make: Any, length: str
) -> None:
    with pytest.raises(RequestError) as caught:
        await api.post("/items", make(), headers={"Content-Length": length}, timeout=20)
    assert caught.value.code == "ERR_BAD_REQUEST"
    assert server.count("/items") == 0


async def test_a_body_that_was_compressed_twice(api: Instance, server: AuthServer) -> None:
    body = gzip.compress(gzip.compress(b'{"a": 1}'))
    server.answer("/twice", body=body, headers={"Content-Encoding": "gzip, gzip"})
    assert (await api.get("/twice")).data == {"a": 1}


# --- connections ---


async def test_connections_are_used_again(api: Instance, server: AuthServer) -> None:
    for _ in range(3):
        await api.get("/items")
    assert server.connections == 1


async def test_a_cancelled_request_gives_its_connection_up(
    api: Instance, server: AuthServer
) -> None:
    server.hold("/items")
    task = asyncio.create_task(api.get("/items"))
    await until(lambda: server.count("/items") == 1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    server.answer("/next")
    await api.get("/next")
    assert server.connections == 2


async def test_an_aborted_request_gives_its_connection_up(
    api: Instance, server: AuthServer
) -> None:
    server.hold("/items")
    controller = AbortController()
    task = asyncio.create_task(api.get("/items", signal=controller.signal))
    await until(lambda: server.count("/items") == 1)
    controller.abort()
    with pytest.raises(CanceledError):
        await task
    server.answer("/next")
    await api.get("/next")
    assert server.connections == 2


async def test_a_limit_of_size_gives_the_connection_up(api: Instance, server: AuthServer) -> None:
    server.answer("/large", body=bytes(LARGE))
    with pytest.raises(RequestError) as caught:
        await api.get("/large", max_content_length=5)
    assert caught.value.code == "ERR_BAD_RESPONSE"
    await api.get("/items")
    assert server.connections == 2


async def test_a_stream_holds_its_connection_until_it_is_closed(
    api: Instance, server: AuthServer
) -> None:
    server.answer("/large", body=bytes(LARGE))
    response = await api.get("/large", response_type="stream")
    assert await anext(response.data)
    await response.data.aclose()
    await api.get("/items")
    assert server.connections == 2


async def test_more_requests_than_connections_wait_for_one(
    api: Instance, server: AuthServer
) -> None:
    gate = server.hold("/items")
    tasks = [asyncio.create_task(api.get("/items")) for _ in range(150)]
    await until(lambda: server.count("/items") == 100)
    gate.open()
    assert {(await task).status for task in tasks} == {200}
    assert server.connections == 100


async def test_nothing_of_a_request_is_in_the_log(api: Instance) -> None:
    with LogRecorder() as records:
        await api.get("/items?access_token=abc", headers={"Authorization": "Bearer abc"})
    assert [record for record in records if "abc" in record.getMessage()] == []
