"""The chains of interceptors, and the order in which they run.

    request C → request B → request A → network 1 → network 2 → adapter
    response C ← response B ← response A ← network 1 ← network 2 ←─┘

Observers go around all of it. One may hand on other chains than it was given: this is how `record`
sees each handler. It is async for both kinds of instance; under a synchronous one it may await
only ``run``.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Coroutine, Iterable, Sequence
from inspect import iscoroutinefunction
from typing import Any, Generic, TypeAlias, TypeVar

from attrs import define, field, frozen

from .arity import fitted
from .config import RequestConfig
from .secrecy import describe

Handler: TypeAlias = Callable[[Any], Any]
Proceed: TypeAlias = Callable[[RequestConfig], Any]
Around: TypeAlias = Callable[[RequestConfig, Proceed], Any]


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
    """A function around the sending, as it was given to `NetworkManager.use`."""

    number: int
    around: Around


def not_a_response(value: Any) -> TypeError:
    """Return the error for what a network interceptor has returned instead of a response."""
    return TypeError(
        f"the network chain must return a Response, not {type(value).__name__}: an interceptor on "
        "api.interceptors.network has to return what proceed() gave"
    )


Entry = TypeVar("Entry", Interceptor, NetworkInterceptor)


class Chain(Generic[Entry]):
    """Numbered entries in the order in which they were added. A number is never used twice."""

    def __init__(self, *, takes_async: bool = True) -> None:
        self._takes_async = takes_async
        self._numbers = itertools.count()
        self._by_number: dict[int, Entry] = {}
        self.entries: tuple[Entry, ...] = ()  # replaced with each change

    def eject(self, number: int) -> None:
        """Remove the interceptor with this number; an unknown number does nothing."""
        self._by_number.pop(number, None)
        self.entries = tuple(self._by_number.values())

    def clear(self) -> None:
        """Remove all interceptors."""
        self._by_number.clear()
        self.entries = ()

    def __len__(self) -> int:
        return len(self._by_number)

    def snapshot(self) -> tuple[Entry, ...]:
        """Return the interceptors of this moment, first in first."""
        return self.entries

    def _add(self, entry: Entry) -> int:
        self._by_number[entry.number] = entry
        self.entries = tuple(self._by_number.values())
        return entry.number

    def _checked(self, name: str, handler: Any, *offered: str) -> Any:
        if handler is None:
            return None
        if not callable(handler):
            raise TypeError(f"{name} must be callable, not {describe(handler)}")
        if not self._takes_async and is_async(handler):
            raise TypeError(
                f"{name} {handler!r} is async, but this is a synchronous instance: "
                "give it a plain function, or make the instance with create()"
            )
        return fitted(name, handler, *offered)


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
                If it returns a value, the request has recovered.
            synchronous: If every interceptor of a request is synchronous, an exception goes to the
                *same* pair's ``on_rejected`` (axios's synchronous mode).
            run_when: Called with the merged config before any interceptor runs; ``False`` (nothing
                else) skips this one.

        Returns:
            The number that `eject` takes.

        Raises:
            TypeError: A handler is neither callable nor ``None``, or is async on a synchronous
                instance.
        """
        fulfilled = self._checked("on_fulfilled", on_fulfilled, "the config or response")
        rejected = self._checked("on_rejected", on_rejected, "the error")
        run_when = self._checked("run_when", run_when, "the config")
        number = next(self._numbers)
        return self._add(Interceptor(number, fulfilled, rejected, synchronous, run_when))


class NetworkManager(Chain[NetworkInterceptor]):
    """The functions around the sending of an instance (OkHttp's network interceptors)."""

    def use(self, around: Around) -> int:
        """Add a function to the inner end of the network chain.

        Args:
            around: ``around(config, proceed) -> Response``, plain or async. It sees the request
                as it leaves and the response as it arrives. It may call ``proceed(config)``
                once, again, or not at all.

        Returns:
            The number that `eject` takes.

        Raises:
            TypeError: It is not callable, or is async on a synchronous instance.
        """
        if around is None:
            raise TypeError("around must be callable, not None")
        checked = self._checked("around", around, "config", "proceed")
        return self._add(NetworkInterceptor(next(self._numbers), checked))


class Interceptors:
    """The three chains of an instance."""

    def __init__(self, *, takes_async: bool = True) -> None:
        self.request = InterceptorManager(takes_async=takes_async)
        self.response = InterceptorManager(takes_async=takes_async)
        self.network = NetworkManager(takes_async=takes_async)


def is_async(function: object) -> bool:
    """Return True if calling ``function``, or an object with ``__call__``, gives a coroutine."""
    return iscoroutinefunction(function) or iscoroutinefunction(
        getattr(function, "__call__", None)  # noqa: B004 - the method itself is asked
    )


# --- one call ---

#: The request, network and response interceptors of one call. Request interceptors are in the order
#: in which they run; the first of the network chain is the outermost.
Chains: TypeAlias = tuple[
    Sequence[Interceptor], Sequence[NetworkInterceptor], Sequence[Interceptor]
]


@define(repr=False)
class Outcome:
    """What a chain has come to so far: a value, or the exception that it raised."""

    value: Any = field(repr=False)
    failed: bool = False


#: ``(config, chains)``: carries out a call, and gives its outcome.
Run: TypeAlias = Callable[[RequestConfig, Chains], Coroutine[Any, Any, Outcome]]

#: ``(config, chains, run)``: goes around a call.
Observer: TypeAlias = Callable[[RequestConfig, Chains, Run], Coroutine[Any, Any, Outcome]]


def observed(run: Run, observers: Iterable[Observer]) -> Run:
    """Return ``run`` with the observers around it, the first one outermost."""
    for observer in reversed(tuple(observers)):
        run = _observed(observer, run)
    return run


def _observed(observer: Observer, run: Run) -> Run:
    return lambda config, chains: observer(config, chains, run)


def linked(around: Sequence[NetworkInterceptor], send: Proceed) -> Proceed:
    """Return ``send`` with the network interceptors around it, the first one outermost."""
    for interceptor in reversed(around):
        send = _linked(interceptor.around, send)
    return send


def _linked(function: Around, proceed: Proceed) -> Proceed:
    return lambda config: function(config, proceed)
