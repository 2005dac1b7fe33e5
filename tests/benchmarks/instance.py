"""What an instance costs over the bare client that it sends with, for each kind of client.

    uv run python -m tests.benchmarks.instance [httpx] [httpx2] [aiohttp]

All send the same GET, bearer token included, to the same server and read the JSON of its answer:
the bare client, an instance with one request and one response interceptor, and an instance with
silent refresh. The instances have made their client themselves, but for that of httpx2, which is
handed in. Short blocks alternate in one run; the table shows the medians of a block's time per
request, how much more that is than the bare client's, and of the ratio to the bare client's of the
same round.
"""

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, TypeAlias

import aiohttp
import httpx
import httpx2
from zustax.store import UserStore
from zustax.transport import Instance, RequestConfig, Response, create, silent_refresh

from .answers import running_server
from .blocks import Block, compare, timed

Get: TypeAlias = Callable[[], Awaitable[object]]
Repeat: TypeAlias = Callable[[Get, int], Coroutine[Any, Any, None]]

ROUNDS = 20
REQUESTS_PER_BLOCK = 200
AT_ONCE = 100

TOKEN = "an-access-token-of-the-usual-length." * 4
HEADERS = {
    "Accept": "application/json, text/plain, */*",
    "Authorization": f"Bearer {TOKEN}",
}


# --- the bare clients ---


@asynccontextmanager
async def bare_httpx(url: str) -> AsyncIterator[Get]:
    async with httpx.AsyncClient(base_url=url, timeout=None) as client:

        async def get() -> object:
            response = await client.get("/items", headers=HEADERS)
            return response.raise_for_status().json()

        yield get


@asynccontextmanager
async def bare_httpx2(url: str) -> AsyncIterator[Get]:
    async with httpx2.AsyncClient(base_url=url, timeout=None) as client:

        async def get() -> object:
            response = await client.get("/items", headers=HEADERS)
            return response.raise_for_status().json()

        yield get


@asynccontextmanager
async def bare_aiohttp(url: str) -> AsyncIterator[Get]:
    async with aiohttp.ClientSession(base_url=f"{url}/", raise_for_status=True) as session:

        async def get() -> object:
            async with session.get("items", headers=HEADERS) as response:
                return await response.json()

        yield get


BARE = {"httpx": bare_httpx, "httpx2": bare_httpx2, "aiohttp": bare_aiohttp}


# --- the instances ---


@asynccontextmanager
async def new_instance(kind: str, url: str) -> AsyncIterator[Instance]:
    if kind != "httpx2":
        options: dict[str, Any] = {"adapter": kind}
        async with create(base_url=url, **options) as api:
            yield api
        return
    async with httpx2.AsyncClient(timeout=None) as client:
        yield create(base_url=url, client=client)


@asynccontextmanager
async def with_interceptors(kind: str, url: str) -> AsyncIterator[Get]:
    async with new_instance(kind, url) as api:

        def authorize(config: RequestConfig) -> RequestConfig:
            config.headers["Authorization"] = f"Bearer {TOKEN}"
            return config

        def unwrap(response: Response) -> object:
            return response.data

        api.interceptors.request.use(authorize)
        api.interceptors.response.use(unwrap)
        yield lambda: api.get("/items")


@asynccontextmanager
async def with_silent_refresh(kind: str, url: str) -> AsyncIterator[Get]:
    store = UserStore()
    store.login(TOKEN, "a-refresh-token")
    async with new_instance(kind, url) as api:
        silent_refresh(api, store)

        async def get() -> object:
            return (await api.get("/items")).data

        yield get


# --- measuring ---


async def one_after_another(get: Get, requests: int) -> None:
    for _ in range(requests):
        await get()


async def all_at_once(get: Get, requests: int) -> None:
    for _ in range(requests // AT_ONCE):
        await asyncio.gather(*(get() for _ in range(AT_ONCE)))


REPEATS: dict[str, Repeat] = {"one by one": one_after_another, "100 at once": all_at_once}


def block_of(runner: asyncio.Runner, repeat: Repeat, get: Get) -> Block:
    return timed(lambda requests: runner.run(repeat(get, requests)))


def rows(runner: asyncio.Runner, kind: str, gets: dict[str, Get]) -> Iterator[str]:
    for repeat_name, repeat in REPEATS.items():
        blocks = {name: block_of(runner, repeat, get) for name, get in gets.items()}
        for block in blocks.values():
            block(REQUESTS_PER_BLOCK)  # connects, and fills what is cached
        results = compare(blocks, REQUESTS_PER_BLOCK, ROUNDS)
        bare = results["bare"].microseconds
        for name, result in results.items():
            more = result.microseconds - bare
            yield (
                f"{kind:>8} {repeat_name:>12} {name:>15} {result.microseconds:>6.0f} us "
                f"{more:>+5.0f} us {result.ratio:>6.2f}\n"
            )


def measure(kind: str, url: str) -> Iterator[str]:
    with asyncio.Runner() as runner:
        opened = AsyncExitStack()

        async def open_all() -> dict[str, Get]:
            return {
                "bare": await opened.enter_async_context(BARE[kind](url)),
                "interceptors": await opened.enter_async_context(with_interceptors(kind, url)),
                "silent refresh": await opened.enter_async_context(with_silent_refresh(kind, url)),
            }

        try:
            yield from rows(runner, kind, runner.run(open_all()))
        finally:
            runner.run(opened.aclose())


def main() -> None:
    with running_server() as url:
        for kind in sys.argv[1:] or BARE:
            for line in measure(kind, url):
                sys.stdout.write(line)


if __name__ == "__main__":
    main()
