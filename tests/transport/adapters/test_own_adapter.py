"""An adapter of one's own: one function that takes a config and gives a response."""

from __future__ import annotations

import json
from typing import Any

import pytest
from zustax.store import UserStore
from zustax.transport import (
    RequestConfig,
    RequestError,
    Response,
    TokenPair,
    create,
    create_sync,
    silent_refresh,
)
from zustax.transport.config import LeavingConfig

from ...support.server import AuthServer

PAGES = {"/me": {"name": "ada"}, "/items": [1, 2, 3]}


def from_pages(config: RequestConfig) -> Response:
    """Serves what is in a dict."""
    page = PAGES.get(config.url)
    return Response(
        data=json.dumps(page).encode(),
        status=404 if page is None else 200,
        status_text="",
        headers={"content-type": "application/json"},
        config=config,
    )


async def from_pages_async(config: RequestConfig) -> Response:
    return from_pages(config)


@pytest.mark.parametrize("adapter", [from_pages, from_pages_async], ids=["plain", "async"])
async def test_it_sends_the_requests_of_an_instance(adapter: Any) -> None:
    async with create(adapter=adapter) as api:
        response = await api.get("/me")
    assert response.data == {"name": "ada"}
    assert response.duration >= 0


def test_it_sends_the_requests_of_a_synchronous_instance() -> None:
    with create_sync(adapter=from_pages) as api:
        assert api.get("/items").data == [1, 2, 3]


def test_an_async_one_is_refused_by_a_synchronous_instance() -> None:
    with create_sync(adapter=from_pages_async) as api, pytest.raises(TypeError, match="is async"):
        api.get("/items")


async def test_it_sends_a_single_request(server: AuthServer) -> None:
    server.answer("/me", body={"name": "bob"})
    async with create(base_url=server.url) as api:
        assert (await api.get("/me", adapter=from_pages)).data == {"name": "ada"}
        assert (await api.get("/me")).data == {"name": "bob"}


async def test_its_status_is_judged_as_any_other() -> None:
    async with create(adapter=from_pages) as api:
        with pytest.raises(RequestError) as caught:
            await api.get("/nothing")
    assert (caught.value.code, caught.value.status) == ("ERR_BAD_REQUEST", 404)


async def test_what_it_is_given_is_what_would_go_on_the_wire() -> None:
    given: list[RequestConfig] = []

    def adapter(config: RequestConfig) -> Response:
        given.append(config)
        return Response(b"", 200, "OK", {}, config)

    async with create(adapter=adapter, base_url="http://host") as api:
        await api.post("/items", {"a": 1}, headers={"X-A": "b"})
    [config] = given
    assert isinstance(config, LeavingConfig)
    assert config.data == b'{"a":1}'
    assert config.config.data == {"a": 1}
    assert config.headers["Content-Type"] == "application/json"
    assert config.method == "post"


async def test_what_it_raises_comes_out_and_an_error_of_ours_knows_its_request() -> None:
    bug = LookupError("a bug in an adapter")
    unreachable = RequestError("no carrier", RequestError.ERR_NETWORK)
    errors: list[Exception] = [bug, unreachable]

    def adapter(_config: RequestConfig) -> Response:
        raise errors.pop(0)

    async with create(adapter=adapter) as api:
        with pytest.raises(LookupError) as caught:
            await api.get("/items")
        assert caught.value is bug
        with pytest.raises(RequestError) as failed:
            await api.get("/items")
    assert failed.value is unreachable
    assert unreachable.config is not None
    assert unreachable.config.url == "/items"


@pytest.mark.parametrize("answer", [None, {"status": 200}], ids=["None", "dict"])
async def test_what_is_no_response_is_refused_with_the_reason(answer: Any) -> None:
    async with create(adapter=lambda _config: answer) as api:
        with pytest.raises(
            TypeError, match=f"adapter must return a Response, not {type(answer).__name__}"
        ):
            await api.get("/items")


async def test_tokens_are_renewed_over_it() -> None:
    def adapter(config: RequestConfig) -> Response:
        is_new = config.headers["Authorization"] == "Bearer new"
        return Response(b"{}", 200 if is_new else 401, "", {}, config)

    store = UserStore()
    store.login("old", "refresh")
    async with create(base_url="http://host", adapter=adapter) as api:
        silent_refresh(api, store, refresh=lambda _token: TokenPair("new"))
        assert (await api.get("/items")).status == 200
    assert store.get_state().access_token == "new"
