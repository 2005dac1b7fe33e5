"""Stores of every kind that can hold a session, and how a program logs in and out of each."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

import attrs
from zustax.store import UserStore, create_store
from zustax.transport import TokenStore
from zustax.transport.testing import IssuedTokens


@attrs.frozen
class Tokens:
    """The least that a state of one's own must hold."""

    access_token: str | None = attrs.field(default=None, repr=False)
    refresh_token: str | None = attrs.field(default=None, repr=False)


class HandWritten:
    """A `TokenStore` and nothing more: it has two methods, and takes nothing but mappings."""

    def __init__(self) -> None:
        self._state = Tokens()

    def get_state(self) -> Tokens:
        return self._state

    def set_state(self, partial: Mapping[str, str | None], /) -> None:
        self._state = attrs.evolve(self._state, **partial)


class StoreKind(ABC):
    """Makes stores of one kind, and changes them as a program would."""

    @abstractmethod
    def make(self) -> Any:
        """A store in which nobody is logged in."""

    def login(self, store: Any, tokens: IssuedTokens) -> None:
        """Begin a session."""
        store.set_state(
            {"access_token": tokens.access_token, "refresh_token": tokens.refresh_token}
        )

    def logout(self, store: Any) -> None:
        """End the session."""
        store.set_state({"access_token": None, "refresh_token": None})


class _UserStoreKind(StoreKind):
    def make(self) -> UserStore:
        return UserStore()

    def login(self, store: UserStore, tokens: IssuedTokens) -> None:
        store.login(tokens.access_token, tokens.refresh_token)

    def logout(self, store: UserStore) -> None:
        store.logout()


class _AttrsStoreKind(StoreKind):
    def make(self) -> TokenStore:
        return create_store(Tokens())


class _DictStoreKind(StoreKind):
    def make(self) -> TokenStore:
        return create_store({"access_token": None, "refresh_token": None})


class _HandWrittenKind(StoreKind):
    def make(self) -> HandWritten:
        return HandWritten()


USER_STORE: StoreKind = _UserStoreKind()

STORE_KINDS: dict[str, StoreKind] = {
    "UserStore": USER_STORE,
    "attrs": _AttrsStoreKind(),
    "dict": _DictStoreKind(),
    "hand-written": _HandWrittenKind(),
}


def tokens_in(store: TokenStore) -> tuple[str | None, str | None]:
    """The access token and the refresh token that a store holds."""
    state = store.get_state()
    if isinstance(state, Mapping):
        return state["access_token"], state["refresh_token"]
    return state.access_token, state.refresh_token
