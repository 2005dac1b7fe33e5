"""No token is shown by what goes wrong between a store and its storage.

Not by the error, by what it came from, by the frames that it passed, by the log.
"""

import asyncio
import errno
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import pytest
from zustax.store import UserStore, create_store
from zustax.store.middleware.persist import persist
from zustax.store.storage import FileStorage, MemoryStorage

from ..test_store_secrets import errors, our_frames
from .storages import AsyncStorage, FailingStorage

TOKEN = "the-token-9c1d"
STORED = json.dumps({"state": {"access_token": TOKEN, "refresh_token": TOKEN}, "version": 0})


def failing(*arguments: object) -> None:
    raise LookupError("this fails")


def hydrate(text: str, initial: Any = None, **options: Any) -> None:
    """Hydrate a store, and raise the error that its callback is told."""
    errors: list[Exception] = []

    def end(state: object, error: Exception | None) -> None:
        if error is not None:
            errors.append(error)

    first = {} if initial is None else initial
    storage = MemoryStorage({"app": text})
    create_store(
        persist(
            lambda set_state, get_state, store: first,
            name="app",
            storage=storage,
            on_rehydrate_storage=lambda state: end,
            **options,
        )
    )
    raise errors[0]


def rehydrate(listen: Callable[[Any], object], **options: Any) -> None:
    store = create_store(
        persist(
            lambda set_state, get_state, store: {"access_token": None},
            name="app",
            storage=MemoryStorage({"app": STORED}),
            skip_hydration=True,
            **options,
        )
    )
    listen(store)
    store.persist.rehydrate()


def write(value: object, storage: Any = None, **options: Any) -> None:
    create_store(
        persist(
            lambda set_state, get_state, store: {},
            name="app",
            storage=storage or MemoryStorage(),
            **options,
        )
    ).set_state({"access_token": TOKEN, "other": value})


def login(storage: Any) -> None:
    UserStore(storage=storage).login(TOKEN, TOKEN)


def login_without_loop(storage: Any) -> None:
    store = create_store(
        persist(
            lambda set_state, get_state, store: {},
            name="app",
            storage=storage,
            skip_hydration=True,
        )
    )
    store.set_state({"access_token": TOKEN})


def login_and_flush() -> None:
    async def main() -> None:
        storage = AsyncStorage()
        store = UserStore(storage=storage)
        await store.persist.flush()
        storage.errors.append(LookupError("this fails"))
        store.login(TOKEN, TOKEN)
        await store.persist.flush()

    asyncio.run(main())


def fail_at_the_end(state: object) -> Callable[[object, object], None]:
    return failing


def fail_if_set(instance: object, attribute: object, value: str | None) -> None:
    if value is not None:
        raise LookupError("this fails")


@attrs.frozen
class Checked:
    access_token: str | None = attrs.field(default=None, repr=False, validator=fail_if_set)


@attrs.frozen
class Outer:
    inner: Checked = Checked()


def full_disk(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_space(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", no_space)
        login(FileStorage(directory))


FAILURES: dict[str, Callable[[], object]] = {
    "stored text is cut off": lambda: hydrate(STORED[:-1]),
    "stored text is no JSON": lambda: hydrate(f"{TOKEN}"),
    "stored text is too deep": lambda: hydrate("[" * 100_000 + TOKEN),
    "stored version is another": lambda: hydrate(STORED, version=3, merge=failing),
    "migrate fails": lambda: hydrate(STORED, version=3, migrate=failing),
    "merge fails": lambda: hydrate(STORED, merge=failing),
    "validator fails": lambda: hydrate(STORED, Checked()),
    "inner validator fails": lambda: hydrate(
        json.dumps({"state": {"inner": {"access_token": TOKEN}}, "version": 0}), Outer()
    ),
    "listener fails": lambda: rehydrate(
        lambda store: store.subscribe(failing), on_rehydrate_storage=fail_at_the_end
    ),
    "slice listener fails": lambda: rehydrate(
        lambda store: store.subscribe(lambda state: state["access_token"], failing),
        on_rehydrate_storage=fail_at_the_end,
    ),
    "finish listener fails": lambda: rehydrate(
        lambda store: store.persist.on_finish_hydration(failing),
        on_rehydrate_storage=fail_at_the_end,
    ),
    "hydrate listener fails": lambda: rehydrate(lambda store: store.persist.on_hydrate(failing)),
    "end callback fails": lambda: rehydrate(
        lambda store: None, on_rehydrate_storage=fail_at_the_end
    ),
    "state holds a set": lambda: write({1}),
    "state holds an odd key": lambda: write({1: TOKEN}),
    "state holds too many digits": lambda: write(10**5000),
    "partialize fails": lambda: write(1, partialize=failing),
    "storage fails": lambda: login(FailingStorage(LookupError("this fails"))),
    "storage needs a loop": lambda: login_without_loop(AsyncStorage()),
    "asynchronous storage fails": login_and_flush,
}


def assert_shows_no_token(error: BaseException, caplog: pytest.LogCaptureFixture) -> None:
    for each in errors(error):
        assert TOKEN not in f"{each!r} {each} {each.args!r} {vars(each)!r}"
        assert not isinstance(each, json.JSONDecodeError | UnicodeError)
        assert list(our_frames(each)) == []
    assert TOKEN not in caplog.text


@pytest.mark.parametrize("failure", FAILURES)
def test_an_error_shows_no_token(failure: str, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises((TypeError, ValueError, LookupError, RuntimeError)) as caught:
        FAILURES[failure]()
    assert_shows_no_token(caught.value, caplog)


def test_a_full_disk_shows_no_token(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(OSError, match="No space left") as caught:
        full_disk(tmp_path / "state", monkeypatch)
    assert_shows_no_token(caught.value, caplog)


def test_a_file_that_holds_no_text_shows_nothing_of_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "user").write_bytes(TOKEN.encode() + b"\xff")
    with pytest.raises(ValueError, match="held no text") as caught:
        FileStorage(tmp_path).get_item("user")
    assert_shows_no_token(caught.value, caplog)


def test_no_object_of_ours_shows_a_token() -> None:
    store = UserStore(storage=MemoryStorage())
    store.login(TOKEN, TOKEN)
    shown = [repr(store.persist), repr(vars(store.persist)), repr(store.persist.get_options())]
    assert TOKEN not in "".join(shown)
