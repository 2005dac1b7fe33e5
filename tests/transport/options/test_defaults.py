"""What an instance adds to its requests, and what one that was made from it inherits."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any

import pytest
from zustax.transport import RequestConfig

from ...support.clients import Client
from ...support.server import AuthServer


@pytest.fixture(autouse=True)
def _items(server: AuthServer) -> None:
    server.answer("/items")


# --- headers ---


def test_each_method_may_have_headers_of_its_own(client: Client, server: AuthServer) -> None:
    headers = client.api.defaults.headers
    headers.common["X-App"] = "demo"
    headers.set_for("post")["X-Form"] = "yes"
    client.call(lambda api: api.get("/items"))
    client.call(lambda api: api.post("/items", {"a": 1}))
    arrived = [(seen.headers.get("x-app"), seen.headers.get("x-form")) for seen in server.seen()]
    assert arrived == [("demo", None), ("demo", "yes")]


def test_a_header_of_a_method_wins_over_a_common_one_and_that_of_a_call_over_both(
    kind: type[Client], server: AuthServer
) -> None:
    sets = {"common": {"X-App": "common"}, "post": {"x-app": "post"}}
    client = kind.create(base_url=server.url, headers=sets)
    client.call(lambda api: api.get("/items"))
    client.call(lambda api: api.post("/items"))
    client.call(lambda api: api.post("/items", headers={"X-APP": "call"}))
    client.close()
    assert [seen.headers["x-app"] for seen in server.seen()] == ["common", "post", "call"]


@pytest.mark.parametrize("nothing", [None, False])
def test_a_call_may_take_a_default_header_out(
    client: Client, server: AuthServer, nothing: Any
) -> None:
    client.call(lambda api: api.get("/items", headers={"accept": nothing}))
    assert "accept" not in server.seen()[0].headers


# --- method and address ---


def test_the_method_may_be_a_default(kind: type[Client], server: AuthServer) -> None:
    client = kind.create(base_url=server.url, method="PUT")
    client.call(lambda api: api("/items"))
    client.call(lambda api: api.get("/items"))
    client.close()
    assert [seen.method for seen in server.seen()] == ["PUT", "GET"]


def test_an_absolute_url_may_be_refused_its_host(kind: type[Client], server: AuthServer) -> None:
    server.answer("/api/http://nobody.invalid/items")
    client = kind.create(base_url=f"{server.url}/api", allow_absolute_urls=False)
    client.call(lambda api: api.get("http://nobody.invalid/items"))
    client.close()
    assert server.count("/api/http://nobody.invalid/items") == 1


def test_an_address_is_told_without_a_request(client: Client, server: AuthServer) -> None:
    client.api.defaults.params = {"lang": "de"}
    uri = client.api.get_uri("/items", params={"q": "a b", "ids": [1, 2]})
    assert uri == f"{server.url}/items?lang=de&q=a+b&ids%5B%5D=1&ids%5B%5D=2"
    assert server.count() == 0


# --- an instance made from another ---


def test_an_instance_made_from_another_inherits_what_it_does_not_change(
    client: Client, server: AuthServer
) -> None:
    client.api.defaults.headers.common["X-App"] = "demo"
    client.api.defaults.params = {"lang": "de"}
    derived = client.api.create(headers={"X-Part": "1"}, params={"page": 2})
    client.call(lambda _api: derived.get("/items"))
    [seen] = server.seen()
    assert (seen.headers["x-app"], seen.headers["x-part"]) == ("demo", "1")
    assert seen.query == "lang=de&page=2"


def test_an_instance_made_from_another_changes_nothing_of_it(
    client: Client, server: AuthServer
) -> None:
    derived = client.api.create(headers={"X-Part": "1"})
    derived.defaults.headers.common["X-App"] = "derived"
    derived.interceptors.request.use(lambda config: config)
    client.call(lambda api: api.get("/items"))
    [seen] = server.seen()
    assert "x-part" not in seen.headers
    assert "x-app" not in seen.headers
    assert client.api.interceptors.request.snapshot() == ()


# --- params ---


def upper(text: str) -> str:
    return text.upper()


@pytest.mark.parametrize(
    ("params", "serializer", "query"),
    [
        ({"a": {"b": {"c": 1}}}, None, "a%5Bb%5D%5Bc%5D=1"),
        ({"a": {"b": 1}}, {"dots": True}, "a.b=1"),
        ({"a": [1, 2]}, None, "a%5B%5D=1&a%5B%5D=2"),
        ({"a": [1, 2]}, {"indexes": True}, "a%5B0%5D=1&a%5B1%5D=2"),
        ({"a": [1, 2]}, {"indexes": None}, "a=1&a=2"),
        ({"a": [{"b": 1}]}, None, "a%5B0%5D%5Bb%5D=1"),
        ({"a": None, "b": True, "c": 1.0, "d": ""}, None, "b=true&c=1&d="),
        ({"a": datetime.date(2026, 2, 3)}, None, "a=2026-02-03"),
        (
            {"a": datetime.datetime(2026, 2, 3, 4, 5, 6, 7000, datetime.UTC)},
            None,
            "a=2026-02-03T04:05:06.007Z",
        ),
        ({"a": "b"}, {"encode": upper}, "A=B"),
        ({"a": "b"}, {"serialize": lambda params: f"n={len(params)}"}, "n=1"),
        ({"a": "b"}, lambda params: "-".join(params), "a"),
        ({"a": "b"}, lambda _params: "", ""),
    ],
)
def test_params_become_a_query(
    client: Client, server: AuthServer, params: Any, serializer: Any, query: str
) -> None:
    client.call(lambda api: api.get("/items", params=params, params_serializer=serializer))
    assert server.seen()[0].query == query


def test_a_date_of_another_zone_is_sent_in_utc(client: Client, server: AuthServer) -> None:
    zone = datetime.timezone(datetime.timedelta(hours=2))
    date = datetime.datetime(2026, 2, 3, 1, tzinfo=zone)
    client.call(lambda api: api.get("/items", params={"a": date}))
    assert server.seen()[0].query == "a=2026-02-02T23:00:00.000Z"


# --- what is shown ---


def test_names_to_redact_of_the_instance_hold_for_its_errors(
    kind: type[Client], server: AuthServer
) -> None:
    server.answer("/missing", status=404)
    client = kind.create(base_url=server.url, redact=["X-Pin", "pin"])
    error = client.start(
        lambda api: api.post("/missing", {"pin": "pin-in-body"}, headers={"X-Pin": "pin-in-header"})
    ).error()
    client.close()
    shown = f"{error.to_json()} {error!r} {error.config!r}"
    assert "pin-in" not in shown
    assert isinstance(error.config, RequestConfig)
    assert error.config.data == {"pin": "pin-in-body"}


@pytest.mark.parametrize("made", [dict, RequestConfig])
def test_a_config_that_an_interceptor_made_anew_is_sent_with_get(
    client: Client, server: AuthServer, made: Callable[..., Any]
) -> None:
    server.answer("/made")
    client.api.interceptors.request.use(lambda _: made(url=f"{server.url}/made"))
    client.call(lambda api: api.post("/items", {"a": 1}))
    assert [seen.method for seen in server.seen("/made")] == ["GET"]


def test_a_config_that_an_interceptor_made_anew_has_no_limits(
    client: Client, server: AuthServer
) -> None:
    server.answer("/items", body={"user": "ada"})
    client.api.interceptors.request.use(
        lambda config: {"url": f"{server.url}/items", "method": "post", "data": "tea"}
    )
    assert client.call(lambda api: api.get("/anything")).status == 200
    assert server.seen("/items")[0].body == b"tea"
