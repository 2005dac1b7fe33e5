"""What silent refresh adds to a request whose token is valid.

    uv run python -m tests.benchmarks.guard

A request goes through the network interceptor alone, with nothing behind it; the same without the
interceptor is taken off. Short blocks of the variants alternate. What counts is the processor time
of the fastest block: what else the machine does can only add to it.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

from zustax.store import UserStore
from zustax.transport import RequestConfig, Response, create, silent_refresh
from zustax.transport.options import config_for_call

BLOCKS = 60
REQUESTS_PER_BLOCK = 2000

Send = Callable[[RequestConfig], Awaitable[Response]]


def guarded(proceed: Send, **options: Any) -> tuple[Send, RequestConfig]:
    """A request that passes the interceptor of a new instance."""
    store = UserStore()
    store.login("an-access-token", "a-refresh-token", expires_at=time.time() + 3600)
    api = create(base_url="http://127.0.0.1:3001/api")
    silent_refresh(api, store, **options)
    (around,) = api.interceptors.network.snapshot()
    function: Any = getattr(around, "around", around)
    config = config_for_call(api.defaults, {"url": "/items", "method": "get"})
    return lambda config: function(config, proceed), config


async def seconds(send: Send, config: RequestConfig) -> float:
    start = time.process_time()
    for _ in range(REQUESTS_PER_BLOCK):
        await send(config)
    return (time.process_time() - start) / REQUESTS_PER_BLOCK


async def measure() -> None:
    response = Response(b"", 200, "OK", {}, RequestConfig())

    async def proceed(_config: RequestConfig) -> Response:
        return response

    plain, config = guarded(proceed)
    with_leeway, _ = guarded(proceed, leeway=30.0)
    variants = {"nothing": proceed, "silent refresh": plain, "with leeway": with_leeway}
    times: dict[str, list[float]] = {name: [] for name in variants}
    for _ in range(BLOCKS):
        for name, send in variants.items():
            times[name].append(await seconds(send, config))
    base = min(times["nothing"])
    for name in ("silent refresh", "with leeway"):
        sys.stdout.write(f"{name:>14}  {(min(times[name]) - base) * 1e6:5.2f} us\n")


def main() -> None:
    asyncio.run(measure())


if __name__ == "__main__":
    main()
