"""Steps that wait for an asynchronous storage, and go straight on with a synchronous one.

Steps are a generator that yields what has to be awaited, and is sent the result:

    def steps():
        text = yield from settled(storage.get_item("app"))

With a synchronous storage it has run to its end when `Background.run` returns.
"""

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Callable, Coroutine, Generator
from contextlib import closing, suppress
from typing import Any, TypeAlias, TypeVar

T = TypeVar("T")

Steps: TypeAlias = Generator[Awaitable[Any], Any, T]

_log = logging.getLogger("zustax")


class NoEventLoopError(RuntimeError):
    """A storage or a migration is asynchronous, and there is no event loop to run it in."""


def settled(result: Any) -> Steps[Any]:
    """Take a step: give what a function returned, or, of an async one, what that comes to."""
    return (yield result) if inspect.isawaitable(result) else result


class Background:
    """Runs what is left to be awaited in one event loop, the first that it was used in.

    Writes run one after the other, in the order in which they were asked for. An error of theirs is
    logged, since nobody may be waiting for it.
    """

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._last_write: asyncio.Task[None] | None = None

    def run(self, steps: Steps[None]) -> Awaitable[None] | None:
        """Run steps up to the first that has to be awaited, and the others in the background.

        Args:
            steps: What to run.

        Returns:
            An awaitable for their end. None if all have run, or, in a thread without an event loop,
            if they go on in the loop of another.

        Raises:
            NoEventLoopError: If one has to be awaited and there is no event loop.
            Exception: Whatever the steps raise before that.
        """
        try:
            awaitable = next(steps)
        except StopIteration:
            return None
        return self._start(_go_on(steps, awaitable), awaitable)

    def write(
        self, writing: Awaitable[Any], then: Callable[[], object] = lambda: None
    ) -> Awaitable[None] | None:
        """Have a write run when those before it have ended.

        Args:
            writing: What the storage returned.
            then: Called when it has succeeded. Default: nothing.

        Returns:
            An awaitable for its end; None in any thread but that of the loop.

        Raises:
            NoEventLoopError: If there is no event loop.
        """
        loop = self._home_for(writing)
        if loop is _running_loop():
            return self._chain(writing, then)
        loop.call_soon_threadsafe(self._chain, writing, then)
        return None

    def flush(self) -> Awaitable[None] | None:
        """Wait for the writes that were asked for; raise the error of the last one.

        Returns:
            An awaitable, or None if there has been nothing to wait for.
        """
        return None if self._loop is None else self._start(self._last_write_succeeds())

    def until_written(self) -> Steps[None]:
        """Take a step: wait for the writes that were asked for, whether they succeed or not."""
        if self._loop is not None:
            yield self._last_write_ends()

    def _start(
        self, coroutine: Coroutine[Any, Any, None], *unused: Awaitable[Any]
    ) -> Awaitable[None] | None:
        loop = self._home_for(coroutine, *unused)
        here = _running_loop()
        if loop is here:
            return self._make_task(coroutine)
        elsewhere = asyncio.run_coroutine_threadsafe(coroutine, loop)
        return None if here is None else asyncio.wrap_future(elsewhere)

    def _home_for(self, *awaitables: Awaitable[Any]) -> asyncio.AbstractEventLoop:
        """Give the loop to run awaitables in. Without one they are closed: nobody awaits them."""
        here, home = _running_loop(), self._loop
        if home is None or home.is_closed() or (here is not None and not home.is_running()):
            home = self._loop = here
        if home is None:
            for awaitable in awaitables:
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
        """Give the last write, unless it was left behind in a loop that is not used any more."""
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


async def _go_on(steps: Steps[None], awaitable: Awaitable[Any]) -> None:
    # No result of an awaitable is ever in a local variable: it may be a stored token.
    with closing(steps), suppress(StopIteration):
        while True:
            try:
                awaitable = steps.send(await awaitable)
            except StopIteration:
                raise
            except Exception as error:
                awaitable = steps.throw(error)


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
    """Spare a coroutine that is not going to run the warning that nobody awaited it."""
    if inspect.iscoroutine(awaitable):
        awaitable.close()


def _retrieve(task: asyncio.Task[None]) -> None:
    """Keep asyncio from complaining of an error that nobody waited for."""
    if not task.cancelled():
        task.exception()


def _log_failure(task: asyncio.Task[None]) -> None:
    error = None if task.cancelled() else task.exception()
    if error is not None:
        _log.error("a state could not be written to its storage: %s", error, exc_info=error)
