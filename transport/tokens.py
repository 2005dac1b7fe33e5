"""Tokens in the hands of the transport: what a store must offer, and holders that show nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from attrs import field, frozen


class TokenStore(Protocol):
    """A store that holds the tokens of a session, such as ``zustax.store.UserStore``.

    Its state is an object, or a mapping, with ``access_token`` and ``refresh_token``;
    ``expires_at``, ``is_login`` and ``session_id`` are kept up to date where the state has them.
    ``login`` and ``logout`` are used where the store has them. A store with ``get_initial_state``
    (one of ``zustax.store``) is given a function, which it runs under its lock: a logout by another
    thread in the same instant is then never undone.

    A store whose state lies in a storage may have ``persist``, as those of ``zustax.store`` do:

        persist.hydration()         a future for the end of the reading under way, or ``None``
        persist.exclusive(timeout)  a future for this process's turn to renew what is stored

    Requests wait for the first. A refresh takes place in such a turn, which has ``reload()``,
    ``holding_back()``, ``write()`` and ``release()``: it reads what other processes have written,
    and uses that or writes its own. The futures are those of ``concurrent.futures``. For another
    process's tokens to be used the state must have a ``session_id``, the same in both.
    """

    def get_state(self) -> Any:
        """The current state."""

    def set_state(self, partial: Any, /) -> Any:
        """Merge a mapping into the state."""


@frozen(init=False, repr=False)
class TokenPair:
    """What a refresh gives.

    Args:
        access_token: The new access token.
        refresh_token: The new refresh token; ``None`` keeps the old one.
        expires_at: When the access token expires, in epoch seconds; ``None`` if unknown.

    Raises:
        TypeError: One has the wrong type.
    """

    access_token: str = field(repr=False)
    refresh_token: str | None = field(default=None, repr=False)
    expires_at: float | None = None

    def __init__(
        self, access_token: str, refresh_token: str | None = None, expires_at: float | None = None
    ) -> None:
        problem = problem_of_pair(access_token, refresh_token, expires_at)
        if problem:
            # A crash report prints the locals of this frame.
            del self, access_token, refresh_token, expires_at
            raise TypeError(problem)
        self.__attrs_init__(access_token, refresh_token, expires_at)  # pyright: ignore[reportAttributeAccessIssue]

    def __repr__(self) -> str:
        has_refresh_token = self.refresh_token is not None
        return f"<TokenPair refresh_token={has_refresh_token} expires_at={self.expires_at}>"


def problem_of_pair(access_token: object, refresh_token: object, expires_at: object) -> str | None:
    """What is wrong with fields of a pair; it names types, as a value may be a token."""
    if not isinstance(access_token, str) or not access_token:
        return f"access_token must be a str that is not empty, not {_kind(access_token)}"
    if refresh_token is not None and not (isinstance(refresh_token, str) and refresh_token):
        return f"refresh_token must be None or a str that is not empty, not {_kind(refresh_token)}"
    is_number = isinstance(expires_at, (int, float)) and not isinstance(expires_at, bool)
    if expires_at is not None and not is_number:
        return f"expires_at must be epoch seconds or None, not {_kind(expires_at)}"
    return None


def _kind(value: object) -> str:
    return "an empty str" if value == "" else f"a {type(value).__name__}"


@frozen(repr=False)
class Credentials:
    """What a store holds at one moment.

    Attributes:
        session: What tells this login from the one before and the one after; ``None``: nobody is
            logged in.
        expires_at: When the access token expires, in epoch seconds; ``None``: it is not known.
    """

    access_token: str | None = field(repr=False)
    refresh_token: str | None = field(repr=False)
    session: object = field(repr=False)
    expires_at: float | None = field(default=None, eq=False)

    def __repr__(self) -> str:
        return f"<Credentials access_token={self.access_token is not None}>"


def field_of(state: Any, name: str) -> Any:
    """A field of a state that is a mapping or an object; ``None`` where it has none."""
    if isinstance(state, Mapping):
        return state.get(name)
    return getattr(state, name, None)


def has_field(state: Any, name: str) -> bool:
    """Whether a state has a field of that name."""
    return name in state if isinstance(state, Mapping) else hasattr(state, name)
