"""``cookies``: those that an instance keeps and sends, and an instance that does neither."""

from __future__ import annotations

from collections.abc import Iterator
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import pytest
from zustax.transport import create_sync
from zustax.transport.testing import Answer, SeenRequest, faults

from ...support.clients import Client
from ...support.server import AuthServer
from ...support.waiting import wait_until


def remember(seen: SeenRequest) -> Answer:
    """Set a cookie, and tell which ones have arrived."""
    cookie = f"sid{seen.path.replace('/', '-')}=ada; Path=/"
    return Answer(body=seen.headers.get("cookie"), headers={"Set-Cookie": cookie})


@pytest.fixture
def server() -> Iterator[AuthServer]:
    with AuthServer(app=remember) as server:
        yield server


def get(client: Client, path: str, **options: Any) -> Any:
    """Return the cookies that arrived with a request."""
    return client.call(lambda api: api.get(path, **options)).data


def test_an_instance_keeps_cookies_and_sends_them(client: Client) -> None:
    assert get(client, "/a") is None
    assert get(client, "/b") == "sid-a=ada"


def test_an_instance_without_cookies_keeps_none_and_sends_none(
    kind: type[Client], server: AuthServer
) -> None:
    client = kind.create(base_url=server.url, cookies=False)
    assert [get(client, "/a"), get(client, "/b")] == [None] * 2
    assert list(cookies_of(client)) == []
    client.close()


def test_one_request_may_do_without_cookies(client: Client) -> None:
    get(client, "/a")
    assert get(client, "/b", cookies=False) is None
    assert get(client, "/c") == "sid-a=ada"


def test_without_cookies_a_header_of_the_callers_own_is_sent_all_the_same(client: Client) -> None:
    get(client, "/a")
    assert get(client, "/b", cookies=False, headers={"Cookie": "own=1"}) == "own=1"


def test_a_redirect_without_cookies_keeps_none_either(client: Client, server: AuthServer) -> None:
    server.answer(
        "/moved", status=302, headers={"Location": "/there", "Set-Cookie": "moved=1; Path=/"}
    )
    assert get(client, "/moved", cookies=False) is None
    assert list(cookies_of(client)) == []


def test_users_that_share_connections_need_not_share_cookies(server: AuthServer) -> None:
    with create_sync(base_url=server.url) as shared:
        ada, bob = shared.create(cookies=False), shared.create(cookies=False)
        ada.get("/a")
        assert bob.get("/b").data is None
        assert server.connections == 1


def cookies_of(client: Client) -> Any:
    return client.call(look) if client.is_async else client.api.cookies


async def look(api: Any) -> Any:
    """Look at the cookies in the loop of the instance."""
    return api.cookies


def test_the_cookies_can_be_seen_and_cleared(client: Client) -> None:
    get(client, "/a")
    cookies = cookies_of(client)
    assert len(list(cookies)) == 1
    cookies.clear()
    assert get(client, "/b") is None


class BrokenPolicy(DefaultCookiePolicy):
    """A policy that fails when the jar asks it about a cookie."""

    def set_ok(self, cookie: Any, request: Any) -> bool:
        raise LookupError("no policy")


def test_a_jar_that_fails_costs_no_connection(client: Client, server: AuthServer) -> None:
    head = b"HTTP/1.1 200 OK\r\nSet-Cookie: sid=ada\r\nContent-Length: 9\r\n\r\n"
    server.fail("/a", faults.garbage(head))  # whose body does not come
    cookies_of(client).set_policy(BrokenPolicy())
    failure = client.start(lambda api: api.get("/a")).failure()
    assert isinstance(failure, LookupError)
    wait_until(lambda: server.open_connections == 0)
