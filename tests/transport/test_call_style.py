"""Options may stand in one argument, the last one, as in axios: a mapping or a config."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from zustax.transport import RequestConfig, SyncInstance, create, create_sync

from ..support.clients import Client
from ..support.server import AuthServer
from .conftest import only_sync

MAKE: dict[str, Callable[..., Any]] = {"a mapping": dict, "a config": RequestConfig}

either = pytest.mark.parametrize("make", MAKE.values(), ids=MAKE)

WITHOUT_BODY = ("get", "delete", "head", "options")
WITH_BODY = ("post", "put", "patch", "query", "post_form", "put_form", "patch_form")


@pytest.fixture(autouse=True)
def _items(server: AuthServer) -> None:
    server.answer("/items")


def sent(client: Client, server: AuthServer, call: Callable[[Any], Any]) -> Any:
    """The request that a call sends."""
    client.call(call)
    return server.seen("/items")[-1]


@either
@pytest.mark.parametrize("verb", WITHOUT_BODY)
def test_a_verb_takes_it_behind_the_url(
    client: Client, server: AuthServer, verb: str, make: Callable[..., Any]
) -> None:
    config = make(params={"page": 2}, headers={"X-App": "demo"})
    seen = sent(client, server, lambda api: getattr(api, verb)("/items", config))
    assert (seen.method, seen.query) == (verb.upper(), "page=2")
    assert seen.headers["x-app"] == "demo"


@either
@pytest.mark.parametrize("verb", WITH_BODY)
def test_a_verb_with_a_body_takes_it_behind_the_data(
    client: Client, server: AuthServer, verb: str, make: Callable[..., Any]
) -> None:
    config = make(params={"page": 2})
    seen = sent(client, server, lambda api: getattr(api, verb)("/items", {"a": 1}, config))
    assert (seen.method, seen.query) == (verb.partition("_")[0].upper(), "page=2")
    assert b"a" in seen.body


@either
@pytest.mark.parametrize("call", ["__call__", "request"])
def test_a_call_takes_it_behind_the_url_or_alone(
    client: Client, server: AuthServer, call: str, make: Callable[..., Any]
) -> None:
    alone, options = make(url="/items", method="put"), make(method="put")
    calls: list[Callable[[Any], Any]] = [
        lambda api: getattr(api, call)("/items", options),
        lambda api: getattr(api, call)(alone),
        lambda api: getattr(api, call)(alone, options),
    ]
    assert [sent(client, server, one).method for one in calls] == ["PUT"] * 3


@either
def test_an_address_is_told_for_it(client: Client, make: Callable[..., Any]) -> None:
    expected = client.api.get_uri("/items", params={"page": 2})
    assert client.api.get_uri("/items", make(params={"page": 2})) == expected
    assert client.api.get_uri(make(url="/items", params={"page": 2})) == expected


@either
@pytest.mark.parametrize("maker", [create, create_sync])
def test_an_instance_is_made_of_it(maker: Callable[..., Any], make: Callable[..., Any]) -> None:
    api = maker(make(base_url="http://host", timeout=5), timeout=1)
    assert (api.defaults.base_url, api.defaults.timeout) == ("http://host", 1)
    derived = api.create(make(timeout=2))
    assert (derived.defaults.base_url, derived.defaults.timeout) == ("http://host", 2)


@either
def test_a_keyword_wins_over_it(
    client: Client, server: AuthServer, make: Callable[..., Any]
) -> None:
    config = make(params={"page": 1}, headers={"X-App": "config"})
    seen = sent(client, server, lambda api: api.get("/items", config, params={"page": 2}))
    assert (seen.query, seen.headers["x-app"]) == ("page=2", "config")


def test_what_a_verb_says_itself_wins_over_it(client: Client, server: AuthServer) -> None:
    config = {"method": "put", "url": "/other", "data": "other"}
    seen = sent(client, server, lambda api: api.post("/items", "own", config))
    assert (seen.method, seen.body) == ("POST", b"own")
    assert server.count("/other") == 0


def test_it_is_not_changed(client: Client) -> None:
    config: dict[str, Any] = {"headers": {"X-App": "demo"}, "extra": {"tries": 1}}
    client.api.interceptors.request.use(mark)
    client.call(lambda api: api.get("/items", config))
    assert config == {"headers": {"X-App": "demo"}, "extra": {"tries": 1}}


def mark(config: RequestConfig) -> RequestConfig:
    config.extra["marked"] = True
    config.headers["X-Marked"] = "yes"
    return config


def test_none_stands_for_no_options(client: Client, server: AuthServer) -> None:
    assert sent(client, server, lambda api: api.get("/items", None)).query == ""
    assert not create(None).defaults.base_url


@only_sync
@pytest.mark.parametrize("wrong", [5, "text", ["headers"], b"bytes"], ids=repr)
def test_anything_else_is_refused(client: Client, server: AuthServer, wrong: Any) -> None:
    api = client.api
    assert isinstance(api, SyncInstance)
    calls: list[Callable[[], object]] = [
        lambda: api.get("/items", wrong),
        lambda: api.post("/items", {}, wrong),
        lambda: api("/items", wrong),
        lambda: api.get_uri("/items", wrong),
        lambda: api.create(wrong),
        lambda: create(wrong),
    ]
    for call in calls:
        with pytest.raises(
            TypeError, match=f"a RequestConfig or a mapping, not {type(wrong).__name__}"
        ):
            call()
    assert server.count() == 0


def test_an_option_in_it_is_checked_as_any_other(client: Client, server: AuthServer) -> None:
    unknown = client.start(lambda api: api.get("/items", {"baseURL": "/"})).failure()
    assert isinstance(unknown, TypeError)
    assert client.start(lambda api: api.get("/items", {"timeout": -1})).error()
    assert server.count() == 0


def test_a_missing_argument_is_told_by_the_name_of_the_method(client: Client) -> None:
    with pytest.raises(TypeError, match=r"^get\(\) missing 1 required positional argument: 'url'"):
        client.api.get()  # type: ignore[call-arg] # pyright: ignore[reportCallIssue]
