"""A storage in files: who can read them, what is in them, what becomes of a bad one."""

import copy
import os
import pickle
import stat
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from zustax.store import UserState, UserStore, create_store, persist
from zustax.store.storage import (
    FileStorage,
    StorageError,
    StorageUnavailableError,
    StoredStateError,
)

from .processes import Process

posix = pytest.mark.skipif(os.name != "posix", reason="rights of owner, group and others")


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
def storage(directory: Path) -> FileStorage:
    return FileStorage(directory)


@pytest.fixture
def open_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def rights(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


# --- items ---


def test_it_keeps_replaces_and_forgets(storage: FileStorage, directory: Path) -> None:
    assert storage.get_item("a") is None
    storage.remove_item("a")
    storage.set_item("a", "1")
    storage.set_item("a", "2")
    assert storage.get_item("a") == "2"
    assert names(directory) == ["a"]
    storage.remove_item("a")
    storage.remove_item("a")
    assert storage.get_item("a") is None
    assert names(directory) == []


def test_reading_creates_nothing(storage: FileStorage, directory: Path) -> None:
    assert storage.get_item("a") is None
    assert not directory.exists()


@pytest.mark.parametrize("text", ["", "naïve\r\n\x00", "\ud800 half a pair", "x" * 1_000_000])
def test_any_text_comes_back(storage: FileStorage, text: str) -> None:
    storage.set_item("a", text)
    assert storage.get_item("a") == text


def test_the_file_has_the_name_and_the_text_of_the_item(
    storage: FileStorage, directory: Path
) -> None:
    storage.set_item("naïve", '{"é":1}')
    assert (directory / "naïve").read_text(encoding="utf-8") == '{"é":1}'


def test_it_stays_in_its_directory_when_the_program_moves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    storage = FileStorage("state")
    monkeypatch.chdir("/")
    storage.set_item("a", "1")
    assert names(tmp_path / "state") == ["a"]


def test_a_tilde_is_the_home_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert FileStorage("~/state").directory == tmp_path / "state"


def test_the_default_directory_is_that_of_the_system_for_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert FileStorage().directory.name == "state"
    assert FileStorage().directory.parent.name == "zustax"
    assert FileStorage(app_name="my-app").directory.parent.name == "my-app"


def test_a_store_without_a_storage_of_its_own_is_kept_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    initializer = persist(lambda set_state, get_state, store: {"count": 0}, name="app")
    create_store(initializer).set_state({"count": 1})
    assert FileStorage().get_item("app") == '{"state":{"count":1},"version":0}'


@pytest.mark.parametrize("interval", [0, -1, float("nan")])
def test_an_interval_that_is_not_positive_is_refused(directory: Path, interval: float) -> None:
    with pytest.raises(ValueError, match="poll_interval must be a positive number"):
        FileStorage(directory, poll_interval=interval)


def test_an_empty_directory_is_not_the_working_directory() -> None:
    with pytest.raises(ValueError, match="directory is empty; name one"):
        FileStorage("")


@pytest.mark.parametrize(
    "duplicate", [copy.copy, copy.deepcopy, lambda storage: pickle.loads(pickle.dumps(storage))]
)
def test_a_copy_for_another_process_has_the_same_files(
    storage: FileStorage, duplicate: Callable[[FileStorage], FileStorage]
) -> None:
    twin = duplicate(storage)
    twin.set_item("a", "1")
    assert storage.get_item("a") == "1"
    assert repr(twin) == repr(storage)


def test_its_repr_names_the_directory(storage: FileStorage, directory: Path) -> None:
    assert repr(storage) == f"FileStorage({str(directory)!r})"


# --- rights ---


@posix
@pytest.mark.usefixtures("open_umask")
def test_files_and_directory_are_for_their_owner_alone(
    storage: FileStorage, directory: Path
) -> None:
    storage.set_item("a", "1")
    with storage.lock("a"):
        pass
    assert rights(directory) == 0o700
    assert {path.name: rights(path) for path in directory.iterdir()} == {
        "a": 0o600,
        ".a.lock": 0o600,
    }


@posix
@pytest.mark.usefixtures("open_umask")
def test_directories_that_are_missing_above_are_for_their_owner_alone(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir(mode=0o755)
    FileStorage(tmp_path / "there" / "made" / "state").set_item("a", "1")
    assert rights(tmp_path / "there" / "made") == 0o700
    assert rights(tmp_path / "there") == 0o755


@posix
@pytest.mark.usefixtures("open_umask")
def test_a_file_is_private_before_its_first_byte_is_written(
    storage: FileStorage, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []
    fdopen = os.fdopen

    def look(descriptor: int, mode: str) -> object:
        status = os.fstat(descriptor)
        seen.extend((stat.S_IMODE(status.st_mode), status.st_size))
        return fdopen(descriptor, mode)

    monkeypatch.setattr(os, "fdopen", look)
    storage.set_item("a", "1")
    assert seen == [0o600, 0]


@posix
@pytest.mark.parametrize("mode", [0o755, 0o777, 0o2775])
def test_a_directory_that_exists_is_left_as_it_is(
    storage: FileStorage, directory: Path, mode: int
) -> None:
    directory.mkdir()
    directory.chmod(mode)
    storage.get_item("a")
    storage.set_item("a", "1")
    assert (rights(directory), rights(directory / "a")) == (mode, 0o600)


@posix
def test_a_file_that_others_can_read_stays_so_until_it_is_written(
    storage: FileStorage, directory: Path
) -> None:
    directory.mkdir()
    (directory / "a").write_text("1")
    (directory / "a").chmod(0o644)
    assert storage.get_item("a") == "1"
    assert rights(directory / "a") == 0o644
    storage.set_item("a", "2")
    assert rights(directory / "a") == 0o600


@posix
def test_what_is_no_secret_has_the_rights_of_the_umask(directory: Path) -> None:
    before = os.umask(0o027)
    try:
        storage = FileStorage(directory / "state", private=False)
        storage.set_item("a", "1")
        with storage.lock("a"):
            pass
    finally:
        os.umask(before)
    assert [rights(path) for path in (directory, directory / "state")] == [0o750, 0o750]
    assert {path.name: rights(path) for path in (directory / "state").iterdir()} == {
        "a": 0o640,
        ".a.lock": 0o640,
    }


@posix
def test_a_file_that_is_no_secret_keeps_its_rights(directory: Path) -> None:
    storage = FileStorage(directory, private=False)
    storage.set_item("a", "1")
    (directory / "a").chmod(0o664)
    storage.set_item("a", "2")
    assert rights(directory / "a") == 0o664


@posix
@pytest.mark.skipif(os.name == "posix" and os.geteuid() != 0, reason="root alone may chown")
def test_a_volume_that_belongs_to_a_group_can_be_used() -> None:
    with tempfile.TemporaryDirectory() as parent, Process("volume", parent) as process:
        assert process.line() == "{}"
        process.end()


@posix
def test_a_directory_that_is_meant_to_be_shared_is_refused(directory: Path) -> None:
    directory.mkdir()
    directory.chmod(0o1777)
    storage = FileStorage(directory)
    with pytest.raises(StorageError, match="is shared with other users"):
        storage.set_item("a", "1")
    with pytest.raises(StorageError, match="is shared with other users"):
        storage.get_item("a")
    assert rights(directory) == 0o777 | stat.S_ISVTX


def test_a_directory_that_may_not_be_seen_is_an_error_of_the_storage(
    storage: FileStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path) -> bool:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "exists", refuse)
    with pytest.raises(StorageError, match="cannot be seen: Permission denied"):
        storage.get_item("a")


def test_a_file_in_the_place_of_the_directory_is_refused(directory: Path) -> None:
    directory.touch()
    storage = FileStorage(directory)
    with pytest.raises(StorageError, match="create a directory of its own"):
        storage.set_item("a", "1")
    with pytest.raises(StorageError, match="create a directory of its own"):
        storage.get_item("a")


# --- bad files ---


@pytest.mark.parametrize("content", [b"{", b"", b"\xff\xfe", b'{"state":{},"version":9}', b"\0"])
def test_a_file_that_holds_no_state_is_set_aside(
    storage: FileStorage, directory: Path, content: bytes
) -> None:
    directory.mkdir(0o700)
    (directory / "user").write_bytes(content)
    store = UserStore(storage=storage)
    assert store.get_state() == UserState()
    assert not store.persist.has_hydrated()
    (name,) = names(directory)
    assert name.startswith("user.corrupt-")
    assert (directory / name).read_bytes() == content
    store.login("access", "refresh")
    assert UserStore(storage=storage).get_state() == store.get_state()
    assert names(directory) == ["user", name]


def fail(*arguments: object) -> None:
    raise LookupError("this fails")


@pytest.mark.parametrize(
    ("content", "options", "is_set_aside"),
    [
        (b'{"state":{"count":1},"ver', {}, True),
        (b"no JSON", {}, True),
        (b"\xff", {}, True),
        (b'{"state":{"count":1},"version":9}', {}, True),
        (b'{"state":{"count":1},"version":9}', {"migrate": fail}, False),
        (b'{"state":{"count":1},"version":0}', {"merge": fail}, False),
    ],
    ids=["truncated", "no JSON", "no text", "foreign version", "failing migrate", "failing merge"],
)
def test_a_store_begins_anew_where_a_file_is_no_good_and_is_told_why(
    storage: FileStorage,
    directory: Path,
    content: bytes,
    options: dict[str, Any],
    is_set_aside: bool,
) -> None:
    directory.mkdir(0o700)
    (directory / "app").write_bytes(content)
    ends: list[tuple[object, object]] = []
    store = create_store(
        persist(
            lambda set_state, get_state, store: {"count": 0},
            name="app",
            storage=storage,
            on_rehydrate_storage=lambda state: lambda state, error: ends.append((state, error)),
            **options,
        )
    )
    assert store.get_state() == {"count": 0}
    ((state, error),) = ends
    assert state is None
    assert isinstance(error, StoredStateError if is_set_aside else LookupError)
    (kept,) = directory.iterdir()
    assert kept.name.startswith("app.corrupt-") == is_set_aside
    assert kept.read_bytes() == content


def test_the_error_is_told(storage: FileStorage, directory: Path) -> None:
    directory.mkdir(0o700)
    (directory / "a").write_bytes(b"\xff")
    with pytest.raises(StoredStateError, match=r"has been renamed to a\.corrupt-"):
        storage.get_item("a")
    assert storage.get_item("a") is None


def test_a_directory_in_the_place_of_a_file_is_set_aside(
    storage: FileStorage, directory: Path
) -> None:
    (directory / "a" / "inner").mkdir(parents=True)
    with pytest.raises(StorageError, match="cannot be read"):
        storage.get_item("a")
    storage.set_item("a", "1")
    assert storage.get_item("a") == "1"
    assert len(names(directory)) == 2


@posix
@pytest.mark.timeout(20)
def test_a_pipe_in_the_place_of_a_file_is_set_aside(storage: FileStorage, directory: Path) -> None:
    directory.mkdir(0o700)
    os.mkfifo(directory / "a")
    with pytest.raises(StorageError, match="cannot be read: it is no file"):
        storage.get_item("a")
    assert [name.partition("-")[0] for name in names(directory)] == ["a.corrupt"]


@posix
def test_a_link_is_followed(storage: FileStorage, directory: Path, tmp_path: Path) -> None:
    directory.mkdir(0o700)
    (tmp_path / "elsewhere").write_text("theirs")
    (directory / "a").symlink_to(tmp_path / "elsewhere")
    (directory / "b").symlink_to(tmp_path / "nowhere")
    assert (storage.get_item("a"), storage.get_item("b")) == ("theirs", None)
    for name in ("a", "b"):
        storage.set_item(name, "ours")
        assert storage.get_item(name) == "ours"
        assert (directory / name).is_symlink()
    assert (tmp_path / "elsewhere").read_text() == (tmp_path / "nowhere").read_text() == "ours"
    storage.remove_item("a")
    assert storage.get_item("a") is None
    assert not (tmp_path / "elsewhere").exists(), "the token would be left"


@posix
def test_a_link_to_itself_is_an_error_until_it_is_written(
    storage: FileStorage, directory: Path
) -> None:
    directory.mkdir(0o700)
    (directory / "c").symlink_to(directory / "c")
    with pytest.raises(StorageError, match="cannot be read"):
        storage.get_item("c")
    storage.set_item("c", "ours")
    assert storage.get_item("c") == "ours"


@pytest.mark.parametrize("function", ["replace", "open", "unlink"])
def test_a_file_that_is_open_elsewhere_for_a_moment_is_tried_again(
    storage: FileStorage, directory: Path, monkeypatch: pytest.MonkeyPatch, function: str
) -> None:
    storage.set_item("a", "1")
    real, calls = getattr(Path, function), list[Path]()

    def scanned(path: Path, *arguments: Any, **options: Any) -> Any:
        calls.append(path)
        if len(calls) < 4:
            raise PermissionError(13, "Access is denied")
        return real(path, *arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(Path, function, scanned)
        if function == "unlink":
            storage.remove_item("a")
            assert storage.get_item("a") is None
        else:
            storage.set_item("a", "2")
            assert storage.get_item("a") == "2"
    assert len(calls) >= 4
    assert not any("corrupt" in name for name in names(directory))


def test_a_file_that_may_not_be_read_is_an_error_and_stays(
    storage: FileStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage.set_item("a", "1")

    def refuse(path: Path, mode: str) -> None:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", refuse)
        with pytest.raises(StorageError, match="cannot be read: Permission denied"):
            storage.get_item("a")
    assert storage.get_item("a") == "1"


def test_a_file_that_cannot_be_read_at_the_moment_stays(
    storage: FileStorage, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage.set_item("a", "1")

    def refuse(path: Path, mode: str) -> None:
        raise OSError(24, "Too many open files")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", refuse)
        with pytest.raises(StorageError, match="cannot be read: Too many open files"):
            storage.get_item("a")
    assert storage.get_item("a") == "1"


def test_only_the_text_that_could_not_be_used_is_set_aside(
    storage: FileStorage, directory: Path
) -> None:
    storage.set_item("a", "good, and newer")
    storage.set_aside("a", "bad")
    assert names(directory) == ["a"]
    storage.set_aside("a", "good, and newer")
    assert storage.get_item("a") is None


def test_a_bad_file_that_cannot_be_set_aside_is_not_overwritten(
    storage: FileStorage,
    directory: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    storage.set_item("user", "{")

    def refuse(path: Path, target: Path) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(Path, "rename", refuse)
    store = UserStore(storage=storage)
    assert store.get_state() == UserState()
    assert "'user' could not be set aside" in caplog.text
    assert "Read-only file system" in caplog.text
    with pytest.raises(StorageError, match="cannot be set aside: Read-only file system"):
        store.login("access", "refresh")
    assert storage.get_item("user") == "{"


def test_only_the_newest_of_the_files_that_were_set_aside_are_kept(
    storage: FileStorage, directory: Path
) -> None:
    for number in range(25):
        storage.set_item("a", f"bad {number}")
        storage.set_aside("a", f"bad {number}")
    storage.set_item("ab", "another")
    storage.set_aside("ab", "another")
    kept = [path.read_text() for path in sorted(directory.glob("a.corrupt-*"))]
    assert kept == [f"bad {number}" for number in range(15, 25)]
    storage.remove_set_aside("a")
    storage.remove_set_aside("a")
    assert [name.partition("-")[0] for name in names(directory)] == ["ab.corrupt"]


def test_the_files_that_were_set_aside_go_with_what_the_user_clears(
    storage: FileStorage, directory: Path
) -> None:
    clears: list[Callable[[UserStore], None]] = [
        UserStore.logout,
        lambda store: store.persist.clear_storage(),
    ]
    for clear in clears:
        storage.set_item("user", "{")
        store = UserStore(storage=storage)
        assert len(names(directory)) == 1
        store.login("access", "refresh")
        assert len(names(directory)) == 2
        clear(store)
        assert [name for name in names(directory) if "corrupt" in name] == []


# --- writing less, and making sure ---


def test_a_file_that_holds_the_text_already_is_not_written(
    storage: FileStorage, directory: Path
) -> None:
    storage.set_item("a", "naïve")
    before = (directory / "a").stat()
    storage.set_item("a", "naïve")
    FileStorage(directory).set_item("a", "naïve")
    after = (directory / "a").stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    storage.set_item("a", "naïvf")
    assert storage.get_item("a") == "naïvf"


def test_that_a_text_can_be_written_is_found_out_beside_it(
    storage: FileStorage, directory: Path
) -> None:
    storage.ensure_writable("a", 10_000)
    assert names(directory) == []
    storage.set_item("a", "1")
    before = (directory / "a").stat()
    storage.ensure_writable("a", 10_000)
    assert names(directory) == ["a"]
    assert (directory / "a").stat() == before


@posix
def test_that_a_text_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    with Process("refused", tmp_path / "state", "checked") as process:
        assert process.line() == f"{tmp_path}/state/app cannot be written: File too large"
        assert process.line() == "old"
        assert process.line() == "app"
        process.end()


def test_without_a_home_directory_the_error_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)
    for directory in (None, "~/state"):
        with pytest.raises(StorageUnavailableError, match="set HOME, or name a directory"):
            FileStorage(directory)


# --- left over files ---


def test_temporary_files_of_processes_that_died_are_removed(
    storage: FileStorage, directory: Path
) -> None:
    directory.mkdir(0o700)
    long_ago = time.time() - 4000
    for name in (".a.old.tmp", ".b.old.tmp"):
        (directory / name).touch()
        os.utime(directory / name, (long_ago, long_ago))
    (directory / ".a.new.tmp").touch()
    storage.set_item("a", "1")
    assert names(directory) == [".a.new.tmp", ".b.old.tmp", "a"]
