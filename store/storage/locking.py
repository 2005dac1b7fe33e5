"""A lock between processes that dies with its holder."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .errors import storage_error
from .extras import import_extra

#: Seconds between two tries to get a lock that somebody else holds.
_INTERVAL = 0.01


@contextmanager
def kernel_lock(path: Path, timeout: float | None, extra: str, user: str) -> Iterator[None]:
    """Hold a lock that the kernel keeps, and frees when the holder ends in whatever way.

    A lock that is nothing but the presence of a file would outlive its holder, so none is used.

    Args:
        path: The lock file. It stays: unlinking it would part those who wait for it.
        timeout: Seconds to wait, None for as long as it takes.
        extra: The extra that brings `filelock`.
        user: What needs it, for a message.

    Raises:
        TimeoutError: If somebody else holds it for too long.
        StorageError: If the file system has no such locks, or the file cannot be made.
        RuntimeError: If this thread holds it already, and waits for ever.
        ImportError: If `filelock` is not installed.
    """
    filelock = import_extra("filelock", extra, user)
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
        problem = TimeoutError(f"somebody else holds the lock {path} for more than {timeout} s")
    except OSError as error:
        problem = storage_error(f"the lock {path} cannot be used", error)
    if problem is not None:
        raise problem
    try:
        yield
    finally:
        lock.release()
