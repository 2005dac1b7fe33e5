"""A stored text that was not taken over is never overwritten, if the storage can set it aside."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import attrs
import pytest
from zustax.store import (
    FileStorage,
    MemoryStorage,
    StorageError,
    StoredStateError,
    UserState,
    UserStore,
    create_store,
    persist,
)

from ...support.waiting import until
from .storages import AsyncStorage, Notifying, Shared, Unsteady

PRECIOUS = '{"state":{"n":7,"keep":"precious"},"version":0}'


def fail(*_: object) -> Any:
    raise LookupError("this fails")


def make(storage: Any, initial: Any = None, **options: Any) -> Any:
    first = {"n": 0, "keep": ""} if initial is None else initial
    return create_store(persist(lambda *_: first, name="app", storage=storage, **options))


def texts(folder: Path) -> list[str]:
    return [path.read_text() for path in sorted(folder.iterdir())]


# --- what cannot be used ---

UNUSABLE: dict[str, tuple[str, dict[str, Any]]] = {
    "no JSON": ('{"state":{"n":7', {}),
    "empty": ("", {}),
    "of another program": ('{"theme": "dark"}', {}),
    "a list": ("[1]", {}),
    "of another version": ('{"state":{"n":7},"version":9}', {}),
    "migrate fails": ('{"state":{"n":7},"version":9}', {"migrate": fail}),
    "migrate returns nothing": ('{"state":{"n":7},"version":9}', {"migrate": lambda old: None}),
    "migrate returns no state": ('{"state":{"n":7},"version":9}', {"migrate": lambda old: [old]}),
    "merge fails": (PRECIOUS, {"merge": fail}),
    "merge returns nothing": (PRECIOUS, {"merge": lambda stored, state: None}),
    "deserialize fails": (PRECIOUS, {"deserialize": fail}),
    "deserialize returns no state": (PRECIOUS, {"deserialize": lambda stored: 5}),
    "no object": ('{"state":[7],"version":0}', {}),
}


@pytest.mark.parametrize("name", UNUSABLE)
def test_what_cannot_be_used_is_set_aside_before_it_would_be_overwritten(
    name: str, tmp_path: Path
) -> None:
    text, options = UNUSABLE[name]
    (tmp_path / "app").write_text(text)
    store = make(FileStorage(tmp_path), **options)
    assert store.get_state() == {"n": 0, "keep": ""}
    assert texts(tmp_path) == [text]
    store.set_state({"n": 1})
    store.set_state({"n": 2})
    version = store.persist.get_options().version
    assert texts(tmp_path) == [f'{{"state":{{"n":2,"keep":""}},"version":{version}}}', text]


@pytest.mark.parametrize("name", UNUSABLE)
def test_a_storage_that_cannot_set_aside_is_used_as_in_zustand(name: str) -> None:
    text, options = UNUSABLE[name]
    storage = Shared(text).view()
    make(storage, **{"merge": lambda stored, state: state} | options).set_state({"n": 1})
    assert json.loads(storage.shared.text or "")["state"]["n"] == 1


@attrs.frozen
class Guarded:
    n: int = attrs.field(default=1, validator=attrs.validators.gt(0))


def test_a_state_that_a_validator_rejects_is_set_aside(tmp_path: Path) -> None:
    (tmp_path / "app").write_text('{"state":{"n":-7},"version":0}')
    store = make(FileStorage(tmp_path), Guarded())
    assert not store.persist.has_hydrated()
    store.set_state({"n": 2})
    assert texts(tmp_path) == [
        '{"state":{"n":2},"version":0}',
        '{"state":{"n":-7},"version":0}',
    ]


def test_what_a_mended_program_finds_in_its_place_it_uses(tmp_path: Path) -> None:
    (tmp_path / "app").write_text('{"state":{"n":7},"version":1}')
    make(FileStorage(tmp_path), version=2, migrate=fail)
    store = make(FileStorage(tmp_path), version=2, migrate=lambda old: old)
    assert store.get_state()["n"] == 7


def test_a_user_who_cannot_be_read_is_set_aside_until_the_logout(tmp_path: Path) -> None:
    text = '{"state":{"access_token":["no","text"]},"version":0}'
    (tmp_path / "user").write_text(text)
    store = UserStore(storage=FileStorage(tmp_path))
    assert store.get_state() == UserState()
    store.login("access", "refresh")
    assert texts(tmp_path)[1:] == [text]
    store.logout()
    assert len(texts(tmp_path)) == 1


def test_what_another_process_has_written_and_cannot_be_used_is_set_aside_by_the_next_write(
    tmp_path: Path,
) -> None:
    storage = Notifying()
    store = make(storage, sync=True)
    store.set_state({"n": 1})
    storage.set_item("app", '{"state":{"n":9},"version":9}')
    storage.notify()
    assert store.get_state()["n"] == 1
    assert storage.get_item("app") == '{"state":{"n":9},"version":9}', "it is left alone"
    store.set_state({"n": 2})
    assert store.get_state()["n"] == 2
    assert '{"state":{"n":9},"version":9}' in storage._items.values()


def test_a_listener_that_fails_does_not_count(tmp_path: Path) -> None:
    storage = MemoryStorage({"app": PRECIOUS})
    store = make(storage, skip_hydration=True)
    unsubscribe = store.subscribe(fail)
    store.persist.rehydrate()
    unsubscribe()
    assert store.get_state()["keep"] == "precious", "the text was taken over"
    store.set_state({"n": 8})
    assert list(storage._items) == ["app"]


# --- what cannot be read ---


def test_a_storage_that_was_away_is_read_again_before_the_first_change() -> None:
    storage = Unsteady({"app": PRECIOUS})
    storage.is_readable = False
    store = make(storage)
    assert not store.persist.has_hydrated()
    storage.is_readable = True
    store.set_state(lambda state: {"n": state["n"] + 1})
    assert store.get_state() == {"n": 8, "keep": "precious"}
    assert store.persist.has_hydrated()
    assert json.loads(storage.get_item("app") or "")["state"] == store.get_state()


def test_other_options_do_not_make_it_forget_to_read_again() -> None:
    storage = Unsteady({"app": PRECIOUS})
    storage.is_readable = False
    store = make(storage)
    store.persist.set_options(on_write_error=print)
    storage.is_readable = True
    store.set_state({"n": 1})
    assert store.get_state() == {"n": 1, "keep": "precious"}


def test_a_storage_that_stays_away_is_not_written() -> None:
    storage = Unsteady({"app": PRECIOUS})
    storage.is_readable = False
    store = make(storage)
    for n in (1, 2):
        with pytest.raises(StorageError, match="'app' cannot be written before it is read"):
            store.set_state({"n": n})
        assert store.get_state()["n"] == n
        assert not store.persist.is_saved()
    storage.is_readable = True
    assert storage.get_item("app") == PRECIOUS


def test_a_throttled_write_reads_again_as_well() -> None:
    storage = Unsteady({"app": PRECIOUS})
    storage.is_readable = False
    store = make(storage, throttle=60)
    storage.is_readable = True
    store.set_state({"n": 8})
    store.persist.flush()
    assert json.loads(storage.get_item("app") or "")["state"] == {"n": 8, "keep": "precious"}


def test_a_storage_that_could_not_be_read_later_on_is_read_again_too() -> None:
    storage = Unsteady()
    store = make(storage)
    storage.set_item("app", PRECIOUS)
    storage.is_readable = False
    store.persist.rehydrate()
    storage.is_readable = True
    store.set_state({"n": 8})
    assert store.get_state()["keep"] == "precious"


class AsideAsyncStorage(AsyncStorage):
    """One that can set a text aside."""

    async def set_aside(self, name: str, value: str) -> None:
        if self.items.get(name) == value:
            self.items[f"{name}.corrupt"] = self.items.pop(name)


async def test_an_asynchronous_storage_that_could_not_be_read_is_read_before_it_is_written() -> (
    None
):
    storage = AsideAsyncStorage({"app": PRECIOUS})
    storage.errors.append(OSError("connection refused"))
    store = make(storage)
    await store.persist.hydrated()
    store.set_state({"n": 8})
    await store.persist.flush()
    assert storage.items["app.corrupt"] == PRECIOUS


async def test_a_change_during_the_hydration_does_not_cost_what_is_being_read() -> None:
    storage = AsideAsyncStorage({"app": PRECIOUS})
    storage.hold()
    store = make(storage)
    await until(lambda: storage.calls == ["get"])
    store.set_state({"n": 8})
    storage.release()
    await store.persist.flush()
    assert store.get_state()["keep"] == "precious"
    assert "app.corrupt" not in storage.items


# --- the rest ---


def test_a_byte_order_mark_is_ignored(tmp_path: Path) -> None:
    (tmp_path / "app").write_text('{"state":{"n":1},"version":0}', encoding="utf-8-sig")
    store = make(FileStorage(tmp_path))
    assert store.get_state()["n"] == 1
    assert len(texts(tmp_path)) == 1


def test_what_the_program_does_not_read_is_overwritten_as_in_zustand() -> None:
    storage = MemoryStorage({"app": PRECIOUS})
    make(storage, skip_hydration=True).set_state({"n": 1})
    assert list(storage._items) == ["app"]


def test_only_the_newest_of_the_texts_that_were_set_aside_are_kept() -> None:
    storage = MemoryStorage()
    for number in range(25):
        storage.set_item("app", f"bad {number}")
        make(storage)
    assert [*storage._items.values()] == [f"bad {number}" for number in range(15, 25)]
    make(storage).persist.clear_storage()
    assert storage._items == {}


def test_an_error_says_what_was_wrong(tmp_path: Path) -> None:
    errors: list[Any] = []
    (tmp_path / "app").write_text('{"theme": "dark"}')
    make(FileStorage(tmp_path), on_rehydrate_storage=lambda: lambda state, e: errors.append(e))
    (error,) = errors
    assert isinstance(error, StoredStateError)
    assert str(error) == "the stored text is no state of a store"
