"""The chain and its order.

A call goes through three chains. **Request interceptors** are given the config, last in first out.
**Network interceptors** go around the sending itself, the first one outermost. **Response
interceptors** are given the response, first in first out.

    request B → request A → network 1 → network 2 → server
    caller ← response B ← response A ← network 1 ← network 2

The first experiment adds two of each, and notes the order in which they run.

What a call goes through is fixed when it begins. In the second experiment a request interceptor
adds a response interceptor: the call that is under way does not see it, the next one does.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeAlias

from zustax.transport import RequestConfig, Response, record

from ..figure import Figure
from ..shop import noting, shop

Proceed: TypeAlias = Callable[[RequestConfig], Awaitable[Response]]
Around: TypeAlias = Callable[[RequestConfig, Proceed], Awaitable[Response]]


async def two_of_each() -> Figure:
    passed: list[str] = []

    def around(name: str) -> Around:
        async def go_around(config: RequestConfig, proceed: Proceed) -> Response:
            passed.append(f"{name} out")
            response = await proceed(config)
            passed.append(f"{name} back")
            return response

        go_around.__qualname__ = name
        return go_around

    async with shop() as (api, _server):
        for name in "AB":
            api.interceptors.request.use(noting(passed, f"request {name}"))
            api.interceptors.network.use(around(f"network {name}"))
            api.interceptors.response.use(noting(passed, f"response {name}"))
        with record(api) as trace:
            await api.get("/items")
    return Figure(
        "Two of each",
        [
            "request B, request A, network A out, network B out",
            "network B back, network A back, response A, response B",
        ],
        [", ".join(passed[:4]), ", ".join(passed[4:])],
        trace.events,
    )


async def added_on_the_way() -> Figure:
    passed: list[int] = []

    def count_items(response: Response) -> Response:
        passed.append(len(response.data))
        return response

    def add_another(config: RequestConfig) -> RequestConfig:
        api.interceptors.response.use(count_items)
        return config

    async with shop() as (api, _server):
        number = api.interceptors.request.use(add_another)
        with record(api) as trace:
            await api.get("/items")
            during = len(passed)
            api.interceptors.request.eject(number)
            await api.get("/items")
    return Figure(
        "One that is added on the way",
        ["first call: it ran 0 x", "second call: it ran 1 x"],
        [f"first call: it ran {during} x", f"second call: it ran {len(passed) - during} x"],
        trace.events,
    )


EXPERIMENTS = (two_of_each, added_on_the_way)
