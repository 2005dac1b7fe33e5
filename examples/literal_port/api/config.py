"""A silent refresh made of two interceptors, a flag and a queue, as it is pasted everywhere.

This is a port of a TypeScript module, line by line and with its comments. The slips of the original
are mended, each where a comment says so. The faults of its design are kept: the README beside this
folder tells what becomes of them. `zustax.transport.silent_refresh` has none of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from inspect import isawaitable
from typing import Any

from zustax.transport import Instance, RequestConfig, Response, create

from ..store.user import use_user_store

# The instance, as axios.create makes it.
instance: Instance[Any] = create(
    base_url="http://localhost:3001/api",
)


# The request interceptor: adds the token before a request is sent.
def add_token(config: RequestConfig) -> RequestConfig:
    token = use_user_store.get_state().access_token
    if token:
        # The token goes into the headers.
        config.headers["Authorization"] = f"Bearer {token}"
    return config


instance.interceptors.request.use(add_token)


# --- the silent refresh ---

# Whether the token is being refreshed.
is_refreshing = False

# The queue: while a refresh runs, it makes no sense to send further requests. They are kept here,
# and sent again when it is over; with the new token they will succeed.
request_queue: list[Callable[[str], None]] = []

# In the original: window.location.href = path. Set it to what your program does instead.
redirect: Callable[[str], None] = print


# Not in the original: an async function of JavaScript waits for a promise that it returns, and does
# so outside of its try. One of Python would hand out the awaitable itself.
def like_a_promise(handler: Callable[[Exception], Awaitable[Any]]) -> Callable[[Exception], Any]:
    async def handle(error: Exception) -> Any:
        value = await handler(error)
        while isawaitable(value):
            value = await value
        return value

    return handle


def unwrap(response: Response) -> Any:
    # Here a request has succeeded. The data are returned, so that callers need not take them out.
    return response.data


@like_a_promise
async def refresh_and_retry(error: Exception) -> Any:
    global is_refreshing, request_queue
    # Here a request has failed: perhaps the token must be refreshed.
    # config is that of the failed request: url, method, headers with the token, data and so on.
    config: Any = getattr(error, "config", None)
    response: Any = getattr(error, "response", None)
    # 401 Unauthorized: the token was not accepted, so it has expired.
    # mended: it read `response.stauts`, which does not exist, so that nothing was ever refreshed
    # mended: it read `config._retry`, which nobody had set: below it is `config.retry`
    if response and response.status == 401 and not config.extra.get("retry"):
        if is_refreshing:
            # The token is to be refreshed once, and not by each request that meets a 401 meanwhile.
            # So this one is suspended and goes no further. What is put into the queue are functions
            # of the token: when it is refreshed, they are called in turn, each with the new one.
            promise: asyncio.Future[Awaitable[Any]] = asyncio.get_running_loop().create_future()

            def send_again(token: str) -> None:
                # A closure: each function in the queue has the config of its own request.
                config.headers["Authorization"] = f"Bearer {token}"
                # This resolves the promise. (Twice is once for a promise; a future must be asked.)
                if not promise.done():
                    promise.set_result(instance(config))

            request_queue.append(send_again)
            return promise

        # Each request has a flag of its own, which keeps it from coming here a second time: else
        # one request could refresh the token in an endless loop.
        config.extra["retry"] = True
        is_refreshing = True

        try:
            # The refresh token, from where the front end keeps it.
            state = use_user_store.get_state()
            if state.refresh_token:
                # TypeScript takes this for a response; `unwrap` has made it the data.
                tokens = await instance.post(
                    "/auth/refresh",
                    {"refresh_token": state.refresh_token},
                )
                # They are kept in the front end.
                use_user_store.set_state(
                    {
                        "access_token": tokens["access_token"],
                        "refresh_token": tokens["refresh_token"],
                        "is_login": True,
                    }
                )
                # The requests that came in during the refresh are sent again with the new token.
                for callback in request_queue:
                    callback(tokens["access_token"])
                request_queue = []

                # So is the request that began the refresh.
                config.headers["Authorization"] = f"Bearer {tokens['access_token']}"
                return instance(config)
        except Exception:
            redirect("/login")
            raise
        finally:
            is_refreshing = False
    # If the refresh token is not valid either, the first request that failed has failed for good,
    # and the functions in the queue are never called.
    raise error


instance.interceptors.response.use(unwrap, refresh_and_retry)
