"""What runs while the caller goes on: asynchronous storages, and writes that can wait.

An asynchronous storage runs in one event loop, the first that it was used in. Its writes run one
after the other.
"""

from __future__ import annotations

import asyncio
import atexit
import inspect
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import Future
from contextlib import suppress
from heapq import heappop, heappush
from itertools import count
from threading import Condition, Thread, local
from time import monotonic
from typing import Any, TypeAlias

from ..after_fork import renews_after_fork

Handle: TypeAlias = "asyncio.Task[Any] | Future[Any]"


class NoEventLoopError(RuntimeError):
    """A storage or a migration is asynchronous, and there is no event loop to run it in."""


class AsyncWrites:
    """Runs coroutines in one event loop, and writes in order.

    ``on_error`` is called with the error of a write, since it may be that nothing awaits it.
    """

    def __init__(self, on_error: Callable[[BaseException], object]) -> None:
        self._on_error = on_error
        self._thread = local()
        self.forget()

    def forget(self) -> None:
        """Forget what is under way, as in a forked process, where no event loop runs it."""
        self._loop: asyncio.AbstractEventLoop | None = None
        self._noted_loop: asyncio.AbstractEventLoop | None = None
        self._tasks: set[asyncio.Task[Any]] = set()
        self._last_write: tuple[asyncio.AbstractEventLoop | None, Handle | None] = None, None

    def note_loop(self) -> None:
        """Note the event loop of this thread, for what another thread is going to start."""
        self._noted_loop = running_loop() or self._noted_loop

    @property
    def is_used(self) -> bool:
        """Return True if anything had to be awaited yet: the storage is asynchronous."""
        return self._loop is not None

    def start(self, coroutine: Coroutine[Any, Any, Any]) -> Awaitable[Any] | None:
        """Run a coroutine up to its first ``wait`` for an awaitable, and the rest in the loop.

        Returns an awaitable for its end; None if it has ended, or, in a thread without an event
        loop, if it goes on in the loop of another.
        """
        handle = self._start(coroutine)
        if not isinstance(handle, Future):
            return handle
        return None if running_loop() is None else asyncio.wrap_future(handle)

    def write(self, write: Callable[[], Coroutine[Any, Any, None]]) -> Awaitable[None] | None:
        """Start a coroutine that writes, when the writes before it have ended."""

        async def run() -> None:
            await self._end_of(before)
            await write()

        before = self._write_before()
        handle = self._start(run())
        if handle is None:
            return None
        self._last_write = self._loop, handle
        handle.add_done_callback(self._report)
        return None if isinstance(handle, Future) else handle

    async def wait(self, result: Any) -> Any:
        """In a coroutine that was started: return a result, or what an awaitable one comes to."""
        if not inspect.isawaitable(result):
            return result
        try:
            if getattr(self._thread, "is_starting", False):
                await asyncio.sleep(0)  # the rest runs in the loop
        except GeneratorExit:
            if inspect.iscoroutine(result):
                result.close()  # or Python warns that it was never awaited
            raise
        return await result

    async def until(self, future: Future[None]) -> None:
        """In a coroutine that was started: wait for a future that another thread may complete."""
        if self.is_used:
            await self._end_of(future)
        else:
            future.result()

    async def written(self) -> None:
        """In a coroutine that was started: wait until all writes have ended, well or not."""
        await self._end_of(self._write_before())

    async def flush(self) -> None:
        """Wait for the writes that were begun; raise the error of the last one."""
        last = self._write_before()
        if last is not None:
            await _wait_for(last)
            last.result()

    def _start(self, coroutine: Coroutine[Any, Any, Any]) -> Handle | None:
        was_starting = getattr(self._thread, "is_starting", False)
        self._thread.is_starting = True
        try:
            coroutine.send(None)
        except StopIteration:
            return None
        finally:
            self._thread.is_starting = was_starting
        self._loop = loop = self._home()
        if loop is None:
            coroutine.close()
            raise NoEventLoopError(
                "the storage or the migration is asynchronous and no event loop is running: create "
                "the store inside a coroutine, or with skip_hydration=True and call rehydrate() "
                "inside one"
            )
        if loop is not running_loop():
            return asyncio.run_coroutine_threadsafe(coroutine, loop)
        task = loop.create_task(coroutine)
        self._tasks.add(task)  # a loop itself does not keep its tasks alive
        task.add_done_callback(self._forget_task)
        return task

    def _home(self) -> asyncio.AbstractEventLoop | None:
        """Return the loop to use: that of before, unless it is used no more."""
        here, home = running_loop(), self._loop
        if home is None or home.is_closed() or (here is not None and not home.is_running()):
            return here or (None if home else self._noted_loop)
        return home

    def _write_before(self) -> Handle | None:
        """Return the last write, unless it was left in a loop that is used no more."""
        loop, write = self._last_write
        return write if loop is self._home() else None

    async def _end_of(self, handle: Handle | None) -> None:
        if handle is not None and not handle.done():
            await self.wait(_wait_for(handle))

    def _forget_task(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # or asyncio complains of an error that was not waited for

    def _report(self, write: Handle) -> None:
        error = None if write.cancelled() else write.exception()
        if error is not None:
            self._on_error(error)


def running_loop() -> asyncio.AbstractEventLoop | None:
    """Return the event loop of this thread, None if there is none."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


async def _wait_for(handle: Handle) -> None:
    future = handle if isinstance(handle, asyncio.Task) else asyncio.wrap_future(handle)
    await asyncio.wait([future])


def call_later(seconds: float, function: Callable[[], object]) -> None:
    """Call a function in a thread of its own, or, at the latest, when the program ends."""
    _later.add(seconds, function)


class _Later:
    """The functions that are to be called later, and the thread that waits for the next of them."""

    def __init__(self) -> None:
        self._renew_after_fork()
        renews_after_fork(self)
        atexit.register(self._call_all)

    def _renew_after_fork(self) -> None:
        """Begin anew. What another process is to call is its own affair."""
        self._changed = Condition()
        self._calls: list[tuple[float, int, Callable[[], object]]] = []
        self._numbers = count()
        self._thread: Thread | None = None

    def add(self, seconds: float, function: Callable[[], object]) -> None:
        with self._changed, suppress(RuntimeError):  # no thread to be had: then at the end
            heappush(self._calls, (monotonic() + seconds, next(self._numbers), function))
            self._changed.notify()
            if self._thread is None:
                thread = Thread(target=self._run, name="zustax-later", daemon=True)
                thread.start()
                self._thread = thread

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._calls or self._calls[0][0] > monotonic():
                    self._changed.wait(self._calls[0][0] - monotonic() if self._calls else None)
                call = heappop(self._calls)
                try:
                    # Its own, since a slow storage must not hold up the others, and no daemon, so
                    # that the program does not end in the middle of a write.
                    Thread(target=call[2], name="zustax-write", daemon=False).start()
                except RuntimeError:
                    heappush(self._calls, call)
                    self._thread = None
                    return
                del call  # it keeps a store alive

    def _call_all(self) -> None:
        with self._changed:
            calls, self._calls = self._calls, []
        for _, _, function in calls:
            function()


_later = _Later()
