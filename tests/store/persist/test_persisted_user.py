"""`UserStore(storage=...)` keeps who is logged in."""

import json
from typing import Any

import pytest
from zustax.store import UserState, UserStore
from zustax.store.storage import MemoryStorage

from ...support.waiting import until
from .storages import AsyncStorage


def stored(**fields: Any) -> str:
    return json.dumps({"state": fields, "version": 0})


def test_a_login_is_there_again_after_a_restart() -> None:
    storage = MemoryStorage()
    store = UserStore(storage=storage)
    store.login("access", "refresh", expires_at=12.5)
    again = UserStore(storage=storage)
    assert again.get_state() == UserState("access", "refresh", is_login=True, expires_at=12.5)
    assert again.get_state().session_id == store.get_state().session_id
    assert again.get_initial_state() == UserState()


def test_a_logout_is_there_again_after_a_restart() -> None:
    storage = MemoryStorage()
    store = UserStore(storage=storage)
    store.login("access", "refresh")
    store.logout()
    assert UserStore(storage=storage).get_state() == UserState()


def test_it_is_stored_under_its_name() -> None:
    storage = MemoryStorage()
    UserStore(storage=storage, name="session").login("access", None)
    assert storage.get_item("user") is None
    assert json.loads(storage.get_item("session") or "")["state"]["access_token"] == "access"


def test_stored_tokens_without_a_session_start_one() -> None:
    storage = MemoryStorage({"user": stored(access_token="a", refresh_token="r", is_login=True)})
    assert UserStore(storage=storage).get_state().session_id is not None


def test_what_is_no_user_is_not_taken(caplog: pytest.LogCaptureFixture) -> None:
    storage = MemoryStorage({"user": stored(access_token=["secret-7f3a"], is_login=True)})
    store = UserStore(storage=storage)
    assert store.get_state() == UserState()
    assert not store.persist.has_hydrated()
    assert "access_token must be str or None, not list" in caplog.text
    assert "secret-7f3a" not in caplog.text


def test_without_a_storage_there_is_no_persist() -> None:
    assert not hasattr(UserStore(), "persist")


async def test_tokens_arrive_from_an_asynchronous_storage() -> None:
    storage = AsyncStorage({"user": stored(access_token="a", refresh_token="r", is_login=True)})
    store = UserStore(storage=storage)
    assert not store.get_state().is_login
    await until(store.persist.has_hydrated)
    assert store.get_state().access_token == "a"


@pytest.mark.parametrize("change", ["logout", "login"])
async def test_a_change_during_hydration_is_not_undone_by_the_late_read(change: str) -> None:
    storage = AsyncStorage({"user": stored(access_token="a", refresh_token="r", is_login=True)})
    storage.hold()
    store = UserStore(storage=storage)
    await until(lambda: storage.calls)
    if change == "logout":
        store.logout()
    else:
        store.login("new", "refresh")
    expected = store.get_state()
    storage.release()
    await until(store.persist.has_hydrated)
    await store.persist.flush()
    assert store.get_state() is expected
    fields = json.loads(storage.items["user"])["state"]
    assert fields["access_token"] == expected.access_token


async def test_a_change_after_a_hydration_began_anew_is_not_undone_either() -> None:
    storage = AsyncStorage()
    store = UserStore(storage=storage)
    await until(store.persist.has_hydrated)
    store.login("access", "refresh")
    await store.persist.flush()
    storage.hold()
    reading = store.persist.rehydrate()
    await until(lambda: storage.calls[-1] == "get")
    store.logout()
    storage.release()
    await reading
    assert not store.get_state().is_login


async def test_what_another_process_stored_meanwhile_is_read_on_request() -> None:
    storage = AsyncStorage()
    store = UserStore(storage=storage)
    store.login("old", "refresh-1")
    await store.persist.flush()
    session_id = store.get_state().session_id
    storage.items["user"] = storage.items["user"].replace("refresh-1", "refresh-2")
    await store.persist.rehydrate()
    assert store.get_state().refresh_token == "refresh-2"
    assert store.get_state().session_id == session_id
