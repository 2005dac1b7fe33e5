"""The session that a store holds, shared by all instances over that store."""

from __future__ import annotations

import hashlib
import inspect
import logging
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import Any
from weakref import WeakValueDictionary

from attrs import evolve

from ..errors import RefreshError
from ..runtime import reset_after_fork
from ..secrecy import with_callers_frames
from .expiry import Expiry
from .failures import Failures
from .pending import PendingRefresh
from .storage_lock import persist_of
from .tokens import LOGGED_OUT, Credentials, TokenPair, TokenStore, field_of, has_field

_log = logging.getLogger("zustax")

#: How many pairs are remembered of a store without session ids.
_KEPT = 4

#: How many access tokens of a session are recognised in a header, besides the first.
_RECOGNISED = 64

#: How many tokens of a session are noted for other processes.
_NOTED = 16


class TokenSession:
    """Reads and writes the tokens of one store, and knows the refresh that is under way.

    Get it with `session_of`: instances over one store share it, and so share the refresh.
    """

    def __init__(self, store: TokenStore) -> None:
        self.store = store
        self.persist = persist_of(store)  #: its storage, which other processes may share
        self.expiry = Expiry()
        self.failures = Failures()
        self.logins_required = 0  #: how often the user was told to log in
        self.was_logged_out = False  #: a session has ended here: a cookie must not undo that (7)
        # A store of `zustax.store` replaces its state, so what was read of one holds for it.
        self._never_mutates = hasattr(store, "get_initial_state")
        self._read: tuple[Any, Credentials] = (None, LOGGED_OUT)
        self._seen: list[str] = []  # digests of its access tokens
        self._pending: PendingRefresh | None = None
        self._known: tuple[Credentials, ...] = ()
        self._rejection: tuple[object, RefreshError] | None = None
        self._settled: tuple[Any, Credentials, RefreshError] | None = None
        #: A session, and the one in which its requests go on.
        self.succession: tuple[object, object] | None = None
        self.lock = threading.RLock()
        reset_after_fork(self)
        subscribe: Any = getattr(store, "subscribe", None)
        if self._never_mutates and subscribe is not None:
            subscribe(lambda state, _previous: self.credentials())
        self.credentials()

    def after_fork(self) -> None:
        """Start anew in a child: the thread that ran a refresh, or held a lock, is not there."""
        self.lock = threading.RLock()
        self._pending = None
        self.expiry.after_fork()

    # --- reading ---

    def hydration(self) -> Future[None] | None:
        """Return a future for the end of the current hydration; ``None`` if there is none."""
        return None if self.persist is None else self.persist.hydration()

    def credentials(self) -> Credentials:
        """Return what the store holds now. Takes no lock where the tokens are known."""
        state = self.store.get_state()
        read, credentials = self._read
        if state is not read or not self._never_mutates:
            credentials = self._credentials_in(state)
            before, self._read = self._read[1], (state, credentials)
            if credentials != before:
                self._note_change(before, credentials)
        return credentials

    def _credentials_in(self, state: Any) -> Credentials:
        access_token = field_of(state, "access_token")
        refresh_token = field_of(state, "refresh_token")
        if access_token is None and refresh_token is None:
            return LOGGED_OUT
        session = field_of(state, "session_id")
        if session is None:
            session = self._session_for(access_token, refresh_token)
        return Credentials(access_token, refresh_token, session, field_of(state, "expires_at"))

    def _note_change(self, before: Credentials, held: Credentials) -> None:
        self.expiry.see(held.access_token, held.expires_at)
        if held.session != before.session:
            self.was_logged_out = held.session is None
            self.failures.reset()
            self._settled = None
            self._seen = []
        if held.access_token is not None:
            self._seen.append(_digest(held.access_token))
            del self._seen[1:-_RECOGNISED]  # the first may stand in the default headers

    def is_own(self, access_token: str) -> bool:
        """Return True for the access token of now, or one of before in this session."""
        is_current = access_token == self.credentials().access_token
        return is_current or _digest(access_token) in self._seen

    def _session_for(self, access_token: str | None, refresh_token: str | None) -> object:
        """Return the session of tokens without a session id; unknown tokens begin a new one."""
        session = self._known_session(access_token, refresh_token)
        if session is None:
            with self.lock:
                session = self._known_session(access_token, refresh_token)
                if session is None:
                    session = self._session_of_note(refresh_token or access_token or "") or object()
                    self._remember(Credentials(access_token, refresh_token, session))
        return session

    def _known_session(self, access_token: str | None, refresh_token: str | None) -> object:
        for known in self._known:
            if refresh_token is not None and known.refresh_token == refresh_token:
                return known.session
            if access_token is not None and known.access_token == access_token:
                return known.session
        return None

    def _remember(self, *credentials: Credentials) -> None:
        # Some pairs before are kept: they may be read while a new one is written.
        with self.lock:
            self._known = (*credentials, *self._known)[:_KEPT]

    def continued(self, sent_with: Credentials, held: Credentials) -> Credentials:
        """Return what a request left with, in the session that its own has become.

        A refresh by cookie, or ``reauthenticate``, begins another one for requests under way.
        """
        if self.succession == (sent_with.session, held.session):
            return evolve(sent_with, session=held.session)
        return sent_with

    # --- the tokens that other processes know (16) ---

    def _noted(self) -> list[str]:
        """Return digests of the tokens of the stored session, oldest first."""
        get_note = getattr(self.persist, "get_note", None)
        note = get_note() if get_note else None
        return note if isinstance(note, list) else []

    def _session_of_note(self, token: str) -> object:
        """Return the session of a token that another process has refreshed, if it is one of ours.

        A store of the user's own has no session id. So each refresh notes the tokens of the session
        beside the state.
        """
        noted = self._noted()
        if _digest(token) not in noted:
            return None
        for known in self._known:
            if _digest(known.refresh_token or known.access_token or "") in noted:
                return known.session
        return None

    def _write_note(self, before: Credentials, token: str) -> None:
        set_note = getattr(self.persist, "set_note", None)
        if set_note and not has_field(self.store.get_state(), "session_id"):
            noted, first = self._noted(), _digest(before.refresh_token or before.access_token or "")
            noted = noted if first in noted else [first]
            set_note([*noted, _digest(token)][-_NOTED:])

    # --- the refresh under way ---

    def pending_for(self, credentials: Credentials) -> PendingRefresh | None:
        """Return the refresh under way of the same session, if there is one. Takes no lock."""
        pending = self._pending
        if pending is None or pending.started_with.session != credentials.session:
            return None
        return None if pending.is_finished else pending

    def join_or_start(
        self, held: Credentials, timeout: float, *, logins_required: int, is_early: bool = False
    ) -> tuple[PendingRefresh | None, bool]:
        """Join the refresh under way, or start one, which the caller has to run (True).

        Returns ``None`` if what the caller has seen has changed, so that it has to decide anew.
        """
        with self.lock:
            pending = self.pending_for(held)
            if pending is not None:
                return pending, False
            if self.credentials() != held or self.logins_required != logins_required:
                return None, False
            self._pending = PendingRefresh(held, timeout, self, is_early=is_early)
            return self._pending, True

    def require_login(self, since: int | None = None) -> bool:
        """Count that the user has to log in; return False if that was counted since ``since``."""
        with self.lock:
            if since is not None and self.logins_required != since:
                return False
            self.logins_required += 1
            return True

    def reject(self, session: object, error: RefreshError) -> bool:
        """End ``session``, whose refresh token was rejected, unless it has ended meanwhile."""
        if self.credentials().session != session:
            return False
        self._rejection = (session, error)
        self._logout(session)
        if self.credentials().session is not None:
            return False  # another user has logged in in that moment
        self._settled = (self.store.get_state(), self.credentials(), error)
        self.require_login()
        return True

    def rejection_of(self, session: object) -> RefreshError | None:
        """Return why ``session`` was ended, if it is the last one that was."""
        rejection = self._rejection
        return rejection[1] if rejection and rejection[0] == session else None

    def settled_rejection(self) -> RefreshError | None:
        """Return the last rejection if the store has not changed since: no refresh is tried (7)."""
        if self._settled is None:
            return None
        state, held, error = self._settled
        # A store of the user's own may make a state for each look at it.
        is_same = self.store.get_state() is state or not self._never_mutates
        return error if is_same and self.credentials() == held else None

    # --- writing ---

    def store_pair(self, pair: TokenPair, started_with: Credentials) -> Credentials | None:
        """Write a pair, and return what the store then holds; ``None`` if the session has ended."""
        self.expiry.see(pair.access_token, pair.expires_at)
        refresh_token = pair.refresh_token or started_with.refresh_token
        if started_with.session is not None:
            renewed = Credentials(pair.access_token, refresh_token, started_with.session)
            self._remember(renewed, started_with)
            self._write_note(started_with, refresh_token or pair.access_token)
        was_set = self._set(self._fields(pair), started_with.session)
        held = self.credentials()
        if not was_set:
            return None
        if held.access_token == started_with.access_token != pair.access_token:
            raise RefreshError("the store refused the new tokens; its log entry says why")
        if started_with.session is None:
            self.succession = (None, held.session)
        return held

    def login(self, pair: TokenPair, instead_of: object) -> bool:
        """Begin a session, unless the one ``instead_of`` which it begins has ended meanwhile."""
        if self.credentials().session != instead_of:
            return False
        login = getattr(self.store, "login", None)
        if login is None:
            fields = {**self._fields(pair), "refresh_token": pair.refresh_token}
            fields.pop("session_id", None)
            return self._set(fields, instead_of)
        self._write(login, pair.access_token, pair.refresh_token, expires_at=pair.expires_at)
        return True

    def _logout(self, session: object) -> None:
        state = self.store.get_state()
        if self._credentials_in(state) is LOGGED_OUT and not field_of(state, "is_login"):
            return
        logout = getattr(self.store, "logout", None)
        if logout is None:
            empty = dict.fromkeys(("access_token", "refresh_token", "expires_at", "session_id"))
            self._set(_held_by(state, {**empty, "is_login": False}), session)
        elif has_field(state, "session_id") and _takes_session(logout):
            self._write(logout, session)
        else:
            self._write(logout)

    def _set(self, fields: dict[str, Any], session: object) -> bool:
        """Set fields of the state; return False if another session has begun meanwhile."""
        is_current = False

        def update(state: Any) -> Any:
            nonlocal is_current
            is_current = self._credentials_in(state).session == session
            return fields if is_current else state

        if self._never_mutates:
            self._write(self.store.set_state, update)
        elif update(self.store.get_state()) is fields:
            self._write(self.store.set_state, fields)
        return is_current

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
        """Write to the store; a listener that raises changes nothing for any request (17)."""
        try:
            write(*args, **options)
        except Exception as error:
            # The frames of zustax hold tokens, and some log handlers print local variables.
            with_callers_frames(error)
            _log.error("the store raised", exc_info=error)


def _takes_session(logout: Callable[..., Any]) -> bool:
    return "session_id" in inspect.signature(logout).parameters


def _held_by(state: Any, fields: dict[str, Any]) -> dict[str, Any]:
    """Return those of ``fields`` that a state has; a mapping also takes the tokens."""
    can_take = ("access_token", "refresh_token") if isinstance(state, Mapping) else ()
    return {
        name: value for name, value in fields.items() if name in can_take or has_field(state, name)
    }


def _digest(token: str) -> str:
    return hashlib.blake2b(token.encode(errors="surrogatepass"), digest_size=12).hexdigest()


class _Sessions:
    """The one session object of each store."""

    def __init__(self) -> None:
        self._known: WeakValueDictionary[int, TokenSession] = WeakValueDictionary()
        self._lock = threading.Lock()
        reset_after_fork(self)

    def after_fork(self) -> None:
        self._lock = threading.Lock()

    def of(self, store: TokenStore) -> TokenSession:
        """Return the session of a store. It keeps the store alive, and so its identity."""
        with self._lock:
            session = self._known.get(id(store))
            if session is None:
                session = self._known[id(store)] = TokenSession(store)
            return session


session_of = _Sessions().of
