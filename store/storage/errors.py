"""What goes wrong between a store and its storage.

    OSError
    ├── StorageError            the storage could not be read or written
    │   └── StorageUnavailableError   it cannot be used at all on this machine
    ValueError
    └── StoredStateError        what the storage holds is no state of this program

No message holds a stored text, and no error keeps one alive: not in its arguments, not in its
context, not in the frames of its traceback.
"""

from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")


class StorageError(OSError):
    """A storage could not be read or written.

    Its `__cause__` is the error of the system or the library, without the traceback of that.
    """


class StorageUnavailableError(StorageError):
    """A storage cannot be used at all on this machine."""


class StoredStateError(ValueError):
    """What a storage holds is no state of this program: no JSON, or of another version."""


def attempt(
    what: str, function: Callable[..., T], *arguments: Any, on: type[Exception] = OSError
) -> T:
    """Call a function of the system or of a library, and make a `StorageError` of its errors.

    Args:
        what: What cannot be done if it raises, for the message.
        function: The function.
        arguments: What it is called with.
        on: The errors that it may raise. Default: OSError.

    Returns:
        What it returns.

    Raises:
        StorageError: If it raises one of `on`.
    """
    try:
        return function(*arguments)
    except on as error:
        problem = storage_error(what, error)
    finally:
        del arguments  # tracebacks are printed with their local variables: they may hold a token
    raise problem


def storage_error(what: str, cause: Exception) -> StorageError:
    """Make the error of a storage from one of the system or of a library.

    Args:
        what: What cannot be done.
        cause: Why. It loses its traceback and what it came from, which may hold what was written.

    Returns:
        The error, to be raised outside of the `except` clause.
    """
    cause.__cause__ = cause.__context__ = None
    error = StorageError(f"{what}: {_reason(cause)}")
    error.__cause__ = cause.with_traceback(None)
    return error


def _reason(cause: Exception) -> str:
    if isinstance(cause, OSError) and cause.strerror:
        return cause.strerror
    return str(cause) or type(cause).__name__
