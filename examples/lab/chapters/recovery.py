"""Composition and recovery.

Each handler is given what the one before it returned. So a chain **composes**: `unwrap` makes data
of a response, `first` an item of the data, `shout` upper case of the item, and none knows the
others.

`use` takes a pair. What raises goes to the next `on_rejected` down the chain, past all
`on_fulfilled`. If that returns, it has **recovered**: the handlers behind it are given its value,
as if nothing had happened. If it raises, the error goes on.

- An `on_rejected` does not see what the `on_fulfilled` *of its own pair* raises: it stands beside
  it, not behind it. Add another pair for that.
- A request interceptor that raises keeps the request from being sent. The response interceptors
  are told, and may recover even from that.
"""

from __future__ import annotations

from typing import Any

from zustax.transport import RequestConfig, Response, record

from ..figure import Figure
from ..shop import shop


def unwrap(response: Response) -> Any:
    return response.data


def first(items: list[str]) -> str:
    return items[0]


def shout(item: str) -> str:
    return item.upper()


def refuse(_value: Any) -> Any:
    raise ValueError("refused")


def nothing_instead(_error: Exception) -> list[str]:
    return ["nothing"]


async def a_pipe() -> Figure:
    async with shop() as (api, _server):
        for handler in (unwrap, first, shout):
            api.interceptors.response.use(handler)
        with record(api) as trace:
            answer = await api.get("/items")
    return Figure("Three that compose", ["the caller is given TEA"], [_given(answer)], trace.events)


async def recovered() -> Figure:
    async with shop() as (api, _server):
        api.interceptors.response.use(refuse)
        api.interceptors.response.use(unwrap)  # is passed by
        api.interceptors.response.use(None, nothing_instead)
        api.interceptors.response.use(first)
        with record(api) as trace:
            answer = await api.get("/items")
    return Figure(
        "One raises, another recovers",
        ["the caller is given nothing"],
        [_given(answer)],
        trace.events,
    )


async def beside_it() -> Figure:
    async with shop() as (api, _server):
        api.interceptors.response.use(refuse, nothing_instead)
        with record(api) as trace:
            try:
                answer = _given(await api.get("/items"))
            except ValueError as error:
                answer = f"the caller meets ValueError: {error}"
    return Figure(
        "A pair does not catch its own",
        ["the caller meets ValueError: refused"],
        [answer],
        trace.events,
    )


async def never_sent() -> Figure:
    def refuse_config(_config: RequestConfig) -> RequestConfig:
        raise ValueError("refused")

    async with shop() as (api, server):
        api.interceptors.request.use(refuse_config)
        api.interceptors.response.use(first, nothing_instead)
        with record(api) as trace:
            answer = await api.get("/items")
        arrived = server.count("/items")
    return Figure(
        "A request interceptor raises",
        ["the caller is given ['nothing']", "arrived: 0"],
        [_given(answer), f"arrived: {arrived}"],
        trace.events,
    )


def _given(answer: object) -> str:
    return f"the caller is given {answer}"


EXPERIMENTS = (a_pipe, recovered, beside_it, never_sent)
