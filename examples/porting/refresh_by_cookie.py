"""The refresh token is an HttpOnly cookie: the client sends it, and the program never sees it.

This is `refresh_by_cookie.ts` in Python, construct by construct, and at the end what takes its
place. `withCredentials` has no counterpart: the client keeps cookies, and sends them where they
belong.
"""

from __future__ import annotations

import asyncio
import os
from typing import Any

import attrs
from zustax.store import UserStore, create_store
from zustax.transport import (
    Instance,
    RequestConfig,
    RequestError,
    TokenPair,
    create,
    silent_refresh,
)

BASE_URL = os.environ.get("API_URL", "http://localhost:3001/api")
REFRESH_URL = "/auth/refresh"


@attrs.frozen
class Auth:
    access_token: str | None = attrs.field(default=None, repr=False)


auth = create_store(Auth())

api = create(base_url=BASE_URL)


async def login(username: str, password: str) -> None:
    response = await api.post("/auth/login", {"username": username, "password": password})
    auth.set_state({"access_token": response.data["access_token"]})


refreshing: asyncio.Task[None] | None = None


async def refresh() -> None:
    global refreshing
    try:
        response = await api.post(REFRESH_URL)
        auth.set_state({"access_token": response.data["access_token"]})
    finally:
        refreshing = None


def add_token(config: RequestConfig) -> RequestConfig:
    access_token = auth.get_state().access_token
    if access_token and config.url != REFRESH_URL:
        config.headers["Authorization"] = f"Bearer {access_token}"
    return config


async def refresh_and_retry(error: Exception) -> Any:
    global refreshing
    if not isinstance(error, RequestError) or error.status != 401 or not error.config:
        raise error
    config = error.config
    if config.url.startswith("/auth/") or config.extra.get("was_retried"):
        raise error
    config.extra["was_retried"] = True
    refreshing = refreshing or asyncio.create_task(refresh())
    try:
        await asyncio.shield(refreshing)
    except Exception:
        auth.set_state({"access_token": None})
        raise error from None
    return await api(config)


api.interceptors.request.use(add_token)
api.interceptors.response.use(None, refresh_and_retry)


# --- with zustax ---


def without_interceptors(store: UserStore) -> Instance:
    """An instance that needs none of the above; after a login: `store.login(token, None)`."""
    instance = create(base_url=BASE_URL)

    async def renew(_refresh_token: str | None) -> TokenPair:
        response = await instance.post(REFRESH_URL)
        return TokenPair(response.data["access_token"])

    silent_refresh(instance, store, refresh=renew)
    return instance
