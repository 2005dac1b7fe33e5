"""The lines that set up each backend, run against a server that answers as that backend does.

The first block of a section of docs/backends.md follows the first block of the page. Everything
that is served is at one origin, with the paths of the page.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import pytest
from zustax.transport import RequestError
from zustax.transport.testing import (
    USERS,
    Answer,
    AuthorityError,
    IssuedTokens,
    MisbehavingServer,
    SeenRequest,
    SignalRecorder,
    TokenAuthority,
)

PAGE = Path(__file__).parents[2] / "docs" / "backends.md"
LOGIN = "/login"
FORM = "application/x-www-form-urlencoded"


def fields_of(request: SeenRequest) -> Any:
    if request.headers.get("content-type", "").startswith(FORM):
        return request.form()
    return request.json()


def field(path: str) -> Callable[[SeenRequest], str]:
    """Read the refresh token from a field of the body; dots lead deeper."""

    def read(request: SeenRequest) -> str:
        value = fields_of(request)
        for name in path.split("."):
            value = value[name]
        return str(value)

    return read


def grant(**required: str) -> Callable[[SeenRequest], str]:
    """Read the refresh token from a grant of OAuth 2.0, which has these fields besides."""

    def read(request: SeenRequest) -> str:
        fields = request.form()
        assert fields["grant_type"] == "refresh_token"
        assert fields.items() >= required.items()
        return fields["refresh_token"]

    return read


def basic_grant(request: SeenRequest) -> str:
    assert (request.authorization or "").startswith("Basic ")
    return grant()(request)


def bearer(request: SeenRequest) -> str:
    return request.token or ""


def cookie(request: SeenRequest) -> str:
    assert request.body == b""
    return request.headers["cookie"].removeprefix("refresh=")


def oauth(tokens: IssuedTokens) -> Answer:
    return Answer(body={**tokens.as_dict(), "token_type": "Bearer"})


def named(access: str, refresh: str | None = None, **more: Any) -> Callable[[IssuedTokens], Answer]:
    """Answer with tokens under these names."""

    def answer(tokens: IssuedTokens) -> Answer:
        body = {access: tokens.access_token, **more}
        return Answer(body=body if refresh is None else {**body, refresh: tokens.refresh_token})

    return answer


def in_data(tokens: IssuedTokens) -> Answer:
    data = {"accessToken": tokens.access_token, "refreshToken": tokens.refresh_token}
    return Answer(body={"code": 0, "msg": "ok", "data": data})


def of_graphql(tokens: IssuedTokens) -> Answer:
    pair = {"access": tokens.access_token, "refresh": tokens.refresh_token}
    return Answer(body={"data": {"refresh": pair}})


def of_firebase(tokens: IssuedTokens) -> Answer:
    assert tokens.expires_in is not None
    body = {"id_token": tokens.access_token, "access_token": "for another service"}
    expires_in = str(round(tokens.expires_in))
    return Answer(body={**body, "refresh_token": tokens.refresh_token, "expires_in": expires_in})


def by_cookie(tokens: IssuedTokens) -> Answer:
    header = {"Set-Cookie": f"refresh={tokens.refresh_token}; Path=/; HttpOnly"}
    return Answer(body={"access_token": tokens.access_token}, headers=header)


UNAUTHORIZED = Answer(401, {"message": "Unauthorized"})


@attrs.frozen
class Backend:
    """What a backend answers.

    Args:
        refresh: The path of its refresh call.
        sent: Reads the refresh token from that call.
        answer: Answers a login and a refresh.
        rejection: Answers a refresh token that is dead.
        refusal: Answers an access token that has expired.
        names: Where an answer has the tokens.
        rotates: Whether a refresh gives a new refresh token.
        section: Which block of the section sets it up.
    """

    refresh: str
    sent: Callable[[SeenRequest], str]
    answer: Callable[[IssuedTokens], Answer]
    rejection: Answer
    refusal: Answer = UNAUTHORIZED
    names: tuple[str, str | None] = ("access_token", "refresh_token")
    rotates: bool = True
    block: int = 0


INVALID_GRANT = Answer(400, {"error": "invalid_grant", "error_description": "it has expired"})
CAMEL = ("accessToken", "refreshToken")

BACKENDS: dict[str, Backend] = {
    "FastAPI, Express, Flask": Backend(
        "/auth/refresh", field("refresh_token"), oauth, Answer(401, {"detail": "expired"})
    ),
    "NestJS": Backend(
        "/auth/refresh",
        field("refreshToken"),
        named(*CAMEL),
        Answer(403, {"statusCode": 403, "message": "Access Denied", "error": "Forbidden"}),
        names=CAMEL,
    ),
    "Django REST framework with SimpleJWT": Backend(
        "/api/token/refresh/",
        field("refresh"),
        named("access", "refresh"),
        Answer(401, {"detail": "Token is invalid or expired", "code": "token_not_valid"}),
        names=("access", "refresh"),
    ),
    "Spring": Backend(
        "/api/auth/refreshtoken",
        field("refreshToken"),
        named(*CAMEL, tokenType="Bearer"),
        Answer(403, {"statusCode": 403, "message": "Refresh token was expired."}),
        names=CAMEL,
    ),
    "ASP.NET Core Identity": Backend(
        "/refresh",
        field("refreshToken"),
        named(*CAMEL, tokenType="Bearer", expiresIn=3600),
        Answer(401),
        Answer(401, headers={"WWW-Authenticate": "Bearer"}),
        names=CAMEL,
    ),
    "Flask-JWT-Extended": Backend(
        "/refresh",
        bearer,
        named("access_token"),
        Answer(422, {"msg": "Signature verification failed"}),
        Answer(401, {"msg": "Token has expired"}),
        rotates=False,
    ),
    "Laravel Passport": Backend(
        "/oauth/token",
        grant(client_id="2", client_secret="of the password client"),
        oauth,
        INVALID_GRANT,
        Answer(401, {"message": "Unauthenticated."}),
    ),
    "Laravel Sanctum": Backend(
        "/api/refresh-token",
        bearer,
        named("token", "refresh_token"),
        Answer(401, {"message": "Unauthenticated."}),
        Answer(401, {"message": "Unauthenticated."}),
        names=("token", "refresh_token"),
    ),
    "Laravel with jwt-auth": Backend(
        "/api/auth/refresh",
        bearer,
        named("access_token", token_type="bearer", expires_in=3600),
        Answer(401, {"message": "Token has expired and can no longer be refreshed"}),
        names=("access_token", None),
        rotates=False,
    ),
    "Admin templates that answer 200 with a code": Backend(
        "/refresh-token",
        field("refreshToken"),
        in_data,
        Answer(body={"code": 401, "msg": "log in", "data": None}),
        Answer(body={"code": 401, "msg": "expired", "data": None}),
        names=("data.accessToken", "data.refreshToken"),
    ),
    "GraphQL": Backend(
        "/graphql",
        field("variables.token"),
        of_graphql,
        Answer(body={"data": None, "errors": [{"message": "expired"}]}),
        names=("data.refresh.access", "data.refresh.refresh"),
    ),
    "Supabase": Backend(
        "/auth/v1/token",
        field("refresh_token"),
        oauth,
        Answer(400, {"code": 400, "error_code": "refresh_token_not_found", "msg": "Not Found"}),
        Answer(401, {"code": "PGRST301", "message": "JWT expired"}),
    ),
    "Firebase": Backend(
        "/v1/token",
        field("refresh_token"),
        of_firebase,
        Answer(400, {"error": {"code": 400, "message": "TOKEN_EXPIRED"}}),
        names=("id_token", "refresh_token"),
    ),
    "Any OAuth 2.0 server": Backend(
        "/oauth/token", grant(client_id="my-app"), oauth, INVALID_GRANT
    ),
    "Auth0": Backend(
        "/oauth/token",
        grant(client_id="8gZq"),
        oauth,
        Answer(403, {"error": "invalid_grant", "error_description": "Unknown refresh token."}),
    ),
    "Keycloak": Backend(
        "/realms/my-realm/protocol/openid-connect/token",
        basic_grant,
        oauth,
        Answer(400, {"error": "invalid_grant", "error_description": "Token is not active"}),
    ),
    "Amazon Cognito": Backend(
        "/oauth2/token",
        grant(client_id="1h57"),
        named("access_token", id_token="x", token_type="Bearer", expires_in=3600),
        Answer(400, {"error": "invalid_grant"}),
        Answer(401, {"message": "The incoming token has expired"}),
        rotates=False,
    ),
    "Microsoft Entra ID (Azure AD)": Backend(
        "/my-tenant/oauth2/v2.0/token",
        grant(scope="api://my-api/access_as_user offline_access"),
        oauth,
        Answer(400, {"error": "interaction_required", "error_codes": [50076]}),
    ),
    "GitHub Apps": Backend(
        "/login/oauth/access_token",
        grant(client_id="Iv1.8a61", client_secret="of the app"),
        oauth,
        Answer(body={"error": "bad_refresh_token", "error_description": "It is incorrect."}),
        Answer(401, {"message": "Bad credentials", "status": "401"}),
    ),
    "Slack": Backend(
        "/api/oauth.v2.access",
        grant(client_id="3336676"),
        oauth,
        Answer(body={"ok": False, "error": "invalid_refresh_token"}),
        Answer(body={"ok": False, "error": "token_expired"}),
    ),
    "Cookie sessions": Backend(
        "/auth/refresh", cookie, by_cookie, Answer(401), names=("access_token", None)
    ),
}

#: The variant in the section of Laravel Passport.
OLD_PASSPORT = Backend(
    "/oauth/token",
    field("refresh_token"),
    oauth,
    Answer(401, {"error": "invalid_request", "message": "The refresh token is invalid."}),
    block=1,
)


class Served:
    """A backend at work on a server."""

    def __init__(self, backend: Backend, server: MisbehavingServer) -> None:
        self._backend = backend
        self._server = server
        #: The refresh token of a session, by what its client sends instead.
        self._known_as: dict[str, str] = {}
        server.behave("*", self._answer)

    def _answer(self, request: SeenRequest) -> Answer:
        if request.path == LOGIN:
            return self._give(self._server.login("ada"))
        if request.path == self._backend.refresh:
            return self._refresh(request)
        try:
            self._server.authority.verify(request.token or "")
        except AuthorityError:
            return self._backend.refusal
        return Answer(body={"items": []})

    def _refresh(self, request: SeenRequest) -> Answer:
        sent = self._backend.sent(request)
        try:
            tokens = self._server.authority.refresh(self._known_as.get(sent, sent))
        except AuthorityError:
            return self._backend.rejection
        return self._give(tokens)

    def _give(self, tokens: IssuedTokens) -> Answer:
        self._known_as[tokens.access_token] = tokens.refresh_token
        return self._backend.answer(tokens)


def sections() -> dict[str, list[str]]:
    """The blocks of the page by heading; the empty heading is the top of the page."""
    _, *parts = re.split(r"^#+ (.+)\n", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    block = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
    return {
        heading: block.findall(text) for heading, text in zip(parts[::2], parts[1::2], strict=True)
    }


def value_at(path: str | None, data: Any) -> str | None:
    for name in [] if path is None else path.split("."):
        data = data.get(name)
    return None if path is None else data


def cases() -> list[Any]:
    named_cases = [*BACKENDS.items(), ("Laravel Passport", OLD_PASSPORT)]
    return [
        pytest.param(heading, backend, id=f"{heading}{'_old' * backend.block}")
        for heading, backend in named_cases
    ]


@pytest.mark.parametrize(("heading", "backend"), cases())
async def test_the_lines_for_a_backend_refresh_once_and_notice_the_end(
    heading: str, backend: Backend
) -> None:
    blocks = sections()
    authority = TokenAuthority(users=USERS, rotate=backend.rotates)
    with MisbehavingServer(authority) as server:
        Served(backend, server)
        code = f"{blocks['Your backend'][0]}\n{blocks[heading][backend.block]}"
        namespace: dict[str, Any] = {}
        exec(re.sub(r"https://[\w.-]+", server.url, code), namespace)
        api, store = namespace["api"], namespace["store"]
        async with api:
            # A session begins in the ways of the backend.
            alone = {"silent_refresh": False}
            url = f"{server.url}{LOGIN}"
            answer = await api.post(url, {"username": "ada"}, extra=alone)
            access, refresh = (value_at(name, answer.data) for name in backend.names)
            if backend.names[1] is not None and refresh is None:  # only a login gives it
                refresh = server.login("ada").refresh_token
            store.login(access, refresh)
            assert (await api.get("/items")).data == {"items": []}

            # The access token expires; one refresh serves all who meet that.
            server.expire()
            answers = await asyncio.gather(*(api.get("/items") for _ in range(3)))
            assert [answer.data for answer in answers] == [{"items": []}] * 3
            assert server.count(backend.refresh) == 1
            assert store.get_state().access_token != access

            # The session ends at the server.
            server.authority.revoke_all()
            with SignalRecorder(api) as signals:
                with pytest.raises(RequestError) as raised:
                    await api.get("/items")
                assert signals.wait_for("login_required")["reason"] == "refresh_rejected"
            assert raised.value.__cause__.rejected  # type: ignore[union-attr]
            assert not store.get_state().is_login


def test_each_backend_of_the_page_is_here() -> None:
    listed = re.findall(r"^\| \[(.+?)\]\(#", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    headings = [
        heading for heading in sections() if heading not in ("Your backend", "Something else")
    ]
    assert listed == headings == list(BACKENDS)
