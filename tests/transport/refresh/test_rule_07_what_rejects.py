"""What rejects a refresh token, and stays a rejection in whatever error it arrives."""

from __future__ import annotations

import urllib.request
from typing import Any
from urllib.error import HTTPError

import aiohttp
import pytest
from zustax.transport import RefreshError, RequestError, TokenPair, json_refresh
from zustax.transport.testing import Answer

from ...support.app import App
from ...support.clients import Client
from ...support.server import REFRESH, AuthServer
from .conftest import NewApp, only_async, only_sync
from .own_refresh import OwnRefresh

#: Those of single frameworks: Laravel, Flask, IIS, ArcGIS, and "gone".
REJECTING_TOO = (410, 419, 422, 440, 498)

#: Answers that reject the refresh token by what is in them: status, body, type.
WORDS: dict[str, Answer] = {
    "JSON": Answer(401, {"message": "expired"}),
    "problem": Answer(403, {"title": "expired"}, {"Content-Type": "application/problem+json"}),
    "JSON of another type": Answer(401, {"message": "expired"}, {"Content-Type": "text/plain"}),
    "empty page": Answer(401, b"", {"Content-Type": "text/html"}),
    "JSON text": Answer(401, "expired"),
    "JSON list": Answer(400, ["expired"]),
    "JSON null": Answer(401, None),
    "bearer challenge": Answer(401, b"", {"WWW-Authenticate": 'Bearer error="invalid_token"'}),
    "OAuth": Answer(400, {"error": "invalid_grant"}),
    "OAuth, nested": Answer(404, {"error": {"code": "invalid_grant"}}),
    "OAuth, in a list": Answer(404, {"errors": [{"extensions": {"code": "INVALID_GRANT"}}]}),
    "GitHub": Answer(200, {"error": "bad_refresh_token"}),
    "GitHub as a form": Answer(
        200, b"error=bad_refresh_token", {"Content-Type": "application/x-www-form-urlencoded"}
    ),
    "Slack": Answer(200, {"ok": False, "error": "invalid_refresh_token"}),
    "Azure AD": Answer(400, {"error": "interaction_required"}),
}


@pytest.mark.parametrize("status", REJECTING_TOO)
def test_rule_07_other_statuses_that_say_expired_reject_it_too(
    app: App, server: AuthServer, status: int
) -> None:
    server.expire()
    server.answer(REFRESH, status=status, body={"message": "expired"})
    assert [app.get("/items").error().status for _ in range(2)] == [401] * 2
    assert server.count(REFRESH) == 1
    assert app.tokens == (None, None)
    assert app.close()[0] == "login_required"


@pytest.mark.parametrize("answer", WORDS.values(), ids=WORDS)
@pytest.mark.parametrize("is_json_refresh", [False, True], ids=["default", "json_refresh"])
def test_rule_07_an_answer_rejects_it_that_says(
    new_app: NewApp, server: AuthServer, answer: Answer, is_json_refresh: bool
) -> None:
    app = new_app(refresh=json_refresh(REFRESH) if is_json_refresh else None).login()
    server.expire()
    server.behave(REFRESH, lambda _seen: answer)
    cause = app.get("/items").error().__cause__
    assert isinstance(cause, RefreshError)
    assert cause.rejected
    assert app.close() == ["login_required"]


class AppError(Exception):
    """What a program makes of each error."""


def rewritten(kind: type[Client], how: str) -> OwnRefresh:
    """Return a refresh that raises an error of its own for that of the request."""
    own = OwnRefresh(kind)
    inner = own.function

    def rewrite(error: RequestError) -> BaseException:
        if how == "from":
            raise AppError("log in") from error
        if how == "twice":
            try:
                raise AppError("log in") from error
            except AppError as app_error:
                raise LookupError("log in") from app_error
        if how == "group":
            raise ExceptionGroup("tasks", [ValueError("another"), error])
        raise AppError("log in")

    async def asynchronous(refresh_token: str | None) -> Any:
        try:
            return await inner(refresh_token)
        except RequestError as error:
            rewrite(error)

    def plain(refresh_token: str | None) -> Any:
        try:
            return inner(refresh_token)
        except RequestError as error:
            rewrite(error)

    own.function = asynchronous if kind.is_async else plain
    return own


@pytest.mark.parametrize("how", ["from", "meanwhile", "twice", "group"])
def test_rule_07_a_rejection_stays_one_in_an_error_that_was_rewritten(
    new_app: NewApp, kind: type[Client], server: AuthServer, how: str
) -> None:
    own = rewritten(kind, how)
    app = own.app = new_app(refresh=own.function).login()
    server.authority.revoke_all()
    assert app.get("/items").error().status == 401
    assert app.tokens == (None, None)
    assert app.close() == ["login_required"]


@pytest.mark.parametrize("how", ["from", "meanwhile", "twice", "group"])
def test_rule_07_a_failure_stays_one_in_an_error_that_was_rewritten(
    new_app: NewApp, kind: type[Client], server: AuthServer, how: str
) -> None:
    own = rewritten(kind, how)
    app = own.app = new_app(refresh=own.function).login()
    server.expire()
    server.answer(REFRESH, status=403, body=b"<html>", headers={"Content-Type": "text/html"})
    assert app.get("/items").error().status == 401
    assert app.close() == ["refresh_failed"]


@only_sync
@pytest.mark.parametrize("body", [b"", b"<html>a firewall</html>"], ids=["empty", "page"])
def test_rule_07_an_error_of_urllib_is_an_answer(
    new_app: NewApp, server: AuthServer, body: bytes
) -> None:
    def refresh(_refresh_token: str | None) -> TokenPair:
        try:
            urllib.request.urlopen(f"{server.url}{REFRESH}", b"")
        except HTTPError as error:
            error.close()
            raise
        raise AssertionError

    kind = {"Content-Type": "text/html" if body else "application/json"}
    server.answer(REFRESH, status=403, body=body, headers=kind)
    app = new_app(refresh=refresh).login()
    server.expire()
    assert app.get("/items").error().status == 401
    assert app.close() == ["refresh_failed" if body else "login_required"]


@only_async
def test_rule_07_an_error_of_aiohttp_is_an_answer(new_app: NewApp, server: AuthServer) -> None:
    async def refresh(_refresh_token: str | None) -> TokenPair:
        async with aiohttp.ClientSession(raise_for_status=True) as session:
            await session.post(f"{server.url}{REFRESH}", json={})
        raise AssertionError

    server.answer(REFRESH, status=401, body={"message": "expired"})
    app = new_app(refresh=refresh).login()
    server.expire()
    assert app.get("/items").error().status == 401
    assert app.close() == ["login_required"]
