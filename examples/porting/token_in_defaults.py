"""The token is a default header of the instance, put there whenever the store changes.

This is `token_in_defaults.ts` in Python, construct by construct, and at the end what takes its
place.
"""

from __future__ import annotations

import asyncio
import os
from typing import Any

import attrs
from zustax.store import UserStore, create_store
from zustax.transport import Instance, RequestError, create, silent_refresh

BASE_URL = os.environ.get("API_URL", "http://localhost:3001/api")


@attrs.frozen
class AuthState:
    token: str | None = attrs.field(default=None, repr=False)
    refresh_token: str | None = attrs.field(default=None, repr=False)


auth_store = create_store(AuthState())

client = create(base_url=BASE_URL)


def put_into_defaults(token: str | None, _previous: str | None) -> None:
    if token:
        client.defaults.headers.common["Authorization"] = f"Bearer {token}"
    else:
        client.defaults.headers.common.pop("Authorization", None)


auth_store.subscribe(lambda state: state.token, put_into_defaults)

pending: asyncio.Task[AuthState] | None = None


async def renew() -> AuthState:
    global pending
    try:
        response = await client.post(
            "/auth/refresh",
            {"refresh_token": auth_store.get_state().refresh_token},
            headers={"Authorization": None},
        )
        state = AuthState(response.data["access_token"], response.data["refresh_token"])
        auth_store.set_state(state)
        return state
    finally:
        pending = None


async def renew_and_replay(error: Exception) -> Any:
    global pending
    if not isinstance(error, RequestError) or error.status != 401 or not error.config:
        raise error
    config = error.config
    if config.url == "/auth/refresh" or config.extra.get("attempts", 0) > 0:
        raise error
    config.extra["attempts"] = 1
    if not pending:
        pending = asyncio.create_task(renew())
    state = await asyncio.shield(pending)
    # The failed request was given the default of before; the new default does not replace it.
    config.headers["Authorization"] = f"Bearer {state.token}"
    return await client.request(config)


client.interceptors.response.use(None, renew_and_replay)


# --- with zustax ---


def without_interceptors(store: UserStore) -> Instance:
    """An instance that needs none of the above.

    Its defaults hold no `Authorization`: a request that has one, also one from the defaults, is
    taken for one of the caller's own, and is never refreshed.
    """
    instance = create(base_url=BASE_URL)
    silent_refresh(instance, store, url="/auth/refresh")
    return instance
