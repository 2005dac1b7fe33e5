"""The lock of a storage in files."""

import threading
from pathlib import Path
from typing import Any

import filelock
import pytest
from zustax.store.storage import FileStorage, StorageError

from .processes import Process, increment_at_once


@pytest.mark.timeout(180)
def test_four_processes_lose_no_increment(tmp_path: Path) -> None:
    count = increment_at_once("file", tmp_path)
    assert FileStorage(tmp_path).get_item("count") == str(count)


def test_a_holder_that_is_killed_frees_the_lock(tmp_path: Path) -> None:
    storage = FileStorage(tmp_path)
    with Process("hold", tmp_path) as process:
        process.wait_for("held")
        with pytest.raises(TimeoutError), storage.lock("count", timeout=0.05):
            pass
        process.kill()
        with storage.lock("count", timeout=10):
            pass


def test_threads_exclude_one_another(tmp_path: Path) -> None:
    storage = FileStorage(tmp_path)

    def increment() -> None:
        for _ in range(50):
            with storage.lock("count"):
                storage.set_item("count", str(int(storage.get_item("count") or 0) + 1))

    threads = [threading.Thread(target=increment) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert storage.get_item("count") == "200"


def test_names_do_not_exclude_one_another(tmp_path: Path) -> None:
    storage = FileStorage(tmp_path)
    with storage.lock("a"), storage.lock("b", timeout=0):
        pass


def test_waiting_for_too_long_says_for_what(tmp_path: Path) -> None:
    storage = FileStorage(tmp_path)
    with (
        storage.lock("a"),
        pytest.raises(TimeoutError, match=r"the lock .*\.a\.lock is held elsewhere for more"),
        storage.lock("a", timeout=0.01),
    ):
        pass


def test_one_thread_may_release_what_another_has_acquired(tmp_path: Path) -> None:
    storage = FileStorage(tmp_path)
    held = storage.lock("a")
    thread = threading.Thread(target=held.__enter__)
    thread.start()
    thread.join()
    held.__exit__(None, None, None)
    with storage.lock("a", timeout=0):
        pass


def test_a_thread_that_would_wait_for_itself_for_ever_is_told(tmp_path: Path) -> None:
    storage = FileStorage(tmp_path)
    with storage.lock("a"), pytest.raises(RuntimeError, match="Deadlock"), storage.lock("a"):
        pass


def test_it_does_not_keep_anybody_from_writing(tmp_path: Path) -> None:
    storage, other = FileStorage(tmp_path), FileStorage(tmp_path)
    with storage.lock("a"):
        storage.set_item("a", "1")
        other.set_item("a", "2")
        assert storage.get_item("a") == "2"


def test_an_error_inside_frees_the_lock(tmp_path: Path) -> None:
    storage = FileStorage(tmp_path)
    with pytest.raises(LookupError), storage.lock("a"):
        raise LookupError
    with storage.lock("a", timeout=0):
        pass


def test_where_the_kernel_has_no_locks_there_is_an_error_and_no_other_kind_of_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(*arguments: Any) -> None:
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr(filelock._unix.fcntl, "flock", unknown)  # type: ignore[attr-defined]
    with (
        pytest.raises(StorageError, match="cannot be used: Function not implemented"),
        FileStorage(tmp_path).lock("a", timeout=0),
    ):
        pass
