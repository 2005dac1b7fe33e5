"""States in Redis, for processes on several hosts.

    storage = RedisStorage("redis://localhost")
    storage = RedisStorage(redis.Redis.from_url("redis://localhost"))
    storage = RedisStorage(redis.asyncio.Redis.from_url("redis://localhost"))

The last one is asynchronous. The client's own options say how long it waits for a server that is
away.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager, nullcontext, suppress
from functools import partial
from inspect import isawaitable, iscoroutinefunction
from secrets import token_hex
from typing import TYPE_CHECKING, Any

from ..after_fork import renews_after_fork
from ..checks import needs_extra, require_function
from ..tracebacks import cuts_frames
from .protocol import KEPT_ASIDE, StorageError, StoredStateError, storage_error
from .watch import Channel, ThreadListener, listen_in_task

if TYPE_CHECKING:
    import redis
    import redis.asyncio

#: Seconds between two tries to get a lock that another process holds.
_INTERVAL = 0.01

#: Sets a key to the second argument if it has the value that follows the first byte of the first
#: one; if that is empty, if there is no such key.
_REPLACE = """
local present = redis.call("GET", KEYS[1])
if (present and "=" .. present or "") ~= ARGV[1] then
    return 0
end
redis.call("SET", KEYS[1], ARGV[2])
return 1
"""

#: Deletes a key if it has a value.
_DELETE = """
if redis.call("GET", KEYS[1]) == ARGV[1] then
    redis.call("DEL", KEYS[1])
end
"""


class RedisStorage:
    """Keeps each item in a key of Redis, and publishes that it has been changed.

    With a URL or a client of ``redis`` its methods are plain functions; with a client of
    ``redis.asyncio`` they return awaitables, and ``lock`` an asynchronous context manager. They
    raise StorageError if Redis does not answer.

    Args:
        client: A URL (``redis://``, ``rediss://``, ``unix://``), or a client, which is not closed.
        prefix: What all keys and channels begin with. Default: ``"zustax"``.
        lock_timeout: Seconds after which a lock is free even if its holder has not released it,
            because it died. It is not renewed, so it has to be longer than any holder takes. A
            refresh takes 10 at most by default. Default: 20.

    Raises:
        ImportError: If the extra ``zustax[redis]`` is not installed.
        TypeError: If ``client`` is neither a URL nor a client.
        ValueError: If ``lock_timeout`` is not positive, or the URL has another scheme.
    """

    @cuts_frames
    def __init__(
        self,
        client: str | redis.Redis | redis.asyncio.Redis,
        *,
        prefix: str = "zustax",
        lock_timeout: float = 20.0,
    ) -> None:
        if not lock_timeout > 0:
            raise ValueError(f"lock_timeout must be a positive number, not {lock_timeout!r}")
        with needs_extra("redis", "redis", type(self).__name__):
            import redis
        if isinstance(client, str):
            client = redis.Redis.from_url(client)
        if not hasattr(type(client), "execute_command"):
            raise TypeError(
                "client must be a URL or a client, as redis.Redis.from_url(...) or "
                f"redis.asyncio.Redis.from_url(...) makes one, not {type(client).__name__}"
            )
        self._errors = (redis.RedisError, OSError)
        self._client: Any = client
        self._prefix = prefix
        self._lock_timeout = lock_timeout
        self._is_async = iscoroutinefunction(type(client).execute_command)
        self._renew_after_fork()
        renews_after_fork(self)

    def _renew_after_fork(self) -> None:
        """Take a new name, in a forked process."""
        self._id = token_hex(8)  # tells its own notices from those of other processes

    def __repr__(self) -> str:
        return f"{type(self).__name__}(prefix={self._prefix!r})"

    @cuts_frames
    def get_item(self, name: str) -> Any:
        """Return the text kept under a name, None if there is none."""
        return self._run(self._get(name))

    @cuts_frames
    def set_item(self, name: str, value: str) -> Any:
        """Keep a text under a name, in place of the one before."""
        return self._run(self._change(name, "set", _encoded(value)))

    @cuts_frames
    def replace_item(self, name: str, expected: str | None, value: str) -> Any:
        """Keep a text under a name if what is kept there is still the expected text, or none.

        Redis looks and writes in one step: a holder that has lost its lock overwrites nothing.

        Returns:
            True if it has been written.
        """
        before = b"" if expected is None else b"=" + _encoded(expected)
        return self._run(self._replace(name, before, _encoded(value)))

    @cuts_frames
    def remove_item(self, name: str) -> Any:
        """Forget the text under a name; one that is not there is no error."""
        return self._run(self._change(name, "delete"))

    @cuts_frames
    def set_aside(self, name: str, value: str) -> Any:
        """Move a text that cannot be used to a list, of which the 10 newest are kept."""
        return self._run(self._set_aside(name, _encoded(value)))

    @cuts_frames
    def remove_set_aside(self, name: str) -> Any:
        """Forget what was set aside of a name."""
        return self._run(self._send(name, "delete", self._key("corrupt", name)))

    @cuts_frames
    def ensure_writable(self, name: str, size: int) -> Any:
        """Make sure that Redis takes so many bytes: write them under another key for a second."""
        return self._run(self._send(name, "set", self._key("probe", name), b" " * size, px=1000))

    @cuts_frames
    def lock(self, name: str, *, timeout: float | None = None) -> Any:
        """Make a context manager that one holder, of all processes and hosts, is inside of.

        It keeps no other process from writing, and is not re-entrant. When its holder dies it is
        free after ``lock_timeout`` seconds.

        Args:
            name: The name of the item.
            timeout: Seconds to wait. Default: None, for as long as it takes.

        Returns:
            The context manager, an asynchronous one with an asynchronous client. Entering it raises
            TimeoutError if the lock is held elsewhere for too long; leaving it raises StorageError
            if it was held for more than ``lock_timeout``.
        """
        lock = self._client.lock(
            self._key("lock", name),
            timeout=self._lock_timeout,
            sleep=_INTERVAL,
            blocking_timeout=timeout,
            thread_local=False,  # another thread than the one that acquired it may release it
        )
        return (self._async_locked if self._is_async else self._locked)(lock, name)

    @cuts_frames
    def subscribe(self, name: str, callback: Callable[[], object]) -> Callable[[], None]:
        """Call a function after another process has changed an item.

        It is called in a thread, or in the running event loop if the client is asynchronous. It is
        also called whenever the connection has been made, since a change may have been missed
        before. What is written through this very object is no news.

        Returns:
            The function that unsubscribes.

        Raises:
            TypeError: If the callback is not a function.
            RuntimeError: If the client is asynchronous and no event loop is running.
        """
        require_function("callback", callback)
        channel = Channel(self._key("changed", name), lambda: self._id, callback)
        if self._is_async:
            return listen_in_task(self._client, channel)
        return ThreadListener(self._client, channel).stop

    @contextmanager
    def _locked(self, lock: Any, name: str) -> Iterator[None]:
        self._run(self._acquire(lock, name))
        is_forgotten = False
        try:
            yield
        except GeneratorExit:
            is_forgotten = True
            raise
        finally:
            with suppress(StorageError) if is_forgotten else nullcontext():
                self._run(self._release(lock, name))

    @asynccontextmanager
    async def _async_locked(self, lock: Any, name: str) -> AsyncIterator[None]:
        await self._acquire(lock, name)
        try:
            yield
        finally:
            await self._release(lock, name)

    async def _acquire(self, lock: Any, name: str) -> None:
        if not await self._ask(f"the lock of {name!r} cannot be acquired", lock.acquire):
            seconds = lock.blocking_timeout
            raise TimeoutError(f"the lock of {name!r} is held elsewhere for {seconds} s")

    async def _release(self, lock: Any, name: str) -> None:
        await self._ask(f"the lock of {name!r} cannot be released", lock.release)

    def _key(self, kind: str, name: str) -> str:
        if not isinstance(name, str):
            raise TypeError(f"the name of an item must be a str, not {type(name).__name__}")
        return f"{self._prefix}:{kind}:{name}"

    def _run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """Run what is written once for both kinds of client; a plain one never has it wait."""
        if self._is_async:
            return coroutine
        try:
            coroutine.send(None)
        except StopIteration as end:
            return end.value
        coroutine.close()
        raise RuntimeError("a client of redis has returned an awaitable")

    @cuts_frames
    async def _get(self, name: str) -> str | None:
        key = self._key("state", name)
        answer = await self._ask(f"{name!r} cannot be read", self._client.get, key)
        if not isinstance(answer, bytes):
            text: str | None = answer
            return text
        with suppress(UnicodeDecodeError):  # which would hold the answer
            return answer.decode("utf-8", "surrogatepass")
        raise StoredStateError(f"{name!r} holds no text")

    @cuts_frames
    async def _change(self, name: str, command: str, *value: bytes) -> None:
        await self._send(name, command, self._key("state", name), *value)
        await self._publish(name)

    @cuts_frames
    async def _replace(self, name: str, expected: bytes, value: bytes) -> bool:
        key = self._key("state", name)
        was_replaced = bool(await self._send(name, "eval", _REPLACE, 1, key, expected, value))
        if was_replaced:
            await self._publish(name)
        return was_replaced

    @cuts_frames
    async def _set_aside(self, name: str, value: bytes) -> None:
        key, kept = self._key("state", name), self._key("corrupt", name)
        await self._send(name, "lpush", kept, value)
        await self._send(name, "ltrim", kept, 0, KEPT_ASIDE - 1)
        await self._send(name, "eval", _DELETE, 1, key, value)

    async def _publish(self, name: str) -> None:
        await self._send(name, "publish", self._key("changed", name), self._id)

    @cuts_frames
    async def _send(self, name: str, command: str, *arguments: Any, **options: Any) -> Any:
        send = partial(getattr(self._client, command), **options)
        return await self._ask(f"{name!r} cannot be written", send, *arguments)

    async def _ask(self, what: str, function: Callable[..., Any], *arguments: Any) -> Any:
        try:
            result = function(*arguments)
            return await result if isawaitable(result) else result
        except self._errors as error:
            problem = storage_error(what, error)
        raise problem


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
