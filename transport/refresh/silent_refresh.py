"""`silent_refresh` sets up one function on the network seam, and returns a handle to it.

Example:
    store = UserStore()
    api = create(base_url="http://localhost:3001/api")
    handle = silent_refresh(api, store, url="/auth/refresh")

"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import Any

from attrs import asdict, frozen

from ..chain import is_async
from ..instance import Instance, SyncInstance
from ..response import Response
from ..secrecy import describe, discreet
from ..urls import origin
from .calls import JsonRefresh, ReadyRefresh
from .guard import Guard
from .keep_fresh import KeepFresh
from .renewal import RefreshOptions, RefreshStats, Renewer
from .token_session import TokenSession, session_of
from .tokens import TokenStore

#: Seconds that stand for any longer time-out.
_LONGEST = 365 * 24 * 3600.0


class SilentRefresh:
    """What `silent_refresh` has set up on an instance."""

    def __init__(
        self, api: Instance | SyncInstance, number: int, renewer: Renewer, session: TokenSession
    ) -> None:
        self._api = api
        self._number = number
        self._renewer = renewer
        self._session = session

    @property
    def stats(self) -> RefreshStats:
        """The counters of this moment."""
        return self._renewer.counters.copy()

    def eject(self) -> None:
        """Stop: requests leave without a token. A refresh that is running is finished (18)."""
        self._api.interceptors.network.eject(self._number)

    def keep_fresh(self) -> KeepFresh:
        """Refresh the token shortly before it expires, with or without requests.

        It starts and ends with the block. After a failed refresh it pauses, longer each time, up to
        a minute. While no user is logged in nothing happens.

        Returns:
            A context manager: for ``async with`` if the instance is asynchronous, else for
            ``with``; there it is a daemon thread. Leave it before you close the instance.
        """
        return KeepFresh(self._renewer, self._session, self._api.runtime)

    def __repr__(self) -> str:
        counts = ", ".join(f"{name}={count}" for name, count in asdict(self.stats).items())
        return f"<SilentRefresh {counts}>"


@discreet
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
    """Send the access token with every request, and refresh it when the server refuses it.

    Only one refresh runs, no matter how many requests got a 401 at once. All of them are replayed
    with the new token. Instances over one store share the refresh.

    Args:
        api: The instance, asynchronous or synchronous.
        store: Holds the tokens; see `TokenStore`.
        url: Where the default refresh posts ``{"refresh_token": …}``. It reads
            ``{"access_token": …, "refresh_token": …, "expires_in": seconds}``; the latter two are
            optional.
        refresh: ``(refresh_token) -> TokenPair``, plain or async, instead of the default. A plain
            one blocks the event loop of an asynchronous instance. It is called with ``None`` if
            the store has no refresh token (a cookie may carry it).
            It rejects the refresh token if it raises a response with 400, 401 or 403, or a
            `RefreshError` that says so. Silent refresh leaves alone the requests that it makes
            with ``api``. For OAuth 2.0 use `oauth2_refresh`.
        statuses: The statuses that refuse the access token.
        should_refresh: ``(response) -> bool``, decides instead of ``statuses``. The response is as
            it arrived: its ``data`` are bytes.
        leeway: Seconds before its expiry at which a token is refreshed before the next request
            leaves. ``expires_at`` of the store tells when it expires, or the token itself if it is
            a JSON Web Token. Default: no token is refreshed before it is refused.
        timeout: Seconds that a refresh may take; and before it, if processes share the storage of
            the store, the wait for its lock.
        origins: Where the token may be sent besides the origin of ``base_url``, as URLs.
        reauthenticate: ``() -> TokenPair | None``, plain or async: asks the user to log in when the
            refresh token was rejected. ``timeout`` does not bound it.

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
    how = RefreshOptions(call, is_ready_made, timeout, leeway, reauthenticate)
    session = session_of(store)
    if leeway is not None:
        session.watch_expiry()
    renewer = Renewer(api, session, how)
    is_refused = should_refresh or _HasStatus(_statuses(statuses))
    guard = Guard(api, session, renewer, is_refused, _origins(api, origins or ()))
    number = api.interceptors.network.use(api.runtime.adapt(guard.around))
    return SilentRefresh(api, number, renewer, session)


#: The name in a trace: what the caller has set up.
Guard.around.__qualname__ = silent_refresh.__qualname__


@frozen
class _HasStatus:
    """The default of ``should_refresh``."""

    statuses: frozenset[int]

    def __call__(self, response: Response) -> bool:
        return response.status in self.statuses


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
