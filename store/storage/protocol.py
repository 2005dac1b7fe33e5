"""What `persist` asks of a storage."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from typing import Any, Protocol


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

        It raises TimeoutError if it cannot be entered within `timeout` seconds; None waits for
        as long as it takes. What a holder that dies has locked becomes free.
        """
        ...

    def subscribe(self, name: str, callback: Callable[[], object], /) -> Callable[[], None]:
        """Have a function called when somebody else has changed the text under a name.

        What is written through this very object is no news. Returns the function that unsubscribes.
        """
        ...


class FencedStorage(Storage, Protocol):
    """A storage in which nobody overwrites what he has not seen."""

    def replace_item(
        self, name: str, expected: str | None, value: str, /
    ) -> bool | Awaitable[bool]:
        """Keep a text under a name if what is kept there is still the expected text, or none.

        Returns whether it was.
        """
        ...


class QuarantiningStorage(Storage, Protocol):
    """A storage that keeps what could not be read, so that it is not overwritten."""

    def set_aside(self, name: str, value: str, /) -> object:
        """Move the text under a name out of the way, if it still is this one."""
