"""How an instance waits: with asyncio or with threads, so that everything above is written once.

The core of an instance is made of coroutines. Under `AsyncRuntime` they run as tasks of an event
loop. Under `SyncRuntime` every ``await`` in them ends without waiting, because what it awaits has
blocked its thread instead; `run_now` runs such a coroutine from start to end in one step.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import contextvars
import functools
import os
import threading
import time
import weakref
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from inspect import isawaitable
from typing import Any, NoReturn, TypeAlias, TypeVar

from .cancel import AbortSignal
from .errors import CanceledError

T = TypeVar("T")
Work = Coroutine[Any, Any, Any]
Future = concurrent.futures.Future

#: Seconds that closing waits for a task that was cancelled and does not end.
_PATIENCE = 1.0


def run_now(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine that has nothing to wait for, and return its result."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        return end.value  # type: ignore[no-any-return]
    coroutine.close()
    raise RuntimeError("something async was awaited under a synchronous instance")


def refuse_async(value: Any) -> NoReturn:
    """Refuse an awaitable that a function gave to a synchronous instance."""
    if isinstance(value, Coroutine):
        value.close()
    name = getattr(value, "__qualname__", type(value).__qualname__)
    raise TypeError(
        f"{name} is async, but this is a synchronous instance: "
        "use a plain function, or make the instance with create()"
    )


_forkable: weakref.WeakSet[Any] = weakref.WeakSet()


def reset_after_fork(thing: Any) -> None:
    """Call ``thing.after_fork()`` in each child process, as long as ``thing`` is there."""
    _forkable.add(thing)


def _after_fork() -> None:
    for thing in tuple(_forkable):
        thing.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


class _Runtime:
    def __init__(self) -> None:
        self.on_lost: Callable[[], None] = lambda: None
        reset_after_fork(self)

    async def maybe_await(self, value: Any) -> Any:
        """Return ``value``, or its result if it is awaitable."""
        return await value if isawaitable(value) else value

    async def settle(self, value: Any) -> Any:
        """Do what `maybe_await` does: its name in 0.1."""
        return await self.maybe_await(value)

    def awaited(self, value: Awaitable[Any]) -> Awaitable[Any]:
        """Return an awaitable that a function of the caller's gave; see `refuse_async`."""
        return value


class AsyncRuntime(_Runtime):
    """Waits as a task of one event loop."""

    is_async = True

    def __init__(self) -> None:
        super().__init__()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._tasks: dict[asyncio.Task[Any], float] = {}
        self._closing: set[asyncio.Task[Any] | None] = set()

    def adapt(self, function: Callable[..., Coroutine[Any, Any, T]]) -> Callable[..., Any]:
        """Return ``function`` as this kind of instance calls it: async as it is, or made plain."""
        return function

    def bind(self) -> None:
        """Refuse a call from an event loop while this instance serves another one."""
        loop = asyncio.get_running_loop()
        if self._loop is loop:
            return
        if self._loop is not None:
            if not self._loop.is_closed():
                raise RuntimeError(
                    "this instance belongs to another event loop, where its connections live: "
                    "make one instance per loop with create() (they may share one store), "
                    "or await aclose() before it is used in the next loop"
                )
            self._tasks.clear()  # they have ended with their loop
            self.on_lost()
        self._loop = loop

    @contextlib.asynccontextmanager
    async def abortable(self, signal: AbortSignal) -> AsyncIterator[None]:
        """Raise `CanceledError` from a block when ``signal`` is aborted."""
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - coroutines of the core run in tasks
        loop = asyncio.get_running_loop()
        requests_before = task.cancelling()
        inside, aborted = True, False

        def cancel() -> None:
            nonlocal aborted
            if inside:
                aborted = True
                task.cancel()

        forget = signal.add_listener(lambda: _soon(loop, cancel))
        try:
            yield
        except asyncio.CancelledError:
            if not aborted:
                raise
        finally:
            inside = False
            forget()
        if aborted and task.uncancel() > requests_before:
            raise asyncio.CancelledError  # the task was cancelled as well
        if signal.aborted:
            raise CanceledError

    async def wait(
        self, future: Future[Any], seconds: float | None, signal: AbortSignal | None
    ) -> bool:
        """Wait for a future of any thread or loop; return True if it was done in time."""
        # An aborted signal cancels the waiting task (see `abortable`), so this does not look at it.
        loop = asyncio.get_running_loop()
        ended = asyncio.Event()
        future.add_done_callback(lambda _: _soon(loop, ended.set))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await ended.wait()
        return future.done()

    def spawn(self, work: Work, *, grace: float) -> asyncio.Task[Any] | None:
        """Run ``work`` in a context of its own; closing waits ``grace`` seconds for it.

        Return the task, which can be cancelled, or ``None`` for a thread, which cannot.
        """
        try:
            task = asyncio.create_task(work, context=contextvars.Context())
        except BaseException:
            work.close()  # it will never run
            raise
        self._tasks[task] = grace
        task.add_done_callback(lambda done: self._tasks.pop(done, None))
        return task

    def is_cancelled(self) -> bool:
        """Return True if this piece of work is being ended, and must not go on."""
        task = asyncio.current_task()
        return task is not None and task.cancelling() > 0

    async def pause(self, seconds: float) -> None:
        """Let time pass."""
        await asyncio.sleep(seconds)

    def later(self, function: Callable[[], Any]) -> Callable[[], None]:
        """Return a function for any thread that runs ``function`` and does not wait."""
        loop = asyncio.get_running_loop()
        return lambda: _soon(loop, lambda: self.spawn(function(), grace=_PATIENCE))

    async def close(self, resource: Any) -> None:
        """Close a client's response, or a connection."""
        await self.to_the_end(resource.aclose())

    async def to_the_end(self, work: Awaitable[T]) -> T:
        """Finish ``work`` even if the caller is cancelled: it may have half closed a connection."""
        task = asyncio.ensure_future(work)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            await asyncio.wait((task,))
            raise

    async def shut_down(self) -> None:
        """Wait for what was spawned, each within its grace, and end the rest."""
        self.bind()
        closing = asyncio.current_task()
        self._closing.add(closing)
        try:
            while others := [task for task in self._tasks if task not in self._closing]:
                task = others[0]
                await asyncio.wait((task,), timeout=self._tasks[task])
                task.cancel()
                await asyncio.wait((task,), timeout=_PATIENCE)
                self._tasks.pop(task, None)
        finally:
            self._closing.discard(closing)

    def unbind(self) -> None:
        """Serve any event loop again, now that all is closed."""
        self._loop = None

    def after_fork(self) -> None:
        """Start anew in a child, which has neither the tasks nor the connections."""
        self._tasks.clear()
        self._loop = None
        self.on_lost()


class SyncRuntime(_Runtime):
    """Waits by blocking its thread. It serves every thread; see `AsyncRuntime` for the methods."""

    is_async = False

    def __init__(self) -> None:
        super().__init__()
        self._threads: dict[threading.Thread, float] = {}

    def adapt(self, function: Callable[..., Coroutine[Any, Any, T]]) -> Callable[..., Any]:
        @functools.wraps(function)
        def plain(*args: Any) -> T:
            return run_now(function(*args))

        return plain

    async def maybe_await(self, value: Any) -> Any:
        return refuse_async(value) if isawaitable(value) else value

    def awaited(self, value: Awaitable[Any]) -> NoReturn:
        refuse_async(value)

    def bind(self) -> None:
        pass

    def unbind(self) -> None:
        pass

    @contextlib.asynccontextmanager
    async def abortable(self, signal: AbortSignal) -> AsyncIterator[None]:
        yield
        if signal.aborted:
            raise CanceledError

    async def wait(
        self, future: Future[Any], seconds: float | None, signal: AbortSignal | None
    ) -> bool:
        if signal is None:
            concurrent.futures.wait((future,), seconds)
            return future.done()
        aborted: Future[None] = Future()
        forget = signal.add_listener(lambda: aborted.set_result(None))
        try:
            either = (future, aborted)
            concurrent.futures.wait(either, seconds, concurrent.futures.FIRST_COMPLETED)
        finally:
            forget()
        if aborted.done():
            raise CanceledError
        return future.done()

    def spawn(self, work: Work, *, grace: float) -> asyncio.Task[Any] | None:
        try:
            self._start(lambda: run_now(work), contextvars.Context(), grace)
        except BaseException:
            work.close()  # it will never run
            raise
        return None

    def _start(
        self, function: Callable[[], Any], context: contextvars.Context, grace: float
    ) -> None:
        def run() -> None:
            try:
                context.run(function)
            finally:
                self._threads.pop(thread, None)

        thread = threading.Thread(target=run, name="zustax", daemon=True)
        self._threads[thread] = grace
        try:
            thread.start()
        except BaseException:
            self._threads.pop(thread, None)
            raise

    def is_cancelled(self) -> bool:
        return False

    async def pause(self, seconds: float) -> None:
        time.sleep(seconds)  # noqa: ASYNC251 - blocking its thread is how it waits

    async def send(self, adapter: Callable[[Any], Any], config: Any, signal: AbortSignal) -> Any:
        """Return what an adapter gives; raise `CanceledError` when ``signal`` is aborted."""
        # A thread that reads cannot be interrupted, so this one does not read itself.
        response: Future[Any] = Future()

        def run() -> None:
            try:
                response.set_result(adapter(config))
            except BaseException as error:
                response.set_exception(error)

        self._start(run, contextvars.copy_context(), 0.0)
        try:
            await self.wait(response, None, signal)
        except CanceledError:
            response.add_done_callback(_close_late_stream)
            raise
        return await self.maybe_await(response.result())

    def later(self, function: Callable[[], Any]) -> Callable[[], None]:
        return lambda: run_now(function())

    async def close(self, resource: Any) -> None:
        resource.close()

    async def to_the_end(self, work: Awaitable[T]) -> T:
        return await work

    async def shut_down(self) -> None:
        for thread, grace in tuple(self._threads.items()):
            if thread is not threading.current_thread():
                thread.join(grace)

    def after_fork(self) -> None:
        self._threads.clear()
        self.on_lost()


def _soon(loop: asyncio.AbstractEventLoop, function: Callable[[], Any]) -> None:
    """Run ``function`` on ``loop``, from any thread; do nothing if the loop has ended."""
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(function)


def _close_late_stream(answer: Future[Any]) -> None:
    """Close a stream that arrives after its request was aborted."""
    response = None if answer.exception() else answer.result()
    close = getattr(getattr(response, "data", None), "close", None)
    if close is not None:
        close()


#: How an instance waits. Both kinds have the same methods.
Runtime: TypeAlias = AsyncRuntime | SyncRuntime
