"""A client of one's own may have any transport: a function, or an application in this process."""

from __future__ import annotations

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from zustax.transport import RequestError, create, create_sync

BASE_URL = "http://api.test"


def answer(request: httpx.Request) -> httpx.Response:
    """Tell what was asked for."""
    if request.url.path == "/missing":
        return httpx.Response(404, json={"error": "missing"})
    return httpx.Response(200, json={"method": request.method, "url": str(request.url)})


def test_a_function_may_answer() -> None:
    with httpx.Client(transport=httpx.MockTransport(answer)) as client:
        api = create_sync(client=client, base_url=BASE_URL)
        data = api.delete("/items", params={"ids": [1, 2]}).data
    assert data == {"method": "DELETE", "url": f"{BASE_URL}/items?ids%5B%5D=1&ids%5B%5D=2"}


async def test_a_function_may_answer_an_asynchronous_instance() -> None:
    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as client:
        api = create(client=client, base_url=BASE_URL)
        with pytest.raises(RequestError) as caught:
            await api.get("/missing")
    assert caught.value.response is not None
    assert caught.value.response.data == {"error": "missing"}


async def greet(request: Request) -> Response:
    body = await request.json()
    return JSONResponse({"hello": body["name"]})


async def count(_request: Request) -> Response:
    return StreamingResponse(iter([b"one\n", b"two\n"]))


APP = Starlette(routes=[Route("/greet", greet, methods=["POST"]), Route("/count", count)])


async def test_an_application_in_this_process_may_answer() -> None:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(APP)) as client:
        api = create(client=client, base_url=BASE_URL)
        assert (await api.post("/greet", {"name": "ada"})).data == {"hello": "ada"}


async def test_what_an_application_streams_can_be_read_as_a_stream() -> None:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(APP)) as client:
        api = create(client=client, base_url=BASE_URL)
        async with (await api.get("/count", response_type="stream")).data as stream:
            assert [line async for line in stream.lines()] == ["one", "two"]
