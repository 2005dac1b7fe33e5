"""pytest-httpx sees what an instance sends, and answers in the place of the server."""

from __future__ import annotations

import httpx
import pytest
from pytest_httpx import HTTPXMock
from zustax.transport import RequestError, create, create_sync

BASE_URL = "http://api.test"


def test_an_answer_of_the_mock_is_a_response(httpx_mock: HTTPXMock) -> None:
    httpx_mock.add_response(url=f"{BASE_URL}/items", method="PUT", json={"id": 1})

    with create_sync(base_url=BASE_URL) as api:
        assert api.put("/items", {"name": "tea"}).data == {"id": 1}

    request = httpx_mock.get_request()
    assert request is not None
    assert request.read() == b'{"name":"tea"}'
    assert request.headers["content-type"] == "application/json"


async def test_a_failure_of_the_mock_is_an_error_with_its_code(httpx_mock: HTTPXMock) -> None:
    httpx_mock.add_exception(httpx.ReadError("the line is dead"))

    async with create(base_url=BASE_URL) as api:
        with pytest.raises(RequestError) as caught:
            await api.get("/items")

    assert caught.value.code == RequestError.ERR_NETWORK
