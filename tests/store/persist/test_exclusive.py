"""Changing a state in turns with other processes: the lock, the note, a storage that is full."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from zustax.store import (
    FileStorage,
    KeyringStorage,
    MemoryStorage,
    RedisStorage,
    StorageError,
    UserStore,
    create_store,
    persist,
)

from ...support.waiting import BOUND, until, wait_until
from ..storage.redis_server import RedisServer
from .storages import AsyncStorage, Shared, View


class Locked(MemoryStorage):
    """A plain storage with a lock, that is shared by several stores, and slow or full on demand."""

    def __init__(self, items: dict[str, str] | None = None) -> None:
        super().__init__(items)
        self.is_writable = True
        self.error: Exception = StorageError("no space left on device")
        self.threads: set[int] = set()
        self.holders = 0
        self.refused = 0
        self.may_go_on = threading.Event()
        self.may_go_on.set()
        self._lock = threading.Lock()

    def get_item(self, name: str) -> str | None:
        self._note()
        return super().get_item(name)

    def set_item(self, name: str, value: str) -> None:
        self._write(name, value)

    def replace_item(self, name: str, expected: str | None, value: str) -> bool:
        if super().get_item(name) != expected:
            return False
        self._write(name, value)
        return True

    def ensure_writable(self, name: str, size: int) -> None:
        self._note()
        if not self.is_writable:
            raise self.error

    @contextmanager
    def lock(self, name: str, *, timeout: float | None = None) -> Iterator[None]:
        self._note()
        if not self._lock.acquire(timeout=-1 if timeout is None else timeout):
            raise TimeoutError(f"the lock of {name!r} is held elsewhere")
        self.holders += 1
        try:
            yield
        finally:
            self._note()
            self._lock.release()

    @property
    def is_held(self) -> bool:
        return self._lock.locked()

    def _write(self, name: str, value: str) -> None:
        self._note()
        if not self.is_writable:
            self.refused += 1
            raise self.error
        super().set_item(name, value)

    def _note(self) -> None:
        self.threads.add(threading.get_ident())
        assert self.may_go_on.wait(BOUND)


def make(storage: Any, **options: Any) -> Any:
    return create_store(persist(lambda *_: {"n": 0}, name="app", storage=storage, **options))


def locked(store: Any) -> Any:
    lock = store.persist.exclusive(BOUND).result(BOUND)
    lock.reload().result(BOUND)
    return lock


def stored(storage: Any) -> Any:
    return json.loads(storage.get_item("app"))


# --- the note ---


def test_a_note_is_kept_beside_the_state() -> None:
    storage = MemoryStorage()
    store = make(storage)
    assert store.persist.get_note() is None
    store.set_state({"n": 1})
    assert storage.get_item("app") == '{"state":{"n":1},"version":0}'
    store.persist.set_note({"spent": ["a"]})
    store.set_state({"n": 2})
    assert storage.get_item("app") == '{"state":{"n":2},"version":0,"note":{"spent":["a"]}}'
    assert make(storage).persist.get_note() == {"spent": ["a"]}
    store.persist.clear_storage()
    assert store.persist.get_note() is None


def test_a_note_is_there_before_the_state_that_it_belongs_to() -> None:
    storage = MemoryStorage()
    store, other = make(storage), make(storage)
    other.persist.set_note("other's")
    other.set_state({"n": 5})
    heard: list[Any] = []
    store.subscribe(lambda state: heard.append((state["n"], store.persist.get_note())))
    store.persist.rehydrate()
    assert heard == [(5, "other's")]


def test_a_text_without_a_note_takes_it_away() -> None:
    storage = MemoryStorage()
    store = make(storage)
    store.persist.set_note(1)
    storage.set_item("app", '{"state":{"n":5},"version":0}')
    store.persist.rehydrate()
    assert store.persist.get_note() is None


def test_a_note_that_only_another_process_has_changed_is_taken_over() -> None:
    storage = Locked()
    store, other = make(storage), make(storage)
    store.set_state({"n": 1})
    locked(other).release()
    other.persist.set_note("spent")
    other.set_state({"n": 1})
    locked(store).release()
    assert store.persist.get_note() == "spent"


# --- making sure that the state can be written ---


@pytest.fixture(scope="module")
def redis_server() -> Iterator[RedisServer]:
    server = RedisServer()
    server.start()
    yield server
    server.remove()


@pytest.fixture(params=["memory", "file", "redis", "keyring"])
def storage(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Any]:
    match request.param:
        case "memory":
            yield MemoryStorage()
        case "file":
            yield FileStorage(tmp_path)
        case "redis":
            with request.getfixturevalue("redis_server").client() as client:
                client.flushall()
                yield RedisStorage(client)
        case "keyring":
            from ..storage.test_keyring import DictKeyring

            monkeypatch.setattr("keyring.core._keyring_backend", DictKeyring())
            yield KeyringStorage("app", directory=tmp_path)


def test_it_is_made_sure_that_the_state_can_be_written(storage: Any) -> None:
    store = make(storage)
    store.set_state({"n": 1, "text": "x" * 3000})
    before = storage.get_item("app")
    lock = locked(store)
    assert lock.ensure_writable().result(BOUND) is None
    assert storage.get_item("app") == before
    with lock.holding_back():
        store.set_state({"n": 2})
    assert storage.get_item("app") == before
    assert lock.write().result(BOUND) is True
    lock.release().result(BOUND)
    assert make(storage).get_state() == store.get_state()


def test_where_it_cannot_be_written_that_fails_and_nothing_has_changed() -> None:
    storage = Locked()
    store = make(storage)
    store.set_state({"n": 1})
    storage.is_writable = False
    lock = locked(store)
    with pytest.raises(StorageError, match="no space left"):
        lock.ensure_writable().result(BOUND)
    lock.release().result(BOUND)
    assert store.persist.is_saved()


async def test_an_asynchronous_storage_that_cannot_tell_is_not_asked() -> None:
    store = make(AsyncStorage())
    lock = await asyncio.wrap_future(store.persist.exclusive(BOUND))
    await asyncio.wrap_future(lock.ensure_writable())
    await asyncio.wrap_future(lock.release())


# --- what cannot be used ---


class Fenced(View):
    """A fenced storage that cannot set a text aside."""

    def replace_item(self, name: str, expected: str | None, value: str) -> bool:
        if self.shared.text != expected:
            return False
        self.set_item(name, value)
        return True


@pytest.mark.parametrize("kind", [Fenced, Locked])
def test_a_text_that_cannot_be_used_does_not_keep_the_state_from_being_written(kind: Any) -> None:
    storage = kind({"app": "{"}) if kind is Locked else kind(Shared("{"))
    store = make(storage)
    lock = locked(store)
    with lock.holding_back():
        store.set_state({"n": 1})
    assert lock.write().result(BOUND) is True
    assert stored(storage)["state"] == {"n": 1}
    lock.release().result(BOUND)


# --- a write that fails all the same ---


@pytest.mark.parametrize("error", [StorageError("full"), LookupError("of a storage of one's own")])
def test_a_write_that_failed_is_made_up_for_as_soon_as_possible(error: Exception) -> None:
    storage = Locked()
    storage.error = error
    store = make(storage)
    store.set_state({"n": 1})
    lock = locked(store)
    storage.is_writable = False
    with lock.holding_back():
        store.set_state({"n": 2})
    with pytest.raises(type(error), match=str(error)):
        lock.write().result(BOUND)
    assert not store.persist.is_saved()
    lock.release().result(BOUND)
    assert storage.is_held  # no other process may go by what is stored
    wait_until(lambda: storage.refused >= 3)  # it has tried
    assert stored(storage)["state"] == {"n": 1}
    storage.is_writable = True
    wait_until(store.persist.is_saved)
    assert stored(storage)["state"] == {"n": 2}


def test_a_state_that_cannot_be_stored_is_not_tried_again() -> None:
    storage = Locked()
    store = make(storage)
    lock = locked(store)
    with lock.holding_back():
        store.set_state({"n": {1, 2}})
    with pytest.raises(TypeError, match="is a set"):
        lock.write().result(BOUND)
    lock.release().result(BOUND)
    store.set_state({"n": 3})
    assert stored(storage)["state"] == {"n": 3}
    assert storage.holders == 1


def test_it_is_not_made_up_for_if_another_process_has_been_faster() -> None:
    storage = Locked()
    store, other = make(storage), make(storage)
    store.set_state({"n": 1})
    lock = locked(store)
    storage.is_writable = False
    with lock.holding_back():
        store.set_state({"n": 2})
    with pytest.raises(StorageError):
        lock.write().result(BOUND)
    storage.is_writable = True
    other.set_state({"n": 5})
    lock.release().result(BOUND)
    wait_until(store.persist.is_saved)
    assert store.get_state() == {"n": 5}
    assert stored(storage)["state"] == {"n": 5}


@pytest.mark.parametrize("how", ["set", "flush"])
def test_the_next_write_makes_up_for_it_as_well(how: str) -> None:
    storage = Locked()
    store = make(storage)
    store.set_state({"n": 1})
    lock = locked(store)
    storage.is_writable = False
    with lock.holding_back():
        store.set_state({"n": 2})
    with pytest.raises(StorageError):
        lock.write().result(BOUND)
    storage.is_writable = True
    if how == "set":
        store.set_state({"m": 3})
    else:
        store.persist.flush()
    assert stored(storage)["state"] == store.get_state()
    lock.release().result(BOUND)


async def test_an_asynchronous_write_that_failed_is_made_up_for() -> None:
    storage = AsyncStorage()
    store = make(storage)
    await store.persist.hydrated()
    store.set_state({"n": 1})
    await store.persist.flush()
    lock = await asyncio.wrap_future(store.persist.exclusive(BOUND))
    await asyncio.wrap_future(lock.reload())
    with lock.holding_back():
        store.set_state({"n": 2})
    storage.errors.append(OSError("the network is down"))
    with pytest.raises(OSError, match="the network is down"):
        await asyncio.wrap_future(lock.write())
    assert not store.persist.is_saved()
    await asyncio.wrap_future(lock.release())
    await until(store.persist.is_saved)
    assert json.loads(storage.items["app"])["state"] == {"n": 2}


# --- an event loop is not blocked ---


async def test_no_step_of_a_plain_storage_blocks_a_loop() -> None:
    storage = Locked()
    store = make(storage)
    store.set_state({"n": 1})
    storage.threads.clear()

    async def meanwhile(future: Any) -> Any:
        await asyncio.sleep(0)
        assert not future.done()
        storage.may_go_on.set()
        result = await asyncio.wait_for(asyncio.wrap_future(future), BOUND)
        storage.may_go_on.clear()
        return result

    storage.may_go_on.clear()
    lock = await meanwhile(store.persist.exclusive(BOUND))
    await meanwhile(lock.reload())
    await meanwhile(lock.ensure_writable())
    with lock.holding_back():
        store.set_state({"n": 2})
    assert await meanwhile(lock.write()) is True
    await meanwhile(lock.release())
    assert threading.get_ident() not in storage.threads
    storage.may_go_on.set()
    assert stored(storage)["state"] == {"n": 2}


async def test_what_cannot_be_shared_is_used_at_once() -> None:
    store = make(MemoryStorage())
    lock = store.persist.exclusive(BOUND).result(0)
    lock.reload().result(0)
    assert lock.write().result(0) is True
    lock.release().result(0)


def test_where_no_thread_is_to_be_had_the_step_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    store = make(Locked())

    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    with pytest.raises(RuntimeError, match="can't start new thread"):
        store.persist.exclusive(BOUND).result(0)


def test_waiting_for_a_lock_that_is_held_is_bounded() -> None:
    storage = Locked()
    held = locked(make(storage))
    with pytest.raises(TimeoutError, match="held elsewhere"):
        make(storage).persist.exclusive(0.01).result(BOUND)
    held.release().result(BOUND)


# --- users ---


def test_a_logout_under_the_lock_removes_what_was_set_aside_with_the_write(tmp_path: Path) -> None:
    (tmp_path / "user").write_text("{")
    store = UserStore(storage=FileStorage(tmp_path), sync=False)
    store.login("access", "refresh")
    lock = locked(store)
    with lock.holding_back():
        store.logout()
    assert len(list(tmp_path.glob("user.corrupt-*"))) == 1
    assert lock.write().result(BOUND) is True
    assert list(tmp_path.glob("user.corrupt-*")) == []
    lock.release().result(BOUND)


async def test_a_lock_that_is_waited_for_no_more_is_given_back() -> None:
    storage = Locked()
    store, other = make(storage), make(storage)
    held = await asyncio.wrap_future(store.persist.exclusive(BOUND))
    waiting = asyncio.create_task(take(other))
    await asyncio.sleep(0.05)  # it waits in its thread
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await asyncio.wrap_future(held.release())
    await asyncio.wrap_future((await take(store)).release())


async def take(store: Any) -> Any:
    return await asyncio.wrap_future(store.persist.exclusive(BOUND))
