"""Changing a persisted state in turns with other processes.

    turn = store.persist.exclusive(timeout=10.0).result()
    turn.reload().result()
    with turn.holding_back():
        store.set_state({"count": store.get_state()["count"] + 1})
    assert turn.write().result()
    turn.release().result()

Each step gives a future, for which any thread may wait, and an event loop with
`asyncio.wrap_future`. With a plain storage all but the first are done when they return. One that is
asynchronous runs in the event loop of the store, which must not be blocked meanwhile.
"""

from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager, AbstractContextManager, nullcontext
from threading import Thread
from typing import Any, Generic, TypeVar

from .background import Background, Steps, settled
from .follower import Follower
from .shelf import Shelf
from .stored import Item

T = TypeVar("T")
R = TypeVar("R")


class Turn(Generic[T]):
    """The right to change what is stored, which one process has at a time.

    Args:
        shelf: Where the state lies.
        follower: What takes over the changes of others.
        lock: What has been entered, and is left at the end.
    """

    def __init__(self, shelf: Shelf[T], follower: Follower[T], lock: Any) -> None:
        self._shelf = shelf
        self._follower = follower
        self._lock = lock
        self._expected: Item | None = None

    def reload(self) -> Future[None]:
        """Read the storage, and take over what somebody else has changed there.

        What could not be written before is written now, unless somebody has changed it meanwhile.

        Returns:
            A future. It fails with what the storage raises.
        """
        return started(self._shelf.background, self._reload())

    def holding_back(self) -> AbstractContextManager[None]:
        """Let what this thread sets inside of the block not be written, but by `write`."""
        return self._shelf.holding_back()

    def write(self) -> Future[bool]:
        """Write the newest state, if the storage still holds what `reload` has read.

        Returns:
            A future for whether it is written. It fails with what the storage raises.
        """
        return started(self._shelf.background, self._write())

    def release(self) -> Future[None]:
        """Let the next one have its turn.

        Returns:
            A future. It fails with what the storage raises: the lock may have been lost.
        """
        return started(self._shelf.background, self._release())

    def _reload(self) -> Steps[None]:
        self._expected = yield from self._follower.catch_up()

    def _write(self) -> Steps[bool]:
        return (yield from self._follower.replace(self._expected))

    def _release(self) -> Steps[None]:
        if is_async(self._lock):
            yield self._lock.__aexit__(None, None, None)
        else:
            self._lock.__exit__(None, None, None)


def turn_of(shelf: Shelf[T], follower: Follower[T], timeout: float) -> Future[Turn[T]]:
    """Wait for one's turn: in a thread, or, with an asynchronous storage, in its event loop.

    Args:
        shelf: Where the state lies.
        follower: What takes over the changes of others.
        timeout: Seconds to wait for others.

    Returns:
        A future. It fails with a TimeoutError, or with what else the storage raises.
    """
    options = shelf.options
    try:
        lock = _lock_of(options.storage, options.name, timeout)
    except Exception as error:
        failed: Future[Turn[T]] = Future()
        failed.set_exception(error)
        return failed
    turn = Turn(shelf, follower, lock)
    if is_async(lock):
        return started(shelf.background, _entering(lock, turn))
    return _in_thread(lock, turn)


def _lock_of(storage: Any, name: str, timeout: float) -> Any:
    """Make the lock of a storage; one that cannot be shared needs none."""
    lock = getattr(storage, "lock", None)
    return nullcontext() if lock is None else lock(name, timeout=timeout)


def is_async(lock: object) -> bool:
    """Tell whether a lock is entered with `async with`, and with nothing else."""
    return not hasattr(lock, "__enter__")


def _entering(lock: AbstractAsyncContextManager[Any], turn: Turn[T]) -> Steps[Turn[T]]:
    yield from settled(lock.__aenter__())
    return turn


def _in_thread(lock: AbstractContextManager[Any], turn: Turn[T]) -> Future[Turn[T]]:
    future: Future[Turn[T]] = Future()

    def enter() -> None:
        try:
            lock.__enter__()
        except BaseException as error:
            future.set_exception(error)
        else:
            future.set_result(turn)

    Thread(target=enter, name="zustax-lock", daemon=True).start()
    return future


def started(background: Background, steps: Steps[R]) -> Future[R]:
    """Run steps, those that have to be awaited in the event loop of the store.

    Returns:
        A future for what they return. It is cancelled with the event loop.
    """
    future: Future[R] = Future()
    try:
        background.run(_told(future, steps))
    except RuntimeError as error:  # there is no event loop to run them in
        future.set_exception(error)
    return future


def _told(future: Future[R], steps: Steps[R]) -> Steps[None]:
    try:
        future.set_result((yield from steps))
    except Exception as error:
        future.set_exception(error)
    finally:
        if not future.done():
            future.cancel()
