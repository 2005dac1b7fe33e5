"""Whoever meets a 401 awaits the one promise of the refresh, and starts it if there is none.

This is `shared_promise.ts` in Python, construct by construct, and at the end what takes its place.
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
    Response,
    create,
    silent_refresh,
)

BASE_URL = os.environ.get("API_URL", "http://localhost:3001/api")


@attrs.frozen
class Tokens:
    access: str | None = attrs.field(default=None, repr=False)
    refresh: str | None = attrs.field(default=None, repr=False)


tokens = create_store(Tokens())

api = create(base_url=BASE_URL)
plain = api.create()  # without the interceptors

refreshing: asyncio.Task[str] | None = None


async def refresh() -> str:
    global refreshing
    try:
        refresh_token = tokens.get_state().refresh
        response = await plain.post("/auth/refresh", {"refresh_token": refresh_token})
        access: str = response.data["access_token"]
        tokens.set_state({"access": access, "refresh": response.data["refresh_token"]})
        return access
    finally:
        refreshing = None


async def refresh_once() -> str:
    global refreshing
    if refreshing is None:
        refreshing = asyncio.create_task(refresh())
    # Awaiting a task hands one's own cancellation on to it; a shield keeps it from the others.
    return await asyncio.shield(refreshing)


def add_token(config: RequestConfig) -> RequestConfig:
    access = tokens.get_state().access
    if access:
        config.headers["Authorization"] = f"Bearer {access}"
    return config


def unwrap(response: Response) -> Any:
    return response.data


async def refresh_and_replay(error: Exception) -> Any:
    if not isinstance(error, RequestError) or error.status != 401 or not error.config:
        raise error
    if error.config.extra.get("is_replay"):
        raise error
    error.config.extra["is_replay"] = True
    await refresh_once()
    return await api(error.config)


api.interceptors.request.use(add_token)
api.interceptors.response.use(unwrap, refresh_and_replay)


# --- with zustax ---


def without_interceptors(store: UserStore) -> Instance:
    """An instance that needs none of the above but `unwrap`."""
    instance = create(base_url=BASE_URL)
    silent_refresh(instance, store, url="/auth/refresh")
    instance.interceptors.response.use(unwrap)
    return instance
