"""`silent_refresh` sets up one function on the network seam, and returns a handle to it.

Example:
    store = UserStore()
    api = create(base_url="http://localhost:3001/api")
    handle = silent_refresh(api, store, url="/auth/refresh")

"""

from __future__ import annotations

import typing
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Generic

import httpx
from attrs import asdict, define

from ..chain import is_async
from ..config import RequestConfig
from ..instance import Instance, SyncInstance
from ..response import Response
from ..secrecy import describe, discreet
from ..urls import origin
from .calls import ReadyRefresh, json_refresh
from .client_auth import auth_for
from .guard import Guard
from .keep_fresh import KeepFresh
from .placement import Placement
from .renewal import Renewer
from .storage_lock import check_lock
from .token_session import session_of
from .tokens import TokenStore

#: The default of ``statuses``, told from the same statuses given by the caller.
_STATUSES = (401,)

#: Seconds after which a thread that waits for an answer is taken for stuck.
_STUCK = 60.0

#: Seconds that stand for any longer time-out.
_LONGEST = 365 * 24 * 3600.0


if TYPE_CHECKING:
    from typing_extensions import TypeVar

    Token = TypeVar("Token", default=Any)
else:
    Token = typing.TypeVar("Token")


@define
class RefreshStats:
    """What the silent refresh of one instance has done so far."""

    refreshes: int = 0  #: refresh calls made
    adopted: int = 0  #: times that a pair of another process or instance was used instead
    replayed: int = 0  #: requests sent a second time
    waited: int = 0  #: requests that waited for a refresh
    failed: int = 0  #: refreshes that failed while the session lives on
    rejected: int = 0  #: refreshes that ended the session
    paused: int = 0  #: refreshes that were not tried, since the ones before had failed


class SilentRefresh(Generic[Token]):
    """What `silent_refresh` has set up on an instance."""

    def __init__(self, api: Instance | SyncInstance, guard: Guard) -> None:
        self._api = api
        self._guard = guard
        self._token = api.runtime.adapt(guard.token)
        self._number = api.interceptors.network.use(api.runtime.adapt(guard.around))
        api.before_send.append(guard.drop_token_elsewhere)

    @property
    def stats(self) -> RefreshStats:
        """The counters of this moment."""
        return RefreshStats(**self._guard.renewer.counts)

    def eject(self) -> None:
        """Stop: requests leave without a token. A refresh that is running is finished (18)."""
        self._api.interceptors.network.eject(self._number)
        with suppress(ValueError):  # it has been ejected before
            self._api.before_send.remove(self._guard.drop_token_elsewhere)

    def token(self) -> Token:
        """Return an access token that lives, refreshed first if it has expired, is due, or missing.

        For what does not go through the instance: a WebSocket, an SDK, an upload that can be sent
        only once. To be awaited if the instance is asynchronous.

        Raises:
            RefreshError: There is no such token; ``rejected`` if the user has to log in.
        """
        self._api.runtime.bind()
        return self._token(False)  # type: ignore[no-any-return]

    def refresh(self) -> Token:
        """Refresh now, together with all that wait for a refresh; return the new access token.

        To be awaited if the instance is asynchronous.

        Raises:
            RefreshError: It failed; ``rejected`` if the user has to log in.
        """
        self._api.runtime.bind()
        return self._token(True)  # type: ignore[no-any-return]

    def auth(self, library: Any = httpx) -> Any:
        """Return an ``httpx.Auth`` for a client of your own, which then shares this session.

        It attaches the token to requests to the origins of this instance, instead of any other
        ``Authorization``. A 401 is refreshed once for all, and the request sent again. If there is
        no new token, the client gets its 401.

        Args:
            library: The library of the client: ``httpx``, or ``httpx2``.

        Raises:
            TypeError: The token of this handle is not sent in ``Authorization``: a client would
                take any other header along when it is redirected to another origin.
        """
        return auth_for(library, self._guard)

    def keep_fresh(self) -> KeepFresh:
        """Refresh the token shortly before it expires, with or without requests.

        It starts and ends with the block. After a failed refresh it pauses, longer each time, up to
        a minute. While no user is logged in nothing happens.

        Returns:
            A context manager: for ``async with`` if the instance is asynchronous, else for
            ``with``; there it is a daemon thread. Leave it before you close the instance.
        """
        return KeepFresh(self._guard.renewer)

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
    statuses: Collection[int] = _STATUSES,
    should_refresh: Callable[[Response], bool] | None = None,
    leeway: float | None = None,
    timeout: float = 10.0,
    origins: Collection[str] | None = None,
    reauthenticate: Callable[[], Any] | None = None,
    header: str = "Authorization",
    scheme: str | None = "Bearer",
    attach: Callable[[RequestConfig, str], Any] | None = None,
) -> SilentRefresh[Any]:
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
            The requests that it makes with ``api`` pass no interceptor. It rejects the refresh
            token if it raises an error whose response does (400, 401, 403, 410, 419, 422, 440 or
            498 with JSON or without a body), or a `RefreshError` that says so. For other names of
            the fields use `json_refresh`, for OAuth 2.0 `oauth2_refresh`.
        statuses: The statuses that refuse the access token.
        should_refresh: ``(response) -> bool``, decides instead of ``statuses``. The response is as
            it arrived: its ``data`` are bytes. If it refuses a response with status 200, and there
            is no new token, the call raises a `RequestError`.
        leeway: Seconds before its expiry at which a token is refreshed before the next request
            leaves. ``expires_at`` of the store tells when it expires, or the token itself if it is
            a JSON Web Token. Default: no token is refreshed before it is refused.
        timeout: Seconds that a refresh may take; and before it, if processes share the storage of
            the store, the wait for its lock.
        origins: Where the token may be sent besides the origin of ``base_url``, as URLs.
        reauthenticate: ``() -> TokenPair | None``, plain or async: asks the user to log in when the
            refresh token was rejected. ``timeout`` does not bound it.
        header: The header that carries the token.
        scheme: What stands before the token in it; ``None``: nothing.
        attach: ``(config, token)`` puts the token anywhere else, such as into ``config.params``,
            instead of into ``header``.

    Returns:
        A handle with ``token()``, ``refresh()``, ``auth()``, ``keep_fresh()``, ``eject()`` and
        ``stats``.

    Raises:
        TypeError: An argument has the wrong type, or is async for a synchronous instance, or
            ``should_refresh`` and ``statuses`` are both given.
        ValueError: An origin has no scheme or host, or there is no origin at all; ``timeout`` or
            ``leeway`` is not positive.
        ImportError: The storage of the store needs an extra that is not installed.
    """
    _check(api, store, refresh, should_refresh, reauthenticate, attach)
    _check_seconds("timeout", timeout)
    if leeway is not None:
        _check_seconds("leeway", leeway)
    if should_refresh is not None and statuses is not _STATUSES:
        raise TypeError("should_refresh decides instead of statuses: leave one of them out")
    timeout = min(timeout, _LONGEST)
    ready = json_refresh(url) if refresh is None else refresh
    is_ready_made, needs_token = False, False
    if isinstance(ready, ReadyRefresh):
        is_ready_made, needs_token = True, ready.needs_token
        # `Renewer` bounds a call itself. This limit ends a thread that would wait for ever, but not
        # one that was stopped, together with its process, when the answer came (19).
        ready = ready.bound_to(api, 0.0 if api.runtime.is_async else max(3 * timeout, _STUCK))
    session = session_of(store)
    check_lock(session.persist)
    renewer = Renewer(
        api, session, ready, is_ready_made, needs_token, timeout, leeway, reauthenticate
    )
    placement = Placement(header, scheme, attach)
    known = _origins(api, origins or ())
    guard = Guard(api, renewer, placement, should_refresh, _statuses(statuses), known)
    return SilentRefresh(api, guard)


#: The name in a trace: what the caller has set up.
Guard.around.__qualname__ = silent_refresh.__qualname__


def _statuses(given: Collection[int]) -> frozenset[int]:
    if isinstance(given, Iterable) and not isinstance(given, (str, bytes)):
        statuses = frozenset(given)
        if all(isinstance(status, int) for status in statuses):
            return statuses
    raise TypeError(f"statuses must be a list of numbers such as [401], not {describe(given)}")


def _origins(api: Instance | SyncInstance, given: Collection[str]) -> frozenset[str]:
    if isinstance(given, str):
        raise TypeError(f"origins must be a list of URLs, not the str {describe(given)}")
    known: set[str] = set()
    for url in given:
        one = origin(url)
        if one is None:
            raise ValueError(
                f"origins: {describe(url)} has no scheme and host, as in 'https://host'"
            )
        known.add(one)
    if not known and origin(api.defaults.base_url or "") is None:
        raise ValueError(
            "silent_refresh does not know where the access token may be sent: "
            "make the instance with create(base_url=...), or give origins=[...]"
        )
    return frozenset(known)


def _check(
    api: object,
    store: object,
    refresh: object,
    should_refresh: object,
    reauthenticate: object,
    attach: object,
) -> None:
    if not isinstance(api, (Instance, SyncInstance)):
        raise TypeError(f"api must come from create() or create_sync(), not {describe(api)}")
    for method in ("get_state", "set_state"):
        if not callable(getattr(store, method, None)):
            raise TypeError(f"store must have {method}(), which a {type(store).__name__} has not")
    plain = {"should_refresh": should_refresh, "attach": attach}
    either = {"reauthenticate": reauthenticate}
    if not isinstance(refresh, ReadyRefresh):
        either["refresh"] = refresh
    for name, function in {**plain, **either}.items():
        if function is not None and not callable(function):
            raise TypeError(f"{name} must be callable, not {describe(function)}")
        if is_async(function) and (name in plain or not api.runtime.is_async):
            raise TypeError(f"{name} is async, where only a plain function can be used")


def _check_seconds(name: str, value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{name} must be a number of seconds, not {type(value).__name__}")
    if not value > 0:
        raise ValueError(f"{name} must be more than 0 seconds, not {value!r}")
