"""The lock of the storage that other processes and hosts share with a store (16)."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from concurrent.futures import Future
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext
from typing import Any, Protocol

from ..errors import RefreshError
from ..runtime import Runtime
from ..secrecy import without_tracebacks
from .pending import PendingRefresh

_log = logging.getLogger("zustax")

#: Seconds beyond its time-out after which a storage that does not answer is given up.
_PATIENCE = 1.0


class PersistLock(Protocol):
    """The lock that the store gives out. Its futures fail with what the storage raises."""

    def reload(self) -> Future[None]:
        """Read the storage, and take over what other processes have changed there."""
        ...

    def ensure_writable(self) -> Future[None]:
        """Make sure that the state could be written."""
        ...

    def holding_back(self) -> AbstractContextManager[None]:
        """Do not write what this thread sets inside the block; `write` does."""
        ...

    def write(self) -> Future[bool]:
        """Write the state if the storage still holds what `reload` read; return True if it did."""
        ...

    def release(self) -> Future[None]:
        """Release the lock."""
        ...


class Persist(Protocol):
    """The ``persist`` of a store whose state lies in a storage; see `TokenStore`."""

    def hydration(self) -> Future[None] | None:
        """Return a future for the end of the current hydration; ``None`` if there is none."""

    def exclusive(self, timeout: float) -> Future[PersistLock]:
        """Return a future for the lock; it fails if that takes longer than ``timeout`` seconds."""
        ...


def persist_of(store: Any) -> Persist | None:
    """Return the ``persist`` of a store, if it has one that can be locked."""
    persist: Any = getattr(store, "persist", None)
    has_all = all(callable(getattr(persist, name, None)) for name in ("hydration", "exclusive"))
    return persist if has_all else None


def check_lock(persist: Any) -> None:
    """Raise ImportError if the lock of the storage needs a library that is not installed."""
    if not hasattr(persist, "get_options"):
        return
    options = persist.get_options()
    try:
        if hasattr(options.storage, "lock"):
            options.storage.lock(options.name, timeout=0.0)
    except ImportError:
        raise
    except Exception as error:
        _log.warning("the storage of the tokens cannot be locked: %s", error)


class NoLock:
    """What stands for a `StorageLock` where the store shares nothing."""

    async def reload(self) -> None:
        pass

    async def ensure_writable(self) -> None:
        pass

    def holding_back(self) -> AbstractContextManager[None]:
        return nullcontext()

    async def write(self) -> bool:
        return True


class StorageLock(NoLock):
    """The lock of a shared storage; a step that fails, or takes too long, is a `RefreshError`."""

    def __init__(self, lock: PersistLock, pending: PendingRefresh, runtime: Runtime) -> None:
        self._lock = lock
        self._pending = pending
        self._runtime = runtime

    async def reload(self) -> None:
        await self._step(self._lock.reload(), "the storage of the tokens cannot be read")

    async def ensure_writable(self) -> None:
        ensure = getattr(self._lock, "ensure_writable", None)
        if ensure is not None:
            await self._step(ensure(), "the storage of the tokens cannot be written")

    def holding_back(self) -> AbstractContextManager[None]:
        return self._lock.holding_back()

    async def write(self) -> bool:
        problem = "the new tokens are kept in memory, as the storage cannot be written"
        return bool(await self._step(self._lock.write(), problem))

    async def release(self) -> None:
        """Release the lock; a failure is logged."""
        try:
            await self._step(self._lock.release(), "the lock of the storage was lost")
        except RefreshError as error:
            _log.warning("%s", error)

    async def _step(self, future: Future[Any], problem: str) -> Any:
        self._pending.prolong()
        return await _result(self._runtime, future, self._pending.timeout, problem)


@asynccontextmanager
async def locked(
    pending: PendingRefresh, persist: Persist | None, runtime: Runtime
) -> AsyncIterator[NoLock]:
    """Hold the lock of the storage inside the block."""
    if persist is None:
        yield NoLock()
        return
    coming = persist.exclusive(pending.timeout)
    try:
        problem = "the storage of the tokens cannot be locked"
        lock = await _result(runtime, coming, pending.timeout + _PATIENCE, problem)
    except BaseException:
        coming.add_done_callback(_release_late)
        raise
    storage_lock = StorageLock(lock, pending, runtime)
    try:
        yield storage_lock
    finally:
        await storage_lock.release()


def _release_late(coming: Future[PersistLock]) -> None:
    """Release a lock that comes too late."""
    if not coming.cancelled() and coming.exception() is None:
        coming.result().release()


async def _result(runtime: Runtime, future: Future[Any], seconds: float, problem: str) -> Any:
    """Return the result of a future of the storage; raise `RefreshError` if none comes in time."""
    is_done = future.done() or await runtime.wait(future, seconds, None)
    cause = future.exception() if is_done and not future.cancelled() else None
    if is_done and not future.cancelled() and cause is None:
        return future.result()
    why = "its event loop has ended" if is_done else f"no answer within {seconds:g} seconds"
    error = RefreshError(f"{problem}: {cause or why}")
    if cause is not None:
        error.__cause__ = without_tracebacks(cause)
    raise error
