"""States in the keyring of the system: Keychain, Credential Manager, Secret Service, KWallet.

    storage = KeyringStorage("my-app")
    store = UserStore(storage=storage)

A keyring is made for passwords, and slow: what changes often belongs elsewhere. What is longer than
the Credential Manager of Windows takes, 1,280 characters, is kept in several pieces.
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
from .protocol import (
    KEPT_ASIDE,
    SharedStorage,
    StorageError,
    StorageUnavailableError,
    attempt,
)

_log = logging.getLogger("zustax")

#: What the Credential Manager of Windows takes, in code units of UTF-16.
_LONGEST = 1280

#: What the text of an item begins with that is kept in pieces.
_HEAD = "zustax-pieces:"

#: What a storage need not have, and what is passed on where the storage in use has it.
_ABILITIES = ("ensure_writable", "remove_set_aside", "replace_item", "set_aside")

#: How often an item in pieces is read again, since another process may be replacing them.
_TRIES = 3


class KeyringStorage:
    """Keeps each item as a password of a service in the keyring of the system.

    The storage makes sure at once that there is a keyring, by keeping an item there and removing
    it. The files for locks and for notices of changes are in a directory beside it; they hold no
    item. The methods raise StorageError if the keyring does not answer, and ValueError for a name
    that is not good for a file.

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
        storage: SharedStorage = _Keyring(keyring, service, files)
        problem = _problem_of(keyring, service, timeout)
        if problem is not None:
            if fallback is None:
                raise StorageUnavailableError(
                    f"there is no keyring to use: {problem}. On Linux it takes a D-Bus session "
                    "with gnome-keyring, KeePassXC or KWallet, unlocked; or pass "
                    "fallback=FileStorage() to keep the items in files where there is no keyring"
                )
            _log.warning("there is no keyring to use: %s; falling back to %r", problem, fallback)
            storage = fallback
        self._storage = storage
        for ability in _ABILITIES:
            if hasattr(storage, ability):
                setattr(self, ability, getattr(storage, ability))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._storage!r})"

    @cuts_frames
    def get_item(self, name: str) -> str | Awaitable[str | None] | None:
        """Return the text kept under a name, None if there is none."""
        return self._storage.get_item(name)

    @cuts_frames
    def set_item(self, name: str, value: str) -> Awaitable[object] | None:
        """Keep a text under a name, in place of the one before."""
        return self._storage.set_item(name, value)

    @cuts_frames
    def remove_item(self, name: str) -> Awaitable[object] | None:
        """Forget the text under a name; one that is not there is no error."""
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
    """The items of a service, and beside each a file that is written when it changes.

    A long text is kept in pieces, and under the name of the item is then where these are.
    """

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
        for _ in range(_TRIES):
            text = self._get(name)
            pieces = [self._get(piece) for piece in _names_of_pieces(name, text)]
            if not pieces:
                return text
            if None not in pieces:
                return "".join(piece or "" for piece in pieces)
        raise StorageError(f"a piece of {name!r} is missing in the keyring of {self._service!r}")

    def set_item(self, name: str, value: str) -> None:
        self._put(name, value)
        self._files.set_item(name, token_hex())

    def remove_item(self, name: str) -> None:
        file_name(name)
        if self._remove(name):
            self._files.set_item(name, token_hex())

    def set_aside(self, name: str, value: str) -> None:
        if self.get_item(name) == value:
            kept = [*self._kept_aside(name), f"{name}.corrupt-{token_hex(4)}"]
            self._put(kept[-1], value)
            self._put(f"{name}.corrupt", "\n".join(kept[-KEPT_ASIDE:]))
            for oldest in kept[:-KEPT_ASIDE]:
                self._remove(oldest)
            self.remove_item(name)

    def remove_set_aside(self, name: str) -> None:
        for kept in (*self._kept_aside(name), f"{name}.corrupt"):
            self._remove(kept)

    def ensure_writable(self, name: str, size: int) -> None:
        probe = f"{name}.probe"
        self._put(probe, " " * size)
        self._remove(probe)
        self._files.ensure_writable(name, size)

    def _kept_aside(self, name: str) -> list[str]:
        return (self.get_item(f"{name}.corrupt") or "").splitlines()

    def _put(self, name: str, value: str) -> None:
        file_name(name)
        before = _names_of_pieces(name, self._get(name))
        pieces, head = _pieces(value), value
        if len(pieces) > 1:
            head = f"{_HEAD}{token_hex(4)}:{len(pieces)}"
            for piece, part in zip(_names_of_pieces(name, head), pieces, strict=True):
                self._attempt("take", self._keyring.set_password, piece, part)
        self._attempt("take", self._keyring.set_password, name, head)
        for piece in before:
            self._delete(piece)

    def _get(self, name: str) -> str | None:
        password: str | None = self._attempt("give", self._keyring.get_password, name)
        return password

    def _remove(self, name: str) -> bool:
        text = self._get(name)
        for each in (name, *_names_of_pieces(name, text)) if text is not None else ():
            self._delete(each)
        return text is not None

    def _delete(self, name: str) -> None:
        if self._get(name) is not None:
            self._attempt("remove", self._keyring.delete_password, name)

    def _attempt(self, what: str, function: Callable[..., Any], name: str, *value: str) -> Any:
        return attempt(
            f"the keyring does not {what} {name!r} of {self._service!r}",
            partial(function, self._service, name),
            *value,
            on=Exception,  # each kind of keyring has errors of its own
        )


def _names_of_pieces(name: str, text: str | None) -> list[str]:
    """Return the names of the pieces of an item, none if its text is in one piece."""
    if text is None or not text.startswith(_HEAD):
        return []
    token, _, count = text.removeprefix(_HEAD).partition(":")
    return [f"{name}.{token}.{number}" for number in range(int(count))]


def _pieces(text: str) -> list[str]:
    """Divide a text into what a credential of Windows holds: so many code units of UTF-16."""
    size = _LONGEST if text.isascii() or max(text) < "\U00010000" else _LONGEST // 2
    return [text[start : start + size] for start in range(0, len(text), size)]


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
