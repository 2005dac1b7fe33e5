"""A refresh at the token endpoint of an OAuth 2.0 server (RFC 6749, section 6)."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote_plus

import pytest
from attrs import field, frozen
from zustax.transport import RefreshError, oauth2_refresh
from zustax.transport.testing import Answer, AuthorityError, SeenRequest

from ...support.app import App
from ...support.server import AuthServer
from .conftest import NewApp

TOKEN = "/oauth/token"

#: Characters that mean something in a URL, in a form and in basic authentication.
CLIENT = "my app:ü&="
SECRET = "s3cret%+ :/ß"


@frozen
class OAuthServer:
    """Answers at the token endpoint as the RFC says, with the tokens of an `AuthServer`.

    Args:
        server: Whose endpoint it is.
        secrets: The secret of each client; ``None`` for a public one.
    """

    server: AuthServer
    secrets: Mapping[str, str | None] = field(default={CLIENT: SECRET, "public": None})

    def __call__(self, seen: SeenRequest) -> Answer:
        assert seen.headers["content-type"] == "application/x-www-form-urlencoded"
        fields = dict(parse_qsl(seen.body.decode(), strict_parsing=True))
        client, secret = self._client(seen, fields)
        if client not in self.secrets or self.secrets[client] != secret:
            challenge = {"WWW-Authenticate": "Basic"}
            return Answer(401, {"error": "invalid_client"}, challenge)
        if fields.get("grant_type") != "refresh_token":
            return Answer(400, {"error": "unsupported_grant_type"})
        if fields.get("scope") not in (None, "read write"):
            return Answer(400, {"error": "invalid_scope"})
        try:
            tokens = self.server.authority.refresh(fields["refresh_token"])
        except AuthorityError:
            return Answer(400, {"error": "invalid_grant", "error_description": "no such token"})
        return Answer(body={**tokens.as_dict(), "token_type": "Bearer"})

    def _client(self, seen: SeenRequest, fields: Mapping[str, str]) -> tuple[str, str | None]:
        scheme, _, credentials = (seen.authorization or "").partition(" ")
        if scheme == "Basic":
            client, _, secret = base64.b64decode(credentials).decode("ascii").partition(":")
            return unquote_plus(client), unquote_plus(secret)
        return fields.get("client_id", ""), fields.get("client_secret")


@pytest.fixture
def login_server() -> Any:
    """The authorization server, at another origin than the API."""
    with AuthServer() as login_server:
        yield login_server


@pytest.fixture
def endpoint(server: AuthServer, login_server: AuthServer) -> str:
    login_server.behave(TOKEN, OAuthServer(server))
    return f"{login_server.url}{TOKEN}"


def expired(new_app: NewApp, server: AuthServer, refresh: object, **options: Any) -> App:
    app = new_app(refresh=refresh, **options).login()
    server.expire()
    return app


@pytest.mark.parametrize(
    "options",
    [
        {"client_id": CLIENT, "client_secret": SECRET},
        {"client_id": CLIENT, "client_secret": SECRET, "auth": "post"},
        {"client_id": CLIENT, "client_secret": SECRET, "scope": "read write"},
        {"client_id": "public"},
        {"client_id": "public", "auth": "post"},
    ],
    ids=["basic", "post", "scope", "public", "public, post"],
)
def test_requests_are_replayed_with_the_token_that_it_gives(
    new_app: NewApp,
    server: AuthServer,
    login_server: AuthServer,
    endpoint: str,
    options: dict[str, Any],
) -> None:
    app = expired(new_app, server, oauth2_refresh(endpoint, **options))
    assert [call.response().status for call in app.get_together(5)] == [200] * 5
    assert login_server.count(TOKEN) == 1
    assert app.store.get_state().expires_at is not None
    assert app.close() == ["token_refreshed"]


def test_the_secret_is_shown_in_one_place_only(
    new_app: NewApp, server: AuthServer, login_server: AuthServer, endpoint: str
) -> None:
    app = expired(new_app, server, oauth2_refresh(endpoint, CLIENT, SECRET))
    app.get("/items").response()
    (seen,) = login_server.seen(TOKEN)
    assert set(dict(parse_qsl(seen.body.decode()))) == {"grant_type", "refresh_token"}


def test_what_is_meant_for_the_api_is_not_sent_to_the_login_server(
    new_app: NewApp, server: AuthServer, login_server: AuthServer, endpoint: str
) -> None:
    defaults = {"headers": {"X-Api-Key": "for the API"}, "params": {"page": 1}}
    refresh = oauth2_refresh(endpoint, "public")
    app = expired(new_app, server, refresh, defaults=defaults)
    app.get("/items").response()
    (seen,) = login_server.seen(TOKEN)
    assert "x-api-key" not in seen.headers
    assert seen.authorization is None
    assert server.seen("/items")[0].headers["x-api-key"] == "for the API"


def test_an_invalid_grant_ends_the_session(
    new_app: NewApp, server: AuthServer, endpoint: str
) -> None:
    app = expired(new_app, server, oauth2_refresh(endpoint, "public"))
    server.authority.revoke_all()
    cause = app.get("/items").error().__cause__
    assert isinstance(cause, RefreshError)
    assert cause.rejected
    assert "invalid_grant" in str(cause)
    assert app.signals.wait_for("login_required")["reason"] == "refresh_rejected"
    assert app.tokens == (None, None)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, {"error": "bad_refresh_token", "error_description": "GitHub"}),
        (200, b"error=bad_refresh_token&error_description=GitHub+without+an+Accept"),
        (200, {"ok": False, "error": "invalid_refresh_token"}),
        (200, {"code": 20026, "error": "invalid_grant", "access_token": ""}),
        (400, {"error": "interaction_required"}),
        (400, {"error": "consent_required", "suberror": "basic_action"}),
        (401, {"error": {"code": "invalid_grant", "message": "nested"}}),
        (400, {"errors": [{"code": "token_expired"}]}),
        (403, {"error": "INVALID_GRANT"}),
    ],
    ids=str,
)
def test_an_error_that_says_that_the_token_is_dead_ends_the_session(
    new_app: NewApp, server: AuthServer, login_server: AuthServer, status: int, body: Any
) -> None:
    login_server.answer(TOKEN, status=status, body=body)
    app = expired(new_app, server, oauth2_refresh(f"{login_server.url}{TOKEN}", "public"))
    assert [app.get("/items").error().status for _ in range(3)] == [401] * 3
    assert login_server.count(TOKEN) == 1
    assert app.tokens == (None, None)
    assert app.signals.wait_for("login_required")["reason"] == "refresh_rejected"


@pytest.mark.parametrize(
    ("status", "body", "says"),
    [
        (401, {"error": "invalid_client"}, "401, invalid_client"),
        (400, {"error": "invalid_request"}, "400, invalid_request"),
        (400, {"error": "unauthorized_client"}, "400, unauthorized_client"),
        (400, {"error": "unsupported_grant_type"}, "400, unsupported_grant_type"),
        (400, {"error": "invalid_scope"}, "400, invalid_scope"),
        (400, {"error": "something of its own"}, "400, no error of RFC 6749"),
        (400, {"error": ["invalid_grant"]}, "400, no error of RFC 6749"),
        (403, b"<html>forbidden</html>", "403, no error of RFC 6749"),
        (401, b"", "401, no error of RFC 6749"),
        (503, {"error": "invalid_grant"}, "503, invalid_grant"),
        (429, b"slow down", "429, no error of RFC 6749"),
        (200, b"no JSON", "no JSON object"),
        (200, {"token_type": "bearer"}, "access_token must be"),
        (200, {"access_token": "a", "token_type": "DPoP"}, "no bearer token"),
    ],
)
def test_any_other_answer_keeps_the_session(
    new_app: NewApp,
    server: AuthServer,
    login_server: AuthServer,
    status: int,
    body: object,
    says: str,
) -> None:
    login_server.answer(TOKEN, status=status, body=body)
    app = expired(new_app, server, oauth2_refresh(f"{login_server.url}{TOKEN}", "public"))
    tokens = app.tokens
    cause = app.get("/items").error().__cause__
    assert isinstance(cause, RefreshError)
    assert not cause.rejected
    assert says in str(cause)
    assert app.tokens == tokens
    assert app.close() == ["refresh_failed"]


def test_a_wrong_secret_is_no_fault_of_the_users(
    new_app: NewApp, server: AuthServer, endpoint: str
) -> None:
    app = expired(new_app, server, oauth2_refresh(endpoint, CLIENT, "wrong"))
    assert "invalid_client" in str(app.get("/items").error().__cause__)
    assert app.tokens[1] is not None


def test_a_lifetime_may_be_written_as_text(
    new_app: NewApp, server: AuthServer, login_server: AuthServer
) -> None:
    tokens = server.login("ada")
    body = {**tokens.as_dict(), "expires_in": "300"}
    login_server.answer(TOKEN, body=body)
    app = new_app(refresh=oauth2_refresh(f"{login_server.url}{TOKEN}", "public"))
    app.store.login("expired", "refresh")
    app.get("/items").response()
    assert app.store.get_state().expires_at is not None


def test_it_is_sent_again_if_it_could_not_connect(new_app: NewApp, server: AuthServer) -> None:
    with AuthServer(listening=False) as login_server:
        login_server.behave(TOKEN, OAuthServer(server))
        app = expired(new_app, server, oauth2_refresh(f"{login_server.url}{TOKEN}", "public"))
        call = app.get("/items")
        app.wait_for_waiting(1)
        login_server.listen()
        assert call.response().status == 200


def test_without_a_refresh_token_nothing_is_sent(
    new_app: NewApp, server: AuthServer, login_server: AuthServer, endpoint: str
) -> None:
    app = new_app(refresh=oauth2_refresh(endpoint, "public"))
    app.store.login("expired", None)
    app.get("/items").error()
    assert app.signals.wait_for("login_required")["reason"] == "no_refresh_token"
    assert login_server.count(TOKEN) == 0


def test_a_redirect_elsewhere_does_not_take_the_refresh_token_along(
    new_app: NewApp, server: AuthServer, login_server: AuthServer
) -> None:
    login_server.redirect(TOKEN, f"{server.url}/elsewhere")
    app = expired(new_app, server, oauth2_refresh(f"{login_server.url}{TOKEN}", "public"))
    app.get("/items").error()
    assert server.count("/elsewhere") == 0


def test_its_repr_shows_no_secret() -> None:
    shown = repr(oauth2_refresh("https://host/token", "app", SECRET))
    assert "app" in shown
    assert SECRET not in shown


@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [
        (("/oauth/token", "app"), ValueError, "no scheme and host"),
        ((b"https://host", "app"), TypeError, "token_endpoint must be a str, not bytes"),
        (("https://host", ""), ValueError, "client_id must not be empty"),
        (("https://host", None), TypeError, "client_id must be a str, not NoneType"),
        (("https://host", "app", ""), ValueError, "client_secret must not be empty"),
        (("https://host", "app", b"s3cret"), TypeError, "client_secret must be a str, not bytes"),
        (("https://host", "app", None, ["a"]), TypeError, "scope must be a str, not list"),
        (("https://host", "app", None, None, "jwt"), ValueError, "'basic' or 'post', not 'jwt'"),
    ],
)
def test_arguments_that_mean_nothing_are_refused(
    arguments: tuple[Any, ...], error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says) as caught:
        oauth2_refresh(*arguments)
    assert "s3cret" not in str(caught.value)
