"""How an instance waits: once for async, once for sync, so that everything above is written once.

The core of an instance is made of coroutines. Under `AsyncRuntime` they run as tasks of an event
loop. Under `SyncRuntime` every ``await`` in them ends without waiting, because whatever it awaits
has blocked its thread instead; such a coroutine runs from start to end in one step (`run_now`).

Authors of network interceptors that are to serve both kinds of instance use ``api.runtime`` too:

    async def around(config, proceed):
        return await api.runtime.settle(proceed(config))

    api.interceptors.network.use(api.runtime.adapt(around))
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import contextvars
import functools
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from inspect import isawaitable
from typing import Any, Protocol, TypeVar

from .cancel import AbortSignal
from .deadline import reads_within
from .errors import CanceledError

T = TypeVar("T")

#: Seconds that closing waits for a task that was cancelled and does not end.
_PATIENCE = 1.0
Work = Coroutine[Any, Any, Any]


class Runtime(Protocol):
    """What the core asks of the world it runs in."""

    is_async: bool

    def adapt(self, function: Callable[..., Coroutine[Any, Any, T]]) -> Callable[..., Any]:
        """``function`` as this kind of instance calls it: async as it is, or made plain."""
        ...

    def bind(self) -> None:
        """Refuse a call from a place that this instance does not serve."""
        ...

    async def settle(self, value: Any) -> Any:
        """The value, or what it gives when awaited."""
        ...

    def limit(self, seconds: float) -> contextlib.AbstractAsyncContextManager[Any]:
        """Raise `TimeoutError` from a block that takes longer, where it can be interrupted."""
        ...

    def abortable(self, signal: AbortSignal) -> contextlib.AbstractAsyncContextManager[Any]:
        """Raise `CanceledError` from a block while which ``signal`` is aborted."""
        ...

    async def bounded(self, seconds: float, function: Callable[..., Any], *args: Any) -> Any:
        """What ``function`` gives; `TimeoutError` if that takes longer than ``seconds``."""
        ...

    async def wait(
        self,
        future: concurrent.futures.Future[Any],
        seconds: float | None,
        signal: AbortSignal | None,
    ) -> bool:
        """Wait for a future of any thread or loop; whether it was done in time."""
        ...

    def spawn(self, work: Work, *, grace: float) -> None:
        """Give ``work`` a life of its own, which no caller's cancellation ends.

        Args:
            work: What to carry out.
            grace: Seconds that closing the instance waits for it.
        """
        ...

    def is_cancelled(self) -> bool:
        """Whether this piece of work is being ended, and must not go on."""
        ...

    async def pause(self, seconds: float) -> None:
        """Let time pass."""
        ...

    def iterate(self, pieces: Any) -> AsyncIterator[bytes]:
        """The pieces of an async iterator, or of a plain one under `SyncRuntime`."""
        ...

    async def send(
        self, adapter: Callable[..., Any], config: Any, signal: AbortSignal | None
    ) -> Any:
        """What an adapter gives; `CanceledError` as soon as ``signal`` is aborted."""
        ...

    def later(self, function: Callable[[], Any]) -> Callable[[], None]:
        """A function for any thread that has ``function`` carried out, and does not wait."""
        ...

    async def close(self, resource: Any) -> None:
        """Close a client or a client's response."""
        ...

    async def shut_down(self) -> None:
        """Wait for what was spawned, each within its grace, and end the rest."""
        ...

    def forget(self) -> None:
        """Serve any place again, now that all is closed."""
        ...


def run_now(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine that has nothing to wait for, and give its result.

    Raises:
        RuntimeError: It waited after all.
    """
    try:
        coroutine.send(None)
    except StopIteration as end:
        return end.value  # type: ignore[no-any-return]
    coroutine.close()
    raise RuntimeError("something async was awaited under a synchronous instance")


class AsyncRuntime:
    """Waits as a task of one event loop."""

    is_async = True

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._tasks: dict[asyncio.Task[Any], float] = {}
        self._closing: set[asyncio.Task[Any] | None] = set()

    def adapt(self, function: Callable[..., Coroutine[Any, Any, T]]) -> Callable[..., Any]:
        return function

    def bind(self) -> None:
        loop = asyncio.get_running_loop()
        if self._loop is None:
            self._loop = loop
        elif self._loop is not loop:
            raise RuntimeError(
                "this instance belongs to another event loop, where its connections live: "
                "make one instance per loop with create() (they may share one store), "
                "or await aclose() before it is used in the next loop"
            )

    async def settle(self, value: Any) -> Any:
        return await value if isawaitable(value) else value

    def limit(self, seconds: float) -> contextlib.AbstractAsyncContextManager[Any]:
        return asyncio.timeout(seconds)

    @contextlib.asynccontextmanager
    async def abortable(self, signal: AbortSignal) -> AsyncIterator[None]:
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
            raise asyncio.CancelledError  # somebody else has cancelled the task as well
        if signal.aborted:
            raise CanceledError

    async def bounded(self, seconds: float, function: Callable[..., Any], *args: Any) -> Any:
        async with asyncio.timeout(seconds):
            return await self.settle(function(*args))

    async def wait(
        self,
        future: concurrent.futures.Future[Any],
        seconds: float | None,
        signal: AbortSignal | None,
    ) -> bool:
        # An aborted signal cancels the waiting task (see `abortable`), so it is not asked here.
        loop = asyncio.get_running_loop()
        ended = asyncio.Event()
        future.add_done_callback(lambda _: _soon(loop, ended.set))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await ended.wait()
        return future.done()

    def spawn(self, work: Work, *, grace: float) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks[task] = grace
        task.add_done_callback(lambda done: self._tasks.pop(done, None))

    def forget(self) -> None:
        self._loop = None

    def is_cancelled(self) -> bool:
        task = asyncio.current_task()
        return task is not None and task.cancelling() > 0

    async def pause(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def iterate(self, pieces: Any) -> AsyncIterator[bytes]:
        return pieces  # type: ignore[no-any-return]

    async def send(
        self, adapter: Callable[..., Any], config: Any, signal: AbortSignal | None
    ) -> Any:
        return await self.settle(adapter(config))  # `abortable` goes around it

    def later(self, function: Callable[[], Any]) -> Callable[[], None]:
        loop = asyncio.get_running_loop()
        return lambda: _soon(loop, lambda: self.spawn(function(), grace=_PATIENCE))

    async def close(self, resource: Any) -> None:
        if resource.is_closed:
            return
        try:
            await _to_the_end(resource.aclose())
        except RuntimeError:
            if self._loop is None or not self._loop.is_closed():
                raise

    async def shut_down(self) -> None:
        if self._loop is not None and self._loop.is_closed():
            self._tasks.clear()  # they have ended with their loop, and so have the connections
            return
        self.bind()
        closing = asyncio.current_task()
        self._closing.add(closing)
        try:
            while others := [task for task in self._tasks if task not in self._closing]:
                await self._end(others[0])
        finally:
            self._closing.discard(closing)

    async def _end(self, task: asyncio.Task[Any]) -> None:
        await asyncio.wait((task,), timeout=self._tasks[task])
        task.cancel()
        await asyncio.wait((task,), timeout=_PATIENCE)
        self._tasks.pop(task, None)


class SyncRuntime:
    """Waits by blocking its thread."""

    is_async = False

    def __init__(self) -> None:
        self._threads: dict[threading.Thread, float] = {}

    def adapt(self, function: Callable[..., Coroutine[Any, Any, T]]) -> Callable[..., Any]:
        @functools.wraps(function)
        def plain(*args: Any) -> T:
            return run_now(function(*args))

        return plain

    def bind(self) -> None:
        """Every thread may use it."""

    async def settle(self, value: Any) -> Any:
        if not isawaitable(value):
            return value
        if isinstance(value, Coroutine):
            value.close()
        raise TypeError(
            f"{_name_of(value)} is async, but this is a synchronous instance: "
            "use a plain function, or make the instance with create()"
        )

    @contextlib.asynccontextmanager
    async def limit(self, seconds: float) -> AsyncIterator[None]:
        # A blocked thread cannot be interrupted: the client's own time-outs do it.
        with reads_within(seconds):
            yield

    @contextlib.asynccontextmanager
    async def abortable(self, signal: AbortSignal) -> AsyncIterator[None]:
        yield
        if signal.aborted:
            raise CanceledError

    async def bounded(self, seconds: float, function: Callable[..., Any], *args: Any) -> Any:
        result: concurrent.futures.Future[Any] = concurrent.futures.Future()
        self._start(lambda: _resolve(result, function, args), grace=0.0)
        return await self.settle(result.result(seconds))

    async def wait(
        self,
        future: concurrent.futures.Future[Any],
        seconds: float | None,
        signal: AbortSignal | None,
    ) -> bool:
        if signal is None:
            concurrent.futures.wait((future,), seconds)
            return future.done()
        aborted: concurrent.futures.Future[None] = concurrent.futures.Future()
        forget = signal.add_listener(lambda: aborted.set_result(None))
        try:
            either = (future, aborted)
            concurrent.futures.wait(either, seconds, concurrent.futures.FIRST_COMPLETED)
        finally:
            forget()
        if aborted.done():
            raise CanceledError
        return future.done()

    def spawn(self, work: Work, *, grace: float) -> None:
        self._start(lambda: run_now(work), grace=grace)

    def _start(self, function: Callable[[], Any], *, grace: float) -> None:
        context = contextvars.copy_context()

        def run() -> None:
            try:
                context.run(function)
            finally:
                self._threads.pop(thread, None)

        thread = threading.Thread(target=run, name="zustax", daemon=True)
        self._threads[thread] = grace
        thread.start()

    def forget(self) -> None:
        """It serves every place anyway."""

    def is_cancelled(self) -> bool:
        return False

    async def pause(self, seconds: float) -> None:
        time.sleep(seconds)  # noqa: ASYNC251 - blocking its thread is how it waits

    async def iterate(self, pieces: Any) -> AsyncIterator[bytes]:
        for piece in pieces:
            yield piece

    async def send(
        self, adapter: Callable[..., Any], config: Any, signal: AbortSignal | None
    ) -> Any:
        if not signal:
            return await self.settle(adapter(config))
        # A thread that reads cannot be interrupted, so this one does not read itself.
        answer: concurrent.futures.Future[Any] = concurrent.futures.Future()
        self._start(lambda: _resolve(answer, adapter, (config,)), grace=0.0)
        try:
            await self.wait(answer, None, signal)
        except CanceledError:
            answer.add_done_callback(_drop)
            raise
        return await self.settle(answer.result())

    def later(self, function: Callable[[], Any]) -> Callable[[], None]:
        return lambda: run_now(function())

    async def close(self, resource: Any) -> None:
        resource.close()

    async def shut_down(self) -> None:
        for thread, grace in tuple(self._threads.items()):
            if thread is not threading.current_thread():
                thread.join(grace)


def _soon(loop: asyncio.AbstractEventLoop, function: Callable[[], Any]) -> None:
    """Run ``function`` on ``loop``, from any thread; nothing if the loop has ended."""
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(function)


async def _to_the_end(work: Work) -> None:
    """Carry out ``work`` also if who waits for it is cancelled: half closed is lost for ever."""
    task = asyncio.ensure_future(work)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait((task,))
        raise


def _resolve(
    future: concurrent.futures.Future[Any], function: Callable[..., Any], args: tuple[Any, ...]
) -> None:
    try:
        future.set_result(function(*args))
    except BaseException as error:
        future.set_exception(error)


def _drop(answer: concurrent.futures.Future[Any]) -> None:
    """Close the stream that arrives when nobody waits for it any more."""
    response = None if answer.exception() else answer.result()
    close = getattr(getattr(response, "data", None), "close", None)
    if close is not None:
        close()


def _name_of(value: Awaitable[Any]) -> str:
    return str(getattr(value, "__qualname__", type(value).__qualname__))
