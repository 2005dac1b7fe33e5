"""The store makes the instance: its interceptors read the state, and change it.

This is `interceptors_in_store.ts` in Python, construct by construct, and at the end what takes its
place.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from typing import Any, TypedDict

import attrs
from zustax.store import (
    MemoryStorage,
    SetState,
    Store,
    UserState,
    UserStore,
    create_store,
    persist,
)
from zustax.transport import Instance, RequestConfig, RequestError, create, silent_refresh

BASE_URL = os.environ.get("API_URL", "http://localhost:3001/api")


class AuthState(TypedDict):
    access_token: str | None
    refresh_token: str | None
    is_login: bool
    api: Instance
    login: Callable[[str, str], Awaitable[None]]
    logout: Callable[[], None]


LOGGED_OUT = {"access_token": None, "refresh_token": None, "is_login": False}


def auth_store(
    set_state: SetState[AuthState], get_state: Callable[[], AuthState], store: Store[AuthState]
) -> AuthState:
    api = create(base_url=BASE_URL)
    plain = api.create()  # without the interceptors
    refreshing: asyncio.Task[None] | None = None

    async def refresh() -> None:
        nonlocal refreshing
        try:
            refresh_token = get_state()["refresh_token"]
            response = await plain.post("/auth/refresh", {"refresh_token": refresh_token})
            tokens = response.data
            set_state(
                {"access_token": tokens["access_token"], "refresh_token": tokens["refresh_token"]}
            )
        finally:
            refreshing = None

    def add_token(config: RequestConfig) -> RequestConfig:
        token = get_state()["access_token"]
        if token:
            config.headers["Authorization"] = f"Bearer {token}"
        return config

    async def refresh_and_send_again(error: Exception) -> Any:
        nonlocal refreshing
        if not isinstance(error, RequestError) or error.status != 401 or not error.config:
            raise error
        config = error.config
        if config.extra.get("sent") or config.url == "/auth/login":
            raise error
        config.extra["sent"] = True
        try:
            refreshing = refreshing or asyncio.create_task(refresh())
            await asyncio.shield(refreshing)
        except Exception:
            get_state()["logout"]()
            raise error from None
        return await api(config)

    api.interceptors.request.use(add_token)
    api.interceptors.response.use(None, refresh_and_send_again)

    async def login(username: str, password: str) -> None:
        response = await api.post("/auth/login", {"username": username, "password": password})
        tokens = response.data
        set_state(
            {
                "access_token": tokens["access_token"],
                "refresh_token": tokens["refresh_token"],
                "is_login": True,
            }
        )

    return {
        "access_token": None,
        "refresh_token": None,
        "is_login": False,
        "api": api,
        "login": login,
        "logout": lambda: set_state(LOGGED_OUT),
    }


auth = create_store(
    persist(
        auth_store,
        name="auth",
        storage=MemoryStorage(),  # a FileStorage() outlives the program, as localStorage the page
        partialize=lambda state: {
            name: value for name, value in state.items() if name in LOGGED_OUT
        },
    )
)


# --- with zustax ---


@attrs.frozen
class Session(UserState):
    """What a logout clears: the tokens, and the fields of the application."""

    user: str | None = None


class Auth(UserStore[Session]):
    """Persists its state, and has `logout`; its repr, unlike a dict's, hides the tokens."""

    def __init__(self) -> None:
        super().__init__(Session(), storage=MemoryStorage(), name="auth")
        self.api = create(base_url=BASE_URL)
        silent_refresh(self.api, self, url="/auth/refresh")

    async def sign_in(self, username: str, password: str) -> None:
        user = {"username": username, "password": password}
        response = await self.api.post("/auth/login", user, extra={"silent_refresh": False})
        tokens = response.data
        self.login(tokens["access_token"], tokens["refresh_token"], user=username)
