"""Files that only their owner can read, and that hold an old content or a new one, never a half.

Tracebacks are often printed with the local variables of their frames, so what is written is dropped
before an error is passed on.
"""

import os
import stat
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeAlias

#: What tells one version of a file from another; None if there is no file.
Signature: TypeAlias = tuple[int, int, int, int] | None

_OTHERS = stat.S_IRWXG | stat.S_IRWXO

#: Seconds after which a temporary file is taken to be left over from a process that died.
_LEFT_OVER = 3600


class NoFileError(OSError):
    """What is in the place of a file is none: a directory, a pipe, a device."""


def make_directory_private(directory: Path) -> None:
    """Create a directory that only its owner can enter, or take everybody else's rights away.

    What is missing above it is created for its owner alone, too: whoever could write there could
    put another directory in its place.

    Raises:
        OSError: If that cannot be done, or the directory is meant to be shared, as `/tmp` is.
    """
    for parent in reversed(directory.parents):
        if not parent.exists():
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
    """Read a file, after taking everybody else's rights to it away.

    Returns:
        Its content, None if there is no file.

    Raises:
        NoFileError: If something else is in its place.
        OSError: If the file cannot be read.
    """
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
    """Write a file that only its owner can read, in one step that a crash cannot halve.

    Args:
        path: The file.
        content: What is in it afterwards.
        announce: Called with the signature of the new file just before that takes its place.

    Raises:
        OSError: If it cannot be written. The file is as before then.
    """
    try:
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
    finally:
        del content
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
    """Tell which version of a file is there, None if there is none that can be seen."""
    try:
        return _signature(path.stat())
    except OSError:
        return None


def _signature(status: os.stat_result) -> Signature:
    return status.st_dev, status.st_ino, status.st_mtime_ns, status.st_size


def _temporary_prefix(path: Path) -> str:
    return f".{path.name}."
