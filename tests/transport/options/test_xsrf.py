"""The value of a cookie goes into a header, to the origin of ``base_url`` and nowhere else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from zustax.transport import RequestConfig

from ...support.clients import Client
from ...support.server import AuthServer


@pytest.fixture
def other() -> Iterator[AuthServer]:
    """A server of another origin: the same host, and another port."""
    with AuthServer() as other:
        other.answer("/items")
        yield other


@pytest.fixture(autouse=True)
def _items(server: AuthServer) -> None:
    server.answer("/items")


def log_in(client: Client, server: AuthServer, cookie: str = "XSRF-TOKEN=t0ken; Path=/") -> None:
    """Let the server set a cookie."""
    server.answer("/session", headers={"Set-Cookie": cookie})
    client.call(lambda api: api.get("/session"))


def headers_of(server: AuthServer, name: str = "x-xsrf-token") -> list[str | None]:
    """The header in the requests for items."""
    return [seen.headers.get(name) for seen in server.seen("/items")]


# --- where it goes ---


@pytest.mark.parametrize("method", ["get", "post", "put", "patch", "delete"])
def test_the_value_of_the_cookie_is_in_the_header(
    client: Client, server: AuthServer, method: str
) -> None:
    log_in(client, server)
    response = client.call(lambda api: api.request("/items", method=method))
    assert headers_of(server) == ["t0ken"]
    assert "x-xsrf-token" not in response.config.headers


def test_without_the_cookie_there_is_no_header(client: Client, server: AuthServer) -> None:
    log_in(client, server, "XSRF-TOKEN-OLD=t0ken; Path=/")
    client.call(lambda api: api.get("/items"))
    assert headers_of(server) == [None]


def test_a_cookie_that_does_not_go_to_the_url_is_not_used(
    client: Client, server: AuthServer
) -> None:
    log_in(client, server, "XSRF-TOKEN=t0ken; Path=/admin")
    client.call(lambda api: api.get("/items"))
    assert headers_of(server) == [None]


def test_an_absolute_url_of_the_own_origin_gets_it(client: Client, server: AuthServer) -> None:
    log_in(client, server)
    client.call(lambda api: api.get(f"{server.url}/items"))
    assert headers_of(server) == ["t0ken"]


@pytest.mark.parametrize("wanted", [True, None, lambda _config: True], ids=["true", "none", "call"])
def test_another_origin_never_gets_it(
    client: Client, server: AuthServer, other: AuthServer, wanted: Any
) -> None:
    log_in(client, server)
    client.call(lambda api: api.get(f"{other.url}/items", with_xsrf_token=wanted))
    assert "t0ken" in other.seen("/items")[0].headers["cookie"]  # cookies do not know ports
    assert headers_of(other) == [None]


def test_without_a_base_url_nobody_gets_it(kind: type[Client], server: AuthServer) -> None:
    client = kind.create()
    server.answer("/session", headers={"Set-Cookie": "XSRF-TOKEN=t0ken; Path=/"})
    client.call(lambda api: api.get(f"{server.url}/session"))
    client.call(lambda api: api.get(f"{server.url}/items"))
    client.close()
    assert headers_of(server) == [None]


def test_a_redirect_elsewhere_drops_it_and_the_way_back_brings_it_back(
    client: Client, server: AuthServer, other: AuthServer
) -> None:
    log_in(client, server)
    server.redirect("/there", f"{other.url}/back")
    other.redirect("/back", f"{server.url}/items")
    client.call(lambda api: api.get("/there"))
    assert server.seen("/there")[0].headers["x-xsrf-token"] == "t0ken"
    assert "x-xsrf-token" not in other.seen("/back")[0].headers
    assert headers_of(server) == ["t0ken"]


def test_a_redirect_within_the_origin_keeps_it(client: Client, server: AuthServer) -> None:
    log_in(client, server)
    server.redirect("/there", "/items")
    client.call(lambda api: api.get("/there"))
    assert headers_of(server) == ["t0ken"]


def test_a_replay_carries_the_cookie_of_its_own_time(client: Client, server: AuthServer) -> None:
    async def twice(config: Any, proceed: Any) -> Any:
        await client.api.runtime.settle(proceed(config))
        return await client.api.runtime.settle(proceed(config))

    log_in(client, server)
    client.api.interceptors.network.use(client.api.runtime.adapt(twice))
    server.answer("/change", headers={"Set-Cookie": "XSRF-TOKEN=n3w; Path=/"})
    client.call(lambda api: api.get("/change"))
    assert [seen.headers["x-xsrf-token"] for seen in server.seen("/change")] == ["t0ken", "n3w"]


# --- what the options say ---


@pytest.mark.parametrize("wanted", [False, lambda _config: False], ids=["false", "call"])
def test_it_can_be_switched_off(client: Client, server: AuthServer, wanted: Any) -> None:
    log_in(client, server)
    client.call(lambda api: api.get("/items", with_xsrf_token=wanted))
    assert headers_of(server) == [None]


def test_a_function_is_given_the_config_and_none_leaves_it_to_the_default(
    client: Client, server: AuthServer
) -> None:
    asked: list[tuple[str, str]] = []

    def wanted(config: RequestConfig) -> Any:
        asked.append((config.method, config.url))

    log_in(client, server)
    client.call(lambda api: api.post("/items", with_xsrf_token=wanted))
    assert asked == [("post", "/items")]
    assert headers_of(server) == ["t0ken"]


def test_a_function_that_says_neither_yes_nor_no_is_refused(
    client: Client, server: AuthServer
) -> None:
    log_in(client, server)
    failure = client.start(lambda api: api.get("/items", with_xsrf_token=str)).failure()
    assert isinstance(failure, TypeError)
    assert "with_xsrf_token must return a bool, not str" in str(failure)
    assert server.count("/items") == 0


def test_cookie_and_header_may_have_other_names(client: Client, server: AuthServer) -> None:
    log_in(client, server, "csrftoken=t0ken; Path=/")
    names = {"xsrf_cookie_name": "csrftoken", "xsrf_header_name": "X-CSRFToken"}
    client.call(lambda api: api.get("/items", **names))
    assert headers_of(server, "x-csrftoken") == ["t0ken"]


@pytest.mark.parametrize("option", ["xsrf_cookie_name", "xsrf_header_name"])
@pytest.mark.parametrize("name", [None, ""])
def test_without_one_of_the_names_nothing_is_sent(
    client: Client, server: AuthServer, option: str, name: str | None
) -> None:
    log_in(client, server)
    client.call(lambda api: api.get("/items", **{option: name}))
    assert headers_of(server) == [None]


def test_the_cookie_wins_over_a_header_that_was_given(client: Client, server: AuthServer) -> None:
    log_in(client, server)
    client.call(lambda api: api.get("/items", headers={"x-xsrf-token": "mine"}))
    assert headers_of(server) == ["t0ken"]


@pytest.mark.parametrize("removed", [None, False])
def test_a_header_that_was_taken_out_stays_out(
    client: Client, server: AuthServer, removed: Any
) -> None:
    log_in(client, server)
    client.call(lambda api: api.get("/items", headers={"X-XSRF-TOKEN": removed}))
    assert headers_of(server) == [None]


@pytest.mark.parametrize("name", ["X Token", "X-Token\r\nX-Evil", "X-Tökén"])
def test_what_can_be_no_header_is_refused(client: Client, server: AuthServer, name: str) -> None:
    error = client.start(lambda api: api.get("/items", xsrf_header_name=name)).error()
    assert error.code == "ERR_BAD_OPTION_VALUE"
    assert "xsrf_header_name" in str(error)
    assert server.count() == 0


# --- what the cookie holds ---


@pytest.mark.parametrize(
    ("cookie", "value"),
    [
        ("a%20b%3D%3D", "a b=="),
        ("a=b==", "a=b=="),
        ("a+b", "a+b"),
        ("100%", "100%"),
        ("%zz%20", "%zz%20"),
        ("%ff%20", "%ff%20"),
        ("a%0d%0aX-Evil:%201", "aX-Evil: 1"),
    ],
)
def test_the_value_is_decoded_where_it_is_encoded(
    client: Client, server: AuthServer, cookie: str, value: str
) -> None:
    log_in(client, server, f"XSRF-TOKEN={cookie}; Path=/")
    client.call(lambda api: api.get("/items"))
    assert headers_of(server) == [value]
    assert "x-evil" not in server.seen("/items")[0].headers


def test_the_cookies_of_a_client_of_ones_own_count(kind: type[Client], server: AuthServer) -> None:
    make: Any = httpx.AsyncClient if kind.is_async else httpx.Client
    client = kind.create(client=make(cookies={"XSRF-TOKEN": "t0ken"}), base_url=server.url)
    client.call(lambda api: api.get("/items"))
    client.close()
    assert headers_of(server) == ["t0ken"]


def test_the_header_is_not_shown_whatever_its_name() -> None:
    shown = repr(RequestConfig(headers={"X-App": "t0ken"}, xsrf_header_name="x-app"))
    assert "t0ken" not in shown
