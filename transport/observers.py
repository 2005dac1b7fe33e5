"""Watching an instance: what goes around whole calls, and what hears of their refreshes.

An observer is the outermost function of all, around the interceptors as they are around the
sending. It may hand on other chains than it was given; that is how `record` sees each handler.

    async def observer(config, chains, run):
        outcome = await run(config, chains)
        print(config.method, "failed" if outcome.failed else "succeeded")
        return outcome

    api.observers.append(observer)

It is async for both kinds of instance; under a synchronous one it may await nothing but ``run``.
What it raises, the caller gets.

A refresh is started by one call and serves many. So whoever watches a call gives a `Watcher`, which
travels with the context of the call, also into the refresh that the call has started.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Coroutine, Iterable, Iterator, Sequence
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from .config import RequestConfig
from .errors import with_callers_frames
from .interceptors import Interceptor, NetworkInterceptor

if TYPE_CHECKING:
    from .flight import Flight, Landing

_log = logging.getLogger("zustax")

#: The request, network and response interceptors of one call. Request interceptors are in the order
#: in which they run; the first of the network is the outermost.
Chains: TypeAlias = tuple[
    Sequence[Interceptor], Sequence[NetworkInterceptor], Sequence[Interceptor]
]

#: ``(config, chains)``: carries out a call, and gives its outcome.
Run: TypeAlias = Callable[[RequestConfig, Chains], Coroutine[Any, Any, Any]]

#: ``(config, chains, run)``: goes around a call.
Observer: TypeAlias = Callable[[RequestConfig, Chains, Run], Coroutine[Any, Any, Any]]


def observed(run: Run, observers: Iterable[Observer]) -> Run:
    """``run`` with the observers around it, the first one outermost."""
    for observer in reversed(tuple(observers)):
        run = _link(observer, run)
    return run


def _link(observer: Observer, run: Run) -> Run:
    return lambda config, chains: observer(config, chains, run)


class Watcher(Protocol):
    """Hears of the refreshes that one call starts and waits for. What it raises is logged."""

    def refresh_started(self, flight: Flight) -> None:
        """The call has started a refresh."""

    def refresh_ended(self, flight: Flight, landing: Landing) -> None:
        """That refresh has ended; nobody who waits for it has been released yet."""

    def wait_started(self, flight: Flight) -> None:
        """The call waits for a refresh, its own or another's."""

    def wait_ended(self, flight: Flight) -> None:
        """It waits no more, for whatever reason."""


_watchers: ContextVar[tuple[Watcher, ...]] = ContextVar("watchers", default=())


def watchers() -> tuple[Watcher, ...]:
    """Who watches the call that this code runs for."""
    return _watchers.get()


@contextlib.contextmanager
def watched_by(*those: Watcher) -> Iterator[None]:
    """Let ``those`` hear of the refreshes of what runs in the block, and nobody else."""
    before = _watchers.set(those)
    try:
        yield
    finally:
        # A coroutine that is thrown away unfinished is closed in somebody else's context.
        with contextlib.suppress(ValueError):
            _watchers.reset(before)


def refresh_started(flight: Flight) -> None:
    """Tell that the call which this code runs for has started a refresh."""
    for watcher in _watchers.get():
        _tell(watcher.refresh_started, flight)


def refresh_ended(flight: Flight, landing: Landing) -> None:
    """Tell that a refresh is about to release those who wait for it."""
    for watcher in _watchers.get():
        _tell(watcher.refresh_ended, flight, landing)


@contextlib.contextmanager
def waiting_for(flight: Flight) -> Iterator[None]:
    """Tell that a call waits while the block runs."""
    watching = _watchers.get()
    for watcher in watching:
        _tell(watcher.wait_started, flight)
    try:
        yield
    finally:
        for watcher in watching:
            _tell(watcher.wait_ended, flight)


def _tell(hear: Callable[..., object], *what: object) -> None:
    try:
        hear(*what)
    except Exception as error:
        # Nobody who waits for a refresh may hang because somebody watches.
        with_callers_frames(error)
        _log.error("%r raised", hear, exc_info=error)
