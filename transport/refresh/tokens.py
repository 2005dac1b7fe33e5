"""Tokens in the transport: what a store must offer, and holders whose repr shows no token."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Protocol

from attrs import field, frozen

from ..secrecy import discreet


class TokenStore(Protocol):
    """A store that holds the tokens of a session, such as ``zustax.store.UserStore``.

    Its state is an object or a mapping with ``access_token`` and ``refresh_token``. Silent refresh
    keeps ``expires_at``, ``is_login`` and ``session_id`` up to date where the state has them, and
    calls ``login`` and ``logout`` where the store has them. A store with ``get_initial_state`` (one
    of ``zustax.store``) is given a function, which it runs under its lock: a logout by another
    thread in the same instant is then never undone.

    A store whose state lies in a storage may have ``persist``, as those of ``zustax.store`` do:

        persist.hydration()         a future for the end of the current hydration, or ``None``
        persist.exclusive(timeout)  a future for the lock of the storage

    Requests wait for the first. A refresh runs under the lock, which has ``reload()``,
    ``ensure_writable()``, ``holding_back()``, ``write()`` and ``release()``: it reads what other
    processes have written, and uses that or writes its own. ``persist.get_note()`` and
    ``set_note(value)`` keep a JSON value beside the state, in which silent refresh notes digests of
    the tokens of a session without a ``session_id``. The futures are those of
    ``concurrent.futures``.
    """

    def get_state(self) -> Any:
        """Return the current state."""

    def set_state(self, partial: Any, /) -> Any:
        """Merge a mapping into the state."""


def _known_time(given: Any) -> Any:
    return finite(given) if _is_number(given) else given


def finite(value: Any) -> float | None:
    """Return a number that can be a time; a server may say anything (13)."""
    try:
        return float(value) if _is_number(value) and math.isfinite(value) else None
    except OverflowError:
        return None


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


@discreet
@frozen(repr=False)
class TokenPair:
    """The result of a refresh.

    Args:
        access_token: The new access token.
        refresh_token: The new refresh token; ``None`` keeps the old one.
        expires_at: When the access token expires, in epoch seconds; ``None`` if unknown, and
            instead of a number that is no time, such as infinity.

    Raises:
        TypeError: One has the wrong type.
    """

    access_token: str = field(repr=False)
    refresh_token: str | None = field(default=None, repr=False)
    expires_at: float | None = field(default=None, converter=_known_time)

    def __attrs_post_init__(self) -> None:
        access, refresh, expires_at = self.access_token, self.refresh_token, self.expires_at
        if not isinstance(access, str) or not access:
            raise TypeError(f"access_token must be a str that is not empty, not {_kind(access)}")
        if refresh is not None and not (isinstance(refresh, str) and refresh):
            raise TypeError(
                f"refresh_token must be None or a str that is not empty, not {_kind(refresh)}"
            )
        if expires_at is not None and not _is_number(expires_at):
            raise TypeError(f"expires_at must be epoch seconds or None, not {_kind(expires_at)}")

    def __repr__(self) -> str:
        has_refresh_token = self.refresh_token is not None
        return f"<TokenPair refresh_token={has_refresh_token} expires_at={self.expires_at}>"


def _kind(value: object) -> str:
    return "an empty str" if value == "" else f"a {type(value).__name__}"


@frozen
class Credentials:
    """What a store holds at one moment. Its repr shows no token."""

    access_token: str | None = field(repr=False)
    refresh_token: str | None = field(repr=False)
    session: object = field(repr=False)  #: tells one login from the next; ``None``: logged out
    expires_at: float | None = field(default=None, eq=False)


LOGGED_OUT = Credentials(None, None, None)


def field_of(state: Any, name: str) -> Any:
    """Return a field of a state that is a mapping or an object; ``None`` where it has none."""
    if isinstance(state, Mapping):
        return state.get(name)
    return getattr(state, name, None)


def has_field(state: Any, name: str) -> bool:
    """Return True if a state has a field of that name."""
    return name in state if isinstance(state, Mapping) else hasattr(state, name)
