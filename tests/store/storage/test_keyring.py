"""A storage in the keyring of the system."""

import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import keyring
import keyring.backends.fail
import keyring.backends.null
import keyring.core
import pytest
from keyring.backend import KeyringBackend
from keyring.errors import PasswordDeleteError, PasswordSetError
from zustax.store import UserStore, create_store, persist
from zustax.store.storage import (
    FileStorage,
    KeyringStorage,
    StorageError,
    StorageUnavailableError,
)

from ...support.waiting import wait_until
from ..persist.storages import Shared
from .processes import ROOT, command


class DictKeyring(KeyringBackend):
    """A keyring that keeps passwords in a dict."""

    def __init__(self) -> None:
        self.passwords: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.passwords.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.passwords[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        if self.passwords.pop((service, username), None) is None:
            raise PasswordDeleteError("there is no such password")


NoKeyring: type[KeyringBackend] = keyring.backends.fail.Keyring


class FullKeyring(DictKeyring):
    """A keyring that takes only short passwords."""

    def set_password(self, service: str, username: str, password: str) -> None:
        if len(password) > 20:
            raise PasswordSetError("the password is too long")
        super().set_password(service, username, password)


class SilentKeyring(DictKeyring):
    """A keyring that waits for somebody to unlock it."""

    def __init__(self) -> None:
        super().__init__()
        self.is_unlocked = threading.Event()

    def set_password(self, service: str, username: str, password: str) -> None:
        self.is_unlocked.wait(1)


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch) -> "Use":
    return Use(monkeypatch)


class Use:
    """Makes a keyring that of the system."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.monkeypatch = monkeypatch

    def __call__(self, backend: KeyringBackend) -> None:
        self.monkeypatch.setattr(keyring.core, "_keyring_backend", backend)


@pytest.fixture
def system(use: Use) -> DictKeyring:
    backend = DictKeyring()
    use(backend)
    return backend


def test_it_keeps_replaces_and_forgets(system: DictKeyring, tmp_path: Path) -> None:
    storage = KeyringStorage("app", directory=tmp_path)
    assert system.passwords == {}, "nothing is left of the probe"
    assert storage.get_item("user") is None
    storage.set_item("user", "1")
    storage.set_item("user", "2")
    assert system.passwords == {("app", "user"): "2"}
    assert storage.get_item("user") == "2"
    storage.remove_item("user")
    storage.remove_item("user")
    assert system.passwords == {}


def test_a_user_is_there_again_after_a_restart(system: DictKeyring, tmp_path: Path) -> None:
    store = UserStore(storage=KeyringStorage("app", directory=tmp_path))
    store.login("access", "refresh")
    again = UserStore(storage=KeyringStorage("app", directory=tmp_path))
    assert again.get_state() == store.get_state()


def test_nothing_secret_is_in_the_files_beside_it(system: DictKeyring, tmp_path: Path) -> None:
    storage = KeyringStorage("app", directory=tmp_path)
    storage.set_item("user", "the-secret")
    with storage.lock("user"):
        pass
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert sorted(path.name for path in files) == [".user.lock", "user"]
    assert not any("the-secret" in path.read_text() for path in files)


def test_another_storage_is_told_of_a_change(system: DictKeyring, tmp_path: Path) -> None:
    one, two = (
        UserStore(storage=KeyringStorage("app", directory=tmp_path, poll_interval=0.01), sync=True)
        for _ in range(2)
    )
    one.login("access", "refresh")
    wait_until(lambda: two.get_state() == one.get_state())
    two.logout()
    wait_until(lambda: not one.get_state().is_login)


def test_the_default_directory_is_that_of_the_system_for_data(
    system: DictKeyring, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    KeyringStorage("app").set_item("user", "1")
    if sys.platform == "linux":
        assert (tmp_path / "zustax" / "keyring" / "app" / "user").exists()


@pytest.mark.parametrize("service", ["", "../x", "https://app"])
def test_a_service_that_would_leave_the_directory_is_refused(
    system: DictKeyring, tmp_path: Path, service: str
) -> None:
    with pytest.raises(ValueError, match="cannot be the name of a stored item"):
        KeyringStorage(service, directory=tmp_path)


@pytest.mark.parametrize("name", ["../x", "a\0b", "x" * 10_000])
def test_a_name_that_would_leave_the_directory_is_refused(
    system: DictKeyring, tmp_path: Path, name: str
) -> None:
    storage = KeyringStorage("app", directory=tmp_path)
    with pytest.raises(ValueError, match="cannot be the name"):
        KeyringStorage(name, directory=tmp_path)
    with pytest.raises(ValueError, match="cannot be the name"):
        storage.set_item(name, "1")
    with pytest.raises(ValueError, match="cannot be the name"):
        storage.get_item(name)
    assert system.passwords == {}


def test_an_error_of_the_keyring_is_one_of_the_storage(use: Use, tmp_path: Path) -> None:
    use(FullKeyring())
    storage = KeyringStorage("app", directory=tmp_path)
    secret = "secret" * 10
    with pytest.raises(StorageError, match=r"does not take 'user' of 'app': .* too long") as caught:
        storage.set_item("user", secret)
    assert len(caught.traceback) == 1, "no frame but that of the test"
    assert secret not in repr(caught.value)


# --- where there is none ---


@pytest.mark.parametrize(
    ("backend", "problem"),
    [
        (NoKeyring, "No recommended backend was available"),
        (keyring.backends.null.Keyring, "does not keep what it is given"),
        (SilentKeyring, "it has not answered within 0.05 s"),
    ],
)
def test_without_a_keyring_the_error_says_what_to_do(
    use: Use, tmp_path: Path, backend: type[KeyringBackend], problem: str
) -> None:
    use(backend())
    with pytest.raises(StorageUnavailableError, match="there is no keyring to use") as caught:
        KeyringStorage("app", directory=tmp_path, timeout=0.05)
    assert problem in str(caught.value)
    assert "gnome-keyring" in str(caught.value)
    assert "pass fallback=FileStorage()" in str(caught.value)


def test_the_fallback_is_used_if_it_was_asked_for(
    use: Use, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    use(NoKeyring())
    files = FileStorage(tmp_path / "files", poll_interval=0.01)
    storage = KeyringStorage("app", directory=tmp_path / "keyring", fallback=files)
    assert "falling back to FileStorage" in caplog.text
    assert repr(storage) == f"KeyringStorage({files!r})"
    storage.set_item("user", "1")
    assert files.get_item("user") == storage.get_item("user") == "1"
    calls: list[None] = []
    unsubscribe = storage.subscribe("user", lambda: calls.append(None))
    FileStorage(tmp_path / "files").set_item("user", "2")
    wait_until(lambda: calls)
    unsubscribe()
    with storage.lock("user"):
        storage.remove_item("user")
    assert files.get_item("user") is None
    assert not (tmp_path / "keyring").exists()


def test_a_fallback_is_asked_for_nothing_that_it_cannot_do(use: Use, tmp_path: Path) -> None:
    use(NoKeyring())
    plain: Any = Shared().view()
    storage = KeyringStorage("app", fallback=plain, directory=tmp_path)
    plain.set_item("app", "{")
    store = create_store(persist(lambda: {"n": 0}, name="app", storage=storage))
    store.set_state({"n": 1})
    assert plain.get_item("app") == '{"state":{"n":1},"version":0}'


def test_a_file_of_the_fallback_that_holds_no_state_is_set_aside(use: Use, tmp_path: Path) -> None:
    use(NoKeyring())
    storage = KeyringStorage("app", fallback=FileStorage(tmp_path), directory=tmp_path / "keyring")
    storage.set_item("user", "{")
    UserStore(storage=storage)
    assert [path.name.partition("-")[0] for path in tmp_path.iterdir()] == ["user.corrupt"]


def test_the_fallback_is_not_used_where_there_is_a_keyring(
    system: DictKeyring, tmp_path: Path
) -> None:
    storage = KeyringStorage(
        "app", directory=tmp_path, fallback=FileStorage(tmp_path / "never used")
    )
    storage.set_item("user", "1")
    assert system.passwords == {("app", "user"): "1"}


# --- a real one ---


def in_session(daemon: str, program: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run a program in a D-Bus session of its own, beside a daemon."""
    for binary in ("dbus-run-session", "gnome-keyring-daemon"):
        if shutil.which(binary) is None:
            assert not os.environ.get("CI"), f"{binary} is missing: run .ci/services"
            pytest.skip(f"{binary} is not on this machine: .ci/services installs it")
    session = ["dbus-run-session", "--", "sh", "-c", f'{daemon} exec "$@"', "sh"]
    return subprocess.run(
        [*session, *command(program, *arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=40,
        check=False,
        env={
            **os.environ,
            "HOME": str(arguments[0]),
            "PYTHON_KEYRING_BACKEND": "keyring.backends.SecretService.Keyring",
        },
    )


def test_the_secret_service_of_a_desktop_keeps_items(tmp_path: Path) -> None:
    unlocked = "echo | gnome-keyring-daemon --unlock --components=secrets >/dev/null 2>&1;"
    run = in_session(unlocked, "keyring_items", tmp_path)
    assert run.stdout.splitlines() == ["True True", "None"], run.stderr


def test_a_session_without_a_keyring_is_noticed(tmp_path: Path) -> None:
    run = in_session("", "keyring_items", tmp_path)
    assert "StorageUnavailableError: there is no keyring to use" in run.stderr
