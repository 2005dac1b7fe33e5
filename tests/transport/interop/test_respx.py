"""respx sees what an instance sends, and answers in the place of the server."""

from __future__ import annotations

import json

import httpx
import pytest
import respx
from zustax.transport import RequestError, create, create_sync

BASE_URL = "http://api.test"


@respx.mock
def test_an_answer_of_respx_is_a_response() -> None:
    route = respx.post(f"{BASE_URL}/items", params={"lang": "de"}).respond(201, json={"id": 1})

    with create_sync(base_url=BASE_URL) as api:
        response = api.post("/items", {"name": "tea"}, params={"lang": "de"})

    assert (response.status, response.data) == (201, {"id": 1})
    assert json.loads(route.calls.last.request.content) == {"name": "tea"}


@respx.mock
async def test_a_failure_of_respx_is_an_error_with_its_code() -> None:
    respx.get(f"{BASE_URL}/items").mock(side_effect=httpx.ReadTimeout)

    async with create(base_url=BASE_URL) as api:
        with pytest.raises(RequestError) as caught:
            await api.get("/items")

    assert caught.value.code == RequestError.ECONNABORTED
