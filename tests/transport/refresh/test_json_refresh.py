"""`json_refresh`: a refresh call whose fields have the names of the backend."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from attrs import field, frozen
from zustax.transport import RefreshError, Response, json_refresh
from zustax.transport.testing import Answer, IssuedTokens, SeenRequest

from ...support.app import App
from ...support.server import REFRESH, AuthServer
from .backend import always, refresh_at
from .conftest import NewApp

RENEW = "/login/renew"


@frozen
class Names:
    """The names of one backend: what `json_refresh` is told, what it is asked, what it answers."""

    options: dict[str, Any]
    asked: Callable[[SeenRequest], str]
    told: Callable[[IssuedTokens], dict[str, Any]]
    headers: dict[str, str] = field(factory=dict)


BACKENDS = {
    "camel case in an envelope": Names(
        {
            "send": "refreshToken",
            "access_token": "data.accessToken",
            "refresh_token": "data.refreshToken",
            "expires_in": "data.expires",
        },
        lambda seen: str(seen.json()["refreshToken"]),
        lambda tokens: {
            "code": 0,
            "data": {
                "accessToken": tokens.access_token,
                "refreshToken": tokens.refresh_token,
                "expires": 300,
            },
        },
    ),
    "Simple JWT of Django": Names(
        {"send": "refresh", "access_token": "access", "refresh_token": "refresh"},
        lambda seen: str(seen.json()["refresh"]),
        lambda tokens: {"access": tokens.access_token, "refresh": tokens.refresh_token},
    ),
    "nested on both ways": Names(
        {
            "send": "auth.token.refresh",
            "access_token": "auth.token.access",
            "refresh_token": "auth.token.refresh",
        },
        lambda seen: str(seen.json()["auth"]["token"]["refresh"]),
        lambda tokens: {
            "auth": {"token": {"access": tokens.access_token, "refresh": tokens.refresh_token}}
        },
    ),
    "a body of one's own": Names(
        {"send": lambda token: {"grant": "refresh", "value": token}, "access_token": "token"},
        lambda seen: str(seen.json()["value"]),
        lambda tokens: {"token": tokens.access_token, "refresh_token": tokens.refresh_token},
    ),
    "a form": Names(
        {
            "send": lambda token: {"refresh_token": token},
            "headers": {"Content-Type": "application/x-www-form-urlencoded"},
        },
        lambda seen: seen.form()["refresh_token"],
        lambda tokens: {
            "access_token": tokens.access_token,
            "refresh_token": tokens.refresh_token,
        },
    ),
    "text": Names(
        {"send": lambda token: token, "method": "put", "headers": {"Content-Type": "text/plain"}},
        lambda seen: seen.body.decode(),
        lambda tokens: {
            "access_token": tokens.access_token,
            "refresh_token": tokens.refresh_token,
        },
    ),
}


def expired(new_app: NewApp, server: AuthServer, **options: Any) -> App:
    app = new_app(refresh=json_refresh(RENEW, **options)).login()
    server.expire()
    return app


@pytest.mark.parametrize("names", BACKENDS.values(), ids=BACKENDS)
def test_requests_are_replayed_with_the_token_of_a_backend_that_says(
    new_app: NewApp, server: AuthServer, names: Names
) -> None:
    refresh_at(
        server, RENEW, asked=names.asked, told=lambda tokens: Answer(body=names.told(tokens))
    )
    app = expired(new_app, server, **names.options)
    for refreshes in (1, 2):  # the second with the refresh token that the first has brought
        server.expire()
        assert [call.response().status for call in app.get_together(3)] == [200] * 3
        assert server.count(RENEW) == refreshes
    assert app.close() == ["token_refreshed"] * 2


def test_the_seconds_count_from_the_receipt(new_app: NewApp, server: AuthServer) -> None:
    refresh_at(
        server,
        RENEW,
        told=lambda tokens: Answer(body={"access_token": tokens.access_token, "ttl": "300"}),
    )
    app = expired(new_app, server, expires_in="ttl")
    app.get("/items").response()
    assert app.store.get_state().expires_at == pytest.approx(time.time() + 300, abs=60)


def test_an_answer_without_a_new_refresh_token_keeps_the_old_one(
    new_app: NewApp, server: AuthServer
) -> None:
    app = expired(new_app, server, access_token="access")
    app.store.login("dead", "kept")
    server.answer(RENEW, body={"access": server.login("ada").access_token})
    assert app.get("/items").response().status == 200
    assert app.tokens[1] == "kept"


@pytest.mark.parametrize(
    "body",
    [{}, {"data": None}, {"data": "text"}, {"data": [{"accessToken": "a"}]}, {"accessToken": "a"}],
    ids=str,
)
def test_an_answer_without_the_named_token_has_failed(
    new_app: NewApp, server: AuthServer, body: object
) -> None:
    server.answer(RENEW, body=body)
    app = expired(new_app, server, access_token="data.accessToken")
    cause = app.get("/items").error().__cause__
    assert isinstance(cause, RefreshError)
    assert not cause.rejected
    assert app.close() == ["refresh_failed"]


def test_an_answer_with_other_names_is_an_error_that_says_which(
    new_app: NewApp, server: AuthServer, caplog: pytest.LogCaptureFixture
) -> None:
    tokens = server.login("ada")
    data = {"accessToken": tokens.access_token, "refreshToken": tokens.refresh_token}
    server.answer(RENEW, body={"code": 0, "data": {**data, tokens.access_token: 1}})
    app = expired(new_app, server, access_token="data.access")
    error = app.get("/items").error()
    assert app.close() == ["refresh_failed"]
    problem = str(error.__cause__)
    assert problem.endswith(
        "looked for 'data.access' and 'refresh_token', "
        "found 'code', 'data.accessToken', 'data.refreshToken'"
    )
    assert error.__notes__ == [f"the access token was not refreshed: {problem}"]
    assert problem in caplog.text
    assert tokens.access_token not in caplog.text


def test_further_headers_go_beside_those_of_the_instance(
    new_app: NewApp, server: AuthServer
) -> None:
    app = new_app(
        refresh=json_refresh(REFRESH, headers={"X-Client": "web"}),
        defaults={"headers": {"X-App": "demo"}},
    ).login()
    server.expire()
    app.get("/items").response()
    (seen,) = server.seen(REFRESH)
    assert (seen.headers["x-client"], seen.headers["x-app"]) == ("web", "demo")
    assert seen.authorization is None


def test_no_interceptor_sees_the_call(new_app: NewApp, server: AuthServer) -> None:
    app = new_app(refresh=json_refresh(REFRESH)).login()
    seen: list[str] = []

    def note(config: Any) -> Any:
        seen.append("request")
        return config

    def note_and_send(config: Any, proceed: Any) -> Any:
        seen.append("network")
        return proceed(config)

    app.api.interceptors.request.use(note)
    app.api.interceptors.network.use(note_and_send)
    app.api.interceptors.response.use(lambda response: response.data)
    server.expire()
    assert app.get("/items").result()["user"] == "ada"
    assert seen == ["request", "network", "network"]


def test_it_is_sent_again_if_it_could_not_connect(new_app: NewApp, server: AuthServer) -> None:
    with AuthServer(server.authority, listening=False) as login_server:
        app = new_app(refresh=json_refresh(f"{login_server.url}{REFRESH}")).login()
        server.expire()
        call = app.get("/items")
        app.wait_for_waiting(1)
        login_server.listen()
        assert call.response().status == 200


def test_a_redirect_elsewhere_does_not_take_the_refresh_token_along(
    new_app: NewApp, server: AuthServer
) -> None:
    with AuthServer() as elsewhere:
        server.redirect(RENEW, f"{elsewhere.url}{RENEW}")
        app = expired(new_app, server)
        app.get("/items").error()
        assert elsewhere.count() == 0


# --- what a rejection is ---


def has_code_401(response: Response) -> bool:
    return bool(response.data["code"] == 401)


def test_rejected_tells_a_rejection_from_its_body(new_app: NewApp, server: AuthServer) -> None:
    server.answer(RENEW, body={"code": 401, "data": None})
    app = expired(new_app, server, rejected=has_code_401)
    cause = app.get("/items").error().__cause__
    assert isinstance(cause, RefreshError)
    assert cause.rejected
    assert app.tokens == (None, None)
    assert app.close() == ["login_required"]


def test_rejected_overrides_the_status(new_app: NewApp, server: AuthServer) -> None:
    server.answer(RENEW, status=401, body={"code": 500})
    app = expired(new_app, server, rejected=has_code_401)
    cause = app.get("/items").error().__cause__
    assert isinstance(cause, RefreshError)
    assert not cause.rejected
    assert app.close() == ["refresh_failed"]


@pytest.mark.parametrize("response_type", ["json", "text", "bytes"])
def test_rejected_is_given_parsed_data(
    new_app: NewApp, server: AuthServer, response_type: str
) -> None:
    given: list[Any] = []

    def rejected(response: Response) -> bool:
        given.append(response.data)
        return False

    refresh = json_refresh(REFRESH, rejected=rejected)
    app = new_app(refresh=refresh, defaults={"response_type": response_type}).login()
    server.expire()
    assert app.get("/items").response().status == 200
    assert [data["access_token"] for data in given] == [app.tokens[0]]


def test_rejected_that_raises_has_failed_and_shows_no_token(
    new_app: NewApp, server: AuthServer
) -> None:
    app = new_app(refresh=json_refresh(REFRESH, rejected=has_code_401)).login()
    server.expire()
    cause = app.get("/items").error().__cause__
    assert str(cause) == "the refresh function raised KeyError"
    assert app.store.get_state().is_login


# --- without a refresh token ---


def test_a_named_refresh_token_must_be_there(new_app: NewApp, server: AuthServer) -> None:
    app = new_app(refresh=json_refresh(RENEW, send="refreshToken"))
    app.store.login("dead", None)
    app.get("/items").error()
    assert app.signals.wait_for("login_required")["reason"] == "no_refresh_token"
    assert server.count(RENEW) == 0


def test_a_body_of_ones_own_may_do_without_since_a_cookie_may_carry_it(
    new_app: NewApp, server: AuthServer
) -> None:
    server.behave(
        RENEW, lambda _seen: Answer(body={"accessToken": server.login("ada").access_token})
    )
    refresh = json_refresh(RENEW, send=lambda _token: None, access_token="accessToken")
    app = new_app(refresh=refresh)
    app.store.login("dead", None)
    assert [call.response().status for call in app.get_together(3)] == [200] * 3
    (seen,) = server.seen(RENEW)
    assert seen.body == b""
    app.logout()
    assert app.get("/items").error().status == 401
    assert server.count(RENEW) == 1


def test_a_visitor_without_a_cookie_is_asked_for_once(new_app: NewApp, server: AuthServer) -> None:
    server.behave(RENEW, always(401, {"message": "no cookie"}))
    app = new_app(refresh=json_refresh(RENEW, send=lambda _token: None))
    assert [app.get("/items").error().status for _ in range(3)] == [401] * 3
    assert server.count(RENEW) == 1
    assert app.close() == ["login_required"]


# --- arguments ---


@pytest.mark.parametrize(
    ("options", "error", "says"),
    [
        ({"url": None}, TypeError, "url must be a str, not NoneType"),
        ({"send": 7}, TypeError, "send must be a name or a function, not int"),
        ({"access_token": ["data"]}, TypeError, "access_token must be a str, not list"),
        ({"refresh_token": None}, TypeError, "refresh_token must be a str, not NoneType"),
        ({"expires_in": 300}, TypeError, "expires_in must be a str, not int"),
        ({"rejected": 401}, TypeError, "rejected must be a plain function"),
        ({"method": "fetch me"}, Exception, "method"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else None,
)
def test_arguments_that_mean_nothing_are_refused(
    options: dict[str, Any], error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        json_refresh(**{"url": RENEW, **options})
