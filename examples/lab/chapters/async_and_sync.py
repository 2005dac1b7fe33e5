"""Synchronous and asynchronous.

Under `create` a handler may be **async**. It holds up its own call, and no other: in the first
experiment one call waits in an interceptor while another goes through it and is done. That is what
lets requests wait for a refresh.

`synchronous=True` is something else, a **mode for errors** that axios has. If all request
interceptors of a call say so, what one raises goes to the `on_rejected` of the *same* pair, which
it never does otherwise. If that returns, its value is ignored, the other request interceptors are
skipped, and the request is sent as it was. The second and third experiment differ in nothing but
this option.

Under `create_sync` there is no `await`, and handlers are **plain**. An async one is refused when
it is added, and not when it first runs.
"""

from __future__ import annotations

import asyncio

from zustax.transport import RequestConfig, Response, create_sync, record
from zustax.transport.testing import MisbehavingServer

from ..figure import Figure
from ..shop import ITEMS, shop
from ..stage import nothing_moves


async def one_waits() -> Figure:
    done: list[str] = []
    is_open = asyncio.Event()

    async def wait_if_told(config: RequestConfig) -> RequestConfig:
        if config.extra.get("waits"):
            await is_open.wait()
        return config

    async with shop() as (api, _server):
        api.interceptors.request.use(wait_if_told)
        with record(api) as trace:
            waiting = asyncio.create_task(api.get("/items", extra={"waits": True}))
            await nothing_moves()  # it is in the interceptor
            await api.get("/items")
            done.append("call 2")
            is_open.set()
            await waiting
            done.append("call 1")
    return Figure(
        "One waits, the other does not",
        ["done: call 2, call 1"],
        [f"done: {', '.join(done)}"],
        trace.events,
    )


async def asynchronous_mode() -> Figure:
    return await a_request_interceptor_raises(
        "One raises, usual mode",
        synchronous=False,
        claim=["ValueError; arrived: 0", "its own on_rejected was called 0 x"],
    )


async def synchronous_mode() -> Figure:
    return await a_request_interceptor_raises(
        "One raises, synchronous mode",
        synchronous=True,
        claim=["answered 200; arrived: 1", "its own on_rejected was called 1 x"],
    )


async def a_request_interceptor_raises(
    title: str, *, synchronous: bool, claim: list[str]
) -> Figure:
    caught: list[Exception] = []

    def refuse(_config: RequestConfig) -> RequestConfig:
        raise ValueError("refused")

    def on_rejected(error: Exception) -> str:
        caught.append(error)
        return "ignored"

    async with shop() as (api, server):
        api.interceptors.request.use(refuse, on_rejected, synchronous=synchronous)
        with record(api) as trace:
            try:
                answer = f"answered {(await api.get('/items')).status}"
            except ValueError as error:
                answer = type(error).__name__
        arrived = server.count("/items")
    return Figure(
        title,
        claim,
        [f"{answer}; arrived: {arrived}", f"its own on_rejected was called {len(caught)} x"],
        trace.events,
    )


async def without_await() -> Figure:
    async def too_modern(response: Response) -> Response:
        return response

    def unwrap(response: Response) -> list[str]:
        items: list[str] = response.data
        return items

    with MisbehavingServer() as server, create_sync(base_url=server.url) as api:
        server.answer("/items", body=ITEMS)
        api.interceptors.response.use(unwrap)
        with record(api) as trace:
            answer = api.get("/items")
        try:
            api.interceptors.response.use(too_modern)
            refusal = "an async handler is taken"
        except TypeError:
            refusal = "an async handler is a TypeError"
    return Figure(
        "Without await",
        ["['tea', 'milk']", "an async handler is a TypeError"],
        [str(answer), refusal],
        trace.events,
    )


EXPERIMENTS = (one_waits, asynchronous_mode, synchronous_mode, without_await)
