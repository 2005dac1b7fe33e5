"""What ``persist`` asks of a storage, and what goes wrong with one.

    OSError
    ├── StorageError                  the storage could not be read or written
    │   └── StorageUnavailableError   it cannot be used at all on this machine
    ValueError
    └── StoredStateError              what the storage holds is no state of this program

No message holds a stored text, and no error keeps one alive: not in its arguments, not in its
context, not in the frames of its traceback.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from typing import Any, Protocol, TypeVar

T = TypeVar("T")

#: How many texts of one name a storage keeps that were set aside, the newest ones.
KEPT_ASIDE = 10


class Storage(Protocol):
    """Keeps texts by name.

    All methods are plain functions, or all are coroutine functions.
    """

    def get_item(self, name: str, /) -> str | Awaitable[str | None] | None:
        """Return the text kept under a name, None if there is none."""

    def set_item(self, name: str, value: str, /) -> Awaitable[object] | None:
        """Keep a text under a name, in place of the one before."""

    def remove_item(self, name: str, /) -> Awaitable[object] | None:
        """Forget the text under a name; one that is not there is no error."""


class SharedStorage(Storage, Protocol):
    """A storage that several processes may use at the same time."""

    def lock(
        self, name: str, /, *, timeout: float | None = None
    ) -> AbstractContextManager[Any] | AbstractAsyncContextManager[Any]:
        """Make a context manager that one holder at a time is inside of.

        Entering it raises TimeoutError if it takes more than ``timeout`` seconds; None waits for as
        long as it takes.
        """
        ...

    def subscribe(self, name: str, callback: Callable[[], object], /) -> Callable[[], None]:
        """Call a function when another process has changed the text under a name.

        What is written through this very object is no news. Returns the function that unsubscribes.
        """
        ...


class FencedStorage(Storage, Protocol):
    """A storage in which a holder of a lock that was lost overwrites nothing."""

    def replace_item(
        self, name: str, expected: str | None, value: str, /
    ) -> bool | Awaitable[bool]:
        """Keep a text under a name if what is kept there is still the expected text, or none.

        Returns whether it was.
        """
        ...


class QuarantiningStorage(Storage, Protocol):
    """A storage that keeps what could not be used, so that it is not overwritten.

    ``persist`` never overwrites what it has not taken over in one that can do this.
    """

    def set_aside(self, name: str, value: str, /) -> object:
        """Move the text under a name out of the way, if it still is this one.

        Keep no more than some of such texts.
        """

    def remove_set_aside(self, name: str, /) -> object:
        """Remove the texts that were moved out of the way of a name."""


class StorageError(OSError):
    """A storage could not be read or written.

    Its ``__cause__`` is the error of the system or the library, without the traceback of that.
    """


class StorageUnavailableError(StorageError):
    """A storage cannot be used at all on this machine."""


class StoredStateError(ValueError):
    """What a storage holds is no state of this program: no JSON, or of another version."""


def attempt(
    what: str, function: Callable[..., T], *arguments: Any, on: type[Exception] = OSError
) -> T:
    """Call a function, and raise a ``StorageError`` that says what failed if it raises ``on``."""
    try:
        return function(*arguments)
    except on as error:
        problem = storage_error(what, error)
    raise problem


def storage_error(what: str, cause: Exception) -> StorageError:
    """Make the error of a storage, to be raised outside of the ``except`` clause.

    The cause loses its traceback and what it came from, which may hold what was written.
    """
    reason = cause.strerror if isinstance(cause, OSError) else None
    error = StorageError(f"{what}: {reason or str(cause) or type(cause).__name__}")
    cause.__cause__ = cause.__context__ = None
    error.__cause__ = cause.with_traceback(None)
    return error
