"""What runs in a process that shares its session with others.

It is told, a line each:

    get COUNT PATH   to make requests, all at once; it says what each comes to: its status, or
                     `failed` with the status and the name of the cause
    login ACCESS REFRESH, logout
    who              to say its refresh token, or `nobody`
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from typing import Any

import redis
import redis.asyncio
from attrs import field, frozen
from zustax.store import FileStorage, RedisStorage, UserStore
from zustax.transport import (
    ReadyRefresh,
    RequestError,
    TokenPair,
    create,
    create_sync,
    json_refresh,
    silent_refresh,
)

#: Called with the name of each step of a refresh; it may never return.
Reach = Callable[[str], None]


@frozen
class Orders:
    """What a worker is to be.

    Args:
        url: Of the server.
        is_async: Whether it has an asynchronous instance.
        storage: ``"file"`` or ``"redis"``.
        place: The directory, or the socket.
        hang_at: The step of a refresh at which it stops for ever: ``"sending"``, ``"answered"``,
            ``"writing"`` or ``"written"``.
        timeout: For `silent_refresh`.
        lock_timeout: For `RedisStorage`.
    """

    url: str
    is_async: bool
    storage: str
    place: str
    hang_at: str | None = None
    timeout: float = 20.0
    lock_timeout: float = 60.0


@frozen
class Talk:
    """Says lines to whoever has started the worker. Any thread may."""

    connection: Connection
    _lock: Any = field(factory=threading.Lock)

    def say(self, line: str) -> None:
        with self._lock:
            self.connection.send(line)

    def next_line(self) -> str | None:
        """What it is told next, ``None`` at the end."""
        try:
            line: str = self.connection.recv()
        except EOFError:
            return None
        return line


@frozen
class Hanging(ReadyRefresh):
    """The default refresh, which may hang."""

    reach: Reach

    def bound_to(self, api: Any, timeout: float) -> Any:
        post = json_refresh("/auth/refresh").bound_to(api, timeout)

        async def refresh(refresh_token: str | None) -> TokenPair:
            self.reach("sending")
            pair: TokenPair = await api.runtime.settle(post(refresh_token))
            self.reach("answered")
            return pair

        return api.runtime.adapt(refresh)


class HangingFiles(FileStorage):
    """Files that may hang before and after they are written."""

    reach: Reach

    def replace_item(self, name: str, expected: str | None, value: str) -> bool:
        self.reach("writing")
        was_replaced = super().replace_item(name, expected, value)
        self.reach("written")
        return was_replaced


class HangingRedis(RedisStorage):
    """A Redis that may hang before and after it is written."""

    reach: Reach

    async def _replace(self, name: str, expected: bytes, value: bytes) -> bool:
        self.reach("writing")
        was_replaced = await super()._replace(name, expected, value)
        self.reach("written")
        return was_replaced


def storage_for(orders: Orders, reach: Reach) -> FileStorage | RedisStorage:
    storage: HangingFiles | HangingRedis
    if orders.storage == "file":
        storage = HangingFiles(orders.place, poll_interval=0.02)
    else:
        library: Any = redis.asyncio if orders.is_async else redis
        client = library.Redis(unix_socket_path=orders.place)
        storage = HangingRedis(client, lock_timeout=orders.lock_timeout)
    storage.reach = reach
    return storage


def work(orders: Orders, connection: Connection) -> None:
    """Be a worker until there is nobody any more who tells what to do."""
    talk = Talk(connection)
    if orders.is_async:
        asyncio.run(work_async(orders, talk))
    else:
        work_sync(orders, talk)


def set_up(orders: Orders, talk: Talk, api: Any) -> UserStore:
    def reach(step: str) -> None:
        if orders.hang_at == step:
            talk.say(step)
            threading.Event().wait()

    store = UserStore(storage=storage_for(orders, reach))
    silent_refresh(api, store, refresh=Hanging(reach), timeout=orders.timeout)
    return store


async def work_async(orders: Orders, talk: Talk) -> None:
    async with create(base_url=orders.url) as api:
        store = set_up(orders, talk, api)
        hydration = store.persist.hydration()
        if hydration is not None:
            await asyncio.wrap_future(hydration)
        talk.say("ready")

        async def get(path: str) -> None:
            try:
                talk.say(str((await api.get(path)).status))
            except RequestError as error:
                talk.say(failure(error))

        requests: set[asyncio.Task[None]] = set()
        while (line := await asyncio.to_thread(talk.next_line)) is not None:
            match line.split():
                case ["get", count, path]:
                    requests |= {asyncio.create_task(get(path)) for _ in range(int(count))}
                case _:
                    obey(line, store, talk)


def work_sync(orders: Orders, talk: Talk) -> None:
    with create_sync(base_url=orders.url) as api, ThreadPoolExecutor(32) as threads:
        store = set_up(orders, talk, api)
        talk.say("ready")

        def get(path: str) -> None:
            try:
                talk.say(str(api.get(path).status))
            except RequestError as error:
                talk.say(failure(error))

        while (line := talk.next_line()) is not None:
            match line.split():
                case ["get", count, path]:
                    for _ in range(int(count)):
                        threads.submit(get, path)
                case _:
                    obey(line, store, talk)


def failure(error: RequestError) -> str:
    return f"failed {error.status} {type(error.__cause__).__name__}"


def obey(line: str, store: UserStore, talk: Talk) -> None:
    match line.split():
        case ["login", access_token, refresh_token]:
            store.login(access_token, refresh_token)
        case ["logout"]:
            store.logout()
        case ["who"]:
            talk.say(store.get_state().refresh_token or "nobody")
