"""Arguments of `silent_refresh` that cannot be meant are refused where they are given."""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import Any

import pytest
from zustax.store import FileStorage, UserStore
from zustax.transport import RefreshError, Response, TokenPair, create, create_sync, silent_refresh

from ...support.app import App
from ...support.server import REFRESH, AuthServer
from .conftest import NewApp, only_sync

URL = "http://127.0.0.1:1"


async def async_function(*_args: object) -> None:
    """Never called."""


class OnlyReads:
    """Half a store."""

    def get_state(self) -> None:
        """Nothing is in it."""


WRONG: dict[str, tuple[dict[str, Any], type[Exception], str]] = {
    "api": ({"api": object()}, TypeError, r"create\(\)"),
    "store without methods": ({"store": {"access_token": "a"}}, TypeError, "get_state"),
    "store without set_state": ({"store": OnlyReads()}, TypeError, "set_state"),
    "url": ({"url": None}, TypeError, "url"),
    "refresh": ({"refresh": "/auth/refresh"}, TypeError, "refresh must be callable"),
    "should_refresh": ({"should_refresh": 401}, TypeError, "should_refresh must be callable"),
    "async should_refresh": (
        {"should_refresh": async_function},
        TypeError,
        "should_refresh is async",
    ),
    "reauthenticate": ({"reauthenticate": True}, TypeError, "reauthenticate must be callable"),
    "statuses as a number": ({"statuses": 401}, TypeError, "statuses"),
    "statuses as text": ({"statuses": "401"}, TypeError, "statuses"),
    "timeout as text": ({"timeout": "10"}, TypeError, "timeout"),
    "timeout as bool": ({"timeout": True}, TypeError, "timeout"),
    "no timeout": ({"timeout": None}, TypeError, "timeout"),
    "timeout of 0": ({"timeout": 0}, ValueError, "timeout"),
    "negative timeout": ({"timeout": -1.0}, ValueError, "timeout"),
    "timeout that is no number": ({"timeout": math.nan}, ValueError, "timeout"),
    "origins as text": ({"origins": "https://host"}, TypeError, "list of URLs"),
    "origin without a scheme": ({"origins": ["host"]}, ValueError, "no scheme and host"),
    "origin of another scheme": ({"origins": ["ftp://host"]}, ValueError, "origins"),
    "unknown": ({"status": (401,)}, TypeError, "status"),
}


@pytest.mark.parametrize(("wrong", "error", "says"), WRONG.values(), ids=WRONG)
def test_a_wrong_argument_is_refused(
    wrong: dict[str, Any], error: type[Exception], says: str
) -> None:
    api = create(base_url=URL)
    arguments: dict[str, Any] = {"api": api, "store": UserStore(), **wrong}
    with pytest.raises(error, match=says):
        silent_refresh(**arguments)
    assert len(api.interceptors.network) == 0


@pytest.mark.parametrize("name", ["refresh", "reauthenticate"])
def test_an_async_function_is_refused_by_a_synchronous_instance(name: str) -> None:
    functions: dict[str, Any] = {name: async_function}
    with pytest.raises(TypeError, match=f"{name} is async"):
        silent_refresh(create_sync(base_url=URL), UserStore(), **functions)


@pytest.mark.parametrize("name", ["refresh", "reauthenticate"])
def test_an_async_function_is_taken_by_an_asynchronous_instance(name: str) -> None:
    functions: dict[str, Any] = {name: async_function}
    api = create(base_url=URL)
    silent_refresh(api, UserStore(), **functions)
    assert len(api.interceptors.network) == 1


def test_a_storage_that_cannot_be_locked_for_want_of_an_extra_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "filelock", None)
    store = UserStore(storage=FileStorage(tmp_path))
    with pytest.raises(ImportError, match=r"needs filelock: install zustax\[file\]"):
        silent_refresh(create(base_url=URL), store)


def test_an_instance_without_a_base_url_must_say_where_the_token_may_go() -> None:
    with pytest.raises(ValueError, match="origins"):
        silent_refresh(create(), UserStore())


def test_an_instance_without_a_base_url_may_list_origins(
    new_app: NewApp, server: AuthServer
) -> None:
    app = new_app(
        defaults={"base_url": ""}, origins=[server.url], url=f"{server.url}{REFRESH}"
    ).login()
    server.expire()
    assert app.get(f"{server.url}/items").response().status == 200


def test_a_refresh_may_take_as_long_as_it_likes(new_app: NewApp, server: AuthServer) -> None:
    app = new_app(timeout=math.inf).login()
    server.expire()
    assert app.get("/items").response().status == 200


@only_sync
def test_a_plain_function_that_gives_an_awaitable_fails_under_a_synchronous_instance(
    new_app: NewApp, server: AuthServer
) -> None:
    async def refresh() -> TokenPair:
        return TokenPair("never awaited")

    app = new_app(refresh=lambda _: refresh()).login()
    server.expire()
    cause = app.get("/items").error().__cause__
    assert isinstance(cause, RefreshError)
    assert "is async" in str(cause.__cause__)
    assert app.close() == ["refresh_failed"]


def test_silent_refresh_twice_on_one_instance_refreshes_once(app: App, server: AuthServer) -> None:
    silent_refresh(app.api, app.store)
    server.expire()
    assert app.get("/items").response().status == 200
    assert (server.count("/items"), server.count(REFRESH)) == (2, 1)


def test_should_refresh_is_given_the_response_as_it_arrived(new_app: NewApp) -> None:
    given: list[object] = []

    def should_refresh(response: Response) -> bool:
        given.append(type(response.data))
        return False

    app = new_app(should_refresh=should_refresh).login()
    app.get("/items").response()
    assert given == [bytes]
