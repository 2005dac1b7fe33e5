"""States in the keyring of the system: Keychain, Credential Manager, Secret Service, KWallet.

    storage = KeyringStorage("my-app")
    store = UserStore(storage=storage)

A keyring is made for passwords, and slow: what changes often belongs elsewhere.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from secrets import token_hex
from threading import Thread
from typing import Any

from ..checks import needs_extra
from ..tracebacks import cuts_frames
from .disk import file_name
from .file import FileStorage, data_directory
from .protocol import SharedStorage, StorageUnavailableError, attempt

_log = logging.getLogger("zustax")


class KeyringStorage:
    """Keeps each item as a password of a service in the keyring of the system.

    The storage makes sure at once that there is a keyring, by keeping an item there and removing
    it. The files for locks and for notices of changes are in a directory beside it; they hold no
    item.

    Args:
        service: The name that the items have in common: that of the program, say.
        timeout: Seconds that the keyring has for its first answer. It may be asking the user for
            a password. Default: 10.
        fallback: The storage to use, with a warning in the log, where there is no keyring.
            Default: None; there the storage cannot be made.
        directory: Where the files are. Default: one that the system has for the data of programs.
        poll_interval: Seconds between two looks for changes. Default: 0.25.

    Raises:
        StorageUnavailableError: If there is no keyring that keeps an item, and no fallback.
        ValueError: If the service is not good for the name of a file, or ``poll_interval`` is not
            positive.
        ImportError: If the extra ``zustax[keyring]`` is not installed.
    """

    @cuts_frames
    def __init__(
        self,
        service: str,
        *,
        timeout: float = 10.0,
        fallback: SharedStorage | None = None,
        directory: str | os.PathLike[str] | None = None,
        poll_interval: float = 0.25,
    ) -> None:
        with needs_extra("keyring", "keyring", type(self).__name__):
            import keyring
        parent = data_directory("zustax") / "keyring" if directory is None else Path(directory)
        files = FileStorage(parent / file_name(service), poll_interval=poll_interval)
        self._storage: SharedStorage = _Keyring(keyring, service, files)
        problem = _problem_of(keyring, service, timeout)
        if problem is None:
            return
        if fallback is None:
            raise StorageUnavailableError(
                f"there is no keyring to use: {problem}. On Linux it takes a D-Bus session with "
                "gnome-keyring, KeePassXC or KWallet, unlocked; or pass fallback=FileStorage() to "
                "keep the items in files where there is no keyring"
            )
        _log.warning("there is no keyring to use: %s; falling back to %r", problem, fallback)
        self._storage = fallback
        for ability in ("set_aside", "replace_item"):  # which a keyring has not
            if hasattr(fallback, ability):
                setattr(self, ability, getattr(fallback, ability))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._storage!r})"

    @cuts_frames
    def get_item(self, name: str) -> str | Awaitable[str | None] | None:
        """Return the text kept under a name, None if there is none.

        Raises:
            StorageError: If the keyring does not give it.
            ValueError: If the name is not good for a file.
        """
        return self._storage.get_item(name)

    @cuts_frames
    def set_item(self, name: str, value: str) -> Awaitable[object] | None:
        """Keep a text under a name, in place of the one before.

        Raises:
            StorageError: If the keyring does not take it. The Credential Manager of Windows takes
                1,280 characters.
            ValueError: If the name is not good for a file.
        """
        return self._storage.set_item(name, value)

    @cuts_frames
    def remove_item(self, name: str) -> Awaitable[object] | None:
        """Forget the text under a name; one that is not there is no error.

        Raises:
            StorageError: If the keyring does not remove it.
            ValueError: If the name is not good for a file.
        """
        return self._storage.remove_item(name)

    def lock(self, name: str, *, timeout: float | None = None) -> Any:
        """Make a context manager as ``FileStorage.lock`` does, on a file beside the keyring."""
        return self._storage.lock(name, timeout=timeout)

    def subscribe(self, name: str, callback: Callable[[], object]) -> Callable[[], None]:
        """Call a function after another ``KeyringStorage`` has changed an item.

        A change that is made with other programs is not noticed.

        Returns:
            The function that unsubscribes.
        """
        return self._storage.subscribe(name, callback)


class _Keyring:
    """The items of a service, and beside each a file that is written when it changes."""

    def __init__(self, keyring: Any, service: str, files: FileStorage) -> None:
        self._keyring = keyring
        self._service = service
        self._files = files
        self.lock = files.lock
        self.subscribe = files.subscribe

    def __repr__(self) -> str:
        return repr(self._service)

    def get_item(self, name: str) -> str | None:
        file_name(name)
        password: str | None = self._attempt("give", self._keyring.get_password, name)
        return password

    def set_item(self, name: str, value: str) -> None:
        file_name(name)
        self._attempt("take", self._keyring.set_password, name, value)
        self._files.set_item(name, token_hex())

    def remove_item(self, name: str) -> None:
        if self.get_item(name) is not None:
            self._attempt("remove", self._keyring.delete_password, name)
            self._files.set_item(name, token_hex())

    def _attempt(self, what: str, function: Callable[..., Any], name: str, *value: str) -> Any:
        return attempt(
            f"the keyring does not {what} {name!r} of {self._service!r}",
            partial(function, self._service, name),
            *value,
            on=Exception,  # each kind of keyring has errors of its own
        )


def _problem_of(keyring: Any, service: str, timeout: float) -> str | None:
    """Return why the keyring cannot be used, or None if it keeps an item."""
    answers: list[str | None] = []
    probe = Thread(target=lambda: answers.append(_probe(keyring, service)), daemon=True)
    probe.start()
    probe.join(timeout)
    return answers[0] if answers else f"it has not answered within {timeout} s"


def _probe(keyring: Any, service: str) -> str | None:
    name, value = f"zustax-probe-{token_hex(4)}", token_hex(4)
    try:
        keyring.set_password(service, name, value)
        kept = keyring.get_password(service, name)
        keyring.delete_password(service, name)
    except Exception as error:
        return str(error) or type(error).__name__
    return None if kept == value else f"{keyring.get_keyring().name} does not keep what it is given"
