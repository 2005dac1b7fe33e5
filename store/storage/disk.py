"""Private files, whole or not at all, their names, and a lock that dies with its holder."""

from __future__ import annotations

import os
import re
import stat
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeAlias

from ..checks import needs_extra
from .protocol import storage_error

#: What tells one version of a file from another; None if there is no file.
Signature: TypeAlias = tuple[int, int, int, int] | None

_OTHERS = stat.S_IRWXG | stat.S_IRWXO

#: Seconds after which a temporary file counts as left over from a process that died.
_LEFT_OVER = 3600

#: Seconds between two tries to get a lock that another process holds.
_INTERVAL = 0.01

#: Bytes that a name may have: with what is added for a temporary file it stays below 255.
_LONGEST = 180

#: What a file name cannot have everywhere, and the character that it is escaped with: control
#: characters, some others, and a dot or a space at the end.
_ESCAPED = re.compile(r'[\x01-\x1f\x7f<>:"|?*%]|(?<!\A)\.\Z| \Z')

#: What Windows takes for a device, whatever follows behind a dot.
_DEVICE = re.compile(r"(con|prn|aux|nul|(com|lpt)[0-9¹²³])(\.|\Z)", re.IGNORECASE)


class NoFileError(OSError):
    """What is in the place of a file is none: a directory, a pipe, a device."""


def make_directory_private(directory: Path) -> None:
    """Create a directory that only its owner can enter, or take other users' rights away."""
    for parent in reversed(directory.parents):
        if not parent.exists():
            # Private, too: who can write there could put another directory in its place.
            parent.mkdir(mode=0o700, exist_ok=True)
    try:
        directory.mkdir(mode=0o700)
    except FileExistsError:
        status = directory.stat()
        if not stat.S_ISDIR(status.st_mode):
            raise
        if os.name == "posix" and status.st_mode & _OTHERS:
            if status.st_mode & stat.S_ISVTX:
                raise PermissionError(None, "the directory is shared with other users") from None
            directory.chmod(0o700)


def read_private(path: Path) -> bytes | None:
    """Read a file, after taking other users' rights to it away; None if there is no file."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise NoFileError("it is no file")  # and reading a pipe might never end
        file = path.open("rb")
    except FileNotFoundError:
        return None
    with file:
        if os.name == "posix" and os.fstat(file.fileno()).st_mode & _OTHERS:
            os.fchmod(file.fileno(), 0o600)
        return file.read()


def write_private(path: Path, content: bytes, announce: Callable[[Signature], object]) -> None:
    """Write a private file in one step that a crash cannot halve.

    ``announce`` is called with the signature of the new file just before that takes its place.
    """
    descriptor, temporary = tempfile.mkstemp(
        prefix=_temporary_prefix(path), suffix=".tmp", dir=path.parent
    )
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(descriptor)
            announce(_signature(os.fstat(descriptor)))
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    sync_directory(path.parent)


def remove_left_over(path: Path) -> None:
    """Remove the temporary files of processes that died while they wrote a file."""
    oldest = time.time() - _LEFT_OVER
    for entry in path.parent.iterdir():
        if entry.name.startswith(_temporary_prefix(path)) and entry.name.endswith(".tmp"):
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


def _temporary_prefix(path: Path) -> str:
    return f".{path.name}."


@contextmanager
def kernel_lock(path: Path, timeout: float | None, user: str) -> Iterator[None]:
    """Hold a lock that the kernel keeps, and frees when the holder ends in whatever way.

    The lock file stays: unlinking it would separate those who wait for it. A lock that is only the
    presence of a file would outlive its holder, so none is used.
    """
    with needs_extra("filelock", "file", user):
        import filelock
    kind = filelock.WindowsFileLock if sys.platform == "win32" else filelock.UnixFileLock
    lock = kind(
        path,
        timeout=-1 if timeout is None else timeout,
        mode=0o600,
        thread_local=False,  # it may be released by another thread than the one that acquired it
        poll_interval=_INTERVAL,
        fallback_to_soft=False,
    )
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


def file_name(name: str) -> str:
    """Make the name of a file, so that no two items share one and none leaves the directory.

    It is the name itself, but for what some system does not take: control characters, ``<>:"|?*``,
    a dot or a space at the end, the first letter of a device of Windows (``con``, ``nul.txt``).
    These, and ``%``, are percent-encoded.
    """
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
