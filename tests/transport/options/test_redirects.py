"""What follows a redirect, besides what the vectors show."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from zustax.transport import InvalidURLError
from zustax.transport.urls import origin

from ...support.clients import Client
from ...support.server import AuthServer


@pytest.fixture
def other() -> Iterator[AuthServer]:
    """A server of another origin."""
    with AuthServer() as other:
        other.answer("/items")
        yield other


@pytest.fixture(autouse=True)
def _items(server: AuthServer) -> None:
    server.answer("/items", body={"user": "ada"})


# --- before_redirect ---


def test_before_redirect_is_given_each_request_that_follows(
    client: Client, server: AuthServer
) -> None:
    server.redirect("/old", "/older")
    server.redirect("/older", "/items")
    asked: list[tuple[str, str]] = []

    def note(request: Any) -> None:
        asked.append((request.method, str(request.url)))

    client.call(lambda api: api.get("/old", before_redirect=note))
    assert asked == [("GET", f"{server.url}/older"), ("GET", f"{server.url}/items")]


def test_before_redirect_is_not_called_without_a_redirect(
    client: Client, server: AuthServer
) -> None:
    asked: list[Any] = []
    client.call(lambda api: api.get("/items", before_redirect=asked.append))
    server.redirect("/old", "/items")
    client.start(lambda api: api.get("/old", max_redirects=0, before_redirect=asked.append)).error()
    assert asked == []


def test_before_redirect_may_change_the_request(client: Client, server: AuthServer) -> None:
    server.redirect("/old", "/items")

    def change(request: Any) -> None:
        request.headers["X-From"] = "/old"

    client.call(lambda api: api.get("/old", before_redirect=change))
    assert server.seen("/items")[0].headers["x-from"] == "/old"


def test_what_before_redirect_raises_ends_the_request(client: Client, server: AuthServer) -> None:
    server.redirect("/old", "/items")
    mistake = LookupError("not there")

    def refuse(_request: Any) -> None:
        raise mistake

    failure = client.start(lambda api: api.get("/old", before_redirect=refuse)).failure()
    assert failure is mistake
    assert server.count("/items") == 0


# --- credentials ---


def test_credentials_stay_at_the_origin_that_they_were_given_for(
    client: Client, server: AuthServer, other: AuthServer
) -> None:
    server.redirect("/old", f"{other.url}/items")
    given = {"Authorization": "a", "Proxy-Authorization": "b", "Cookie": "c=d", "X-App": "e"}
    client.call(lambda api: api.get("/old", headers=given))
    arrived = other.seen("/items")[0].headers
    assert {name: arrived.get(name.lower()) for name in given} == {
        "Authorization": None,
        "Proxy-Authorization": None,
        "Cookie": None,
        "X-App": "e",
    }


def test_two_spellings_of_one_origin_are_one(client: Client, server: AuthServer) -> None:
    server.redirect("/old", server.url.replace("http:", "HTTP:") + "/items")
    client.call(lambda api: api.get("/old", auth=("ada", "lovelace")))
    assert server.seen("/items")[0].authorization is not None


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://host", "http://host:80"),
        ("https://HOST:443/a", "https://host:443"),
        ("http://host:0", "http://host:0"),
        ("http://host:", "http://host:80"),
        ("http://ada@host:8080", "http://host:8080"),
        ("ftp://host", None),
        ("http:///path", None),
        ("/path", None),
        ("http://host:port", None),
        ("http://[host", None),
    ],
)
def test_an_origin_is_scheme_host_and_port(url: str, expected: str | None) -> None:
    assert origin(url) == expected


# --- locations ---


@pytest.mark.parametrize(
    "location",
    ["http:///path", "https:///path", "//", "///path", "http://", "http://?a=1", "http://#a"],
)
def test_a_location_without_a_host_is_refused(
    client: Client, server: AuthServer, location: str
) -> None:
    server.redirect("/old", location)
    error = client.start(lambda api: api.get("/old")).error()
    assert isinstance(error, InvalidURLError)
    assert error.code == "ERR_INVALID_URL"
    assert error.request_was_sent
    assert server.url in str(error)
    assert server.count() == 1


@pytest.mark.parametrize("location", ["http://[", "http://[::1/items", "http://a]b/"])
def test_a_location_that_is_no_url_is_refused(
    client: Client, server: AuthServer, location: str
) -> None:
    server.redirect("/old", location)
    error = client.start(lambda api: api.get("/old")).error()
    assert error.code in ("ERR_INVALID_URL", "ERR_NETWORK")  # httpx refuses some of them itself
    assert server.count() == 1


@pytest.mark.parametrize("location", ["ftp://host/items", "file:///etc/passwd", "data:text/plain,"])
def test_a_location_of_another_protocol_is_refused(
    client: Client, server: AuthServer, location: str
) -> None:
    server.redirect("/old", location)
    error = client.start(lambda api: api.get("/old")).error()
    assert error.code in ("ERR_BAD_REQUEST", "ERR_INVALID_URL")
    assert server.count() == 1


def test_a_location_with_a_password_is_not_shown(client: Client, server: AuthServer) -> None:
    server.redirect("/old", "http://ada:lovelace@[/")
    error = client.start(lambda api: api.get("/old")).error()
    assert "lovelace" not in f"{error} {error.to_json()}"


# --- bodies ---


def test_a_body_that_can_be_read_once_cannot_follow(client: Client, server: AuthServer) -> None:
    server.redirect("/old", "/items", status=307)
    error = client.start(lambda api: api.post("/old", one_shot(is_async=client.is_async))).error()
    assert error.code == "ERR_BAD_REQUEST"
    assert "can be read only once" in str(error)
    assert server.count("/items") == 0


def one_shot(*, is_async: bool) -> Any:
    def pieces() -> Iterator[bytes]:
        yield b"once"

    async def async_pieces() -> Any:
        yield b"once"

    return async_pieces() if is_async else pieces()
