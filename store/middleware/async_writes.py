"""Asynchronous storages: what they leave to be awaited runs in one event loop, writes in order."""

from __future__ import annotations

import asyncio
import inspect
import types
from collections.abc import Awaitable, Callable, Coroutine, Generator
from threading import local
from typing import Any

from ..tracebacks import log_error


class NoEventLoopError(RuntimeError):
    """A storage or a migration is asynchronous, and there is no event loop to run it in."""


class AsyncWrites:
    """Runs coroutines in one event loop, the first that it was used in, and writes in order.

    An error of a write is logged, since it may be that nothing awaits it.
    """

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._last_write: asyncio.Task[None] | None = None
        self._thread = local()

    def start(self, coroutine: Coroutine[Any, Any, None]) -> Awaitable[None] | None:
        """Run a coroutine up to its first ``wait`` for an awaitable, and the rest in the loop.

        Returns an awaitable for its end; None if it has ended, or, in a thread without an event
        loop, if it goes on in the loop of another.
        """
        was_starting = getattr(self._thread, "is_starting", False)
        self._thread.is_starting = True
        try:
            coroutine.send(None)
        except StopIteration:
            return None
        finally:
            self._thread.is_starting = was_starting
        return self._go_on(coroutine)

    async def wait(self, result: Any) -> Any:
        """In a coroutine that was started: return a result, or what an awaitable one comes to."""
        if not inspect.isawaitable(result):
            return result
        try:
            if getattr(self._thread, "is_starting", False):
                await _pause()
        except GeneratorExit:
            _close(result)
            raise
        return await result

    def write(
        self, writing: Awaitable[Any], then: Callable[[], object] = lambda: None
    ) -> Awaitable[None] | None:
        """Run a write when those before it have ended, and ``then`` when it has succeeded.

        Returns an awaitable for its end; None in any thread but that of the loop.
        """
        loop = self._home_for(writing)
        if loop is _running_loop():
            return self._chain(writing, then)
        loop.call_soon_threadsafe(self._chain, writing, then)
        return None

    @property
    def is_used(self) -> bool:
        """Whether anything had to be awaited yet, so that the storage is asynchronous."""
        return self._loop is not None

    def flush(self) -> Awaitable[None] | None:
        """Wait for the writes that were begun; raise the error of the last one."""
        return None if self._loop is None else self._go_on(self._last_write_succeeds())

    async def written(self) -> None:
        """In a coroutine that was started: wait until all writes have ended, well or not."""
        if self._loop is not None:
            await self.wait(self._last_write_ends())

    def _go_on(self, coroutine: Coroutine[Any, Any, None]) -> Awaitable[None] | None:
        loop, here = self._home_for(coroutine), _running_loop()
        if loop is here:
            return self._make_task(coroutine)
        elsewhere = asyncio.run_coroutine_threadsafe(coroutine, loop)
        return None if here is None else asyncio.wrap_future(elsewhere)

    def _home_for(self, awaitable: Awaitable[Any]) -> asyncio.AbstractEventLoop:
        """Return the loop to run an awaitable in. Without one it is closed: nothing awaits it."""
        here, home = _running_loop(), self._loop
        if home is None or home.is_closed() or (here is not None and not home.is_running()):
            home = self._loop = here
        if home is None:
            _close(awaitable)
            raise NoEventLoopError(
                "the storage or the migration is asynchronous and no event loop is running: create "
                "the store inside a coroutine, or with skip_hydration=True and call rehydrate() "
                "inside one"
            )
        return home

    def _chain(self, writing: Awaitable[Any], then: Callable[[], object]) -> asyncio.Task[None]:
        task = self._make_task(_after(self._write_before(), writing, then))
        task.add_done_callback(_log_failure)
        task.add_done_callback(lambda _: _close(writing))
        self._last_write = task
        return task

    def _write_before(self) -> asyncio.Task[None] | None:
        """Return the last write, unless it was left in a loop that is not used any more."""
        task = self._last_write
        return task if task is not None and task.get_loop() is self._loop else None

    async def _last_write_ends(self) -> None:
        task = self._write_before()
        if task is not None:
            await asyncio.wait([task])

    async def _last_write_succeeds(self) -> None:
        await self._last_write_ends()
        task = self._write_before()
        if task is not None:
            task.result()

    def _make_task(self, coroutine: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)  # a loop itself does not keep its tasks alive
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(_retrieve)
        return task


@types.coroutine
def _pause() -> Generator[None, None, None]:
    yield


async def _after(
    previous: asyncio.Task[None] | None, writing: Awaitable[Any], then: Callable[[], object]
) -> None:
    if previous is not None:
        await asyncio.wait([previous])
    await writing
    then()


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def _close(awaitable: Awaitable[Any]) -> None:
    """Spare a coroutine that is not going to run the warning that it was never awaited."""
    if inspect.iscoroutine(awaitable):
        awaitable.close()


def _retrieve(task: asyncio.Task[None]) -> None:
    """Keep asyncio from complaining of an error that was not waited for."""
    if not task.cancelled():
        task.exception()


def _log_failure(task: asyncio.Task[None]) -> None:
    error = None if task.cancelled() else task.exception()
    if error is not None:
        log_error("a state could not be written to its storage", error)
