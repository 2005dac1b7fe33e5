"""What silent refresh is told to leave alone, and what it is told to take for a refusal."""

from __future__ import annotations

import gc
import json
import warnings
from collections.abc import Callable, Collection
from typing import Any

import pytest
from zustax.transport import RefreshError, Response

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


# --- refusals in the body ---


def has_code_401(response: Response) -> bool:
    return bool(json.loads(response.data)["code"] == 401)


@pytest.mark.parametrize("status", [503, 401])
def test_a_refusal_in_a_200_whose_refresh_brings_nothing_is_an_error(
    new_app: NewApp, server: AuthServer, status: int
) -> None:
    app = new_app(should_refresh=has_code_401).login()
    server.answer("/items", body={"code": 401})
    server.answer(REFRESH, status=status)
    for call in app.get_together(3):
        error = call.error()
        assert (error.status, error.response and error.response.data) == (200, {"code": 401})
        assert isinstance(error.__cause__, RefreshError)
        assert error.__cause__.rejected == (status == 401)


def test_a_refusal_in_a_200_of_a_caller_who_takes_every_status_is_an_error_too(
    new_app: NewApp, server: AuthServer
) -> None:
    app = new_app(should_refresh=has_code_401).login()
    server.answer("/items", body={"code": 401})
    server.answer(REFRESH, status=503)
    assert app.get("/items", validate_status=None).error().status == 200


def test_a_refusal_in_a_200_that_meets_the_new_token_too_is_an_error(
    new_app: NewApp, server: AuthServer
) -> None:
    app = new_app(should_refresh=has_code_401).login()
    server.answer("/items", body={"code": 401})
    assert app.get("/items").error().status == 200
    assert app.signals.wait_for("login_required")["reason"] == "still_unauthorized"
    assert app.close() == ["token_refreshed", "login_required"]


def test_a_refusal_in_a_200_with_a_body_that_cannot_be_sent_again_is_an_error(
    new_app: NewApp, server: AuthServer
) -> None:
    app = new_app(should_refresh=has_code_401).login()
    server.answer("/items", body={"code": 401})
    error = app.post("/items", (part for part in [b"once"])).error()
    assert "can be read only once" in "".join(getattr(error, "__notes__", []))


def test_what_should_refresh_raises_gives_a_stream_back(
    new_app: NewApp, server: AuthServer
) -> None:
    app = new_app(should_refresh=has_code_401).login()
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        assert isinstance(app.get("/items", response_type="stream").failure(), TypeError)
        gc.collect()
    assert [str(one.message) for one in warned if one.category is ResourceWarning] == []


def test_a_stream_may_be_judged_by_its_status(new_app: NewApp, server: AuthServer) -> None:
    app = new_app(should_refresh=lambda response: response.status == 401).login()
    server.expire()
    response = app.get("/items", response_type="stream").response()
    assert response.status == 200
    app.client.call(lambda _api: response.data.aclose() if app.client.is_async else None)
    if not app.client.is_async:
        response.data.close()


@pytest.mark.parametrize("statuses", [(401,), [419], ()])
def test_statuses_beside_should_refresh_are_refused(
    new_app: NewApp, statuses: Collection[int]
) -> None:
    with pytest.raises(TypeError, match="statuses"):
        new_app(statuses=statuses, should_refresh=has_code_401)
