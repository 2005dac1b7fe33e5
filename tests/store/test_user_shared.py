"""A user's store that shares its storage: turns, fences, and sessions that have ended."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from zustax.store import FileStorage, MemoryStorage, RedisStorage, UserStore

from .storage.redis_server import RedisServer


@pytest.fixture(scope="module")
def redis_server() -> Iterator[RedisServer]:
    server = RedisServer()
    server.start()
    yield server
    server.remove()


@pytest.fixture(params=["file", "redis"])
def new_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], UserStore]]:
    """Makes stores of several processes, none of which hears of the others by itself."""
    if request.param == "file":
        yield lambda: UserStore(storage=FileStorage(tmp_path), sync=False)
        return
    server: RedisServer = request.getfixturevalue("redis_server")
    with server.client() as client:
        client.flushall()
        yield lambda: UserStore(storage=RedisStorage(client, lock_timeout=0.05), sync=False)


def turn_of(store: UserStore) -> Any:
    turn = store.persist.exclusive(10.0).result()
    turn.reload().result()
    return turn


def rotate(store: UserStore, token: str) -> None:
    session_id = store.get_state().session_id
    store.set_state({"access_token": token, "refresh_token": token, "session_id": session_id})


def test_what_is_set_in_a_turn_is_stored_when_it_is_written(
    new_store: Callable[[], UserStore],
) -> None:
    store = new_store()
    store.login("access", "refresh")
    turn = turn_of(store)
    with turn.holding_back():
        rotate(store, "new")
    assert new_store().get_state().refresh_token == "refresh"
    assert turn.write().result() is True
    assert new_store().get_state() == store.get_state()
    turn.release()


@pytest.mark.parametrize("change", ["rotation", "logout", "login"])
def test_who_was_overtaken_overwrites_nothing(
    new_store: Callable[[], UserStore], change: str
) -> None:
    store = new_store()
    store.login("access", "refresh")
    other = new_store()
    turn = turn_of(store)
    with turn.holding_back():
        rotate(store, "late")
    if change == "rotation":
        rotate(other, "newer")
    elif change == "logout":
        other.logout()
    else:
        other.login("another", "another")
    assert turn.write().result() is False
    assert new_store().get_state() == other.get_state()
    turn.reload().result()
    assert store.get_state() == other.get_state()
    turn.release()


def test_a_turn_begins_with_what_others_have_written(new_store: Callable[[], UserStore]) -> None:
    store, other = new_store(), new_store()
    other.login("access", "refresh")
    turn_of(store).release()
    assert store.get_state() == other.get_state()


def test_an_ended_session_is_not_taken_up_again_and_its_end_is_written_once_more() -> None:
    storage = MemoryStorage()
    store = UserStore(storage=storage)
    store.login("access", "refresh")
    late = storage.get_item("user") or ""
    store.logout()
    storage.set_item("user", late)
    store.persist.rehydrate()
    assert not store.get_state().is_login
    assert not UserStore(storage=storage).get_state().is_login


def test_a_storage_that_tells_of_changes_is_listened_to(tmp_path: Path) -> None:
    assert UserStore(storage=FileStorage(tmp_path)).persist.get_options().sync
    assert not UserStore(storage=MemoryStorage()).persist.get_options().sync
