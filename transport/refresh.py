"""Silent refresh: a request meets 401, the token is renewed once, and the request is sent again.

`silent_refresh` is one function on the network seam, built from nothing that others could not
use. What it decides stands in `decisions`, what instances share in `session`, how a refresh is
carried out in `refresher`; here is what a request goes through.

Example:
    store = UserStore()
    api = create(base_url="http://localhost:3001/api")
    handle = silent_refresh(api, store, url="/auth/refresh")

"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from concurrent.futures import Future
from typing import Any

from attrs import asdict, frozen

from .body import can_be_sent_again, why_not_again
from .config import RequestConfig, as_asked
from .decisions import Step, after_unauthorized, after_waiting, before_leaving
from .errors import RefreshError, RequestError, describe
from .events import login_required, send_aside
from .flight import Discarded, Failed, Flight, Landing, Renewed
from .instance import Instance, SyncInstance
from .interceptors import is_async
from .keep_fresh import KeepFresh
from .observers import waiting_for
from .posting import JsonRefresh, ReadyRefresh
from .refresher import Refresher, Refreshing, RefreshStats, flight_behind
from .response import Response
from .session import Session, session_of
from .streaming import discard
from .tokens import Credentials, TokenStore
from .urls import has_credentials, origin, origin_of

#: Seconds that stand for any time-out that is longer, and for one without end.
_LONGEST = 365 * 24 * 3600.0

Proceed = Callable[[RequestConfig], Any]


class SilentRefresh:
    """What `silent_refresh` has set up on an instance."""

    def __init__(
        self, api: Instance | SyncInstance, number: int, refresher: Refresher, session: Session
    ) -> None:
        self._api = api
        self._number = number
        self._refresher = refresher
        self._session = session

    @property
    def stats(self) -> RefreshStats:
        """The counters of this moment."""
        return self._refresher.counters.copy()

    def eject(self) -> None:
        """Stop: requests leave without a token. A refresh that is running ends as it would (18)."""
        self._api.interceptors.network.eject(self._number)

    def keep_fresh(self) -> KeepFresh:
        """Renew the token shortly before it expires, whether there are requests or not.

        It begins with the block and ends with it. A failed renewal is tried again after a pause
        that grows, up to a minute. While nobody is logged in nothing happens.

        Returns:
            A context manager: for ``async with`` where the instance is asynchronous, else for
            ``with``; there it is a daemon thread. Leave it before the instance is closed.
        """
        return KeepFresh(self._refresher, self._session, self._api.runtime)

    def __repr__(self) -> str:
        counts = ", ".join(f"{name}={count}" for name, count in asdict(self.stats).items())
        return f"<SilentRefresh {counts}>"


def silent_refresh(
    api: Instance | SyncInstance,
    store: TokenStore,
    *,
    url: str = "/auth/refresh",
    refresh: Callable[[str | None], Any] | ReadyRefresh | None = None,
    statuses: Collection[int] = (401,),
    should_refresh: Callable[[Response], bool] | None = None,
    leeway: float | None = None,
    timeout: float = 10.0,
    origins: Collection[str] | None = None,
    reauthenticate: Callable[[], Any] | None = None,
) -> SilentRefresh:
    """Send the access token with every request, and renew it when the server refuses it.

    However many requests meet a refused token at once, one refresh runs, and each of them is sent
    again with the new token. Instances over one store share that refresh.

    Args:
        api: The instance, asynchronous or synchronous.
        store: Holds the tokens; see `TokenStore`.
        url: Where the default refresh posts ``{"refresh_token": …}``, to be answered
            ``{"access_token": …, "refresh_token": …, "expires_in": seconds}``; the latter two are
            optional.
        refresh: ``(refresh_token) -> TokenPair``, plain or async, instead of the default. A plain
            one blocks the event loop of an asynchronous instance. It is called with ``None`` where
            the store has no refresh token (a cookie may carry it).
            What it raises counts as a rejection if it is a response with 400, 401 or 403, or a
            `RefreshError` that says so. Requests that it makes with ``api`` are left alone. For
            OAuth 2.0 take `oauth2_refresh`.
        statuses: Which statuses say that the access token is refused.
        should_refresh: ``(response) -> bool``, decides instead of ``statuses``. The response is as
            it arrived: its ``data`` are bytes.
        leeway: Seconds before its expiry at which a token is renewed before the next request
            leaves. When it expires the store says as ``expires_at``, or it says itself as a JSON
            Web Token. Default: no token is renewed before it is refused.
        timeout: Seconds that a refresh may take, and before it, where processes share the storage
            of the store, another process.
        origins: Where the token may be sent besides the origin of ``base_url``, as URLs.
        reauthenticate: ``() -> TokenPair | None``, plain or async: asks the user to log in when the
            refresh token was rejected, before anybody is told; for this no ``timeout`` counts.

    Returns:
        A handle with ``eject()``, ``keep_fresh()`` and ``stats``.

    Raises:
        TypeError: An argument has the wrong type, or is async for a synchronous instance.
        ValueError: An origin has no scheme or host, or there is no origin at all; ``timeout`` or
            ``leeway`` is not positive.
    """
    _check(api, store, url, refresh, should_refresh, reauthenticate)
    _check_seconds("timeout", timeout)
    if leeway is not None:
        _check_seconds("leeway", leeway)
    timeout = min(timeout, _LONGEST)
    ready = JsonRefresh(url) if refresh is None else refresh
    is_ready_made = isinstance(ready, ReadyRefresh)
    call = ready.bound_to(api, timeout) if isinstance(ready, ReadyRefresh) else ready
    how = Refreshing(call, is_ready_made, timeout, leeway, reauthenticate)
    session = session_of(store)
    if leeway is not None:
        session.watch_expiry()
    refresher = Refresher(api, session, how)
    answers = should_refresh or _Refusals(_statuses(statuses))
    guard = _Guard(api, session, refresher, answers, _origins(api, origins or ()))
    number = api.interceptors.network.use(api.runtime.adapt(guard.around))
    return SilentRefresh(api, number, refresher, session)


@frozen
class _Refusals:
    """The default of ``should_refresh``."""

    statuses: frozenset[int]

    def __call__(self, response: Response) -> bool:
        return response.status in self.statuses


@frozen
class _Departure:
    """What a request left with, and how often the user had been told to log in by then."""

    credentials: Credentials
    logins_asked: int


class _Guard:
    """Goes around each request: gives it the token, and deals with what the server says of it."""

    def __init__(
        self,
        api: Instance | SyncInstance,
        session: Session,
        refresher: Refresher,
        is_refused: Callable[[Response], bool],
        origins: frozenset[str],
    ) -> None:
        self._api = api
        self._runtime = api.runtime
        self._session = session
        self._refresher = refresher
        self._is_refused = is_refused
        self._origins = origins

    async def around(self, config: RequestConfig, proceed: Proceed) -> Response:
        """One request, sent once or twice."""
        if self._is_left_alone(config):
            return await self._send(config, proceed)
        flight = flight_behind(self._session)
        if flight is not None:
            return await self._send(self._for(flight, config), proceed)
        departure = await self._depart(config)
        response = await self._send(_bearing(config, departure.credentials), proceed)
        if not self._is_refusal(response, departure.credentials):
            return response
        renewed = await self._renewed(departure, response, config)
        if renewed is None:
            return response
        if not can_be_sent_again(config.data):
            response.notes.append(why_not_again(config.data))  # 12
            return response
        await discard(response.data)
        return await self._replay(config, renewed, proceed)

    async def _send(self, config: RequestConfig, proceed: Proceed) -> Response:
        response: Response = await self._runtime.settle(proceed(config))
        return response

    def _is_left_alone(self, config: RequestConfig) -> bool:
        if config.extra.get("silent_refresh") is False:
            return True
        if "authorization" in config.headers or config.auth:
            return True  # 1: the caller's own stays, and is never refreshed
        if "@" in f"{config.url}{config.base_url}" and _names_a_user(config):
            return True
        if self._api.client_authorizes:
            return True
        return not self._is_own_origin(config)

    def _for(self, flight: Flight, config: RequestConfig) -> RequestConfig:
        """What the refresh itself sends (6): without the token that it renews, with the new one."""
        now = self._session.credentials()
        is_same = flight.asks_user or now.session == flight.started_with.session
        is_new = now.access_token != flight.started_with.access_token
        return _bearing(config, now) if is_same and is_new else config

    def _is_own_origin(self, config: RequestConfig) -> bool:
        return self._is_own(origin_of(config))

    def _is_own(self, target: str | None) -> bool:
        own = origin(self._api.defaults.base_url or "")
        return target is not None and (target == own or target in self._origins)

    def _is_refusal(self, response: Response, left_with: Credentials) -> bool:
        """Whether it refuses the token; not where a redirect has led that the token never went."""
        if not self._is_refused(response):
            return False
        sent = response.request
        if left_with.access_token is not None and "authorization" not in getattr(
            sent, "headers", ("authorization",)
        ):
            return False
        url = getattr(sent, "url", None)
        return url is None or self._is_own(origin(str(url)))

    async def _depart(self, config: RequestConfig) -> _Departure:
        """Wait until the request may leave, and say with what."""
        session, expected = self._session, _ANY
        while True:
            hydration = session.hydration()
            logins_asked = session.logins_asked
            now = session.credentials()
            if expected is not _ANY and now.session != expected:
                raise _never_sent(Discarded(), config)
            flight = session.flight_for(now)
            step = before_leaving(
                now,
                is_hydrating=hydration is not None,
                is_refreshing=flight is not None,
                is_due=self._refresher.is_due(now),
            )
            if step is Step.LEAVE:
                return _Departure(now, logins_asked)
            if step is Step.HYDRATE and hydration is not None:
                await self._hydrated(hydration, config)
                continue
            if step is Step.REFRESH:
                flight = self._board(now, logins_asked, config, is_early=True)
            if flight is None:
                continue
            landing = await self._landing(flight, config)
            if isinstance(landing, Renewed):
                expected = landing.session
            elif self._may_leave_anyway(flight, now):
                return _Departure(now, logins_asked)
            else:
                raise _never_sent(landing, config)

    def _may_leave_anyway(self, flight: Flight, left_with: Credentials) -> bool:
        """Whether the token of a request is still good after a refresh that brought nothing."""
        is_same = self._session.credentials() == left_with
        token_lives = is_same and self._session.expiry.lives(left_with)
        step = after_waiting(was_early=flight.is_early, token_lives=token_lives)
        return step is Step.LEAVE

    async def _hydrated(self, hydration: Future[None], config: RequestConfig) -> None:
        """Wait until the store has read its storage."""
        timeout = self._refresher.how.timeout
        if not await self._runtime.wait(hydration, timeout, config.signal or None):
            late = RefreshError(f"the store has not read its storage within {timeout:g} seconds")
            raise _never_sent(Failed(late), config)

    async def _renewed(
        self, departure: _Departure, response: Response, config: RequestConfig
    ) -> Credentials | None:
        """What to send a refused request with again; ``None``: the caller gets the refusal."""
        session = self._session
        while True:
            logins_asked = session.logins_asked
            now = session.credentials()
            flight = session.flight_for(now)
            left_with = session.continued(departure.credentials, now)
            step = after_unauthorized(
                left_with,
                now,
                is_refreshing=flight is not None,
                login_was_asked=logins_asked != departure.logins_asked,
            )
            if step is Step.RAISE:
                if now.session is None:
                    response.cause = session.rejection_of(left_with.session)
                return None
            if step is Step.REPLAY:
                return now
            if step is Step.REFRESH:
                flight = self._board(now, logins_asked, config, is_early=False)
            if flight is not None:
                landing = await self._landing(flight, config)
                if isinstance(landing, Failed):
                    response.cause = landing.error
                return self._credentials_after(landing)

    def _credentials_after(self, landing: Landing) -> Credentials | None:
        if not isinstance(landing, Renewed):
            return None
        now = self._session.credentials()
        return now if now.session == landing.session else None  # 11

    def _board(
        self, now: Credentials, logins_asked: int, config: RequestConfig, *, is_early: bool
    ) -> Flight | None:
        asked = as_asked(config)
        return self._refresher.board(now, asked, logins_asked=logins_asked, is_early=is_early)

    async def _landing(self, flight: Flight, config: RequestConfig) -> Landing:
        self._refresher.counters.add("waited")
        with waiting_for(flight):
            return await flight.landing(self._runtime, config.signal or None)

    async def _replay(
        self, config: RequestConfig, renewed: Credentials, proceed: Proceed
    ) -> Response:
        self._refresher.counters.add("replayed")
        logins_asked = self._session.logins_asked
        response = await self._send(_bearing(config, renewed), proceed)
        if self._is_refusal(response, renewed) and self._session.ask_for_login(logins_asked):
            error = RequestError(
                f"Request failed with status code {response.status}, even with a new access token",
                RequestError.ERR_BAD_REQUEST,
                as_asked(config),
                response.request,
                response,
            )
            reason = "still_unauthorized"  # 5: once for all that met it together
            send_aside(login_required, self._api, reason=reason, error=error, config=error.config)
        return response


_ANY = object()

#: In a trace, what the caller has set up.
_Guard.around.__qualname__ = silent_refresh.__qualname__


def _bearing(config: RequestConfig, credentials: Credentials) -> RequestConfig:
    """A copy that carries the token: the config itself is seen by others, and may be sent again."""
    headers = config.headers.copy()
    if credentials.access_token is not None:
        headers["Authorization"] = f"Bearer {credentials.access_token}"
    leaving = config.copy()
    leaving.put(headers=headers)
    return leaving


def _names_a_user(config: RequestConfig) -> bool:
    return has_credentials(config.url or "") or has_credentials(config.base_url or "")


def _never_sent(landing: Landing, config: RequestConfig) -> RequestError:
    """The error of a request that waited for a refresh which brought nothing (4, 11)."""
    if isinstance(landing, Failed):
        cause, why = landing.error, "the access token could not be renewed"
    else:
        cause, why = RefreshError("the session ended"), "its session ended while it waited"
    error = RequestError(
        f"the request was not sent: {why}",
        RequestError.ERR_TOKEN_REFRESH,
        as_asked(config),
        request_was_sent=False,
    )
    error.__cause__ = cause
    return error


def _statuses(given: Collection[int]) -> frozenset[int]:
    if isinstance(given, Iterable) and not isinstance(given, (str, bytes)):
        statuses = frozenset(given)
        if all(isinstance(status, int) for status in statuses):
            return statuses
    raise TypeError(f"statuses must be a list of numbers such as [401], not {describe(given)}")


def _origins(api: Instance | SyncInstance, given: Collection[str]) -> frozenset[str]:
    if isinstance(given, str):
        raise TypeError(f"origins must be a list of URLs, not the str {describe(given)}")
    found = {url: origin(url) for url in given}
    for url, known in found.items():
        if known is None:
            raise ValueError(
                f"origins: {describe(url)} has no scheme and host, as in 'https://host'"
            )
    if not found and origin(api.defaults.base_url or "") is None:
        raise ValueError(
            "silent_refresh does not know where the access token may be sent: "
            "make the instance with create(base_url=...), or give origins=[...]"
        )
    return frozenset(known for known in found.values() if known is not None)


def _check(
    api: object,
    store: object,
    url: object,
    refresh: object,
    should_refresh: object,
    reauthenticate: object,
) -> None:
    if not isinstance(api, (Instance, SyncInstance)):
        raise TypeError(f"api must come from create() or create_sync(), not {describe(api)}")
    for method in ("get_state", "set_state"):
        if not callable(getattr(store, method, None)):
            raise TypeError(f"store must have {method}(), which a {type(store).__name__} has not")
    if not isinstance(url, str):
        raise TypeError(f"url must be a str, not {type(url).__name__}")
    functions = {
        "refresh": refresh,
        "should_refresh": should_refresh,
        "reauthenticate": reauthenticate,
    }
    ready_made = refresh if isinstance(refresh, ReadyRefresh) else None
    for name, function in functions.items():
        if function is not None and not callable(function) and function is not ready_made:
            raise TypeError(f"{name} must be callable, not {describe(function)}")
        if is_async(function) and (name == "should_refresh" or not api.runtime.is_async):
            raise TypeError(f"{name} is async, where only a plain function can be used")


def _check_seconds(name: str, value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{name} must be a number of seconds, not {type(value).__name__}")
    if not value > 0:
        raise ValueError(f"{name} must be more than 0 seconds, not {value!r}")
