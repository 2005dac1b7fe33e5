"""Carrying out a refresh, from the call to the server until everybody who waits is released."""

from __future__ import annotations

import contextvars
import logging
import threading
import time
from asyncio import CancelledError
from collections.abc import Callable, Mapping
from typing import Any

from attrs import define, evolve, field, frozen

from .config import RequestConfig
from .decisions import Step, after_asking, after_refresh
from .errors import RefreshError, RequestError, without_tracebacks
from .events import login_required, refresh_failed, token_refreshed
from .flight import Discarded, Failed, Flight, Renewed
from .response import Response
from .runtime import Runtime
from .session import Session
from .tokens import Credentials, TokenPair, problem_of_pair
from .urls import origin

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
        is_default: Whether ``call`` is the one that needs a refresh token and sends nothing else.
        timeout: Seconds for a refresh, further tries included.
        reauthenticate: Asks the user for a new pair.
    """

    call: Callable[[str | None], Any]
    is_default: bool
    timeout: float
    reauthenticate: Callable[[], Any] | None


class Refresher:
    """Carries out the refreshes that requests of one instance have begun."""

    def __init__(self, sender: Any, session: Session, how: Refreshing) -> None:
        self.counters = Counters()
        self.how = how
        self._sender = sender
        self._runtime: Runtime = sender.runtime
        self._session = session

    def start(self, flight: Flight, config: RequestConfig) -> None:
        """Give a refresh a life of its own (10); ``config`` is of the request that began it."""
        self._runtime.spawn(self._fly(flight, config), grace=self.how.timeout)

    async def _fly(self, flight: Flight, config: RequestConfig) -> None:
        _within.set(flight)
        try:
            result = await self._renew(flight.started_with)
            self._conclude(flight, result, config)
        except BaseException as error:
            _give_up(flight, error)
            raise

    async def _renew(self, started_with: Credentials) -> TokenPair | RefreshError:
        if started_with.refresh_token is None and self.how.is_default:
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
        if not isinstance(result, RefreshError) or not self.how.is_default:
            return False
        cause = result.__cause__
        was_sent = not isinstance(cause, RequestError) or cause.request_was_sent
        return not was_sent and time.monotonic() < latest  # 9

    def _conclude(
        self, flight: Flight, result: TokenPair | RefreshError, config: RequestConfig
    ) -> None:
        can_ask = self.how.reauthenticate is not None
        now = self._session.credentials()
        step = after_refresh(flight.started_with, now, result, can_ask=can_ask)
        if isinstance(result, TokenPair):
            if step is Step.STORE:
                self._store(flight, result)
            else:
                self._discard(flight)
        elif step is Step.FAIL:
            self._fail(flight, result)
        elif step is Step.ADOPT:
            self._adopt(flight, now)
        elif step is Step.ASK:
            flight.ask_user()
            self._runtime.spawn(self._ask(flight, result, config), grace=0.0)
        elif step is Step.REJECT:
            self._reject(flight, result, config)
        else:
            self._discard(flight)

    def _store(self, flight: Flight, pair: TokenPair) -> None:
        try:
            held = self._session.store_pair(pair, flight.started_with)
        except RefreshError as error:
            self._fail(flight, error)
            return
        if held is None:
            self._discard(flight)
            return
        # Whoever was nobody when it began is in a session now.
        flight.land(Renewed(flight.started_with.session or held.session))
        _log.info("access token refreshed")
        token_refreshed.send(self._sender, tokens=pair)

    def _adopt(self, flight: Flight, now: Credentials) -> None:
        self.counters.add("adopted")
        flight.land(Renewed(now.session))
        _log.info("access token adopted: it had been refreshed already")

    def _discard(self, flight: Flight) -> None:
        flight.land(Discarded())
        _log.info("refresh discarded: its session has ended meanwhile")

    def _fail(self, flight: Flight, error: RefreshError) -> None:
        self.counters.add("failed")
        flight.land(Failed(error))
        _log.warning("refresh failed, the session is kept: %s", error)
        refresh_failed.send(self._sender, error=error)

    def _reject(self, flight: Flight, error: RefreshError, config: RequestConfig) -> None:
        has_token = flight.started_with.refresh_token is not None or not self.how.is_default
        reason = "refresh_rejected" if has_token else "no_refresh_token"
        if not self._session.reject(flight.started_with.session, error):
            self._discard(flight)
            return
        self.counters.add("rejected")
        flight.land(Failed(error))
        _log.warning("login required (%s): %s", reason, error)
        login_required.send(self._sender, reason=reason, error=error, config=config)

    async def _ask(self, flight: Flight, rejection: RefreshError, config: RequestConfig) -> None:
        """Let the user log in, for as long as that takes (14)."""
        try:
            answer = await self._answer()
            now = self._session.credentials()
            step = after_asking(flight.started_with, now, answer)
            if step is Step.STORE and answer is not None:
                was_begun = self._session.login(answer, flight.started_with.session)
                step = Step.ADOPT if was_begun else Step.DISCARD
                now = self._session.credentials()
            if step is Step.ADOPT:
                self._session.succeed(flight.started_with.session, now.session)
                flight.land(Renewed(now.session))
                _log.info("logged in again")
            elif step is Step.REJECT:
                self._reject(flight, rejection, config)
            else:
                self._discard(flight)
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


def flight_behind(session: Session) -> Flight | None:
    """The refresh of ``session`` on whose behalf this code runs, while it is under way (6)."""
    flight = _within.get()
    if flight is None or flight.has_landed or flight.owner is not session:
        return None
    return flight


def posting(api: Any, url: str, timeout: float) -> Callable[[str | None], Any]:
    """The default refresh: POST ``{"refresh_token": …}`` to ``url`` and read the new pair.

    It is sent by an instance of its own, which has the defaults of ``api`` and no interceptors.
    """

    async def post(refresh_token: str | None) -> TokenPair:
        sending = api.create().post(
            url,
            {"refresh_token": refresh_token},
            timeout=timeout,
            validate_status=_is_success,
            response_type="json",
            before_redirect=_StayAt(api.create().get_uri(url)),
        )
        response: Response = await api.runtime.settle(sending)
        return _pair_in(response.data)

    return api.runtime.adapt(post)  # type: ignore[no-any-return]


@frozen
class _StayAt:
    """Refuses to take a refresh token elsewhere, wherever a redirect may lead."""

    url: str

    def __call__(self, request: Any) -> None:
        if origin(str(request.url)) != origin(self.url):
            raise RefreshError("the refresh call was redirected to another origin")


def _is_success(status: int) -> bool:
    return 200 <= status < 300


def _pair_in(answer: Any) -> TokenPair:
    received_at = time.time()
    if not isinstance(answer, Mapping):
        raise RefreshError("the answer to the refresh call is no JSON object")
    lifetime = answer.get("expires_in")
    is_known = isinstance(lifetime, (int, float)) and not isinstance(lifetime, bool)
    expires_at = received_at + float(lifetime or 0) if is_known else None
    fields: tuple[Any, ...] = (answer.get("access_token"), answer.get("refresh_token"), expires_at)
    problem = problem_of_pair(*fields)
    if problem:
        raise RefreshError(f"the answer to the refresh call cannot be used: {problem}")
    return TokenPair(*fields)


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
