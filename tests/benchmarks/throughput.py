"""1,000 GETs at once: with aiohttp, with httpx, with axios on Node, with axios_python.

    uv run --with axios_python python -m tests.benchmarks.throughput

All talk to the same server over at most 100 connections that are kept alive, and read the JSON of
its answers; the instances are used without interceptors. axios needs Node and npm, and is installed
in a temporary directory; what is missing is named. Blocks of all alternate in one run; the table
shows the medians of a block's time per request, and of its ratio to axios's of the same round (to
aiohttp's where there is no Node). The rounds are few: a pool of httpx searches all that is waiting
for each connection, so that its block takes many seconds.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, ExitStack
from importlib import import_module
from typing import Any

from zustax.transport import create

from .answers import running_server
from .axios import axios
from .blocks import Block, compare, timed

ROUNDS = 4
AT_ONCE = 1000


async def all_at_once(get: Callable[[], Awaitable[object]], requests: int) -> None:
    await asyncio.gather(*(get() for _ in range(requests)))


class Contenders:
    """What is compared: a context manager that closes all that it has opened.

    Args:
        url: Of the server.

    Attributes:
        blocks: Of those that are there, by name; the first is the measure of the others.
        missing: Why the others are not.
    """

    def __init__(self, url: str) -> None:
        self.blocks: dict[str, Block] = {}
        self.missing: dict[str, str] = {}
        self._url = url
        self._opened = ExitStack()

    def __enter__(self) -> "Contenders":
        self._runner = self._opened.enter_context(asyncio.Runner())
        self._instances = AsyncExitStack()
        self._opened.callback(lambda: self._runner.run(self._instances.aclose()))
        self._add("axios on Node", lambda: self._opened.enter_context(axios(self._url)))
        self._add("aiohttp", lambda: self._instance("aiohttp"))
        self._add("httpx", lambda: self._instance("httpx"))
        self._add("axios_python", self._axios_python)
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()

    def _add(self, name: str, make: Callable[[], Block]) -> None:
        try:
            self.blocks[name] = make()
        except ImportError as error:
            self.missing[name] = str(error)

    def _instance(self, adapter: Any) -> Block:
        api = create(base_url=self._url, adapter=adapter)
        self._instances.push_async_callback(api.aclose)
        return self._block(lambda: api.get("/items"))

    def _axios_python(self) -> Block:
        api = import_module("axios_python").create({"base_url": self._url, "timeout": None})
        self._instances.push_async_callback(api.aclose)
        return self._block(lambda: api.async_get("/items"))

    def _block(self, get: Callable[[], Awaitable[object]]) -> Block:
        return timed(lambda requests: self._runner.run(all_at_once(get, requests)))


def main() -> None:
    with running_server() as url, Contenders(url) as contenders:
        for block in contenders.blocks.values():
            block(AT_ONCE)  # connects, and fills what is cached
        results = compare(contenders.blocks, AT_ONCE, ROUNDS)
        for name, result in results.items():
            sys.stdout.write(f"{name:>14} {result.microseconds:>7.0f} us {result.ratio:>6.2f}\n")
        for name, reason in contenders.missing.items():
            sys.stdout.write(f"{name:>14} missing: {reason}\n")


if __name__ == "__main__":
    main()
