"""The same chain in thirty lines.

What is behind all of this is a loop. `chained` below is the chain as plain functions, without
classes and without a network, order and recovery included. What sends a request is one link among
the others, without an `on_rejected`; what goes around the sending is a function that is given the
next one.

`refreshing` is a refresh for that chain: one function around the sending. A lock makes it one
refresh, and the comparison with the token that was used makes it none for those who come late. Of
the bugs of the chapters before it has none that hangs or loops, since it stands in the right place
and waits in line instead of in a queue of its own. What it does not do is what `silent_refresh` is
for: a refresh that survives the cancellation of the request that began it, sessions that end
meanwhile, processes and threads that share a store, telling anybody that a login is needed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from inspect import isawaitable
from typing import Any, TypeAlias

from ..figure import Figure
from ..shop import noting

# --- the thirty lines ---

Handler: TypeAlias = Callable[[Any], Any]
Pair: TypeAlias = tuple[Handler | None, Handler | None]
Around: TypeAlias = Callable[[Any, Handler], Any]


def chained(
    send: Handler,
    request: Sequence[Pair] = (),
    network: Sequence[Around] = (),
    response: Sequence[Pair] = (),
) -> Callable[[Any], Awaitable[Any]]:
    for around in reversed(network):
        send = linked(around, send)
    links = [*reversed(request), (send, None), *response]

    async def call(value: Any) -> Any:
        failed = False
        for on_fulfilled, on_rejected in links:
            handler = on_rejected if failed else on_fulfilled
            if handler is None:
                continue
            try:
                value = handler(value)
                value = await value if isawaitable(value) else value
                failed = False
            except Exception as error:
                value, failed = error, True
        if failed:
            raise value
        return value

    return call


def linked(around: Around, proceed: Handler) -> Handler:
    return lambda config: around(config, proceed)


# --- a refresh for it ---


def refreshing(tokens: dict[str, str], refresh: Callable[[], Awaitable[str]]) -> Around:
    lock = asyncio.Lock()

    async def around(config: dict[str, str], proceed: Handler) -> dict[str, Any]:
        used = tokens["access"]
        answer: dict[str, Any] = await proceed(config | {"token": used})
        if answer["status"] != 401:
            return answer
        async with lock:
            if tokens["access"] == used:
                tokens["access"] = await refresh()
        replayed: dict[str, Any] = await proceed(config | {"token": tokens["access"]})
        return replayed

    return around


# --- experiments ---


async def the_same_order() -> Figure:
    passed: list[str] = []

    def around(config: Any, proceed: Handler) -> Any:
        passed.append("around")
        return proceed(config)

    call = chained(
        noting(passed, "send"),
        request=[(noting(passed, "request A"), None), (noting(passed, "request B"), None)],
        network=[around],
        response=[(noting(passed, "response A"), None), (noting(passed, "response B"), None)],
    )
    await call({})
    return Figure(
        "The same order",
        ["request B, request A, around, send, response A, response B"],
        [", ".join(passed)],
    )


async def the_same_recovery() -> Figure:
    def refuse(_value: Any) -> Any:
        raise ValueError("refused")

    call = chained(str, response=[(refuse, None), (len, None), (None, repr), (str.upper, None)])
    return Figure("The same recovery", ["VALUEERROR('REFUSED')"], [await call("anything")])


async def one_refresh_for_ten() -> Figure:
    tokens = {"access": "expired"}
    refreshes: list[str] = []

    async def refresh() -> str:
        await asyncio.sleep(0)
        refreshes.append("renewed")
        return "renewed"

    async def send(config: dict[str, str]) -> dict[str, Any]:
        await asyncio.sleep(0)
        return {"status": 200 if config["token"] == "renewed" else 401}

    call = chained(send, network=[refreshing(tokens, refresh)])
    answers = await asyncio.gather(*(call({"url": f"/{number}"}) for number in range(10)))
    statuses = sorted({answer["status"] for answer in answers})
    return Figure(
        "Ten requests with an expired token",
        ["10 answers, statuses [200]", "1 refresh"],
        [f"{len(answers)} answers, statuses {statuses}", f"{len(refreshes)} refresh"],
    )


EXPERIMENTS = (the_same_order, the_same_recovery, one_refresh_for_ten)
