"""A session whose refresh token is a cookie that no program sees."""

from __future__ import annotations

from typing import Any

import pytest
from zustax.transport import TokenPair
from zustax.transport.testing import Answer, SeenRequest

from ...support.app import App
from ...support.clients import Client
from ...support.server import LOGIN, REFRESH, AuthServer
from .conftest import NewApp


@pytest.fixture
def server(server: AuthServer) -> AuthServer:
    """It gives the refresh token as a cookie, and takes it from there."""

    def answer(tokens: Any) -> Answer:
        cookie = f"refresh={tokens.refresh_token}; Path=/auth; HttpOnly"
        body = {"access_token": tokens.access_token, "expires_in": tokens.expires_in}
        return Answer(body=body, headers={"Set-Cookie": cookie})

    def refresh(seen: SeenRequest) -> Answer:
        token = seen.headers.get("cookie", "").removeprefix("refresh=")
        try:
            return answer(server.authority.refresh(token))
        except Exception:
            return Answer(401)

    server.behave(LOGIN, lambda _seen: answer(server.login("ada")))
    server.behave(REFRESH, refresh)
    return server


class ByCookie:
    """The ``refresh`` of such a program: it posts nothing, and the client adds the cookie."""

    def __init__(self, kind: type[Client]) -> None:
        self.app: App
        self.given: list[str | None] = []
        self.function: Any = self._asynchronous if kind.is_async else self._plain

    async def _asynchronous(self, refresh_token: str | None) -> TokenPair:
        self.given.append(refresh_token)
        api: Any = self.app.api
        return pair_in(await api.post(REFRESH))

    def _plain(self, refresh_token: str | None) -> TokenPair:
        self.given.append(refresh_token)
        api: Any = self.app.api
        return pair_in(api.post(REFRESH))


def pair_in(response: Any) -> TokenPair:
    return TokenPair(response.data["access_token"])


@pytest.fixture
def by_cookie(new_app: NewApp, kind: type[Client], server: AuthServer) -> ByCookie:
    """A program that has logged in over HTTP, so that its client has the cookie."""
    by_cookie = ByCookie(kind)
    app = by_cookie.app = new_app(refresh=by_cookie.function)
    response = app.post(LOGIN, {}, extra={"silent_refresh": False}).response()
    app.store.login(response.data["access_token"], None)
    return by_cookie


def test_the_cookie_of_the_client_renews_the_token(by_cookie: ByCookie, server: AuthServer) -> None:
    app = by_cookie.app
    for refreshes in (1, 2):
        server.expire()
        assert [call.response().status for call in app.get_together(3)] == [200] * 3
        assert (server.count(REFRESH), by_cookie.given) == (refreshes, [None] * refreshes)
    assert server.authority.journal.count("reuse") == 0
    assert app.tokens[1] is None


def test_the_cookie_goes_nowhere_else(by_cookie: ByCookie, server: AuthServer) -> None:
    by_cookie.app.get("/items").response()
    assert "cookie" not in server.seen("/items")[0].headers


def test_a_cookie_that_is_refused_ends_the_session(by_cookie: ByCookie, server: AuthServer) -> None:
    server.authority.revoke_all()
    assert by_cookie.app.get("/items").error().status == 401
    assert by_cookie.app.signals.wait_for("login_required")["reason"] == "refresh_rejected"
    assert not by_cookie.app.store.get_state().is_login
