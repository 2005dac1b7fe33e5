"""The session that a store holds, shared by all instances over that store."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import Any
from weakref import WeakValueDictionary

from attrs import define, evolve, field, frozen

from .errors import RefreshError, with_callers_frames
from .expiry import Expiry
from .flight import Flight
from .shared import shared_state_of
from .tokens import Credentials, TokenPair, TokenStore, field_of, has_field

_log = logging.getLogger("zustax")

_NOBODY = Credentials(None, None, None)

#: How many pairs are remembered of a store without session ids.
_KEPT = 4


@frozen
class Boarding:
    """A flight to wait for, and whether the one who boards has to carry it out."""

    flight: Flight
    is_new: bool


class Session:
    """Reads and writes the tokens of one store, and knows the refresh that is under way.

    Get it with `session_of`: instances over one store share it, and so share the refresh.

    Attributes:
        store: The store.
        shared: What it has to do with other processes; ``None`` if nothing.
        expiry: How long its access token lives.
        logins_asked: How often the user was told to log in.
    """

    def __init__(self, store: TokenStore) -> None:
        self.store = store
        self.shared = shared_state_of(store)
        self.expiry = Expiry()
        self.logins_asked = 0
        self._is_watched = False
        # A store of `zustax.store` replaces its state, so what was read of one holds for it.
        self._never_mutates = hasattr(store, "get_initial_state")
        self._read: tuple[Any, Credentials] = (None, _NOBODY)
        self._flight: Flight | None = None
        self._lock = threading.RLock()
        self._known: tuple[Credentials, ...] = ()
        self._rejection: tuple[object, RefreshError] | None = None
        self._succession: tuple[object, object] | None = None

    # --- reading ---

    def hydration(self) -> Future[None] | None:
        """For the end of the store's reading of its storage; ``None`` if that is not under way."""
        return None if self.shared is None else self.shared.hydration()

    def watch_expiry(self) -> None:
        """Note from now on when tokens are received, where the store tells of them."""
        self._see(self.store.get_state())
        with self._lock:
            if self._is_watched or not hasattr(self.store, "get_initial_state"):
                return
            self._is_watched = True
        subscribe: Any = getattr(self.store, "subscribe", None)
        if subscribe is not None:
            subscribe(lambda state, _previous: self._see(state))

    def _see(self, state: Any) -> None:
        self.expiry.see(field_of(state, "access_token"), field_of(state, "expires_at"))

    def credentials(self) -> Credentials:
        """What the store holds at this moment. Takes no lock where the tokens are known."""
        state = self.store.get_state()
        read, credentials = self._read
        if state is not read or not self._never_mutates:
            credentials = self._credentials_in(state)
            self._read = (state, credentials)
        return credentials

    def _credentials_in(self, state: Any) -> Credentials:
        access_token = field_of(state, "access_token")
        refresh_token = field_of(state, "refresh_token")
        if access_token is None and refresh_token is None:
            return _NOBODY
        session = field_of(state, "session_id")
        if session is None:
            session = self._mark(access_token, refresh_token)
        return Credentials(access_token, refresh_token, session, field_of(state, "expires_at"))

    def _mark(self, access_token: str | None, refresh_token: str | None) -> object:
        """The session of tokens without a session id: what is not known yet begins a new one."""
        known = _matching(self._known, access_token, refresh_token)
        if known is not None:
            return known.session
        with self._lock:
            known = _matching(self._known, access_token, refresh_token)
            if known is None:
                known = Credentials(access_token, refresh_token, object())
                self._remember(known)
            return known.session

    def _remember(self, *credentials: Credentials) -> None:
        # Some pairs before are kept: they may be read while a new one is being written.
        with self._lock:
            self._known = (*credentials, *self._known)[:_KEPT]

    def continued(self, left_with: Credentials, now: Credentials) -> Credentials:
        """What a request left with, in the session that its own has become.

        A refresh by cookie begins a session for those who left as nobody; a user who was asked to
        log in again goes on with the requests of before.
        """
        if self._succession == (left_with.session, now.session):
            return evolve(left_with, session=now.session)
        return left_with

    def succeed(self, before: object, after: object) -> None:
        """Let requests that left in the session ``before`` go on in the session ``after``."""
        self._succession = (before, after)

    # --- the refresh under way ---

    def flight_for(self, credentials: Credentials) -> Flight | None:
        """The refresh under way of the same session, if there is one. Takes no lock."""
        flight = self._flight
        if (
            flight is None
            or flight.has_landed
            or flight.started_with.session != credentials.session
        ):
            return None
        return flight

    def board(
        self, now: Credentials, timeout: float, *, logins_asked: int, is_early: bool = False
    ) -> Boarding | None:
        """Join the refresh under way, or begin one.

        Args:
            now: What the store held when it was decided that a refresh is needed.
            timeout: Seconds that a new refresh may take.
            logins_asked: `logins_asked` of the moment for which that was decided.
            is_early: Whether no token has been refused.

        Returns:
            ``None`` if the store has changed since, so that there is something new to decide.
        """
        with self._lock:
            flight = self.flight_for(now)
            if flight is not None:
                return Boarding(flight, is_new=False)
            if self.credentials() != now or self.logins_asked != logins_asked:
                return None
            self._flight = Flight(now, timeout, self, is_early=is_early)
            return Boarding(self._flight, is_new=True)

    def ask_for_login(self, since: int | None = None) -> bool:
        """Count that the user is told to log in; ``False`` if that was done since ``since``."""
        with self._lock:
            if since is not None and self.logins_asked != since:
                return False
            self.logins_asked += 1
            return True

    def reject(self, session: object, error: RefreshError) -> bool:
        """End ``session``, whose refresh token was rejected, unless it has ended meanwhile."""
        if self.credentials().session != session:
            return False
        self._rejection = (session, error)
        self._logout()
        self.ask_for_login()
        return True

    def rejection_of(self, session: object) -> RefreshError | None:
        """Why ``session`` was ended, if it is the last one that was."""
        rejection = self._rejection
        return rejection[1] if rejection and rejection[0] == session else None

    # --- writing ---

    def store_pair(self, pair: TokenPair, started_with: Credentials) -> Credentials | None:
        """Write a refreshed pair, unless the session has ended meanwhile.

        Returns:
            What the store holds with it; ``None`` if it was not written.

        Raises:
            RefreshError: The store refused it.
        """
        self.expiry.see(pair.access_token, pair.expires_at)
        refresh_token = pair.refresh_token or started_with.refresh_token
        if started_with.session is not None:
            renewed = Credentials(pair.access_token, refresh_token, started_with.session)
            self._remember(renewed, started_with)
        update = _Update(
            self._fields(pair),
            lambda state: self._credentials_in(state).session == started_with.session,
        )
        if hasattr(self.store, "get_initial_state"):
            self._write(self.store.set_state, update.apply)
        else:
            fields = update.apply(self.store.get_state())
            if update.was_applied:
                self._write(self.store.set_state, fields)
        held = self.credentials()
        if not update.was_applied:
            return None
        if held.access_token == started_with.access_token != pair.access_token:
            raise RefreshError("the store refused the new tokens; its log entry says why")
        if started_with.session is None:
            self.succeed(None, held.session)
        return held

    def login(self, pair: TokenPair, instead_of: object) -> bool:
        """Begin a session, unless the one ``instead_of`` which it begins has ended meanwhile."""
        if self.credentials().session != instead_of:
            return False
        login = getattr(self.store, "login", None)
        if login is not None:
            self._write(login, pair.access_token, pair.refresh_token, expires_at=pair.expires_at)
        else:
            fields = {**self._fields(pair), "refresh_token": pair.refresh_token}
            fields.pop("session_id", None)
            self._write(self.store.set_state, fields)
        return True

    def _logout(self) -> None:
        state = self.store.get_state()
        if self._credentials_in(state) is _NOBODY and not field_of(state, "is_login"):
            return
        logout = getattr(self.store, "logout", None)
        if logout is not None:
            self._write(logout)
        else:
            empty = dict.fromkeys(("access_token", "refresh_token", "expires_at", "session_id"))
            self._write(self.store.set_state, _held_by(state, {**empty, "is_login": False}))

    def _fields(self, pair: TokenPair) -> dict[str, Any]:
        state = self.store.get_state()
        fields = {
            "access_token": pair.access_token,
            "expires_at": pair.expires_at,
            "is_login": True,
        }
        session_id = field_of(state, "session_id")
        if session_id is not None:
            fields["session_id"] = session_id
        if pair.refresh_token is not None:
            fields["refresh_token"] = pair.refresh_token
        return _held_by(state, fields)

    def _write(self, write: Callable[..., Any], *args: Any, **options: Any) -> None:
        """Write to the store; a listener of it that raises changes nothing for any request (17)."""
        try:
            write(*args, **options)
        except Exception as error:
            # Our own frames hold the tokens, and some log handlers print local variables.
            with_callers_frames(error)
            _log.error("the store raised", exc_info=error)


@define(repr=False)
class _Update:
    """An updater that changes ``fields`` of the state where ``applies`` says so of it."""

    fields: dict[str, Any] = field(repr=False)
    applies: Callable[[Any], bool]
    was_applied: bool = False

    def apply(self, state: Any) -> Any:
        """The change, or the state as it is."""
        self.was_applied = self.applies(state)
        return self.fields if self.was_applied else state


def _held_by(state: Any, fields: dict[str, Any]) -> dict[str, Any]:
    """Those of ``fields`` that a state has; a mapping can be given the tokens, too."""
    can_take = ("access_token", "refresh_token") if isinstance(state, Mapping) else ()
    return {
        name: value for name, value in fields.items() if name in can_take or has_field(state, name)
    }


def _matching(
    known: tuple[Credentials, ...], access_token: str | None, refresh_token: str | None
) -> Credentials | None:
    for credentials in known:
        if refresh_token is not None and credentials.refresh_token == refresh_token:
            return credentials
        if access_token is not None and credentials.access_token == access_token:
            return credentials
    return None


_sessions: WeakValueDictionary[int, Session] = WeakValueDictionary()
_sessions_lock = threading.Lock()


def session_of(store: TokenStore) -> Session:
    """The one session object of a store. It keeps the store alive, and so its identity."""
    with _sessions_lock:
        session = _sessions.get(id(store))
        if session is None:
            session = _sessions[id(store)] = Session(store)
        return session
