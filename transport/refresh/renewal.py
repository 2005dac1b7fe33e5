"""One refresh, from the call to the server until the waiting requests are released.

Read `Renewer._decide` first: it is the whole decision, with the numbers of the rules.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import Any

from attrs import define, evolve, field, frozen

from ..adapters.pools import goes_first
from ..config import RequestConfig, callers_config
from ..core import bare_for
from ..errors import RefreshError, RequestError
from ..runtime import Runtime
from .answers import refresh_error
from .pending import (
    Discarded,
    Failed,
    PendingRefresh,
    RefreshOutcome,
    Renewed,
    current_refresh,
    notify,
)
from .signals import login_required, refresh_failed, send_in_own_context, token_refreshed
from .storage_lock import NoLock, locked
from .token_session import TokenSession
from .tokens import LOGGED_OUT, Credentials, TokenPair

_log = logging.getLogger("zustax")

#: Seconds before each further try of a refresh call that could not even connect (9).
_PAUSES = (0.1, 0.4)

#: What a request fails with for which there was no connection.
_NO_CONNECTION = (RequestError.ERR_NETWORK, RequestError.ECONNREFUSED, RequestError.ECONNABORTED)

#: A wait that ends so many seconds late was stopped, with its event loop or its process. An answer
#: that arrived meanwhile then gets so many seconds to be handled (19).
_STOPPED = 0.25
_CATCHING_UP = 1.0


@frozen(repr=False)
class _Result:
    """What a refresh has come to."""

    name: str
    outcome: RefreshOutcome | None  #: what the waiting requests get; ``None``: the user comes first
    error: RefreshError | None = None
    reason: str = ""  #: why the user has to log in
    before: Credentials = LOGGED_OUT  #: what the store held then
    pair: TokenPair | None = None


_DISCARDED = _Result("discarded", Discarded())


def _failed(error: RefreshError) -> _Result:
    return _Result("failed", Failed(error), error)


def _adopted(session: object) -> _Result:
    return _Result("adopted", Renewed(session, was_adopted=True))


_LOGGED = {
    "refreshed": "access token refreshed",
    "adopted": "access token adopted: it had been refreshed already",
    "discarded": "refresh discarded: its session has ended meanwhile",
    "logged in": "logged in again",
}


@define(repr=False, eq=False)
class Renewer:
    """Runs the refreshes that requests of one instance have started; see `silent_refresh`."""

    _api: Any
    session: TokenSession
    _refresh: Callable[[str | None], Any]
    _is_ready_made: bool
    _needs_token: bool
    timeout: float
    _leeway: float | None
    _reauthenticate: Callable[[], Any] | None
    runtime: Runtime = field(init=False)
    counts: Counter[str] = field(init=False, factory=Counter)  #: as `RefreshStats`

    def __attrs_post_init__(self) -> None:
        self.runtime = self._api.runtime

    def count(self, name: str) -> None:
        """Count one more of what `RefreshStats` calls ``name``."""
        with self.session.lock:
            self.counts[name] += 1

    def is_due(self, held: Credentials) -> bool:
        """Return True if the token is to be refreshed before the next request leaves (13)."""
        return self._leeway is not None and self.is_due_soon(held)

    def is_due_soon(self, held: Credentials) -> bool:
        """Return True if the token is to be refreshed in the background."""
        session = self.session
        is_due = self.can_renew(held) and session.expiry.is_due(held, self._leeway)
        return is_due and session.failures.paused_by(is_early=True) is None

    def is_spent(self, held: Credentials) -> bool:
        """Return True if the token is known to have expired, or is due."""
        return self.is_due(held) or self.session.expiry.has_expired(held)

    def can_renew(self, held: Credentials) -> bool:
        """Return True if there is what a refresh needs."""
        if held.session is None and self.session.was_logged_out:
            return False  # 7: a cookie must not undo a logout
        return held.refresh_token is not None or not self._needs_token

    def join_or_start(
        self, held: Credentials, config: RequestConfig, *, logins_required: int, is_early: bool
    ) -> PendingRefresh | None:
        """Join the refresh under way, or start one; its signals bring ``config``."""
        pending, is_new = self.session.join_or_start(
            held, self.timeout, logins_required=logins_required, is_early=is_early
        )
        if pending is not None and is_new:
            try:
                notify(pending.watchers, "refresh_started", pending)
                # Apart from the request that started it, whose cancellation does not end it (10).
                steps = 1 if self.session.persist is None else 2
                work = _on_behalf_of(pending, self._run, callers_config(config))
                self.runtime.spawn(work, grace=steps * self.timeout)
            except BaseException as error:  # no thread to be had, or Ctrl+C right here
                failure = RefreshError(f"the refresh could not be started: {error}")
                self._finish(pending, _failed(failure))
                if not isinstance(error, Exception):
                    raise
        return pending

    async def _run(self, pending: PendingRefresh, config: RequestConfig) -> None:
        try:
            async with locked(pending, self.session.persist, self.runtime) as lock:
                result = await self._decide(pending, lock)
                self._finish(pending, result)
        except RefreshError as error:
            result = _failed(error)  # 16
            self._finish(pending, result)
        self._signal(pending, result, config)  # without the lock: receivers may take their time
        if result.outcome is None:
            self.runtime.spawn(_on_behalf_of(pending, self._ask, config, result), grace=0.0)

    async def _decide(self, pending: PendingRefresh, lock: NoLock) -> _Result:
        """Decide what a refresh comes to, under the lock. The numbers are those of the rules."""
        await lock.reload()
        before, now = pending.started_with, self.session.credentials()
        if now.session != before.session:
            return _DISCARDED  # 11
        if now.access_token not in (None, before.access_token):
            return _adopted(now.session)  # 16
        before, reason = now, "refresh_rejected"
        result: TokenPair | RefreshError
        if self.can_renew(now):
            await lock.ensure_writable()  # 16
            result = await self._renew(pending, now)
        else:
            reason = "no_refresh_token"
            result = RefreshError("there is no refresh token", rejected=True)
        if isinstance(result, RefreshError) and result.rejected:
            await lock.reload()  # 7
        now = self.session.credentials()
        if now.session != before.session:
            return _DISCARDED  # 11
        if isinstance(result, TokenPair):
            return await self._store(before, result, lock)
        if not result.rejected:
            return _failed(result)  # 8
        if now.refresh_token not in (None, before.refresh_token):
            return _adopted(now.session)  # 7
        asks = _Result("asks", None, result, reason, before)
        if self._reauthenticate is not None:
            return asks  # 14
        return await self._reject(asks, lock)  # 7

    # --- the refresh call ---

    async def _renew(self, pending: PendingRefresh, held: Credentials) -> TokenPair | RefreshError:
        """Make the call, and wait for its answer up to twice the time-out (19)."""
        self.count("refreshes")
        pending.prolong()
        answer: Future[TokenPair | RefreshError] = Future()
        try:
            task = self.runtime.spawn(self._call(pending, held, answer), grace=0.0)
        except RuntimeError as error:
            return RefreshError(f"the refresh could not be started: {error}")
        try:
            if await self._arrived(answer, self.timeout):
                return answer.result()
            late = RefreshError(f"the refresh took longer than {self.timeout:g} seconds")
            self._note_failure(late)
            pending.release_late(Failed(late))
            self._signal_failed(late)
            return answer.result() if await self._arrived(answer, self.timeout) else late
        finally:
            if task is not None:
                task.cancel()

    async def _arrived(self, answer: Future[Any], seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        if await self.runtime.wait(answer, seconds, None):
            return True
        was_stopped = time.monotonic() > deadline + _STOPPED
        return was_stopped and await self.runtime.wait(answer, _CATCHING_UP, None)

    async def _call(
        self,
        pending: PendingRefresh,
        held: Credentials,
        answer: Future[TokenPair | RefreshError],
    ) -> None:
        current_refresh.set(pending)
        chains = [self._api.interceptors]
        goes_first.set(chains)
        bare_for.set(chains)
        latest = time.monotonic() + self.timeout
        try:
            result = await self._try(held)
            for pause in _PAUSES:
                if not self._may_try_again(result) or time.monotonic() + pause >= latest:
                    break
                await self.runtime.pause(pause)
                result = await self._try(held)
            answer.set_result(result)
        except BaseException as error:
            answer.set_result(_abandoned(error))
            raise
        finally:
            chains.clear()  # a task that the refresh function has started goes on without them

    async def _try(self, held: Credentials) -> TokenPair | RefreshError:
        pair = await self._result_of(lambda: self._refresh(held.refresh_token))
        if isinstance(pair, BaseException):
            return refresh_error(pair, self.timeout, held.refresh_token)
        if isinstance(pair, TokenPair):
            return pair
        return RefreshError(f"refresh must return a TokenPair, not {type(pair).__name__}")

    async def _result_of(self, function: Any) -> Any:
        """Return what a function of the app returns, or the error that it raises."""
        try:
            return await self.runtime.maybe_await(function())
        except (Exception, asyncio.CancelledError) as error:
            if self.runtime.is_cancelled():
                raise
            return error

    def _may_try_again(self, result: TokenPair | RefreshError) -> bool:
        """Return True if there was no connection, so that nothing was sent (9)."""
        cause = result.__cause__ if isinstance(result, RefreshError) else None
        return (
            self._is_ready_made
            and isinstance(cause, RequestError)
            and cause.code in _NO_CONNECTION
            and not cause.request_was_sent
        )

    # --- effects ---

    async def _store(self, before: Credentials, pair: TokenPair, lock: NoLock) -> _Result:
        with lock.holding_back():
            held = self.session.store_pair(pair, before)
        if held is None:
            return _DISCARDED
        problem = None
        try:
            is_written = await lock.write()
        except RefreshError as error:
            is_written, problem = True, error  # 16: it stays in memory
        if is_written:
            # Requests that left without a session are in one now.
            outcome = Renewed(before.session or held.session)
            return _Result("refreshed", outcome, problem, pair=pair)
        await lock.reload()  # another process has written without the lock
        now = self.session.credentials()
        return _adopted(now.session) if now.session == before.session else _DISCARDED

    async def _reject(self, asks: _Result, lock: NoLock) -> _Result:
        error = asks.error
        assert error is not None  # noqa: S101 - for type checkers
        with lock.holding_back():
            was_rejected = self.session.reject(asks.before.session, error)
        if not was_rejected:
            return _DISCARDED
        try:
            if not await lock.write():
                await lock.reload()  # a user has logged in elsewhere
        except RefreshError as problem:
            _log.warning("the logout is not stored: %s", problem)
        return evolve(asks, name="rejected", outcome=Failed(error))

    def _finish(self, pending: PendingRefresh, result: _Result) -> None:
        if result.name in ("adopted", "rejected"):
            self.count(result.name)
        if result.name == "failed" and result.error is not None and not pending.is_late:
            self._note_failure(result.error)
        elif isinstance(result.outcome, Renewed):
            self.session.failures.reset()
        if result.outcome is None:
            pending.ask_user()
        else:
            pending.finish(result.outcome)

    def _note_failure(self, error: RefreshError) -> None:
        self.count("failed")
        self.session.failures.note(error)

    def _signal_failed(self, error: RefreshError | None) -> None:
        _log.warning("refresh failed, the session is kept: %s", error)
        send_in_own_context(refresh_failed, self._api, error=error)

    def _signal(self, pending: PendingRefresh, result: _Result, config: RequestConfig) -> None:
        """Log the result and signal it; no request waits for that."""
        name, error, api = result.name, result.error, self._api
        if name in _LOGGED:
            _log.info(_LOGGED[name])
        if result.pair is not None:
            send_in_own_context(token_refreshed, api, tokens=result.pair)
            if error is not None:
                _log.warning("%s", error)
                send_in_own_context(refresh_failed, api, error=error)
        elif name == "failed" and not pending.is_late:  # else it was told before
            self._signal_failed(error)
        elif name == "asks":
            _log.info("the user is asked to log in: %s", error)
        elif name == "rejected":
            _log.warning("login required: %s", error)
            reason = result.reason
            send_in_own_context(login_required, api, reason=reason, error=error, config=config)

    # --- asking the user (14) ---

    async def _ask(self, pending: PendingRefresh, config: RequestConfig, asks: _Result) -> None:
        """Let the user log in, for as long as that takes."""
        answer = await self._answer()
        try:
            async with locked(pending, self.session.persist, self.runtime) as lock:
                result = await self._after_asking(asks, answer, lock)
        except RefreshError:  # the storage is away, which must not cost a login
            result = await self._after_asking(asks, answer, NoLock())
        self._finish(pending, result)
        self._signal(pending, result, config)

    async def _after_asking(self, asks: _Result, answer: TokenPair | None, lock: NoLock) -> _Result:
        session, before = self.session, asks.before
        now = session.credentials()
        has_logged_in = answer is not None and now.access_token == answer.access_token
        if not has_logged_in and now.session != before.session:
            return _DISCARDED  # 11
        if answer is None:
            return await self._reject(asks, lock)
        with lock.holding_back():
            if not has_logged_in and not session.login(answer, before.session):
                return _DISCARDED
        await lock.write()
        now = session.credentials()
        session.succession = (before.session, now.session)
        return _Result("logged in", Renewed(now.session))

    async def _answer(self) -> TokenPair | None:
        answer = await self._result_of(self._reauthenticate)
        if answer is None or isinstance(answer, TokenPair):
            return answer
        kind = type(answer).__name__
        if isinstance(answer, BaseException):  # no user has logged in, and that is what counts
            _log.warning("reauthenticate raised %s", kind)
        else:
            _log.warning("reauthenticate must return a TokenPair or None, not %s", kind)
        return None


async def _on_behalf_of(
    pending: PendingRefresh, run: Callable[..., Coroutine[Any, Any, None]], *arguments: Any
) -> None:
    """Release the requests also if the task or thread of a refresh is ended, or has a bug."""
    current_refresh.set(pending)
    try:
        await run(pending, *arguments)
    except BaseException as error:
        pending.finish(Failed(_abandoned(error)))
        raise


def _abandoned(error: BaseException) -> RefreshError:
    return RefreshError(f"the refresh was abandoned ({type(error).__name__})")
