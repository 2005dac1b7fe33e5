"""Noting what a call goes through: every handler, every sending, every wait."""

from __future__ import annotations

import contextlib
import itertools
import threading
from asyncio import CancelledError
from collections.abc import Callable, Iterator
from typing import Any
from weakref import WeakKeyDictionary

from attrs import evolve

from ..chain import Chains, Handler, Interceptor, NetworkInterceptor, Run
from ..config import RequestConfig
from ..errors import RequestError
from ..refresh.pending import (
    Failed,
    PendingRefresh,
    RefreshOutcome,
    Renewed,
    current_refresh,
    watched_by,
    watchers,
)
from ..runtime import Runtime
from ..secrecy import redact_url
from ..urls import full_url
from .events import ChainName, Kind, Outcome, Side, TraceHandler
from .ring import Ring

#: What stands for the number of the function that notes the sending: no one can eject it.
_INNERMOST = -1


class Recording:
    """What the watched calls of one trace have in common: where they note, and how they count.

    Args:
        ring: Takes the events.
    """

    def __init__(self, ring: Ring) -> None:
        self.ring = ring
        self._calls = itertools.count(1)
        self._lock = threading.RLock()  # re-entrant for the same reason as that of a `Ring`
        self._refreshes: WeakKeyDictionary[PendingRefresh, int] = WeakKeyDictionary()
        self._last_refresh = 0

    def next_call(self) -> int:
        """The number of a new call."""
        return next(self._calls)

    def number_of(self, pending: PendingRefresh) -> int:
        """The number of a refresh."""
        with self._lock:
            if pending not in self._refreshes:
                self._last_refresh += 1
                self._refreshes[pending] = self._last_refresh
            return self._refreshes[pending]


class CallObserver:
    """The observer of one instance for one trace.

    Args:
        recording: The trace.
        runtime: That of the instance.
        instance: Which of the recorded instances it is.
    """

    def __init__(self, recording: Recording, runtime: Runtime, instance: int) -> None:
        self._recording = recording
        self._runtime = runtime
        self._instance = instance

    async def __call__(self, config: RequestConfig, chains: Chains, run: Run) -> Any:
        """Carry out a call, and note what happens."""
        call = WatchedCall(self._recording, self._runtime)
        pending = current_refresh.get()
        call.note(
            "started",
            instance=self._instance,
            method=config.method.upper(),
            url=shown_url(config),
            refresh=self._recording.number_of(pending) if pending else None,
        )
        with watched_by(*self._others(), call):
            try:
                outcome = await run(config, call.watched(chains))
            except BaseException as error:
                call.note_broken_off(error)
                raise
        call.note_end(outcome.value, failed=outcome.failed)
        return outcome

    def _others(self) -> Iterator[Any]:
        """Who watches for other traces; a call inside a handler is not the call around it."""
        for watcher in watchers.get():
            if not isinstance(watcher, WatchedCall) or watcher.recording is not self._recording:
                yield watcher


class WatchedCall:
    """One call of a recorded instance.

    Args:
        recording: Where to note.
        runtime: That of the instance.
    """

    def __init__(self, recording: Recording, runtime: Runtime) -> None:
        self.recording = recording
        self._runtime = runtime
        self._number = recording.next_call()
        self._attempts = itertools.count(1)

    def note(self, kind: Kind, **details: Any) -> None:
        """Note something that happened to this call."""
        self.recording.ring.add(kind, call=self._number, **details)

    def note_end(self, value: Any, *, failed: bool) -> None:
        """Note what the caller is given."""
        self.note(
            "ended",
            outcome="rejected" if failed else "fulfilled",
            problem=_problem(value) if failed else None,
            status=_status(value),
        )

    def note_broken_off(self, error: BaseException) -> None:
        """Note that the call was ended from outside."""
        problem = None if isinstance(error, CancelledError) else _problem(error)
        self.note("ended", outcome="cancelled", problem=problem)

    # --- the chains ---

    def watched(self, chains: Chains) -> Chains:
        """The same chains, which note what runs."""
        before, around, after = chains
        sending = NetworkInterceptor(_INNERMOST, self._runtime.adapt(self._send))
        return (
            [self._pair("request", interceptor) for interceptor in before],
            [*(self._network(interceptor) for interceptor in around), sending],
            [self._pair("response", interceptor) for interceptor in after],
        )

    def _pair(self, chain: ChainName, pair: Interceptor) -> Interceptor:
        return evolve(
            pair,
            on_fulfilled=self._handler(pair.on_fulfilled, chain, pair.number, "fulfilled"),
            on_rejected=self._handler(pair.on_rejected, chain, pair.number, "rejected"),
        )

    def _handler(
        self, function: Handler | None, chain: ChainName, number: int, side: Side
    ) -> Handler | None:
        if function is None:
            return None
        return self._noting(function, TraceHandler(chain, number, _name_of(function), side))

    def _network(self, interceptor: NetworkInterceptor) -> NetworkInterceptor:
        if interceptor.number == _INNERMOST:
            return interceptor  # it notes for another trace
        handler = TraceHandler("network", interceptor.number, _name_of(interceptor.around))
        return evolve(interceptor, around=self._noting(interceptor.around, handler))

    def _noting(self, function: Callable[..., Any], handler: TraceHandler) -> Callable[..., Any]:
        async def noting(*arguments: Any) -> Any:
            with self._inside(handler):
                return await self._runtime.maybe_await(function(*arguments))

        noting.__qualname__ = handler.name  # another trace goes around this one
        return self._runtime.adapt(noting)

    @contextlib.contextmanager
    def _inside(self, handler: TraceHandler) -> Iterator[None]:
        self.note("entered", handler=handler)
        try:
            yield
        except BaseException as error:
            self.note("left", handler=handler, outcome="raised", problem=_problem(error))
            raise
        outcome: Outcome = "recovered" if handler.side == "rejected" else "returned"
        self.note("left", handler=handler, outcome=outcome)

    # --- the sending ---

    async def _send(self, config: RequestConfig, proceed: Callable[[RequestConfig], Any]) -> Any:
        attempt = next(self._attempts)
        method, url = str(config.method).upper(), shown_url(config)
        self.note("sent", attempt=attempt, method=method, url=url)
        leaving = config.copy()
        leaving.before_redirect = self._noting_redirects(config.before_redirect, attempt)
        try:
            response = await self._runtime.maybe_await(proceed(leaving))
        except BaseException as error:
            self.note("failed", attempt=attempt, problem=_problem(error))
            raise
        self.note("received", attempt=attempt, status=_status(response))
        return response

    def _noting_redirects(
        self, before_redirect: Callable[..., Any] | None, attempt: int
    ) -> Callable[..., Any]:
        def noting(request: Any) -> Any:
            self.note("redirected", attempt=attempt, url=redact_url(str(request.url)))
            return before_redirect(request) if before_redirect else None

        return noting

    # --- refreshes ---

    def refresh_started(self, pending: PendingRefresh) -> None:
        """Note that the call has started a refresh."""
        self.note("refresh_started", refresh=self.recording.number_of(pending))

    def refresh_ended(self, pending: PendingRefresh, outcome: RefreshOutcome) -> None:
        """Note how that refresh has ended, which may be after the call."""
        number = self.recording.number_of(pending)
        self.recording.ring.add("refresh_ended", refresh=number, outcome=_outcome_of(outcome))

    def wait_started(self, pending: PendingRefresh) -> None:
        """Note that the call waits."""
        self.note("waiting", refresh=self.recording.number_of(pending))

    def wait_ended(self, pending: PendingRefresh) -> None:
        """Note that it waits no more."""
        self.note("waited", refresh=self.recording.number_of(pending))


def shown_url(config: RequestConfig) -> str:
    """Where a request goes, without its secrets and its ``params``.

    Params are left out rather than masked: a serializer of the caller's own would run once more.
    """
    bare = config.copy()
    bare.params = None
    try:
        return redact_url(full_url(bare))
    except (TypeError, ValueError):
        return "(an invalid URL)"


def _name_of(function: Callable[..., Any]) -> str:
    return str(getattr(function, "__qualname__", type(function).__qualname__))


def _problem(error: BaseException) -> str:
    code = error.code if isinstance(error, RequestError) else None
    return str(code or type(error).__name__)


def _status(value: Any) -> int | None:
    status = getattr(value, "status", None)
    return status if isinstance(status, int) else None


def _outcome_of(outcome: RefreshOutcome) -> Outcome:
    if isinstance(outcome, Renewed):
        return "renewed"
    if isinstance(outcome, Failed):
        return "rejected" if outcome.error.rejected else "failed"
    return "discarded"
