"""A storage in files tells what somebody else has changed."""

import threading
from pathlib import Path

import pytest
from zustax.store import UserStore
from zustax.store.storage import FileStorage, watch
from zustax.store.storage.disk import Signature, signature_of

from ...support.waiting import BOUND, wait_until


@pytest.fixture
def storage(tmp_path: Path) -> FileStorage:
    return FileStorage(tmp_path, poll_interval=0.01)


@pytest.fixture
def other(tmp_path: Path) -> FileStorage:
    return FileStorage(tmp_path)


class Calls:
    """Counts its calls."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self) -> None:
        self.count += 1


def test_a_change_by_another_is_told(storage: FileStorage, other: FileStorage) -> None:
    calls = Calls()
    unsubscribe = storage.subscribe("a", calls)
    other.set_item("a", "1")
    wait_until(lambda: calls.count == 1)
    other.set_item("a", "2")
    wait_until(lambda: calls.count == 2)
    other.remove_item("a")
    wait_until(lambda: calls.count == 3)
    unsubscribe()


def test_a_change_by_another_storage_of_this_process_is_told_at_once(tmp_path: Path) -> None:
    calls, other = Calls(), FileStorage(tmp_path)
    unsubscribe = FileStorage(tmp_path, poll_interval=3600.0).subscribe("a", calls)
    other.set_item("a", "1")
    wait_until(lambda: calls.count == 1)
    assert other.replace_item("a", "1", "2")
    wait_until(lambda: calls.count == 2)
    other.remove_item("a")
    wait_until(lambda: calls.count == 3)
    unsubscribe()


def test_ones_own_changes_and_those_of_other_items_are_no_news(
    storage: FileStorage, other: FileStorage
) -> None:
    own, last = Calls(), Calls()
    unsubscribe = [storage.subscribe("a", own), storage.subscribe("last", last)]
    storage.set_item("a", "1")
    other.set_item("b", "1")
    storage.set_item("a", "2")
    storage.remove_item("a")
    other.set_item("last", "1")
    wait_until(lambda: last.count)
    assert own.count == 0
    for function in unsubscribe:
        function()


def test_whoever_has_unsubscribed_hears_no_more(storage: FileStorage, other: FileStorage) -> None:
    gone, last = Calls(), Calls()
    unsubscribe = storage.subscribe("a", gone)
    stay = storage.subscribe("a", last)
    unsubscribe()
    unsubscribe()
    other.set_item("a", "1")
    wait_until(lambda: last.count)
    assert gone.count == 0
    stay()


def test_a_subscriber_that_fails_harms_nobody(
    storage: FileStorage, other: FileStorage, caplog: pytest.LogCaptureFixture
) -> None:
    def failing() -> None:
        raise LookupError("this fails")

    calls = Calls()
    unsubscribe = [storage.subscribe("a", failing), storage.subscribe("a", calls)]
    other.set_item("a", "1")
    wait_until(lambda: calls.count)
    assert "a subscriber to a storage failed: this fails" in caplog.text
    for function in unsubscribe:
        function()


def test_one_may_unsubscribe_while_the_thread_looks_as_the_garbage_collector_does(
    storage: FileStorage, other: FileStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = Calls()
    gone = [storage.subscribe(name, Calls()) for name in ("a", "b", "c")]
    unsubscribe = storage.subscribe("d", calls)

    def collecting(path: Path) -> Signature:
        if gone and threading.current_thread().name == "zustax-watcher":
            gone.pop()()
        return signature_of(path)

    monkeypatch.setattr(watch, "signature_of", collecting)
    other.set_item("d", "1")
    wait_until(lambda: calls.count and not gone)
    unsubscribe()


def test_the_thread_outlives_a_look_that_fails(
    storage: FileStorage,
    other: FileStorage,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    calls, errors = Calls(), [MemoryError("no memory")]

    def failing(path: Path) -> Signature:
        if errors:
            raise errors.pop()
        return signature_of(path)

    unsubscribe = storage.subscribe("a", calls)
    monkeypatch.setattr(watch, "signature_of", failing)
    wait_until(lambda: not errors)
    other.set_item("a", "1")
    wait_until(lambda: calls.count)
    assert "could not be looked at: no memory" in caplog.text
    unsubscribe()


def test_the_thread_lives_while_somebody_is_subscribed(
    storage: FileStorage, other: FileStorage
) -> None:
    before = set(threading.enumerate())
    for _ in range(2):
        calls = Calls()
        unsubscribe = [storage.subscribe(name, calls) for name in ("a", "b")]
        (thread,) = set(threading.enumerate()) - before
        assert thread.daemon
        for function in unsubscribe:
            function()
        thread.join(BOUND)
        assert not thread.is_alive()


def test_what_is_no_function_is_refused(storage: FileStorage) -> None:
    with pytest.raises(TypeError, match="callback must be a function"):
        storage.subscribe("a", None)  # type: ignore[arg-type]


def test_stores_over_one_directory_follow_one_another(tmp_path: Path) -> None:
    one, two = (
        UserStore(storage=FileStorage(tmp_path, poll_interval=0.01), sync=True) for _ in range(2)
    )
    one.login("access", "refresh")
    wait_until(lambda: two.get_state() == one.get_state())
    two.logout()
    wait_until(lambda: not one.get_state().is_login)
