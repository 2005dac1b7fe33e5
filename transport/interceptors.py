"""The chains of interceptors, and the order in which they run.

Request interceptors run last in, first out; response interceptors first in, first out. Around the
sending itself stands the network chain: the first that was added is the outermost.

    request C → request B → request A → network 1 → network 2 → adapter
    response C ← response B ← response A ← network 1 ← network 2 ←─┘
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from inspect import iscoroutinefunction
from typing import Any, Generic, TypeVar

from attrs import frozen

from .config import RequestConfig
from .errors import describe

Handler = Callable[[Any], Any]
Around = Callable[[RequestConfig, Callable[[RequestConfig], Any]], Any]


@frozen
class Interceptor:
    """A pair of handlers, as it was given to `InterceptorManager.use`."""

    number: int
    on_fulfilled: Handler | None
    on_rejected: Handler | None
    synchronous: bool = False
    run_when: Callable[[RequestConfig], Any] | None = None


@frozen
class NetworkInterceptor:
    """A function that goes around the sending, as it was given to `NetworkManager.use`."""

    number: int
    around: Around


Entry = TypeVar("Entry", Interceptor, NetworkInterceptor)


class Chain(Generic[Entry]):
    """Numbered entries in the order in which they were added; numbers are never used twice."""

    def __init__(self, *, takes_async: bool = True) -> None:
        self._takes_async = takes_async
        self._numbers = itertools.count()
        self._entries: dict[int, Entry] = {}

    def eject(self, number: int) -> None:
        """Remove what was added under ``number``; an unknown number does nothing."""
        self._entries.pop(number, None)

    def clear(self) -> None:
        """Remove everything."""
        self._entries.clear()

    def __len__(self) -> int:
        return len(self._entries)

    def snapshot(self) -> Sequence[Entry]:
        """The entries of this moment, first in first."""
        return tuple(self._entries.values())

    def _next_number(self) -> int:
        return next(self._numbers)

    def _add(self, entry: Entry) -> int:
        self._entries[entry.number] = entry
        return entry.number

    def _checked(self, name: str, handler: object) -> None:
        if not callable(handler):
            raise TypeError(f"{name} must be callable, not {describe(handler)}")
        if not self._takes_async and is_async(handler):
            raise TypeError(
                f"{name} {handler!r} is async, but this is a synchronous instance: "
                "give it a plain function, or make the instance with create()"
            )


class InterceptorManager(Chain[Interceptor]):
    """The request or the response interceptors of an instance (axios's ``InterceptorManager``)."""

    def use(
        self,
        on_fulfilled: Handler | None = None,
        on_rejected: Handler | None = None,
        *,
        synchronous: bool = False,
        run_when: Callable[[RequestConfig], Any] | None = None,
    ) -> int:
        """Add an interceptor; calls that have already begun do not see it.

        Args:
            on_fulfilled: Takes the config (or response) and returns the one to go on with.
            on_rejected: Takes the exception that an earlier interceptor, or the request, raised.
                What it returns recovers.
            synchronous: If every interceptor of a request says so, an exception goes to the *same*
                pair's ``on_rejected`` (axios's synchronous mode).
            run_when: Asked with the merged config before any interceptor runs; ``False`` (nothing
                else) skips this one.

        Returns:
            The number to `eject` it by.

        Raises:
            TypeError: A handler is neither callable nor ``None``, or is async on a synchronous
                instance.
        """
        handlers = {"on_fulfilled": on_fulfilled, "on_rejected": on_rejected, "run_when": run_when}
        for name, handler in handlers.items():
            if handler is not None:
                self._checked(name, handler)
        number = self._next_number()
        return self._add(Interceptor(number, on_fulfilled, on_rejected, synchronous, run_when))


class NetworkManager(Chain[NetworkInterceptor]):
    """The functions that go around the sending (OkHttp's network interceptors)."""

    def use(self, around: Around) -> int:
        """Add a function to the inner end of the network chain.

        Args:
            around: ``around(config, proceed) -> Response``, plain or async. It sees the request
                as it leaves and the response as it arrives. It may call ``proceed(config)``
                once, again, or not at all.

        Returns:
            The number to `eject` it by.

        Raises:
            TypeError: It is not callable, or is async on a synchronous instance.
        """
        self._checked("around", around)
        return self._add(NetworkInterceptor(self._next_number(), around))


class Interceptors:
    """The three chains of an instance."""

    def __init__(self, *, takes_async: bool = True) -> None:
        self.request = InterceptorManager(takes_async=takes_async)
        self.response = InterceptorManager(takes_async=takes_async)
        self.network = NetworkManager(takes_async=takes_async)


def is_async(function: object) -> bool:
    """Whether calling ``function``, perhaps an object with ``__call__``, gives a coroutine."""
    return iscoroutinefunction(function) or iscoroutinefunction(
        getattr(function, "__call__", None)  # noqa: B004 - the method itself is asked
    )
