"""A flag says that a refresh runs; a queue holds the requests that met a 401 meanwhile.

This is `flag_and_queue.ts` in Python, construct by construct, and at the end what takes its place.
"""

from __future__ import annotations

import asyncio
import os
from typing import Any

import attrs
from zustax.store import UserStore, create_store
from zustax.transport import Instance, RequestConfig, RequestError, create, silent_refresh

BASE_URL = os.environ.get("API_URL", "http://localhost:3001/api")


@attrs.frozen
class Session:
    access_token: str | None = attrs.field(default=None, repr=False)
    refresh_token: str | None = attrs.field(default=None, repr=False)


session = create_store(Session())

api = create(base_url=BASE_URL, timeout=10)
plain = api.create()  # these connections and defaults, without the interceptors

is_refreshing = False
running: asyncio.Task[str] | None = None  # a task without a reference may be collected
queue: list[asyncio.Future[str]] = []  # a promise that is settled elsewhere is a future


def settle_queue(reason: Exception | None, token: str | None) -> None:
    for waiting in queue:
        if waiting.done():  # its request was cancelled; a promise cannot be
            continue
        if token:
            waiting.set_result(token)
        elif reason:
            waiting.set_exception(reason)
    queue.clear()


def add_token(config: RequestConfig) -> RequestConfig:
    token = session.get_state().access_token
    if token and not config.headers.get("Authorization"):
        config.headers["Authorization"] = f"Bearer {token}"
    return config


async def refresh() -> str:
    global is_refreshing
    try:
        refresh_token = session.get_state().refresh_token
        response = await plain.post("/auth/refresh", {"refresh_token": refresh_token})
        token: str = response.data["access_token"]
        session.set_state({"access_token": token, "refresh_token": response.data["refresh_token"]})
        settle_queue(None, token)
        return token
    except Exception as reason:
        settle_queue(reason, None)
        session.set_state({"access_token": None, "refresh_token": None})
        raise
    finally:
        is_refreshing = False


async def refresh_and_retry(error: Exception) -> Any:
    global is_refreshing, running
    if not isinstance(error, RequestError) or error.status != 401 or not error.config:
        raise error
    config = error.config
    if config.extra.get("retry"):
        raise error
    config.extra["retry"] = True

    if is_refreshing:
        promise: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        queue.append(promise)
        token = await promise
    else:
        is_refreshing = True
        # A task of its own: else cancelling this request would leave those in the queue hanging.
        running = asyncio.create_task(refresh())
        token = await asyncio.shield(running)
    config.headers["Authorization"] = f"Bearer {token}"
    return await api(config)


api.interceptors.request.use(add_token)
api.interceptors.response.use(None, refresh_and_retry)


# --- with zustax ---


def without_interceptors(store: UserStore) -> Instance:
    """An instance that needs none of the above."""
    instance = create(base_url=BASE_URL, timeout=10)
    silent_refresh(instance, store, url="/auth/refresh")
    return instance
