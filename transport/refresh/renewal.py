"""One refresh, from the call to the server until all who wait are released.

Read `Renewer._outcome` first: it is the whole decision, with the numbers of the rules.
"""

from __future__ import annotations

import contextvars
import logging
import threading
import time
from asyncio import CancelledError
from collections.abc import Callable
from typing import Any

from attrs import define, evolve, field, frozen

from ..adapters.pools import goes_first
from ..config import RequestConfig
from ..errors import RefreshError, RequestError
from ..runtime import Runtime
from ..secrecy import without_tracebacks
from .pending import Discarded, Failed, PendingRefresh, RefreshOutcome, Renewed
from .signals import login_required, refresh_failed, token_refreshed
from .storage_lock import NoLock, locked
from .token_session import TokenSession
from .tokens import Credentials, TokenPair
from .watching import announce

_log = logging.getLogger("zustax")

#: Statuses of the refresh call that say that the refresh token is no good (RFC 6749, section 5.2).
_REJECTING = frozenset((400, 401, 403))

#: Seconds before each further try of a refresh call that could not even connect.
_PAUSES = (0.1, 0.4)

#: The refresh on whose behalf code is running: requests that it makes must not wait for it.
_within: contextvars.ContextVar[PendingRefresh | None] = contextvars.ContextVar(
    "within", default=None
)


@define
class RefreshStats:
    """What the silent refresh of one instance has done so far."""

    refreshes: int = 0  #: refresh calls made
    adopted: int = 0  #: times that a pair of another process or instance was used instead
    replayed: int = 0  #: requests sent a second time
    waited: int = 0  #: requests that waited for a refresh
    failed: int = 0  #: refreshes that failed while the session lives on
    rejected: int = 0  #: refreshes that ended the session


@define(repr=False)
class Counters:
    """`RefreshStats` that several threads count on."""

    _stats: RefreshStats = field(factory=RefreshStats)
    _lock: threading.Lock = field(factory=threading.Lock)

    def add(self, name: str) -> None:
        """Count one more."""
        with self._lock:
            setattr(self._stats, name, getattr(self._stats, name) + 1)

    def copy(self) -> RefreshStats:
        """Return the counts of this moment."""
        with self._lock:
            return evolve(self._stats)


@frozen
class RefreshOptions:
    """How the tokens of one instance are refreshed.

    Attributes:
        call: ``(refresh_token) -> TokenPair``, as this kind of instance calls it.
        is_ready_made: True if ``call`` comes of a `ReadyRefresh`.
        timeout: Seconds for a refresh, further tries included.
        leeway: Seconds before the expiry at which a token is refreshed; ``None``: not before it is
            refused.
        reauthenticate: Asks the user for a new pair.
    """

    call: Callable[[str | None], Any]
    is_ready_made: bool
    timeout: float
    leeway: float | None
    reauthenticate: Callable[[], Any] | None


@frozen(repr=False)
class _Result:
    """What a refresh has come to.

    Attributes:
        name: Its name in `_LOGGED`.
        outcome: What those who wait are told; ``None``: the user is asked first.
        error: What went wrong, if anything did.
        before: What the store held when the call was made, where the user has to log in.
        pair: The new pair.
    """

    name: str
    outcome: RefreshOutcome | None
    error: RefreshError | None = None
    before: Credentials | None = None
    pair: TokenPair | None = None


_DISCARDED = _Result("discarded", Discarded())

_LOGGED: dict[str, tuple[int, str]] = {
    "refreshed": (logging.INFO, "access token refreshed"),
    "adopted": (logging.INFO, "access token adopted: it had been refreshed already"),
    "discarded": (logging.INFO, "refresh discarded: its session has ended meanwhile"),
    "failed": (logging.WARNING, "refresh failed, the session is kept: %s"),
    "rejected": (logging.WARNING, "login required: %s"),
    "asks": (logging.INFO, "the user is asked to log in: %s"),
    "logged in": (logging.INFO, "logged in again"),
}


class Renewer:
    """Runs the refreshes that requests of one instance have started."""

    def __init__(self, sender: Any, session: TokenSession, how: RefreshOptions) -> None:
        self.counters = Counters()
        self.how = how
        self._sender = sender
        self._runtime: Runtime = sender.runtime
        self._session = session
        self._expiry = session.expiry

    def is_due(self, now: Credentials) -> bool:
        """Return True if the token is to be refreshed before the next request leaves (13)."""
        return self.how.leeway is not None and self.is_due_soon(now)

    def is_due_soon(self, now: Credentials) -> bool:
        """Return True if the token is to be refreshed in the background."""
        return self.can_renew(now) and self._expiry.is_due(now, self.how.leeway)

    def can_renew(self, now: Credentials) -> bool:
        """Return True if there is what a refresh needs."""
        return now.refresh_token is not None or not self.how.is_ready_made

    def join_or_start(
        self, now: Credentials, config: RequestConfig, *, logins_required: int, is_early: bool
    ) -> PendingRefresh | None:
        """Join the refresh under way, or start one; see `TokenSession.join_or_start`.

        Args:
            now: What the store held when it was decided that a refresh is needed.
            config: Of the request for which it is; a signal may tell of it.
            logins_required: How often the user had been told to log in by then.
            is_early: True if no token has been refused.
        """
        timeout = self.how.timeout
        found = self._session.join_or_start(
            now, timeout, logins_required=logins_required, is_early=is_early
        )
        if found is None:
            return None
        pending, is_new = found
        if is_new:
            announce(pending)
            # Apart from the request that started it, whose cancellation does not end it (10).
            steps = 1 if self._session.persist is None else 2
            self._runtime.spawn(self._run(pending, config), grace=steps * timeout)
        return pending

    async def _run(self, pending: PendingRefresh, config: RequestConfig) -> None:
        _within.set(pending)
        goes_first.set(True)
        persist, timeout = self._session.persist, self.how.timeout
        try:
            try:
                async with locked(pending, persist, self._runtime, timeout) as lock:
                    result = await self._outcome(pending, lock)
                    self._finish(pending, result)
            except RefreshError as error:
                result = _Result("failed", Failed(error), error)  # 16
                self._finish(pending, result)
            self._tell(result, config)  # without the lock: receivers may take their time
            if result.name == "asks":
                self._runtime.spawn(self._ask(pending, result, config), grace=0.0)
        except BaseException as error:
            _give_up(pending, error)
            raise

    async def _outcome(self, pending: PendingRefresh, lock: NoLock) -> _Result:
        """Decide what a refresh comes to, under the lock. The numbers are the rules'."""
        await lock.reload()
        before, now = pending.started_with, self._session.credentials()
        if now.session != before.session:
            return _DISCARDED  # 11
        if now.access_token not in (None, before.access_token) and not self._has_expired(now):
            return _Result("adopted", Renewed(now.session))  # 16
        pending.prolong(self.how.timeout)
        before, result = now, await self._renew(now)
        if isinstance(result, RefreshError) and result.rejected:
            await lock.reload()  # 7
        now = self._session.credentials()
        if now.session != before.session:
            return _DISCARDED  # 11
        if isinstance(result, TokenPair):
            return await self._store(before, result, lock)
        if not result.rejected:
            return _Result("failed", Failed(result), result)  # 8
        if now.refresh_token not in (None, before.refresh_token):
            return _Result("adopted", Renewed(now.session))  # 7: it had been rotated already
        if self.how.reauthenticate is not None:
            return _Result("asks", None, result, before)  # 14
        return await self._reject(before, result, lock)  # 7

    def _has_expired(self, now: Credentials) -> bool:
        return now.expires_at is not None and not self._expiry.lives(now)

    # --- the refresh call ---

    async def _renew(self, started_with: Credentials) -> TokenPair | RefreshError:
        if not self.can_renew(started_with):
            return RefreshError("there is no refresh token", rejected=True)
        self.counters.add("refreshes")
        deadline = time.monotonic() + self.how.timeout
        result = await self._try(started_with, deadline)
        for pause in _PAUSES:
            if not self._may_try_again(result, deadline - pause):
                break
            await self._runtime.pause(pause)
            result = await self._try(started_with, deadline)
        return result

    async def _try(self, started_with: Credentials, deadline: float) -> TokenPair | RefreshError:
        seconds = max(deadline - time.monotonic(), 0.0)
        try:
            pair = await self._runtime.bounded(seconds, self.how.call, started_with.refresh_token)
        except (Exception, CancelledError) as error:
            # Whatever it is, the requests must be told.
            if self._runtime.is_cancelled():
                raise
            return _as_refresh_error(error, self.how.timeout)
        if isinstance(pair, TokenPair):
            return pair
        return RefreshError(f"refresh must return a TokenPair, not {type(pair).__name__}")

    def _may_try_again(self, result: TokenPair | RefreshError, latest: float) -> bool:
        if not isinstance(result, RefreshError) or not self.how.is_ready_made:
            return False
        cause = result.__cause__
        was_sent = not isinstance(cause, RequestError) or cause.request_was_sent
        return not was_sent and time.monotonic() < latest  # 9

    # --- effects ---

    async def _store(self, before: Credentials, pair: TokenPair, lock: NoLock) -> _Result:
        with lock.holding_back():
            held = self._session.store_pair(pair, before)
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
        now = self._session.credentials()
        if now.session == before.session:
            return _Result("adopted", Renewed(now.session))
        return _DISCARDED

    async def _reject(self, before: Credentials, error: RefreshError, lock: NoLock) -> _Result:
        with lock.holding_back():
            was_rejected = self._session.reject(before.session, error)
        if not was_rejected:
            return _DISCARDED
        try:
            if not await lock.write():
                await lock.reload()  # a user has logged in elsewhere
        except RefreshError as problem:
            _log.warning("the logout is not stored: %s", problem)
        return _Result("rejected", Failed(error), error, before)

    def _finish(self, pending: PendingRefresh, result: _Result) -> None:
        if result.name in ("adopted", "failed", "rejected"):
            self.counters.add(result.name)
        if result.name == "failed":
            self._expiry.note_failure(pending.started_with)
        if result.outcome is None:
            pending.ask_user()
        else:
            pending.finish(result.outcome)

    def _tell(self, result: _Result, config: RequestConfig) -> None:
        """Log the result and signal it; no request waits for that."""
        error, sender = result.error, self._sender
        level, text = _LOGGED[result.name]
        _log.log(level, text, *([str(error)] if "%s" in text else []))
        if result.pair is not None:
            token_refreshed.send(sender, tokens=result.pair)
            if error is not None:
                _log.warning("%s", error)
                refresh_failed.send(sender, error=error)
        elif result.name == "failed":
            refresh_failed.send(sender, error=error)
        elif result.name == "rejected":
            has_token = result.before is not None and self.can_renew(result.before)
            reason = "refresh_rejected" if has_token else "no_refresh_token"
            login_required.send(sender, reason=reason, error=error, config=config)

    # --- asking the user (14) ---

    async def _ask(self, pending: PendingRefresh, asks: _Result, config: RequestConfig) -> None:
        """Let the user log in, for as long as that takes."""
        before, rejection = asks.before, asks.error
        assert before is not None and rejection is not None  # noqa: S101, PT018 - for type checkers
        try:
            answer = await self._answer()
            now = self._session.credentials()
            has_logged_in = answer is not None and now.access_token == answer.access_token
            if not has_logged_in and now.session != before.session:
                result = _DISCARDED  # 11
            elif answer is None:
                result = await self._reject(before, rejection, NoLock())
            elif has_logged_in or self._session.login(answer, before.session):
                now = self._session.credentials()
                self._session.succeed(before.session, now.session)
                result = _Result("logged in", Renewed(now.session))
            else:
                result = _DISCARDED
            self._finish(pending, result)
            self._tell(result, config)
        except BaseException as error:
            _give_up(pending, error)
            raise

    async def _answer(self) -> TokenPair | None:
        ask = self.how.reauthenticate
        try:
            answer = await self._runtime.maybe_await(ask() if ask else None)
        except (Exception, CancelledError) as error:
            # No user has logged in, and that is what counts.
            if self._runtime.is_cancelled():
                raise
            _log.warning("reauthenticate raised %s", type(error).__name__)
            return None
        if answer is None or isinstance(answer, TokenPair):
            return answer
        _log.warning(
            "reauthenticate must return a TokenPair or None, not %s", type(answer).__name__
        )
        return None


def current_refresh() -> PendingRefresh | None:
    """Return the refresh on whose behalf this code runs."""
    return _within.get()


def refresh_behind(session: TokenSession) -> PendingRefresh | None:
    """Return the refresh of ``session`` on whose behalf this code runs, while it lasts (6)."""
    pending = _within.get()
    if pending is None or pending.is_finished or pending.owner is not session:
        return None
    return pending


def _as_refresh_error(error: BaseException, timeout: float) -> RefreshError:
    without_tracebacks(error)
    if isinstance(error, RefreshError):
        return error
    status = _status_of(error)
    if status is not None:
        message = f"the refresh call was answered {status}"
    elif isinstance(error, TimeoutError):
        message = f"the refresh took longer than {timeout:g} seconds"
    elif isinstance(error, RequestError):
        message = f"the refresh call failed: {error}"
    else:
        message = f"the refresh function raised {type(error).__name__}"
    failure = RefreshError(message, rejected=status in _REJECTING)
    failure.__cause__ = error
    return failure


def _status_of(error: BaseException) -> int | None:
    """Return the status in an error of ours, or in that of another HTTP client."""
    response = getattr(error, "response", None)
    status = getattr(response, "status", None) or getattr(response, "status_code", None)
    return status if isinstance(status, int) else None


def _give_up(pending: PendingRefresh, error: BaseException) -> None:
    """Release the requests when the task or thread of a refresh was ended, or has a bug."""
    abandoned = RefreshError(f"the refresh was abandoned ({type(error).__name__})")
    pending.finish(Failed(abandoned))
