"""The token goes with every request to its own origin, and an Authorization of the caller stays."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from ...support.app import App
from ...support.clients import Client
from ...support.server import REFRESH, AuthServer
from .conftest import NewApp

OWN = "Basic Y2FsbGVyOm93bg=="

CALLERS_OWN: dict[str, dict[str, Any]] = {
    "header": {"headers": {"Authorization": OWN}},
    "header in lower case": {"headers": {"authorization": OWN}},
    "auth pair": {"auth": ("caller", "own")},
    "auth mapping": {"auth": {"username": "caller", "password": "own"}},
}


@pytest.fixture
def elsewhere(server: AuthServer) -> Iterator[AuthServer]:
    """The next port, where the same tokens are good."""
    with AuthServer(server.authority) as elsewhere:
        yield elsewhere


def only_authorization(server: AuthServer, path: str) -> str | None:
    """What the one request for ``path`` carried."""
    (seen,) = server.seen(path)
    return seen.authorization


def test_rule_01_every_request_carries_the_token_of_that_moment(
    app: App, server: AuthServer
) -> None:
    app.get("/first").response()
    app.login("bob")
    answer = app.get("/second").response()
    assert only_authorization(server, "/first") != only_authorization(server, "/second")
    assert only_authorization(server, "/second") == f"Bearer {app.tokens[0]}"
    assert answer.data["user"] == "bob"


def test_rule_01_without_tokens_there_is_no_authorization(
    new_app: NewApp, server: AuthServer
) -> None:
    server.answer("/public")
    new_app().get("/public").response()
    assert only_authorization(server, "/public") is None


def test_rule_01_an_absolute_url_of_the_own_origin_carries_the_token(
    app: App, server: AuthServer
) -> None:
    app.get(f"{server.url}/items").response()
    assert only_authorization(server, "/items") == f"Bearer {app.tokens[0]}"


def test_rule_01_the_next_port_is_another_origin(app: App, elsewhere: AuthServer) -> None:
    assert app.get(f"{elsewhere.url}/items").error().status == 401
    assert only_authorization(elsewhere, "/items") is None
    assert app.server.count(REFRESH) == 0


def test_rule_01_a_base_url_of_one_call_is_another_origin_too(
    app: App, elsewhere: AuthServer
) -> None:
    app.get("/items", base_url=elsewhere.url).error()
    assert only_authorization(elsewhere, "/items") is None


def test_rule_01_a_listed_origin_is_given_the_token_and_its_401_is_refreshed(
    new_app: NewApp, server: AuthServer, elsewhere: AuthServer
) -> None:
    app = new_app(origins=[f"{elsewhere.url}/any/path"]).login()
    server.expire()
    assert app.get(f"{elsewhere.url}/items").response().status == 200
    assert elsewhere.seen("/items")[1].token == app.tokens[0]
    assert server.count(REFRESH) == 1


def test_rule_01_a_listed_origin_is_listed_beside_the_own(
    new_app: NewApp, elsewhere: AuthServer
) -> None:
    app = new_app(origins=[elsewhere.url]).login()
    assert app.get("/items").response().status == 200


def test_rule_01_a_redirect_elsewhere_drops_the_token(
    app: App, server: AuthServer, elsewhere: AuthServer
) -> None:
    server.redirect("/moved", f"{elsewhere.url}/public")
    elsewhere.answer("/public")
    app.get("/moved").response()
    assert only_authorization(server, "/moved") == f"Bearer {app.tokens[0]}"
    assert only_authorization(elsewhere, "/public") is None


def test_rule_01_a_redirect_within_the_own_origin_keeps_the_token(
    app: App, server: AuthServer
) -> None:
    server.redirect("/moved", "/items")
    assert app.get("/moved").response().status == 200
    assert only_authorization(server, "/items") == f"Bearer {app.tokens[0]}"


def test_rule_01_a_redirect_to_a_listed_origin_drops_the_token_too(
    new_app: NewApp, server: AuthServer, elsewhere: AuthServer
) -> None:
    app = new_app(origins=[elsewhere.url]).login()
    server.redirect("/moved", f"{elsewhere.url}/items")
    assert app.get("/moved").error().status == 401
    assert only_authorization(elsewhere, "/items") is None
    assert server.count(REFRESH) == 0


def test_rule_01_a_token_that_was_dropped_on_the_way_was_not_refused(
    app: App, server: AuthServer, elsewhere: AuthServer
) -> None:
    """The request comes back to its own origin, by way of another."""
    server.redirect("/moved", f"{elsewhere.url}/back")
    elsewhere.redirect("/back", f"{server.url}/items")
    assert app.get("/moved").error().status == 401
    assert only_authorization(server, "/items") is None
    assert server.count(REFRESH) == 0
    assert app.close() == []


def test_rule_01_a_401_from_where_a_redirect_led_says_nothing_about_the_token(
    app: App, server: AuthServer, elsewhere: AuthServer
) -> None:
    server.redirect("/moved", f"{elsewhere.url}/items")
    assert app.get("/moved").error().status == 401
    assert server.count(REFRESH) == 0
    assert app.close() == []


@pytest.mark.parametrize("options", CALLERS_OWN.values(), ids=CALLERS_OWN)
def test_rule_01_an_authorization_of_the_caller_stays_and_is_never_refreshed(
    app: App, server: AuthServer, options: dict[str, Any]
) -> None:
    assert app.get("/items", **options).error().status == 401
    assert only_authorization(server, "/items") == OWN
    assert server.count(REFRESH) == 0
    assert app.close() == []


@pytest.mark.parametrize("defaults", CALLERS_OWN.values(), ids=CALLERS_OWN)
def test_rule_01_an_authorization_in_the_defaults_stays_and_is_never_refreshed(
    new_app: NewApp, server: AuthServer, defaults: dict[str, Any]
) -> None:
    app = new_app(defaults=defaults).login()
    assert app.get("/items").error().status == 401
    assert only_authorization(server, "/items") == OWN
    assert server.count(REFRESH) == 0


@pytest.mark.parametrize(
    "options", [{"headers": {"Authorization": OWN}}, {"auth": ("caller", "own")}]
)
def test_rule_01_an_authorization_of_the_callers_own_client_stays_and_is_never_refreshed(
    new_app: NewApp, kind: type[Client], server: AuthServer, options: dict[str, Any]
) -> None:
    client = (httpx.AsyncClient if kind.is_async else httpx.Client)(**options)
    app = new_app(defaults={"client": client}).login()
    assert app.get("/items").error().status == 401
    assert only_authorization(server, "/items") == OWN
    assert server.count(REFRESH) == 0


def test_rule_01_a_user_name_in_the_url_is_the_callers_own_authorization(
    app: App, server: AuthServer
) -> None:
    url = server.url.replace("http://", "http://caller:own@")
    assert app.get(f"{url}/items").error().status == 401
    assert only_authorization(server, "/items") == OWN
    assert server.count(REFRESH) == 0


@pytest.mark.parametrize("value", [None, False])
def test_rule_01_a_caller_may_want_no_authorization_at_all(
    app: App, server: AuthServer, value: object
) -> None:
    assert app.get("/items", headers={"Authorization": value}).error().status == 401
    assert only_authorization(server, "/items") is None
    assert server.count(REFRESH) == 0


def test_rule_01_an_authorization_of_the_caller_does_not_wait_for_a_refresh(
    app: App, server: AuthServer
) -> None:
    server.expire()
    gate = server.hold(REFRESH)
    expired = app.get("/items")
    server.wait_for(1, REFRESH)
    assert app.get("/other", headers={"Authorization": OWN}).error().status == 401
    gate.open()
    assert expired.response().status == 200
