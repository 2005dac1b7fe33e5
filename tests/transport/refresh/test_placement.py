"""Where the access token goes: into another header, behind another scheme, or anywhere else."""

from __future__ import annotations

import base64
import logging
from collections.abc import Callable, Iterator
from types import MappingProxyType
from typing import Any

import pytest
from attrs import frozen
from zustax.transport import RequestConfig, silent_refresh
from zustax.transport.testing import Answer, SeenRequest

from ...support.app import App
from ...support.clients import Client
from ...support.server import REFRESH, AuthServer
from .backend import look_for_token, refresh_at
from .conftest import NewApp

OWN = "Basic Y2FsbGVyOm93bg=="


@frozen
class Place:
    """Where a backend wants the token: how silent refresh is told, and where the server looks."""

    options: dict[str, Any]
    token_of: Callable[[SeenRequest], str | None]


def header(name: str, prefix: str = "") -> Callable[[SeenRequest], str | None]:
    def token_of(seen: SeenRequest) -> str | None:
        value = seen.headers.get(name, "")
        return value.removeprefix(prefix) if value.startswith(prefix) else None

    return token_of


def into_query(config: RequestConfig, token: str) -> None:
    config.params = {**(config.params or {}), "access_token": token}


def into_frozen_query(config: RequestConfig, token: str) -> None:
    config.params = MappingProxyType({"access_token": token})


def into_cookie(config: RequestConfig, token: str) -> None:
    config.headers["Cookie"] = f"access={token}"


def into_basic(config: RequestConfig, token: str) -> None:
    encoded = base64.b64encode(f"x-access-token:{token}".encode()).decode()
    config.headers["Authorization"] = f"Basic {encoded}"


def from_query(seen: SeenRequest) -> str:
    return seen.query.partition("access_token=")[2]


def from_basic(seen: SeenRequest) -> str:
    encoded = (seen.authorization or "").removeprefix("Basic ")
    return base64.b64decode(encoded).decode().partition(":")[2]


PLACES = {
    "another header": Place({"header": "X-Token", "scheme": None}, header("x-token")),
    "another header with a scheme": Place({"header": "X-Token"}, header("x-token", "Bearer ")),
    "another scheme": Place({"scheme": "Token"}, header("authorization", "Token ")),
    "no scheme": Place({"scheme": None}, header("authorization")),
    "query": Place({"attach": into_query}, from_query),
    "frozen query": Place({"attach": into_frozen_query}, from_query),
    "cookie": Place({"attach": into_cookie}, header("cookie", "access=")),
    "basic": Place({"attach": into_basic}, from_basic),
}


@pytest.fixture(params=PLACES.values(), ids=list(PLACES))
def place(request: pytest.FixtureRequest) -> Place:
    found: Place = request.param
    return found


@pytest.fixture
def elsewhere(server: AuthServer) -> Iterator[AuthServer]:
    """The next port, where every request is answered."""
    with AuthServer(server.authority, app=lambda _seen: Answer()) as elsewhere:
        yield elsewhere


def expired(new_app: NewApp, server: AuthServer, **options: Any) -> App:
    """A program in which ada is logged in with a token that has expired."""
    app = new_app(**options).login()
    server.expire()
    return app


def tells(seen: SeenRequest, app: App) -> bool:
    """Return True if a request holds the access token, also encoded."""
    token = app.tokens[0] or ""
    shown = f"{seen.headers} {seen.query}"
    return token in shown or token in str(from_basic(seen))


# --- the place ---


def test_the_token_is_sent_and_renewed_there(
    new_app: NewApp, server: AuthServer, place: Place
) -> None:
    app = expired(new_app, server, **place.options)
    look_for_token(server, place.token_of)
    assert [call.response().status for call in app.get_together(3)] == [200] * 3
    assert server.count(REFRESH) == 1
    if "authorization" not in server.seen("/items")[-1].headers:
        assert all(seen.authorization is None for seen in server.seen())


def test_what_the_caller_gave_is_not_changed_by_it(
    new_app: NewApp, server: AuthServer, place: Place
) -> None:
    app = expired(new_app, server, **place.options)
    look_for_token(server, place.token_of)
    params = {"page": 1}
    config = app.get("/items", params=params).response().config
    assert (params, config.params) == ({"page": 1}, {"page": 1})
    assert not {"authorization", "cookie", "x-token"} & {name.lower() for name in config.headers}


def test_params_that_attach_changes_in_place_are_those_of_one_request(
    new_app: NewApp, server: AuthServer
) -> None:
    def in_place(config: RequestConfig, token: str) -> None:
        config.params["access_token"] = token

    app = expired(new_app, server, defaults={"params": {"page": 1}}, attach=in_place)
    look_for_token(server, from_query)
    assert app.get("/items").response().status == 200
    assert app.api.defaults.params == {"page": 1}


@pytest.mark.parametrize(("scheme", "kept"), [("Bearer", "bearer"), ("Token", "Token")])
def test_a_token_that_already_has_the_scheme_is_not_given_it_twice(
    new_app: NewApp, server: AuthServer, scheme: str, kept: str
) -> None:
    look_for_token(server, header("authorization", f"{kept} "))
    refresh_at(
        server,
        told=lambda tokens: Answer(body={"access_token": f"{kept} {tokens.access_token}"}),
    )
    app = new_app(scheme=scheme)
    app.store.login(f"{kept} dead", server.login("ada").refresh_token)
    assert app.get("/items").response().status == 200
    assert server.seen("/items")[0].authorization == f"{kept} dead"


def test_a_token_with_its_scheme_that_an_interceptor_sets_as_it_is_is_brought_up_to_date(
    new_app: NewApp, server: AuthServer
) -> None:
    refresh_at(
        server,
        told=lambda tokens: Answer(body={"access_token": f"Bearer {tokens.access_token}"}),
    )
    app = new_app()
    app.store.login("Bearer dead", server.login("ada").refresh_token)
    app.api.defaults.headers.common["Authorization"] = app.tokens[0]
    assert app.get("/items").response().status == 200
    assert app.get("/items").response().status == 200
    assert server.count(REFRESH) == 1


# --- whose 401 it is ---


def test_a_token_that_a_network_interceptor_has_moved_is_renewed(
    new_app: NewApp, kind: type[Client], server: AuthServer
) -> None:
    def moving(config: Any, proceed: Any) -> Any:
        config.headers["X-Token"] = config.headers.pop("Authorization").removeprefix("Bearer ")
        return proceed(config)

    app = expired(new_app, server)
    look_for_token(server, header("x-token"))
    app.api.interceptors.network.use(moving)
    assert [call.response().status for call in app.get_together(3)] == [200] * 3
    assert server.count(REFRESH) == 1


@pytest.mark.parametrize("scheme", ["Bearer", "Token", None], ids=str)
def test_a_header_with_the_token_of_the_store_is_brought_up_to_date(
    new_app: NewApp, server: AuthServer, scheme: str | None
) -> None:
    prefix = f"{scheme} " if scheme else ""

    def add_token(config: Any) -> Any:
        config.headers["Authorization"] = f"{prefix}{app.tokens[0]}"
        return config

    app = expired(new_app, server, scheme=scheme)
    look_for_token(server, header("authorization", prefix))
    app.api.interceptors.request.use(add_token)
    assert [call.response().status for call in app.get_together(3)] == [200] * 3
    assert server.count(REFRESH) == 1


def test_a_default_header_that_was_set_at_login_is_brought_up_to_date_for_good(
    app: App, server: AuthServer
) -> None:
    app.api.defaults.headers.common["Authorization"] = f"Bearer {app.tokens[0]}"
    for _ in range(3):
        server.expire()
        assert app.get("/items").response().status == 200
    assert server.count(REFRESH) == 3


def test_a_default_header_of_the_session_before_is_another_authorization(
    app: App, server: AuthServer
) -> None:
    ada = f"Bearer {app.tokens[0]}"
    app.api.defaults.headers.common["Authorization"] = ada
    app.login("bob")
    assert app.get("/items").response().data["user"] == "ada"
    server.expire()
    assert app.get("/items").error().status == 401
    assert {seen.authorization for seen in server.seen()} == {ada}


@pytest.mark.parametrize("value", ["", "Bearer", "Bearer ", "Bearer None"])
def test_a_header_that_an_interceptor_has_made_of_no_token_is_no_authorization(
    new_app: NewApp, server: AuthServer, value: str
) -> None:
    """As it does before the store is hydrated, or where only the refresh token was kept."""
    app = new_app().login()
    app.api.defaults.headers.common["Authorization"] = value
    assert app.get("/items").response().status == 200
    app.store.set_state({"access_token": None})
    assert app.get("/items").response().status == 200
    assert server.count(REFRESH) == 1


def test_another_authorization_goes_beside_a_token_with_a_header_of_its_own(
    new_app: NewApp, server: AuthServer
) -> None:
    app = expired(new_app, server, header="X-Token", scheme=None)
    look_for_token(server, header("x-token"))
    assert app.get("/items", auth=("caller", "own")).response().status == 200
    assert app.get("/items", headers={"Authorization": OWN}).response().status == 200
    assert {seen.authorization for seen in server.seen("/items")} == {OWN}
    assert server.count(REFRESH) == 1


def test_a_token_of_the_callers_own_in_that_header_stays_and_is_never_refreshed(
    new_app: NewApp, server: AuthServer
) -> None:
    app = new_app(header="X-Token", scheme=None).login()
    look_for_token(server, header("x-token"))
    assert app.get("/items", headers={"x-token": "own"}).error().status == 401
    assert server.seen("/items")[0].headers["x-token"] == "own"
    assert server.count(REFRESH) == 0


def test_the_first_401_of_another_authorization_is_hinted_at_once(
    app: App, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "zustax")
    for _ in range(3):
        assert app.get("/items", headers={"Authorization": "Bearer own"}).error().status == 401
    (hint,) = [one.getMessage() for one in caplog.records if one.levelno == logging.WARNING]
    assert "Authorization" in hint
    assert "own" not in hint.split()[-1]
    assert "Bearer own" not in hint


# --- other origins ---


def test_a_redirect_elsewhere_drops_the_token(
    new_app: NewApp, server: AuthServer, elsewhere: AuthServer, place: Place
) -> None:
    server.redirect("/items", f"{elsewhere.url}/items")
    app = new_app(**place.options).login()
    assert app.get("/items").response().status == 200
    (seen,) = elsewhere.seen()
    assert not tells(seen, app)
    assert tells(server.seen("/items")[0], app)


def into_body(config: RequestConfig, token: str) -> None:
    config.data = f'{{"key": "{token}"}}'.encode()


def test_a_redirect_does_not_take_a_body_with_the_token_elsewhere(
    new_app: NewApp, server: AuthServer, elsewhere: AuthServer
) -> None:
    server.redirect("/items", f"{elsewhere.url}/items")
    app = new_app(attach=into_body).login()
    error = app.post("/items", {}).error()
    assert "would take the access token along in the body" in str(error)
    assert elsewhere.seen() == []


@pytest.mark.parametrize("status", [401, 200])
@pytest.mark.parametrize("name", ["another header", "query"])
def test_a_401_behind_such_a_redirect_was_not_about_the_token(
    new_app: NewApp, server: AuthServer, elsewhere: AuthServer, name: str, status: int
) -> None:
    if status == 200:  # it comes back, without the token
        elsewhere.redirect("/items", f"{server.url}/back")
    else:
        elsewhere.answer("/items", status=401)
    server.redirect("/items", f"{elsewhere.url}/items")
    app = new_app(**PLACES[name].options).login()
    assert app.get("/items").error().status == 401
    assert server.count(REFRESH) == 0
    assert app.close() == []


@pytest.mark.parametrize(
    ("by", "is_behind"), [("url", True), ("base_url", False)], ids=["url", "base_url"]
)
def test_an_interceptor_that_changes_the_url_does_not_take_the_token_along(
    new_app: NewApp,
    server: AuthServer,
    elsewhere: AuthServer,
    place: Place,
    by: str,
    is_behind: bool,
) -> None:
    def to_elsewhere(config: Any, proceed: Any) -> Any:
        changed = config.copy()
        if by == "url":
            changed.url = f"{elsewhere.url}/items"
        else:
            changed.base_url = elsewhere.url
        return proceed(changed)

    app = new_app().login()
    app.handle.eject()
    if not is_behind:
        app.api.interceptors.network.use(to_elsewhere)
    silent_refresh(app.api, app.store, **place.options)
    if is_behind:
        app.api.interceptors.network.use(to_elsewhere)
    assert app.get("/items").response().status == 200
    (seen,) = elsewhere.seen()
    assert not tells(seen, app)
