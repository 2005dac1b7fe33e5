"""Who is logged in: a pair of tokens, and the store that holds it.

    store = UserStore()
    store.login("access", "refresh", expires_at=time.time() + 300)
    store.get_state()   # UserState(access_token=<set>, refresh_token=<set>, is_login=True, ...)
    store.logout()

No token is ever shown.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import attrs

from .merge_state import settable_fields
from .middleware.convert import merge_stored
from .middleware.persist import Persistence, persist
from .storage.protocol import Storage, StoredStateError
from .tracebacks import cuts_frames
from .vanilla import Store

#: How many ended sessions a store remembers.
_REMEMBERED = 16

_TYPES: dict[str, tuple[type, ...]] = {
    "access_token": (str, type(None)),
    "refresh_token": (str, type(None)),
    "is_login": (bool,),
    "expires_at": (int, float, type(None)),
    "session_id": (str, type(None)),
}


def _presence(token: str | None) -> str:
    return "<none>" if token is None else "<set>"


@attrs.frozen
class UserState:
    """The tokens of a user. A ``UserState()`` is no user, logged out.

    Its ``repr`` shows whether a token is there and never the token.

    Args:
        access_token: What requests are authorized with. Default: None.
        refresh_token: What a new access token is obtained with. Default: None.
        is_login: Whether a user is logged in. Default: False.
        expires_at: When the access token expires, in seconds since the epoch. Default: None, not
            known.
        session_id: A random name of the login that the tokens come from. It stays the same when
            they are refreshed, and has no part in equality. Default: None.

    Raises:
        TypeError: If a value is of the wrong type; the message names the type and not the value.
    """

    access_token: str | None = attrs.field(default=None, repr=_presence)
    refresh_token: str | None = attrs.field(default=None, repr=_presence)
    is_login: bool = False
    expires_at: float | None = None
    session_id: str | None = attrs.field(default=None, eq=False, repr=False)

    @cuts_frames
    def __attrs_post_init__(self) -> None:
        # A validator of attrs would put the token into the error.
        for name, types in _TYPES.items():
            value = getattr(self, name)
            if not isinstance(value, types) or (isinstance(value, bool) and bool not in types):
                wanted = " or ".join("None" if t is type(None) else t.__name__ for t in types)
                raise TypeError(f"{name} must be {wanted}, not {type(value).__name__}")


if TYPE_CHECKING:  # so that a plain ``UserStore`` is one of a ``UserState``
    from typing_extensions import TypeVar

    U = TypeVar("U", bound=UserState, default=UserState)
else:
    from typing import TypeVar

    U = TypeVar("U", bound=UserState)


class UserStore(Store[U]):
    """The store of who is logged in.

    Every login is a session of its own, named by ``session_id``. A change by hand that brings
    another refresh token, or the first tokens, starts one, unless it names the session itself.
    Without any token there is no session. A session that has ended here is not taken up again from
    the storage, where another process that had not heard of its end may have written it once more.

    An application that keeps more than tokens has a subclass of ``UserState`` for it::

        @attrs.frozen
        class Session(UserState):
            user: User | None = None

        store = UserStore(Session(), storage=FileStorage())
        store.login("access", "refresh", user=ada)

    Args:
        initial: The first state. Default: ``UserState()``, logged out.
        storage: Where the state survives the program, as with the middleware ``persist``. A login
            or logout during the hydration counts, and what is stored does not. Default: None,
            nowhere.
        name: What the state is stored under. Default: ``"user"``.
        sync: Whether to take over what other processes write to the storage, as soon as that tells
            of it. Default: if it can tell.

    Attributes:
        persist: The storage side of the store, where there is a storage.

    Raises:
        TypeError: If ``initial``, or what is later set, does not make a ``UserState``; or if its
            class has a field without a default, which a logout could not reset.
        ImportError: If the class has fields that only cattrs can store, and the extra
            ``zustax[persist]`` is not installed.
        NoEventLoopError: If the storage is asynchronous and no event loop is running.
    """

    persist: Persistence[U]

    @cuts_frames
    def __init__(
        self,
        initial: U | None = None,
        *,
        storage: Storage | None = None,
        name: str = "user",
        sync: bool | None = None,
    ) -> None:
        given: Any = UserState() if initial is None else _user_state(initial)
        # A user who is logged in already leaves nothing behind at a logout.
        is_user = given.is_login or _has_tokens(given)
        self._logged_out: U = type(given)() if is_user else given
        first = _in_session(self._logged_out, given)
        self._hydrated_from = self._hydrated_to = first
        self._ended: deque[str] = deque(maxlen=_REMEMBERED)
        self._was_refused = False
        if storage is None:
            super().__init__(first)
            return
        super().__init__(
            persist(
                lambda: first,
                name=name,
                storage=storage,
                sync=hasattr(storage, "subscribe") if sync is None else sync,
                merge=self._merge_stored,
            )
        )
        self.persist.on_hydrate(self._note_hydration)
        self.persist.on_finish_hydration(self._answer_refused)

    @cuts_frames
    def login(
        self,
        access_token: str,
        refresh_token: str | None,
        *,
        expires_at: float | None = None,
        **fields: Any,
    ) -> None:
        """Start a session with these tokens.

        Args:
            access_token: What requests are authorized with.
            refresh_token: What a new access token is obtained with, or None.
            expires_at: When the access token expires, in seconds since the epoch. Default: None,
                not known.
            **fields: Further fields of the state. If this login ends another session, all others
                have their initial value again.

        Raises:
            TypeError: If a value is of the wrong type, or there is no such field, or it is one that
                a login sets itself. Nothing has changed then.
            ValueError: If the access token is empty. Nothing has changed then.
        """
        if not isinstance(access_token, str):
            raise TypeError(f"access_token must be str, not {type(access_token).__name__}")
        if not access_token:
            raise ValueError("access_token must not be an empty str; to log out call logout()")
        for name in fields.keys() & _TYPES.keys():
            raise TypeError(f"login() sets {name} itself")
        if _has_tokens(self.get_state()):
            initial = settable_fields(self._logged_out) or {}
            fields = {**initial, **fields}
        self.set_state(
            {
                **fields,
                "access_token": access_token,
                "refresh_token": refresh_token,
                "is_login": True,
                "expires_at": expires_at,
                "session_id": _new_session(),
            }
        )

    @cuts_frames
    def logout(self, session_id: str | None = None) -> None:
        """End the session: every field has its initial value again, also in the storage.

        What the storage has set aside is removed, since it may hold tokens.

        Args:
            session_id: The session to end, if it is still that one. Default: whichever there is.
        """
        if session_id not in (None, self.get_state().session_id):
            return
        if hasattr(self, "persist"):
            self.persist.forget_set_aside()
        empty: Any = settable_fields(self._logged_out) or {}
        if session_id is None:
            self.set_state(empty)
        else:
            self.set_state(lambda now: empty if now.session_id == session_id else now)

    def _merge(self, state: U | None, partial: Any, replace: bool | None) -> U:
        before = self._logged_out if state is None else state  # None while the store is being made
        names_session = partial is self._hydrated_to or (
            isinstance(partial, dict) and "session_id" in partial
        )
        merged: U = _user_state(super()._merge(before, partial, replace))
        after: U = merged if names_session else _in_session(before, merged)
        if before.session_id is not None and before.session_id != after.session_id:
            self._ended.append(before.session_id)
        return after

    def _note_hydration(self, state: U) -> None:
        self._hydrated_from = state

    def _answer_refused(self) -> None:
        """Write once more that a session has ended, to a storage that does not know it."""
        if self._was_refused:
            self._was_refused = False
            self.set_state({})

    def _merge_stored(self, stored: Any, state: U) -> U:
        if state is not self._hydrated_from:
            return state
        if stored is not None and not isinstance(stored, dict):
            raise StoredStateError(f"a user is stored as an object, not as a {type(stored)}")
        merged: U = merge_stored(stored, state)
        self._was_refused = merged.session_id in self._ended
        if self._was_refused:
            return state
        merged = merged if merged.session_id else _in_session(state, merged)
        self._hydrated_to = merged
        return merged


def _in_session(before: U, after: U) -> U:
    """Return a new state in the session that its tokens belong to."""
    is_rotated = after.refresh_token not in (None, before.refresh_token)
    if not _has_tokens(after):
        session_id = None
    elif after.session_id not in (None, before.session_id):
        session_id = after.session_id  # it says itself which one
    elif is_rotated or not _has_tokens(before):
        session_id = _new_session()
    else:
        session_id = before.session_id
    return after if session_id == after.session_id else attrs.evolve(after, session_id=session_id)


def _has_tokens(state: UserState) -> bool:
    return state.access_token is not None or state.refresh_token is not None


def _new_session() -> str:
    return uuid4().hex


def _user_state(value: Any) -> Any:
    """Pass on a ``UserState``, and refuse anything else."""
    if not isinstance(value, UserState):
        raise TypeError(f"a UserStore holds a UserState, not {type(value).__name__}")
    return value
