"""A state that several processes share: take over what the others write, and change it in turns.

    lock = store.persist.exclusive(timeout=10.0).result()
    lock.reload().result()
    with lock.holding_back():
        store.set_state({"count": store.get_state()["count"] + 1})
    assert lock.write().result()
    lock.release().result()

Each step returns a future, which any thread may wait for, and an event loop with
``asyncio.wrap_future``. With a plain storage all but the first are done when they return. An
asynchronous storage runs in the event loop of the store, which must not be blocked meanwhile.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import Future
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from threading import Thread
from typing import Any, Generic, TypeVar
from weakref import finalize, ref

from ..tracebacks import log_error
from .async_writes import AsyncWrites
from .hydration import Hydrator, Item, PersistedItem

T = TypeVar("T")
R = TypeVar("R")


class Sharing(Generic[T]):
    """Reads the storage again when that says that another process has changed the item.

    What is read is dropped if the state has changed here since: that change is newer, and it is
    being written. Then the storage is read once more, for what may have come after it.
    """

    def __init__(
        self, item: PersistedItem[T], hydrator: Hydrator[T], wait_for_store: Callable[[], None]
    ) -> None:
        self._item = item
        self._hydrator = hydrator
        self._wait_for_store = wait_for_store
        self._changes = 0
        self._is_reading_due = False
        self._quiet: Future[None] | None = None
        self._listening: finalize[..., Any] | None = None

    def listen(self) -> None:
        """Begin to listen to the storage, if the options say so and it is not done already."""
        options = self._item.options
        if not options.sync or self._listening is not None:
            return
        sharing = ref(self)  # the storage must not keep the store alive

        def on_notice() -> None:
            this = sharing()
            if this is not None:
                this._wait_for_store()  # the store may be only just being made
                this._reread()

        self._listening = finalize(self, options.storage.subscribe(options.name, on_notice))
        self._listening.atexit = False

    def listen_again(self) -> None:
        """Listen to the storage of the present options, if it has been listened to before."""
        if self._listening is not None:
            self._listening()
            self._listening = None
            self.listen()

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Keep what is read meanwhile from overtaking a change that is made in the block."""
        with self._item.lock:
            self._item.changed = self._item.number()
            self._changes += 1
        try:
            yield
        finally:
            quiet, is_due = None, False
            with self._item.lock:
                self._changes -= 1
                if not self._changes:
                    quiet, self._quiet = self._quiet, None
                    is_due, self._is_reading_due = self._is_reading_due, False
            if quiet is not None:
                quiet.set_result(None)
            if is_due:
                self._reread()

    def _reread(self) -> None:
        """Read the storage again, or when the change under way has ended. An error is logged."""
        with self._item.lock:
            self._is_reading_due = is_due = self._changes > 0
        if is_due:
            return
        try:
            self._item.writes.start(self._catch_up())
        except Exception as error:
            name = self._item.options.name
            log_error(f"persisted store {name!r} could not be read again", error)

    async def _catch_up(self) -> None:
        await self.catch_up()

    async def catch_up(self) -> Item:
        """Read the storage, take over what another process has changed there, and return it.

        What could not be written before is written, unless another process has changed it.
        """
        while True:
            item = await self._item.read()
            if await self._waited_for_changes():
                continue  # what was being changed here is newer, or just what was read
            if item == self._item.known:
                self._wait_for_store()  # another thread may be about to set what it has read
                if await self._is_saved(item) and self._item.known is not None:
                    return self._item.known
                continue
            hydration = self._hydrator.begin()
            await self._hydrator.run(hydration, item, partial(self._is_overtaken, item))
            # Another one that began later counts, and may not have come to its end yet.
            if not self._hydrator.is_over(hydration) and not self._is_overtaken(item):
                return item

    async def _waited_for_changes(self) -> bool:
        """Wait for the end of the changes that are made here; return False if there are none."""
        with self._item.lock:
            if not self._changes:
                return False
            self._quiet = quiet = self._quiet or Future()
        if self._item.writes.is_used:
            await self._item.writes.wait(_result(quiet))
        else:
            quiet.result()
        return True

    async def replace(self, expected: Item | None) -> bool:
        """Write the newest state, and return True, unless the storage holds another text."""
        with self.changing():
            return await self._item.replace(expected)

    async def _is_saved(self, item: Item) -> bool:
        """Write what could not be written before; return False if another process was faster."""
        if not self._item.is_unsaved:
            return True
        try:
            return await self.replace(item)
        except OSError as error:
            log_error(f"persisted store {self._item.options.name!r} still cannot be written", error)
            return True

    def _is_overtaken(self, item: Item) -> bool:
        """Return True if a change made here, or what another thread has read, is newer."""
        return item.number < self._item.changed or self._changes > 0


class ExclusiveLock(Generic[T]):
    """The right to change what is stored, which one process has at a time."""

    def __init__(self, item: PersistedItem[T], sharing: Sharing[T], lock: Any) -> None:
        self._item = item
        self._sharing = sharing
        self._lock = lock
        self._expected: Item | None = None

    def reload(self) -> Future[None]:
        """Read the storage, and take over what another process has changed there.

        What could not be written before is written now, unless another process has changed it.

        Returns:
            A future. It fails with what the storage raises.
        """
        return _future(self._item.writes, self._reload())

    def holding_back(self) -> AbstractContextManager[None]:
        """Do not write what this thread sets inside of the block; ``write`` does."""
        return self._item.holding_back()

    def write(self) -> Future[bool]:
        """Write the newest state, if the storage still holds what ``reload`` has read.

        Returns:
            A future for whether it is written. It fails with what the storage raises.
        """
        return _future(self._item.writes, self._sharing.replace(self._expected))

    def release(self) -> Future[None]:
        """Let the next process have the lock.

        Returns:
            A future. It fails with what the storage raises: the lock may have been lost.
        """
        return _future(self._item.writes, self._release())

    async def _reload(self) -> None:
        self._expected = await self._sharing.catch_up()

    async def _release(self) -> None:
        if _is_async(self._lock):
            await self._item.writes.wait(self._lock.__aexit__(None, None, None))
        else:
            self._lock.__exit__(None, None, None)


def exclusive(
    item: PersistedItem[T], sharing: Sharing[T], timeout: float
) -> Future[ExclusiveLock[T]]:
    """Wait for the lock: in a thread, or, with an asynchronous storage, in its event loop."""
    options = item.options
    try:
        # A storage that cannot be shared has no lock, and needs none.
        make_lock = getattr(options.storage, "lock", None)
        lock: Any = make_lock(options.name, timeout=timeout) if make_lock else nullcontext()
    except Exception as error:
        return _failed(error)
    result = ExclusiveLock(item, sharing, lock)
    if _is_async(lock):

        async def enter() -> ExclusiveLock[T]:
            await item.writes.wait(lock.__aenter__())
            return result

        return _future(item.writes, enter())

    future: Future[ExclusiveLock[T]] = Future()

    def run() -> None:
        try:
            lock.__enter__()
        except BaseException as error:
            future.set_exception(error)
        else:
            future.set_result(result)

    Thread(target=run, name="zustax-lock", daemon=True).start()
    return future


async def _result(future: Future[None]) -> None:
    await asyncio.wrap_future(future)


def _is_async(lock: object) -> bool:
    """Return True if a lock is entered with ``async with``, and with nothing else."""
    return not hasattr(lock, "__enter__")


def _future(writes: AsyncWrites, coroutine: Coroutine[Any, Any, R]) -> Future[R]:
    """Start a coroutine, and return a future for its result. It is cancelled with the loop."""
    future: Future[R] = Future()

    async def run() -> None:
        try:
            future.set_result(await coroutine)
        except Exception as error:
            future.set_exception(error)
        except BaseException:
            future.cancel()
            raise

    try:
        writes.start(run())
    except RuntimeError as error:  # there is no event loop to run it in
        return _failed(error)
    return future


def _failed(error: BaseException) -> Future[Any]:
    future: Future[Any] = Future()
    future.set_exception(error)
    return future
