"""What silent refresh is told to leave alone, and what it is told to take for a refusal."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from zustax.transport import Response

from ...support.app import App
from ...support.server import REFRESH, AuthServer
from .conftest import NewApp

LEFT_ALONE = {"silent_refresh": False}


def test_a_marked_call_carries_no_token_and_is_not_refreshed(app: App, server: AuthServer) -> None:
    assert app.get("/items", extra=LEFT_ALONE).error().status == 401
    (seen,) = server.seen()
    assert seen.authorization is None
    assert app.close() == []


def test_a_marked_call_does_not_wait_for_a_refresh(app: App, server: AuthServer) -> None:
    server.expire()
    server.answer("/public")
    gate = server.hold(REFRESH)
    expired = app.get("/items")
    server.wait_for(1, REFRESH)
    assert app.get("/public", extra=LEFT_ALONE).response().status == 200
    gate.open()
    assert expired.response().status == 200


@pytest.mark.parametrize("extra", [{"silent_refresh": True}, {"silent_refresh": None}, {"mark": 1}])
def test_any_other_mark_changes_nothing(
    app: App, server: AuthServer, extra: dict[str, Any]
) -> None:
    server.expire()
    assert app.get("/items", extra=extra).response().status == 200
    assert server.count(REFRESH) == 1


def test_the_marks_of_a_call_live_through_its_replay(app: App, server: AuthServer) -> None:
    server.expire()
    answer = app.get("/items", extra={"mark": 1}).response()
    assert answer.config.extra == {"mark": 1}


def test_statuses_say_what_a_refusal_is(new_app: NewApp, server: AuthServer) -> None:
    app = new_app(statuses=(401, 419)).login()
    server.answer("/items", status=419, times=1)
    assert app.get("/items").response().status == 200
    assert server.count(REFRESH) == 1


@pytest.mark.parametrize("collection", [list, set, frozenset, iter])
def test_statuses_may_be_any_collection(
    new_app: NewApp, server: AuthServer, collection: Callable[[tuple[int, ...]], Any]
) -> None:
    app = new_app(statuses=collection((401, 419))).login()
    server.expire()
    assert app.get("/items").response().status == 200


def test_a_401_that_is_not_among_the_statuses_is_none(new_app: NewApp, server: AuthServer) -> None:
    app = new_app(statuses=(403,)).login()
    server.expire()
    assert app.get("/items").error().status == 401
    assert server.count(REFRESH) == 0


def test_should_refresh_decides_what_a_refusal_is(new_app: NewApp, server: AuthServer) -> None:
    def is_refused(response: Response) -> bool:
        return bool(response.data == b"token expired")

    app = new_app(should_refresh=is_refused).login()
    server.answer("/items", body=b"token expired", times=1)
    assert app.get("/items").response().data["user"] == "ada"
    assert server.count(REFRESH) == 1
    server.expire()
    assert app.get("/items").error().status == 401
    assert server.count(REFRESH) == 1


def test_what_should_refresh_raises_comes_out_as_it_is(new_app: NewApp) -> None:
    mistake = LookupError("a mistake of the caller's")

    def is_refused(_response: Response) -> bool:
        raise mistake

    app = new_app(should_refresh=is_refused).login()
    assert app.get("/items").failure() is mistake


def test_a_caller_who_takes_every_status_for_success_is_refreshed_for_too(
    app: App, server: AuthServer
) -> None:
    server.expire()
    assert app.get("/items", validate_status=None).response().status == 200
    assert server.count(REFRESH) == 1


def test_a_caller_who_takes_every_status_for_success_is_given_the_401_of_a_lost_session(
    app: App, server: AuthServer
) -> None:
    server.authority.revoke_all()
    assert app.get("/items", validate_status=None).response().status == 401
    assert app.close() == ["login_required"]
