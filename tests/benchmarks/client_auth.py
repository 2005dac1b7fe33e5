"""What ``handle.auth()`` adds to a client of httpx, beside an ``auth=`` of its own.

    uv run python -m tests.benchmarks.client_auth

The bare client has an ``httpx.Auth`` that sets the same header. Requests go to a transport that
answers at once, so that the clients are all that is measured. Short blocks alternate, and what
counts is the processor time of the fastest block: what else the machine does can only add to it.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable, Generator

import httpx
from zustax.store import UserStore
from zustax.transport import create, create_sync, silent_refresh

BLOCKS = 200
REQUESTS_PER_BLOCK = 50

URL = "http://127.0.0.1:3001/api"
TOKEN = "an-access-token-of-the-usual-length." * 4


class OwnAuth(httpx.Auth):
    """The least that sends a token."""

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        request.headers["Authorization"] = f"Bearer {TOKEN}"
        yield request


def logged_in() -> UserStore:
    store = UserStore()
    store.login(TOKEN, "a-refresh-token", expires_at=time.time() + 3600)
    return store


def microseconds(blocks: dict[str, Callable[[], None]]) -> dict[str, float]:
    """Return the processor time of a request in the fastest block of each."""
    times: dict[str, list[float]] = {name: [] for name in blocks}
    for _ in range(BLOCKS):
        for name, run in blocks.items():
            start = time.process_time()
            run()
            times[name].append(time.process_time() - start)
    return {name: min(each) / REQUESTS_PER_BLOCK * 1e6 for name, each in times.items()}


def measure_async(runner: asyncio.Runner) -> dict[str, float]:
    transport = httpx.MockTransport(lambda _request: httpx.Response(200))
    handle = silent_refresh(create(base_url=URL), logged_in())

    def block(auth: httpx.Auth) -> Callable[[], None]:
        client = httpx.AsyncClient(base_url=URL, auth=auth, transport=transport)
        return lambda: runner.run(_get_in_turn(client.get))

    return microseconds({"own auth": block(OwnAuth()), "handle.auth()": block(handle.auth())})


async def _get_in_turn(get: Callable[[str], Awaitable[object]]) -> None:
    for _ in range(REQUESTS_PER_BLOCK):
        await get("/items")


def measure_sync() -> dict[str, float]:
    transport = httpx.MockTransport(lambda _request: httpx.Response(200))
    handle = silent_refresh(create_sync(base_url=URL), logged_in())

    def block(auth: httpx.Auth) -> Callable[[], None]:
        client = httpx.Client(base_url=URL, auth=auth, transport=transport)

        def run() -> None:
            for _ in range(REQUESTS_PER_BLOCK):
                client.get("/items")

        return run

    return microseconds({"own auth": block(OwnAuth()), "handle.auth()": block(handle.auth())})


def main() -> None:
    with asyncio.Runner() as runner:
        results = {"AsyncClient": measure_async(runner), "Client": measure_sync()}
    for client, times in results.items():
        own, ours = times.values()
        sys.stdout.write(
            f"{client:>12}  own auth {own:6.1f} us  handle.auth() {ours:6.1f} us  "
            f"adds {ours - own:+5.1f} us\n"
        )


if __name__ == "__main__":
    main()
