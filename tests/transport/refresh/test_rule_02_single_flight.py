"""One refresh for all, and each of them is sent again once."""

from __future__ import annotations

import time
from typing import Any

from zustax.transport import RequestConfig, Response
from zustax.transport.testing import TokenAuthority

from ...support.app import App
from ...support.http1 import Answer, Seen
from ...support.server import REFRESH, USERS, AuthServer
from ...support.waiting import BOUND
from .conftest import NewApp


def test_rule_02_one_refresh_however_many_requests_meet_a_401_at_once(
    app: App, server: AuthServer
) -> None:
    server.expire()
    calls = app.get_together(10)
    assert [call.response().status for call in calls] == [200] * 10
    assert server.count(REFRESH) == 1
    assert app.close() == ["token_refreshed"]


def test_rule_02_each_request_is_sent_again_once_with_the_new_token(
    app: App, server: AuthServer
) -> None:
    old = app.tokens[0]
    server.expire()
    gate = server.hold("/items")
    calls = [app.post("/items", str(number)) for number in range(5)]
    server.wait_for(5, "/items")
    gate.open()
    for call in calls:
        call.response()
    new = app.tokens[0]
    assert old != new
    sent = sorted((seen.body, seen.token == new) for seen in server.seen("/items"))
    assert sent == [(b"%d" % number, is_new) for number in range(5) for is_new in (False, True)]


def test_rule_02_a_401_that_arrives_while_a_refresh_runs_waits_for_it(
    app: App, server: AuthServer
) -> None:
    server.expire()
    late = server.hold("/late")
    refresh = server.hold(REFRESH)
    calls = [app.get("/late"), app.get("/items")]
    server.wait_for(1, "/late")
    server.wait_for(1, REFRESH)
    late.open()
    app.wait_for_waiting(2)
    refresh.open()
    assert [call.response().status for call in calls] == [200, 200]
    assert server.count(REFRESH) == 1


def test_rule_02_the_next_expiry_is_another_refresh(app: App, server: AuthServer) -> None:
    for refreshes in (1, 2, 3):
        server.expire()
        assert app.get("/items").response().status == 200
        assert server.count(REFRESH) == refreshes


def test_rule_02_two_instances_over_one_store_share_the_refresh(
    new_app: NewApp, server: AuthServer
) -> None:
    first = new_app().login()
    second = new_app(store=first.store)
    server.expire()
    gate = server.hold("/items")
    calls = [app.get("/items") for app in (first, second) for _ in range(5)]
    server.wait_for(10, "/items")
    gate.open()
    assert [call.response().status for call in calls] == [200] * 10
    assert server.count(REFRESH) == 1
    assert first.close() + second.close() == ["token_refreshed"]


def test_rule_02_instances_over_two_stores_refresh_each_for_itself(
    new_app: NewApp, server: AuthServer
) -> None:
    apps = [new_app().login("ada"), new_app().login("bob")]
    server.expire()
    gate = server.hold(REFRESH)
    calls = [app.get("/items") for app in apps]
    server.wait_for(2, REFRESH)
    gate.open()
    assert [call.response().data["user"] for call in calls] == ["ada", "bob"]


def test_rule_02_a_request_to_another_store_does_not_wait(
    new_app: NewApp, server: AuthServer
) -> None:
    ada, bob = new_app().login("ada"), new_app()
    server.expire()
    bob.login("bob")
    gate = server.hold(REFRESH)
    expired = ada.get("/items")
    server.wait_for(1, REFRESH)
    assert bob.get("/items").response().data["user"] == "bob"
    gate.open()
    assert expired.response().data["user"] == "ada"


def test_rule_02_interceptors_and_transforms_run_once_for_a_request_that_is_sent_twice(
    app: App, server: AuthServer
) -> None:
    ran: list[str] = []

    def on_request(config: RequestConfig) -> RequestConfig:
        ran.append("request")
        return config

    def transform(data: int, _headers: object) -> str:
        ran.append("transform")
        return f"<{data}>"

    def on_response(response: Response) -> Any:
        ran.append("response")
        return response.data

    app.api.interceptors.request.use(on_request)
    app.api.interceptors.response.use(on_response)
    server.expire()
    data = app.post("/items", 1, transform_request=transform).result()
    assert data["user"] == "ada"
    assert ran == ["request", "transform", "response"]
    assert [seen.body for seen in server.seen("/items")] == [b"<1>", b"<1>"]


def test_rule_02_an_answer_without_a_new_refresh_token_keeps_the_old_one(
    new_app: NewApp, server: AuthServer
) -> None:
    server.authority = TokenAuthority(users=USERS, rotate=False)

    def access_token_only(seen: Seen) -> Answer:
        return Answer(body={"access_token": server.usual(seen).body["access_token"]})

    server.behave(REFRESH, access_token_only)
    app = new_app().login()
    kept = app.tokens[1]
    for _ in range(2):
        server.expire()
        assert app.get("/items").response().status == 200
    assert app.tokens[1] == kept


def test_rule_02_what_the_answer_says_of_the_expiry_is_stored(app: App, server: AuthServer) -> None:
    server.expire()
    before = time.time()
    app.get("/items").response()
    expires_in = app.store.get_state().expires_at - before
    assert 300 <= expires_in < 300 + BOUND


def test_rule_02_a_store_that_kept_only_the_refresh_token_refreshes_before_the_first_request(
    new_app: NewApp, server: AuthServer
) -> None:
    app = new_app()
    app.store.set_state({"refresh_token": server.login("ada").refresh_token})
    gate = server.hold(REFRESH)
    calls = [app.get("/items") for _ in range(5)]
    app.wait_for_waiting(5)
    gate.open()
    assert [call.response().status for call in calls] == [200] * 5
    assert (server.count(REFRESH), server.count("/items")) == (1, 5)
