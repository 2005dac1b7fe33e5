"""States in files, the default storage.

    storage = FileStorage("~/.local/state/my-app")
    store = create_store(persist(initializer, name="settings", storage=storage))

It is plain: a program with an event loop waits for the disk, some milliseconds for a write.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import partial
from pathlib import Path
from secrets import token_hex
from typing import Any

from ..checks import needs_extra, require_function
from ..tracebacks import cuts_frames
from .disk import (
    NoFileError,
    Signature,
    file_name,
    kernel_lock,
    make_directory_private,
    read_private,
    remove_left_over,
    sync_directory,
    write_private,
)
from .protocol import StorageError, StoredStateError, attempt
from .watch import FileWatcher


class FileStorage:
    """Keeps each item in a file of its name, which its owner alone can read.

    An item is written to a temporary file that then takes the place of the former one: whatever
    happens, there is a whole item, the old or the new one. It is on the disk when ``set_item``
    returns. A file that cannot be read is renamed to ``NAME.corrupt-...``.

    Args:
        directory: Where the files are. It is created when it is needed, for its owner alone, and an
            existing one is made so. Default: the directory that the system has for the data of
            ``app_name``, which needs the extra ``zustax[file]``.
        app_name: Whose data it is, where no directory is given. Programs that give no name share
            one directory. Default: ``"zustax"``.
        poll_interval: Seconds between two looks at the files that are subscribed to, as with
            ``persist(..., sync=True)``: the news of another process may be that late. Each look is
            one call of the system for each file. Default: 0.25.

    Raises:
        ImportError: If no directory is given and the extra is not installed.
        ValueError: If ``poll_interval`` is not positive, or the directory is an empty text.
    """

    @cuts_frames
    def __init__(
        self,
        directory: str | os.PathLike[str] | None = None,
        *,
        app_name: str = "zustax",
        poll_interval: float = 0.25,
    ) -> None:
        if not poll_interval > 0:
            raise ValueError(f"poll_interval must be a positive number, not {poll_interval!r}")
        if directory == "":
            raise ValueError(
                "directory is empty; name one for the storage, which is going to be made private, "
                "or leave it out for that of the system"
            )
        chosen = (
            data_directory(app_name) / "state"
            if directory is None
            else Path(directory).expanduser()
        )
        self._directory = chosen.absolute()  # the program may change its working directory
        self._watcher = FileWatcher(poll_interval)
        self._tidied: set[Path] = set()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self._directory)!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle, or copy, to a storage of the same files; each hears of the other's changes."""
        interval = self._watcher.interval
        return partial(type(self), poll_interval=interval), (self._directory,)

    @property
    def directory(self) -> Path:
        """Where the files are."""
        return self._directory

    @cuts_frames
    def get_item(self, name: str) -> str | None:
        """Return the text kept under a name, None if there is none.

        Args:
            name: A name that is good for a file: at most 180 bytes, without a slash or a backslash,
                and not beginning with a dot.

        Raises:
            StoredStateError: If the file holds no text. It has been set aside.
            StorageError: If the file cannot be read. If the file itself is the reason, and not the
                system, it has been set aside.
            ValueError: If the name is not good for a file.
        """
        path = self._path(name)
        self._make_private(create=False)
        try:
            return attempt(f"{path} cannot be read", _read, path)
        except StorageError as error:
            if isinstance(error.__cause__, (PermissionError, NoFileError)):
                with suppress(OSError):
                    _rename(path)
            raise

    @cuts_frames
    def set_item(self, name: str, value: str) -> None:
        """Keep a text under a name, in place of the one before.

        Raises:
            StorageError: If it cannot be written. The former text is still there then.
            ValueError: If the name is not good for a file.
        """
        path = self._path(name)
        self._make_private(create=True)
        announce = partial(self._watcher.note_own, path)
        attempt(f"{path} cannot be written", self._write, path, value, announce)

    @cuts_frames
    def replace_item(self, name: str, expected: str | None, value: str) -> bool:
        """Keep a text under a name if what is kept there is still the expected text, or none.

        That is looked at in the last moment. Only the holder of the lock can rely on it: what
        another process writes between that look and the replacement is lost.

        Returns:
            Whether it has been written.

        Raises:
            StorageError: If it cannot be written. The former text is still there then.
            ValueError: If the name is not good for a file.
        """
        path = self._path(name)
        announce = partial(
            self._announce_over, path, None if expected is None else _encoded(expected)
        )
        self._make_private(create=True)
        try:
            attempt(f"{path} cannot be written", self._write, path, value, announce)
        except _OvertakenError:
            return False
        return True

    @cuts_frames
    def remove_item(self, name: str) -> None:
        """Forget the text under a name; one that is not there is no error.

        Raises:
            StorageError: If it cannot be removed.
            ValueError: If the name is not good for a file.
        """
        path = self._path(name)
        self._watcher.note_own(path, None)
        attempt(f"{path} cannot be removed", _remove, path)

    @cuts_frames
    def lock(self, name: str, *, timeout: float | None = None) -> AbstractContextManager[None]:
        """Make a context manager that one process, and one thread, is inside of at a time.

        It keeps no other process from writing. It is free again when its holder ends, even by a
        crash. It is not re-entrant. It needs the extra ``zustax[file]``.

        Args:
            name: The name of the item.
            timeout: Seconds to wait. Default: None, for as long as it takes.

        Returns:
            The context manager. On entering it raises TimeoutError if the lock is held elsewhere
            for too long, and StorageError if the file system has no locks that die with their
            holder.

        Raises:
            ValueError: If the name is not good for a file.
            ImportError: On entering, if the extra is not installed.
        """
        path = self._path(name)
        return self._locked(path.with_name(f".{path.name}.lock"), timeout)

    @cuts_frames
    def subscribe(self, name: str, callback: Callable[[], object]) -> Callable[[], None]:
        """Call a function after another process has changed an item.

        A thread looks at the file every ``poll_interval`` seconds, and calls the function. Changes
        that follow one another faster may be one call. What is written through this very object is
        no news.

        Returns:
            The function that unsubscribes.

        Raises:
            TypeError: If the callback is not a function.
            ValueError: If the name is not good for a file.
        """
        require_function("callback", callback)
        return self._watcher.subscribe(self._path(name), callback)

    @cuts_frames
    def set_aside(self, name: str, value: str) -> None:
        """Rename a file whose text cannot be used to ``NAME.corrupt-...``, if it has that text.

        Raises:
            StorageError: If it cannot be renamed.
            ValueError: If the name is not good for a file.
        """
        path = self._path(name)
        attempt(f"{path} cannot be set aside", _set_aside, path, _encoded(value))

    def _path(self, name: str) -> Path:
        return self._directory / file_name(name)

    def _make_private(self, *, create: bool) -> None:
        if create or attempt(f"{self._directory} cannot be seen", self._directory.exists):
            attempt(
                f"{self._directory} is no place for private files: create a directory of its "
                "own for the storage",
                make_directory_private,
                self._directory,
            )

    def _write(self, path: Path, value: str, announce: Callable[[Signature], object]) -> None:
        if path not in self._tidied:
            remove_left_over(path)
            self._tidied.add(path)
        write_private(path, _encoded(value), announce)

    def _announce_over(self, path: Path, expected: bytes | None, signature: Signature) -> None:
        """Announce what replaces a content, if that is still there."""
        if read_private(path) != expected:
            raise _OvertakenError
        self._watcher.note_own(path, signature)

    @contextmanager
    def _locked(self, path: Path, timeout: float | None) -> Iterator[None]:
        self._make_private(create=True)
        with kernel_lock(path, timeout, user=type(self).__name__):
            yield


def data_directory(app_name: str) -> Path:
    """Return the directory that the system has for the data of a program of the user."""
    with needs_extra("platformdirs", "file", "a storage without a directory"):
        import platformdirs
    return Path(platformdirs.user_data_path(app_name, appauthor=False))


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _read(path: Path) -> str | None:
    content = read_private(path)
    if content is None:
        return None
    with suppress(UnicodeDecodeError):  # which would hold the content
        return content.decode("utf-8", "surrogatepass")
    _set_aside(path, content)
    raise StoredStateError(f"{path} held no text; it has been renamed to {path.name}.corrupt-...")


class _OvertakenError(Exception):
    """A file does not hold what was expected."""


def _set_aside(path: Path, content: bytes) -> None:
    if read_private(path) == content:  # or another process has put another in its place
        _rename(path)


def _rename(path: Path) -> None:
    moment = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    path.rename(path.with_name(f"{path.name}.corrupt-{moment}-{token_hex(4)}"))
    sync_directory(path.parent)


def _remove(path: Path) -> None:
    try:
        path.unlink()
    except FileNotFoundError:
        return
    sync_directory(path.parent)
