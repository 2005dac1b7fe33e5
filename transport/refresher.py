"""Carrying out a refresh, from the call to the server until everybody who waits is released."""

from __future__ import annotations

import contextvars
import logging
import threading
import time
from asyncio import CancelledError
from collections.abc import Callable
from typing import Any

from attrs import define, evolve, field, frozen

from .adapters.gate import goes_first
from .config import RequestConfig
from .decisions import Step, after_asking, after_refresh, before_refreshing
from .errors import RefreshError, RequestError, without_tracebacks
from .events import login_required, refresh_failed, token_refreshed
from .flight import Discarded, Failed, Flight, Renewed
from .observers import refresh_started
from .runtime import Runtime
from .session import Session
from .shared import Alone, turn_for
from .tokens import Credentials, TokenPair

_log = logging.getLogger("zustax")

#: Statuses of the refresh call that say that the refresh token is no good (RFC 6749, section 5.2).
_REJECTING = frozenset((400, 401, 403))

#: Seconds before each further try of a refresh call that could not even connect.
_PAUSES = (0.1, 0.4)

#: The refresh on whose behalf code is running: requests that it makes must not wait for it.
_within: contextvars.ContextVar[Flight | None] = contextvars.ContextVar("within", default=None)


@define
class RefreshStats:
    """What the silent refresh of one instance has done so far."""

    refreshes: int = 0  #: refresh calls made
    adopted: int = 0  #: times that a pair which somebody else had written was used instead
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
        """The counts of this moment."""
        with self._lock:
            return evolve(self._stats)


@frozen
class Refreshing:
    """How the tokens of one instance are renewed.

    Attributes:
        call: ``(refresh_token) -> TokenPair``, as this kind of instance calls it.
        is_ready_made: Whether ``call`` comes of a `ReadyRefresh`.
        timeout: Seconds for a refresh, further tries included.
        leeway: Seconds before the expiry at which a token is renewed; ``None``: not before it is
            refused.
        reauthenticate: Asks the user for a new pair.
    """

    call: Callable[[str | None], Any]
    is_ready_made: bool
    timeout: float
    leeway: float | None
    reauthenticate: Callable[[], Any] | None


#: What is said of a refresh when it is over.
Tell = Callable[[], object]


@frozen(repr=False)
class _Ended:
    """A refresh whose call has ended.

    Attributes:
        flight: The refresh.
        started_with: What the store held when the call was made.
        config: Of the request that began it.
    """

    flight: Flight
    started_with: Credentials
    config: RequestConfig


class Refresher:
    """Carries out the refreshes that requests of one instance have begun."""

    def __init__(self, sender: Any, session: Session, how: Refreshing) -> None:
        self.counters = Counters()
        self.how = how
        self._sender = sender
        self._runtime: Runtime = sender.runtime
        self._session = session
        self._expiry = session.expiry

    def is_due(self, now: Credentials) -> bool:
        """Whether the token is to be renewed before the next request leaves (13)."""
        return self.how.leeway is not None and self.is_due_soon(now)

    def is_due_soon(self, now: Credentials) -> bool:
        """Whether the token is to be renewed in the background, with a leeway or without one."""
        return self.can_renew(now) and self._expiry.is_due(now, self.how.leeway)

    def can_renew(self, now: Credentials) -> bool:
        """Whether there is what a refresh takes."""
        return now.refresh_token is not None or not self.how.is_ready_made

    def board(
        self, now: Credentials, config: RequestConfig, *, logins_asked: int, is_early: bool
    ) -> Flight | None:
        """Join the refresh under way, or start one; see `Session.board`.

        Args:
            now: What the store held when it was decided that a refresh is needed.
            config: Of the request for which it is; a signal may tell of it.
            logins_asked: How often the user had been told to log in by then.
            is_early: Whether no token has been refused.
        """
        timeout = self.how.timeout
        boarding = self._session.board(now, timeout, logins_asked=logins_asked, is_early=is_early)
        if boarding is None:
            return None
        if boarding.is_new:
            refresh_started(boarding.flight)
            # A life of its own, which no cancelled request ends (10).
            turns = 1 if self._session.shared is None else 2
            self._runtime.spawn(self._fly(boarding.flight, config), grace=turns * timeout)
        return boarding.flight

    async def _fly(self, flight: Flight, config: RequestConfig) -> None:
        _within.set(flight)
        goes_first.set(True)
        shared, timeout = self._session.shared, self.how.timeout
        try:
            try:
                async with turn_for(flight, shared, self._runtime, timeout) as turn:
                    tell = await self._take(turn, flight, config)
            except RefreshError as error:
                tell = self._fail(flight, error)  # 16
            tell()  # when others have their turn: receivers take the time that they take
        except BaseException as error:
            _give_up(flight, error)
            raise

    async def _take(self, turn: Alone, flight: Flight, config: RequestConfig) -> Tell:
        """Do in this process's turn what is still to be done."""
        await turn.reload()
        now = self._session.credentials()
        is_expired = now.expires_at is not None and not self._expiry.lives(now)
        step = before_refreshing(flight.started_with, now, is_expired=is_expired)
        if step is Step.DISCARD:
            return self._discard(flight)
        if step is Step.ADOPT:
            return self._adopt(flight, now)
        flight.prolong(self.how.timeout)
        result = await self._renew(now)
        return await self._conclude(_Ended(flight, now, config), result, turn)

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

    async def _conclude(self, ended: _Ended, result: TokenPair | RefreshError, turn: Alone) -> Tell:
        if isinstance(result, RefreshError) and result.rejected:
            await turn.reload()  # 7
        can_ask = self.how.reauthenticate is not None
        now = self._session.credentials()
        step = after_refresh(ended.started_with, now, result, can_ask=can_ask)
        if isinstance(result, TokenPair):
            if step is Step.STORE:
                return await self._store(ended, result, turn)
        elif step is Step.FAIL:
            return self._fail(ended.flight, result)
        elif step is Step.ADOPT:
            return self._adopt(ended.flight, now)
        elif step is Step.ASK:
            ended.flight.ask_user()
            return lambda: self._runtime.spawn(self._ask(ended, result), grace=0.0)
        elif step is Step.REJECT:
            return await self._reject(ended, result, turn)
        return self._discard(ended.flight)

    async def _store(self, ended: _Ended, pair: TokenPair, turn: Alone) -> Tell:
        flight, problem = ended.flight, None
        try:
            with turn.holding_back():
                held = self._session.store_pair(pair, ended.started_with)
        except RefreshError as error:
            return self._fail(flight, error)
        if held is None:
            return self._discard(flight)
        try:
            is_overtaken = not await turn.write()
        except RefreshError as error:
            is_overtaken, problem = False, error  # 16: it stays in memory
        if is_overtaken:
            return await self._give_way(ended, turn)
        # Whoever was nobody when it began is in a session now.
        flight.land(Renewed(ended.started_with.session or held.session))
        return lambda: self._tell_renewed(pair, problem)

    async def _give_way(self, ended: _Ended, turn: Alone) -> Tell:
        """Use what somebody has written whose turn it was not, or who thought that it was his."""
        await turn.reload()
        now = self._session.credentials()
        if now.session == ended.started_with.session:
            return self._adopt(ended.flight, now)
        return self._discard(ended.flight)

    def _tell_renewed(self, pair: TokenPair, problem: RefreshError | None) -> None:
        _log.info("access token refreshed")
        token_refreshed.send(self._sender, tokens=pair)
        if problem is not None:
            _log.warning("%s", problem)
            refresh_failed.send(self._sender, error=problem)

    def _adopt(self, flight: Flight, now: Credentials) -> Tell:
        self.counters.add("adopted")
        flight.land(Renewed(now.session))
        return lambda: _log.info("access token adopted: it had been refreshed already")

    def _discard(self, flight: Flight) -> Tell:
        flight.land(Discarded())
        return lambda: _log.info("refresh discarded: its session has ended meanwhile")

    def _fail(self, flight: Flight, error: RefreshError) -> Tell:
        self.counters.add("failed")
        self._expiry.note_failure(flight.started_with)
        flight.land(Failed(error))
        return lambda: self._tell_failed(error)

    def _tell_failed(self, error: RefreshError) -> None:
        _log.warning("refresh failed, the session is kept: %s", error)
        refresh_failed.send(self._sender, error=error)

    async def _reject(self, ended: _Ended, error: RefreshError, turn: Alone) -> Tell:
        with turn.holding_back():
            was_rejected = self._session.reject(ended.started_with.session, error)
        if not was_rejected:
            return self._discard(ended.flight)
        try:
            if not await turn.write():
                await turn.reload()  # somebody has logged in elsewhere
        except RefreshError as problem:
            _log.warning("the logout is not stored: %s", problem)
        self.counters.add("rejected")
        ended.flight.land(Failed(error))
        has_token = self.can_renew(ended.started_with)
        reason = "refresh_rejected" if has_token else "no_refresh_token"
        return lambda: self._tell_rejected(reason, error, ended.config)

    def _tell_rejected(self, reason: str, error: RefreshError, config: RequestConfig) -> None:
        _log.warning("login required (%s): %s", reason, error)
        login_required.send(self._sender, reason=reason, error=error, config=config)

    async def _ask(self, ended: _Ended, rejection: RefreshError) -> None:
        """Let the user log in, for as long as that takes (14)."""
        flight, started_with = ended.flight, ended.started_with
        try:
            answer = await self._answer()
            now = self._session.credentials()
            step = after_asking(started_with, now, answer)
            if step is Step.STORE and answer is not None:
                was_begun = self._session.login(answer, started_with.session)
                step = Step.ADOPT if was_begun else Step.DISCARD
                now = self._session.credentials()
            if step is Step.ADOPT:
                self._session.succeed(started_with.session, now.session)
                flight.land(Renewed(now.session))
                _log.info("logged in again")
            elif step is Step.REJECT:
                (await self._reject(ended, rejection, Alone()))()
            else:
                self._discard(flight)()
        except BaseException as error:
            _give_up(flight, error)
            raise

    async def _answer(self) -> TokenPair | None:
        ask = self.how.reauthenticate
        try:
            answer = await self._runtime.settle(ask() if ask else None)
        except (Exception, CancelledError) as error:
            # Nobody has logged in, and that is what counts.
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


def current_flight() -> Flight | None:
    """The refresh on whose behalf this code runs."""
    return _within.get()


def flight_behind(session: Session) -> Flight | None:
    """The refresh of ``session`` on whose behalf this code runs, while it is under way (6)."""
    flight = current_flight()
    if flight is None or flight.has_landed or flight.owner is not session:
        return None
    return flight


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
    """The status that the server answered: of our own errors, and of those of HTTP clients."""
    response = getattr(error, "response", None)
    status = getattr(response, "status", None) or getattr(response, "status_code", None)
    return status if isinstance(status, int) else None


def _give_up(flight: Flight, error: BaseException) -> None:
    """Nobody may hang because the task or thread of a refresh was ended, or has a bug."""
    abandoned = RefreshError(f"the refresh was abandoned ({type(error).__name__})")
    flight.land(Failed(abandoned))
