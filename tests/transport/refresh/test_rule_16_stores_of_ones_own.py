"""Stores without session ids, and tokens of unknown life, in several processes over one storage.

Stores over one folder that hear nothing of each other stand for processes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from attrs import field, frozen
from zustax.store import FileStorage, UserStore, create_store, persist
from zustax.transport.testing import Answer

from ...support.app import App
from ...support.server import REFRESH, AuthServer
from ...support.stores import STORE_KINDS
from .backend import refresh_at
from .conftest import NewApp


@frozen
class Session:
    """A state of a program's own, with more than tokens."""

    access_token: str | None = field(default=None, repr=False)
    refresh_token: str | None = field(default=None, repr=False)
    theme: str = "dark"


STATES: dict[str, Any] = {
    "dict": {"access_token": None, "refresh_token": None, "theme": "dark"},
    "attrs": Session(),
}


@pytest.fixture(params=STATES.values(), ids=list(STATES))
def state(request: pytest.FixtureRequest) -> Any:
    return request.param


def store_of(state: Any, folder: Path) -> Any:
    """Return the store of one more process."""
    storage = FileStorage(folder)
    return create_store(persist(lambda: state, name="session", storage=storage, sync=False))


def processes(new_app: NewApp, count: int, state: Any, folder: Path) -> list[App]:
    kind = STORE_KINDS["dict"]
    apps = [new_app(store=store_of(state, folder), store_kind=kind) for _ in range(count)]
    apps[0].login()
    for app in apps[1:]:
        app.store.persist.rehydrate()
    return apps


def test_rule_16_a_process_adopts_what_another_has_rotated(
    new_app: NewApp, server: AuthServer, tmp_path: Path, state: Any
) -> None:
    apps = processes(new_app, 2, state, tmp_path)
    for turn in range(4):
        server.expire()
        first, second = apps if turn % 2 == 0 else reversed(apps)
        assert first.get("/items").response().status == 200
        assert [call.response().status for call in second.get_together(3)] == [200] * 3
        assert first.tokens == second.tokens
        assert server.count(REFRESH) == turn + 1
    assert server.authority.journal.count("reuse") == 0
    assert [name for app in apps for name in app.close()] == ["token_refreshed"] * 4


def test_rule_16_a_process_adopts_after_many_rotations_that_it_has_missed(
    new_app: NewApp, server: AuthServer, tmp_path: Path, state: Any
) -> None:
    first, idle = processes(new_app, 2, state, tmp_path)
    for _ in range(10):
        server.expire()
        first.get("/items").response()
    assert [call.response().status for call in idle.get_together(3)] == [200] * 3
    assert server.count(REFRESH) == 10


def test_rule_16_a_login_as_another_user_in_another_process_is_not_adopted(
    new_app: NewApp, server: AuthServer, tmp_path: Path, state: Any
) -> None:
    first, second = processes(new_app, 2, state, tmp_path)
    server.expire()
    first.get("/items").response()
    first.login("bob")
    assert second.get("/items").error().status == 401
    assert second.get("/items").response().data["user"] == "bob"
    assert server.count(REFRESH) == 1


def test_rule_16_what_else_is_in_the_state_stays(
    new_app: NewApp, server: AuthServer, tmp_path: Path, state: Any
) -> None:
    first, second = processes(new_app, 2, state, tmp_path)
    first.store.set_state({"theme": "light"})
    server.expire()
    for app in (first, second):
        assert app.get("/items").response().status == 200
        held = app.store.get_state()
        assert (held["theme"] if isinstance(held, dict) else held.theme) == "light"


@pytest.mark.parametrize("expires_in", [0, None, -1, 5])
def test_rule_16_an_unknown_or_short_life_does_not_let_every_process_refresh_anew(
    new_app: NewApp, server: AuthServer, tmp_path: Path, expires_in: int | None
) -> None:
    refresh_at(
        server, told=lambda tokens: Answer(body={**tokens.as_dict(), "expires_in": expires_in})
    )
    UserStore(storage=FileStorage(tmp_path)).login("dead", server.login("ada").refresh_token)
    apps = [
        new_app(store=UserStore(storage=FileStorage(tmp_path), sync=False), leeway=30.0)
        for _ in range(4)
    ]
    for app in apps * 2:
        assert app.get("/items").response().status == 200
    assert server.count(REFRESH) == 1
    assert [app.stats.adopted for app in apps] == [0, 1, 1, 1]
