# /// script
# requires-python = ">=3.11"
# dependencies = ["starlette", "uvicorn", "zustax[file,redis]"]
#
# [tool.uv.sources]
# zustax = { path = "..", editable = true }
# ///
"""Many processes, one session, tokens that live for a second: still one refresh per rotation.

    uv run examples/many_workers.py                              # over files
    uv run examples/many_workers.py --redis redis://localhost    # over Redis, as between hosts

Each process sends requests as fast as it can. The first process that meets an expired token
refreshes it, under a lock that all of them share; the others use the token that it has stored. The
backend revokes a session whose refresh token is used twice, so a single mistake would end all of
them.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import multiprocessing
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from multiprocessing.pool import AsyncResult

import attrs
from backend import DEMO_USERS, Backend, running_backend
from backend import seconds as seconds_of
from zustax.store import FileStorage, RedisStorage, UserStore
from zustax.transport import RequestError, create, silent_refresh

WORKERS = 4
AT_ONCE = 5

PATHS = ("/me", "/items", "/reports")


@attrs.frozen
class Place:
    """Where the session lies: in files of a directory, or in a Redis.

    Args:
        directory: The directory, if there is no Redis.
        redis_url: The URL of the Redis.
    """

    directory: str
    redis_url: str | None = None

    @contextlib.contextmanager
    def storage(self) -> Iterator[FileStorage | RedisStorage]:
        """The storage, for a program without an event loop of its own."""
        if self.redis_url is None:
            yield FileStorage(self.directory)
            return
        import redis

        with redis.Redis.from_url(self.redis_url) as client:
            yield RedisStorage(client, prefix=f"many-workers:{self.directory}")

    @contextlib.asynccontextmanager
    async def async_storage(self) -> AsyncIterator[FileStorage | RedisStorage]:
        """The storage, for a program with an event loop."""
        if self.redis_url is None:
            yield FileStorage(self.directory)
            return
        import redis.asyncio

        async with redis.asyncio.Redis.from_url(self.redis_url) as client:
            yield RedisStorage(client, prefix=f"many-workers:{self.directory}")


@attrs.define
class Tally:
    """What one worker has done."""

    requests: int = 0
    failures: int = 0
    refreshes: int = 0
    adopted: int = 0
    replayed: int = 0


# --- a worker ---


def work(base_url: str, place: Place, seconds: float) -> Tally:
    """Send requests for some seconds, in a process of its own."""
    logging.getLogger("zustax").setLevel(logging.ERROR)
    return asyncio.run(hammer(base_url, place, seconds))


async def hammer(base_url: str, place: Place, seconds: float) -> Tally:
    tally = Tally()
    async with place.async_storage() as storage, create(base_url=base_url) as api:
        store = UserStore(storage=storage)
        handle = silent_refresh(api, store, url="/auth/refresh")
        end = time.monotonic() + seconds

        async def ask() -> None:
            while time.monotonic() < end:
                try:
                    await api.get(PATHS[tally.requests % len(PATHS)])
                except RequestError as error:
                    tally.failures += 1
                    print(f"failed: {error!r}, because of {error.__cause__!r}", file=sys.stderr)
                tally.requests += 1

        await asyncio.gather(*(ask() for _ in range(AT_ONCE)))
        stats = handle.stats
    tally.refreshes, tally.adopted, tally.replayed = stats.refreshes, stats.adopted, stats.replayed
    return tally


# --- all of them ---


def log_in(backend: Backend, place: Place) -> None:
    """Store a session for the workers to find."""
    username, password = next(iter(DEMO_USERS.items()))
    tokens = backend.authority.login(username, password)
    with place.storage() as storage:
        store = UserStore(storage=storage, sync=False)
        store.login(tokens.access_token, tokens.refresh_token)


def run(seconds: float, access_ttl: float, redis_url: str | None) -> bool:
    """Run the workers and show the result. Returns True if all is as it must be."""
    with (
        tempfile.TemporaryDirectory() as directory,
        running_backend(access_ttl=access_ttl) as backend,
    ):
        place = Place(directory, redis_url)
        log_in(backend, place)
        print(
            f"{WORKERS} processes, {AT_ONCE} requests at once in each, for {seconds:g} s; "
            f"an access token lives {access_ttl:g} s"
        )
        # Spawned, not forked: the backend has threads.
        with multiprocessing.get_context("spawn").Pool(WORKERS) as pool:
            running: list[AsyncResult[Tally]] = [
                pool.apply_async(work, (backend.base_url, place, seconds)) for _ in range(WORKERS)
            ]
            watch(backend, running)
            tallies = [one.get() for one in running]
        return show(backend, tallies)


def watch(backend: Backend, running: Sequence[AsyncResult[Tally]]) -> None:
    """Say every second how far they are: in one line of a terminal, or in a line each."""
    end = "\r" if sys.stdout.isatty() else "\n"
    print("  the processes are starting ...", end=end, flush=True)
    start = time.monotonic()
    while waiting := [one for one in running if not one.ready()]:
        waiting[0].wait(1.0)
        if backend.requests:
            count = backend.authority.journal.count
            print(
                f"  {time.monotonic() - start:4.0f} s: {len(backend.requests):6} answers, "
                f"{count('refresh'):3} rotations, {count('reuse')} tokens used twice",
                end=end,
                flush=True,
            )
    if end == "\r":
        print()


def show(backend: Backend, tallies: Sequence[Tally]) -> bool:
    journal = backend.authority.journal
    rotations = journal.count("refresh")
    asked = sum(request.path.endswith("/auth/refresh") for request in backend.requests)
    failures = sum(tally.failures for tally in tallies)
    for number, tally in enumerate(tallies, 1):
        counts = ", ".join(f"{name} {count}" for name, count in attrs.asdict(tally).items())
        print(f"  worker {number}: {counts}")
    ratio = asked / rotations if rotations else 0.0
    print(f"  refresh tokens used twice  {journal.count('reuse')}")
    print(f"  requests                   {sum(tally.requests for tally in tallies)}")
    print(f"  rotations                  {rotations}")
    print(f"  refreshes per rotation     {ratio:.2f}")
    print(f"  failures                   {failures}")
    is_right = ratio == 1.0 and not failures and not journal.count("reuse")
    print("ok" if is_right else "something went wrong")
    return is_right


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the example.

    Args:
        arguments: The command line without the program's name; ``None`` takes the process's own.

    Returns:
        The exit code: 0 if every refresh was needed and no request failed, else 1.
    """
    parser = argparse.ArgumentParser(description="Many processes share one session.")
    parser.add_argument("--seconds", type=seconds_of, default=20.0, help="how long (20)")
    parser.add_argument(
        "--access-ttl", type=seconds_of, default=1.0, help="seconds an access token lives (1)"
    )
    parser.add_argument("--redis", metavar="URL", help="share it over this Redis, not over files")
    options = parser.parse_args(arguments)
    return 0 if run(options.seconds, options.access_ttl, options.redis) else 1


if __name__ == "__main__":
    sys.exit(main())
