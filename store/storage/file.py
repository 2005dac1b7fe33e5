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
from datetime import UTC, datetime
from functools import partial
from glob import escape
from pathlib import Path
from secrets import token_hex
from typing import Any

from ..checks import needs_extra, require_function
from ..tracebacks import cuts_frames
from .disk import (
    NoFileError,
    Signature,
    check_directory,
    file_name,
    kernel_lock,
    make_directory,
    patiently,
    read_file,
    remove_left_over,
    sync_directory,
    try_to_write,
    write_file,
)
from .protocol import (
    KEPT_ASIDE,
    StorageError,
    StorageUnavailableError,
    StoredStateError,
    attempt,
)
from .watch import FileWatcher

#: How many characters are encoded in one go while other threads wait.
_PIECE = 1 << 20


class FileStorage:
    """Keeps each item in a file of its name, which its owner alone can read.

    An item is written to a temporary file that then takes the place of the former one: whatever
    happens, there is a whole item, the old or the new one. It is on the disk when ``set_item``
    returns. A file that has the text already is not written. Symbolic links are followed. A file
    that holds no text is renamed to ``NAME.corrupt-...``.

    The name of an item has to be good for a file: at most 180 bytes, without a slash or a
    backslash, and not beginning with a dot. The methods raise ValueError for any other, and
    StorageError if the system does not let them read or write.

    Args:
        directory: Where the files are. It is created when it is needed; one that exists is left as
            it is. Default: the directory that the system has for the data of ``app_name``, which
            needs the extra ``zustax[file]``.
        app_name: Whose data it is, where no directory is given. Programs that give no name share
            one directory. Default: ``"zustax"``.
        private: Whether files, and directories that are created, are for their owner alone, as
            tokens have to be. If not, the umask decides. Default: True.
        poll_interval: Seconds between two looks at the files that are subscribed to, as with
            ``persist(..., sync=True)``: the news of another process may be that late. Each look is
            one call of the system for each file. Default: 0.25.

    Raises:
        ImportError: If no directory is given and the extra is not installed.
        StorageUnavailableError: If no directory is given, or one with ``~``, and there is no home
            directory.
        ValueError: If ``poll_interval`` is not positive, or the directory is an empty text.
    """

    @cuts_frames
    def __init__(
        self,
        directory: str | os.PathLike[str] | None = None,
        *,
        app_name: str = "zustax",
        private: bool = True,
        poll_interval: float = 0.25,
    ) -> None:
        if not poll_interval > 0:
            raise ValueError(f"poll_interval must be a positive number, not {poll_interval!r}")
        if directory == "":
            raise ValueError("directory is empty; name one, or leave it out for that of the system")
        if directory is None:
            chosen = data_directory(app_name) / "state"
        else:
            chosen = _in_home(Path(directory).expanduser, directory)
        self._directory = chosen.absolute()  # the program may change its working directory
        self._private = private
        self._watcher = FileWatcher(poll_interval)
        self._tidied: set[Path] = set()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self._directory)!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle, or copy, to a storage of the same files; each hears of the other's changes."""
        options: dict[str, Any] = {
            "private": self._private,
            "poll_interval": self._watcher.interval,
        }
        return partial(type(self), **options), (self._directory,)

    @property
    def directory(self) -> Path:
        """Where the files are."""
        return self._directory

    @cuts_frames
    def get_item(self, name: str) -> str | None:
        """Return the text kept under a name, None if there is none.

        Raises:
            StoredStateError: If the file holds no text; it has been set aside.
            StorageError: If it is no file, a directory for instance; that has been set aside, too.
        """
        path = self._file(name)
        if attempt(f"{self._directory} cannot be seen", self._directory.exists):
            self._use(check_directory)
        try:
            return attempt(f"{path} cannot be read", _read, path)
        except StorageError as error:
            if isinstance(error.__cause__, NoFileError):
                with suppress(OSError):
                    _set_aside(path)
            raise

    @cuts_frames
    def set_item(self, name: str, value: str) -> None:
        """Keep a text under a name. If that fails, the one before is still there."""
        path, content = self._file(name), _encoded(value)
        with suppress(OSError):
            if path.stat().st_size == len(content) and read_file(path) == content:
                return
        self._write(path, content, partial(self._watcher.note_own, self._path(name)))
        self._watcher.wake_others(self._path(name))

    @cuts_frames
    def replace_item(self, name: str, expected: str | None, value: str) -> bool:
        """Keep a text under a name if what is kept there is still the expected text, or none.

        That is looked at in the last moment. Only the holder of the lock can rely on it: what
        another process writes between that look and the replacement is lost.

        Returns:
            True if it has been written.
        """
        path = self._file(name)
        before = None if expected is None else _encoded(expected)

        def announce(signature: Signature) -> None:
            if read_file(path) != before:
                raise _OvertakenError
            self._watcher.note_own(self._path(name), signature)

        try:
            self._write(path, _encoded(value), announce)
        except _OvertakenError:
            return False
        self._watcher.wake_others(self._path(name))
        return True

    @cuts_frames
    def remove_item(self, name: str) -> None:
        """Forget the text under a name; one that is not there is no error."""
        path = self._file(name)
        self._watcher.note_own(self._path(name), None)
        attempt(f"{path} cannot be removed", _remove, path)
        self._watcher.wake_others(self._path(name))

    @cuts_frames
    def ensure_writable(self, name: str, size: int) -> None:
        """Make sure that a text of so many bytes can be written, by writing as much beside it."""
        path = self._file(name)
        self._use(make_directory)
        attempt(f"{path} cannot be written", try_to_write, path, size)

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
            ImportError: If the extra is not installed.
        """
        path = self._path(name)
        path = path.with_name(f".{path.name}.lock")
        user = type(self).__name__
        return self._locked(kernel_lock(path, timeout, private=self._private, user=user))

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
        """
        require_function("callback", callback)
        return self._watcher.subscribe(self._path(name), callback)

    @cuts_frames
    def set_aside(self, name: str, value: str) -> None:
        """Rename a file whose text cannot be used to ``NAME.corrupt-...``, if it has that text.

        The 10 newest of such files are kept.
        """
        path = self._file(name)
        attempt(f"{path} cannot be set aside", _set_aside, path, _encoded(value))

    @cuts_frames
    def remove_set_aside(self, name: str) -> None:
        """Remove the files that were set aside of an item."""
        for kept in _kept_aside(self._file(name)):
            attempt(f"{kept} cannot be removed", _remove, kept)

    def _path(self, name: str) -> Path:
        return self._directory / file_name(name)

    def _file(self, name: str) -> Path:
        """Return where the file of an item is, if what is in the directory is a link."""
        return Path(os.path.realpath(self._path(name)))

    def _use(self, function: Callable[..., None]) -> None:
        what = f"{self._directory} is no place for files: create a directory of its own for them"
        attempt(what, partial(function, self._directory, private=self._private))

    def _write(self, path: Path, content: bytes, announce: Callable[[Signature], object]) -> None:
        self._use(make_directory)
        what = f"{path} cannot be written"
        if path not in self._tidied:
            attempt(what, remove_left_over, path)
            self._tidied.add(path)
        attempt(what, partial(write_file, path, content, announce, private=self._private))

    @contextmanager
    def _locked(self, lock: AbstractContextManager[None]) -> Iterator[None]:
        self._use(make_directory)
        with lock:
            yield


def data_directory(app_name: str) -> Path:
    """Return the directory that the system has for the data of a program of the user."""
    with needs_extra("platformdirs", "file", "a storage without a directory"):
        import platformdirs
    find = partial(platformdirs.user_data_path, app_name, appauthor=False)
    return _in_home(find, f"the data of {app_name}")


def _in_home(find: Callable[[], Path], what: object) -> Path:
    with suppress(RuntimeError):
        path = find()
        if not str(path).startswith("~"):
            return path
    raise StorageUnavailableError(
        f"there is no home directory for {what}: set HOME, or name a directory for the storage"
    )


def _encoded(text: str) -> bytes:
    if text.isascii() or len(text) < _PIECE:
        return text.encode("utf-8", "surrogatepass")
    pieces = []
    for start in range(0, len(text), _PIECE):
        pieces.append(text[start : start + _PIECE].encode("utf-8", "surrogatepass"))
        time.sleep(0)  # let other threads run
    return b"".join(pieces)


def _read(path: Path) -> str | None:
    content = read_file(path)
    if content is None:
        return None
    with suppress(UnicodeDecodeError):  # which would hold the content
        return content.decode("utf-8", "surrogatepass")
    _set_aside(path, content)
    raise StoredStateError(f"{path} held no text; it has been renamed to {path.name}.corrupt-...")


class _OvertakenError(Exception):
    """A file does not hold what was expected."""


def _set_aside(path: Path, content: bytes | None = None) -> None:
    if content is not None and read_file(path) != content:
        return  # another process has put another in its place
    moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    patiently(path.rename, path.with_name(f"{path.name}.corrupt-{moment}-{token_hex(4)}"))
    for oldest in _kept_aside(path)[:-KEPT_ASIDE]:
        with suppress(OSError):
            oldest.unlink()
    sync_directory(path.parent)


def _kept_aside(path: Path) -> list[Path]:
    """Return what was set aside, the oldest first."""
    return sorted(path.parent.glob(f"{escape(path.name)}.corrupt-*"))


def _remove(path: Path) -> None:
    try:
        patiently(path.unlink)
    except FileNotFoundError:
        return
    sync_directory(path.parent)
