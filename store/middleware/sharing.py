"""A state that several processes share: take over what the others write, and change it in turns.

    lock = store.persist.exclusive(timeout=10.0).result()
    lock.reload().result()
    with lock.holding_back():
        store.set_state({"count": store.get_state()["count"] + 1})
    assert lock.write().result()
    lock.release().result()

Each step returns a future, which any thread may wait for, and an event loop with
``asyncio.wrap_future``. A plain storage is used in a thread if an event loop is running. An
asynchronous storage runs in the event loop of the store, which must not be blocked meanwhile.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from concurrent.futures import Future, InvalidStateError
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from functools import partial
from threading import Thread
from typing import Any, Generic, TypeVar
from weakref import finalize, ref

import attrs

from ..after_fork import renews_after_fork
from .async_writes import NoEventLoopError, call_later, running_loop
from .hydration import Hydrator
from .persisted_item import Item, PersistedItem

T = TypeVar("T")
R = TypeVar("R")

_log = logging.getLogger("zustax")

#: Seconds to wait for the lock in order to write what could not be written before.
_PATIENCE = 1.0


class Sharing(Generic[T]):
    """Reads the storage again when that says that another process has changed the item.

    What is read is dropped if the state has changed here since, and the storage is read once more.
    """

    def __init__(
        self, item: PersistedItem[T], hydrator: Hydrator[T], wait_for_store: Callable[[], None]
    ) -> None:
        self._item = item
        self._hydrator = hydrator
        self._wait_for_store = wait_for_store
        self._listening: finalize[..., Any] | None = None
        self._kept: list[Any] = []
        self._inherited: list[Any] = []
        self._renew_after_fork()
        renews_after_fork(self)

    def _renew_after_fork(self) -> None:
        """Begin anew in a forked process, in which nothing is being changed."""
        self._changes: set[object] = set()
        self._is_reading_due = False
        self._quiet: Future[None] | None = None
        # The parent holds them: were they thrown away here, they would be released there.
        self._inherited, self._kept = self._inherited + self._kept, []

    def listen(self) -> None:
        """Begin to listen to the storage, if the options say so and it is not done already."""
        options = self._item.options
        if not options.sync or self._listening is not None:
            return
        sharing = ref(self)  # the storage must not keep the store alive

        def on_notice() -> None:
            this = sharing()
            if this is not None:
                this._wait_for_store()  # it may be only just being made
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
        change = object()
        with self._item.lock:
            self._item.changed = self._item.number()
            self._changes.add(change)
        try:
            yield
        finally:
            quiet, is_due = None, False
            with self._item.lock:
                self._changes.discard(change)
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
            self._is_reading_due = is_due = self._is_changing()
        if is_due:
            return
        try:
            self._item.writes.start(self.catch_up())
        except Exception as error:
            self._item.log("read again", error)

    async def catch_up(self) -> Item:
        """Read the storage, take over what another process has changed there, and return it.

        What could not be written before is written, unless another process has changed it.
        """
        while True:
            if self._item.is_due:
                await self._item.writes.wait(self._item.write())
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

    async def replace(self, expected: Item | None) -> bool:
        """Write the newest state, and return True, unless the storage holds another text."""
        with self.changing():
            return await self._item.replace(expected)

    def save_now(self) -> Awaitable[None] | None:
        """Write what is not saved, unless another process has changed it after a failed write."""
        if self._item.options.sync and self._item.has_failed:
            return self._item.writes.start(self.catch_up())
        return self._item.write()

    async def enter(self, lock: Any) -> Any:
        """Take the lock that was kept for what could not be written, or wait for this one."""
        with self._item.lock:
            if self._kept:
                return self._kept.pop()
        await self._item.writes.wait(lock.__aenter__() if _is_async(lock) else lock.__enter__())
        return lock

    async def leave(self, lock: Any) -> None:
        """Let the next process have the lock, or keep it for what could not be written.

        What is stored is out of date then: no other process may go by it.
        """
        if self._item.has_failed and not self._item.is_saved:
            self._kept.append(lock)
            self._retry_later()
            return
        leave = lock.__aexit__ if _is_async(lock) else lock.__exit__
        await self._item.writes.wait(leave(None, None, None))

    def _retry_later(self) -> None:
        """Write what could not be written as soon as that is possible.

        That is done under the lock, and only if the storage holds what it did. Otherwise what
        another process has written is taken over.
        """
        call_later(self._item.retry_delay(), self._start_retry)

    def _start_retry(self) -> None:
        if not self._item.is_saved:
            with suppress(NoEventLoopError):  # its loop has ended
                self._item.writes.start(self._retry())

    async def _retry(self) -> None:
        try:
            lock = await self.enter(lock_of(self._item.options, _PATIENCE))
            try:
                await self.catch_up()
            finally:
                await self.leave(lock)
        except Exception as error:
            self._warn(error)
        if not self._item.is_saved and not self._kept:
            self._retry_later()

    def _warn(self, error: Exception) -> None:
        name = self._item.options.name
        _log.warning("persisted store %r still cannot be written: %s", name, str(error))

    async def _waited_for_changes(self) -> bool:
        """Wait for the end of the changes that are made here; return False if there are none."""
        with self._item.lock:
            if not self._changes:
                return False
            self._quiet = quiet = self._quiet or Future()
        await self._item.writes.until(quiet)
        return True

    async def _is_saved(self, item: Item) -> bool:
        """Write what could not be written before; return False if another process was faster."""
        if not self._item.has_failed:
            return True
        try:
            return await self.replace(item)
        except Exception as error:
            self._warn(error)
            return True

    def _is_changing(self) -> bool:
        return bool(self._changes) or self._item.is_due

    def _is_overtaken(self, item: Item) -> bool:
        """Return True if a change made here, or what another thread has read, is newer."""
        return item.number < self._item.changed or self._is_changing()


@attrs.define(eq=False, repr=False, slots=False)
class ExclusiveLock(Generic[T]):
    """The right to change what is stored, which one process has at a time.

    The future of each step fails with what the storage raises.
    """

    _item: PersistedItem[T]
    _sharing: Sharing[T]
    _lock: Any
    _expected: Item | None = None

    def reload(self) -> Future[None]:
        """Read the storage, and take over what another process has changed there.

        What could not be written before is written now, unless another process has changed it.
        """
        return self._run(self._reload())

    async def _reload(self) -> None:
        self._expected = await self._sharing.catch_up()

    def ensure_writable(self) -> Future[None]:
        """Make sure that the state can be written, by writing as much beside it.

        What is stored stays as it is. A storage without ``ensure_writable`` is not asked.
        """
        return self._run(self._item.ensure_writable())

    def holding_back(self) -> AbstractContextManager[None]:
        """Do not write what this thread sets inside of the block; ``write`` does."""
        return self._item.holding_back()

    def write(self) -> Future[bool]:
        """Write the newest state if the storage still holds what ``reload`` has read.

        If that fails, the state is written as soon as possible, and the lock is kept until then.

        Returns:
            A future that is True if the state was written.
        """
        return self._run(self._sharing.replace(self._expected))

    def release(self) -> Future[None]:
        """Let the next process have the lock. Fails if the lock was lost meanwhile."""
        return self._run(self._sharing.leave(self._lock))

    def _run(self, coroutine: Coroutine[Any, Any, R]) -> Future[R]:
        in_thread = _is_slow(self._lock) and running_loop() is not None
        return _future(self._item, coroutine, in_thread=in_thread)


def exclusive(
    item: PersistedItem[T], sharing: Sharing[T], timeout: float
) -> Future[ExclusiveLock[T]]:
    """Wait for the lock: in a thread, or, with an asynchronous storage, in its event loop."""
    try:
        lock = lock_of(item.options, timeout)
    except Exception as error:
        return _failed(error)

    async def enter() -> ExclusiveLock[T]:
        return ExclusiveLock(item, sharing, await sharing.enter(lock))

    return _future(item, enter(), in_thread=_is_slow(lock), unwanted=ExclusiveLock.release)


def lock_of(options: Any, timeout: float) -> Any:
    """Make the lock of a storage; one that cannot be shared has none, and needs none."""
    make_lock = getattr(options.storage, "lock", None)
    return make_lock(options.name, timeout=timeout) if make_lock else nullcontext()


def _is_async(lock: object) -> bool:
    """Return True if a lock is entered with ``async with``, and with nothing else."""
    return not hasattr(lock, "__enter__")


def _is_slow(lock: object) -> bool:
    """Return True if a step blocks. A storage without a lock is in memory, or its user's affair."""
    return not _is_async(lock) and not isinstance(lock, nullcontext)


def _future(
    item: PersistedItem[Any],
    coroutine: Coroutine[Any, Any, R],
    *,
    in_thread: bool,
    unwanted: Callable[[R], object] = lambda result: None,
) -> Future[R]:
    """Start a coroutine, and return a future for its result. It is cancelled with its loop.

    ``unwanted`` is given the result of one that was cancelled meanwhile.
    """
    future: Future[R] = Future()

    async def run() -> None:
        try:
            result = await coroutine
        except Exception as error:
            with suppress(InvalidStateError):  # it was cancelled
                future.set_exception(error)
        except BaseException:
            future.cancel()
            raise
        else:
            try:
                future.set_result(result)
            except InvalidStateError:
                unwanted(result)

    try:
        if in_thread:
            target = lambda: item.writes.start(run())  # noqa: E731
            Thread(target=target, name="zustax-storage", daemon=True).start()
        else:
            item.writes.start(run())
    except RuntimeError as error:  # there is no event loop, or no thread, to run it in
        coroutine.close()
        return _failed(error)
    return future


def _failed(error: BaseException) -> Future[Any]:
    future: Future[Any] = Future()
    future.set_exception(error)
    return future
