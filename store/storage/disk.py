"""Files that are whole or not at all, their names, and a lock that dies with its holder."""

from __future__ import annotations

import os
import re
import stat
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from glob import escape
from pathlib import Path
from secrets import token_hex
from typing import Any, TypeAlias, TypeVar

from ..checks import needs_extra
from .protocol import storage_error

T = TypeVar("T")

#: What tells one version of a file from another; None if there is no file.
Signature: TypeAlias = tuple[int, int, int, int] | None

#: Seconds after which a temporary file counts as left over from a process that died.
_LEFT_OVER = 3600

#: Seconds between two tries to get what another process holds, and until a permission is missed.
_INTERVAL, _PATIENCE = 0.01, 1.0

#: Bytes that a name may have: with what is added for a temporary file it stays below 255.
_LONGEST = 180

#: What a file name cannot have everywhere, and the character that it is escaped with: control
#: characters, some others, and a dot or a space at the end.
_ESCAPED = re.compile(r'[\x01-\x1f\x7f<>:"|?*%]|(?<!\A)\.\Z| \Z')

#: What Windows takes for a device, whatever follows behind a dot.
_DEVICE = re.compile(r"(con|prn|aux|nul|(com|lpt)[0-9¹²³])(\.|\Z)", re.IGNORECASE)


class NoFileError(OSError):
    """What is in the place of a file is none: a directory, a pipe, a device."""


def make_directory(directory: Path, *, private: bool) -> None:
    """Create a directory, and what is missing above it; one that is there is left as it is."""
    for each in (*reversed(directory.parents), directory):
        if not each.exists():
            # Private above as well: who can write there could put another directory in its place.
            each.mkdir(mode=0o700 if private else 0o777, exist_ok=True)
    check_directory(directory, private=private)


def check_directory(directory: Path, *, private: bool) -> None:
    """Refuse a directory in which other users could put files of theirs."""
    status = directory.stat()
    if not stat.S_ISDIR(status.st_mode):
        raise NotADirectoryError(None, "it is no directory")
    if private and status.st_mode & stat.S_ISVTX and status.st_mode & stat.S_IWOTH:
        raise PermissionError(None, "the directory is shared with other users")


def read_file(path: Path) -> bytes | None:
    """Read a file, None if there is none."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise NoFileError("it is no file")  # and reading a pipe might never end
        reader: Any = patiently(path.open, "rb")
        with reader:
            content: bytes = reader.read()
            return content
    except FileNotFoundError:
        return None


def write_file(
    path: Path, content: bytes, announce: Callable[[Signature], object], *, private: bool
) -> None:
    """Write a file in one step; ``announce`` is called with its signature just before that."""
    temporary = _temporary(path)
    try:
        status = _write(temporary, content, mode=0o600 if private else 0o666)
        if not private:
            with suppress(OSError):  # the file is new, or another user's
                temporary.chmod(stat.S_IMODE(path.stat().st_mode))
        announce(_signature(status))
        patiently(temporary.replace, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_directory(path.parent)


def try_to_write(path: Path, size: int) -> None:
    """Write as many bytes beside a file, and remove them again."""
    temporary = _temporary(path)
    try:
        _write(temporary, b" " * size, mode=0o600)
    finally:
        temporary.unlink(missing_ok=True)


def _write(path: Path, content: bytes, mode: int) -> os.stat_result:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    with os.fdopen(os.open(path, flags, mode), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
        return os.fstat(file.fileno())


def patiently(function: Callable[..., T], *arguments: Any) -> T:
    """Call a function again for a moment while it has no permission.

    A virus scanner or another reader takes that away, on Windows and on network drives.
    """
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            return function(*arguments)
        except PermissionError:
            if time.monotonic() > deadline:
                raise
        time.sleep(_INTERVAL)


def remove_left_over(path: Path) -> None:
    """Remove the temporary files of processes that died while they wrote a file."""
    oldest = time.time() - _LEFT_OVER
    for entry in path.parent.glob(f".{escape(path.name)}.*.tmp"):
        with suppress(OSError):
            if entry.stat().st_mtime < oldest:
                entry.unlink()


def sync_directory(directory: Path) -> None:
    """Have the names in a directory survive a loss of power; Windows sees to that itself."""
    if os.name == "posix":
        descriptor = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def signature_of(path: Path) -> Signature:
    """Return which version of a file is there, None if none can be seen."""
    try:
        return _signature(path.stat())
    except OSError:
        return None


def _signature(status: os.stat_result) -> Signature:
    return status.st_dev, status.st_ino, status.st_mtime_ns, status.st_size


def _temporary(path: Path) -> Path:
    return path.with_name(f".{path.name}.{token_hex(8)}.tmp")


def kernel_lock(
    path: Path, timeout: float | None, *, private: bool, user: str
) -> AbstractContextManager[None]:
    """Make a lock that the kernel keeps, and frees when the holder ends in whatever way.

    The lock file stays: unlinking it would separate those who wait for it. A lock that is only the
    presence of a file would outlive its holder, so none is used.
    """
    with needs_extra("filelock", "file", user):
        import filelock
    kind = filelock.WindowsFileLock if sys.platform == "win32" else filelock.UnixFileLock
    mode: dict[str, Any] = {"mode": 0o600} if private else {}
    lock = kind(
        path,
        **mode,
        timeout=-1 if timeout is None else timeout,
        thread_local=False,  # it may be released by another thread than the one that acquired it
        poll_interval=_INTERVAL,
        fallback_to_soft=False,
    )

    @contextmanager
    def held() -> Iterator[None]:
        problem: Exception | None = None
        try:
            lock.acquire()
        except filelock.Timeout:
            problem = TimeoutError(f"the lock {path} is held elsewhere for more than {timeout} s")
        except OSError as error:
            problem = storage_error(f"the lock {path} cannot be used", error)
        if problem is not None:
            raise problem
        try:
            yield
        finally:
            lock.release()

    return held()


def file_name(name: str) -> str:
    """Make the name of a file: the name itself, with what some system does not take escaped."""
    if not isinstance(name, str):
        raise TypeError(f"the name of an item must be a str, not {type(name).__name__}")
    escaped = _ESCAPED.sub(lambda match: _percent_encoded(match[0]), name)
    if _DEVICE.match(escaped):
        escaped = _percent_encoded(escaped[0]) + escaped[1:]
    problem = _problem(escaped)
    if problem:
        shown = repr(name) if len(name) <= 40 else f"{name[:40]!r}... ({len(name)} characters)"
        raise ValueError(f"{shown} cannot be the name of a stored item: it {problem}")
    return escaped


def _percent_encoded(character: str) -> str:
    return f"%{ord(character):02X}"


def _problem(name: str) -> str | None:
    if not name:
        return "is empty"
    if "\0" in name:
        return "contains NUL"
    if "/" in name or "\\" in name:
        return "contains a slash or a backslash, which could lead out of the directory"
    if name.startswith("."):
        return "begins with a dot"
    try:
        size = len(name.encode())
    except UnicodeEncodeError:
        return "contains half of a surrogate pair"
    return f"has {size} bytes, and at most {_LONGEST} fit" if size > _LONGEST else None
