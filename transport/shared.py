"""Taking turns with the other processes and hosts that share the storage of a store (16)."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from concurrent.futures import Future
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext
from typing import Any, Protocol

from .errors import RefreshError, without_tracebacks
from .flight import Flight
from .runtime import Runtime

_log = logging.getLogger("zustax")

#: Seconds beyond its bound after which a storage that does not answer at all is given up.
_PATIENCE = 1.0


class Turn(Protocol):
    """The right to renew what is stored, which one process has at a time.

    Each of its futures may be resolved in any thread. It fails with what the storage raises.
    """

    def reload(self) -> Future[None]:
        """Read the storage, and take over into the state what others have changed there."""
        ...

    def holding_back(self) -> AbstractContextManager[None]:
        """Let what this thread sets inside of the block be written by `write` alone."""
        ...

    def write(self) -> Future[bool]:
        """Write the state if the storage holds what `reload` has read; say whether it did."""
        ...

    def release(self) -> Future[None]:
        """Let the next process have its turn."""
        ...


class SharedState(Protocol):
    """What a store has as ``persist`` if its state lies in a storage; see `TokenStore`."""

    def hydration(self) -> Future[None] | None:
        """For the end of the reading that is under way; ``None`` if there is none."""

    def exclusive(self, timeout: float) -> Future[Turn]:
        """For this process's turn; it fails if that does not come within ``timeout`` seconds."""
        ...


def shared_state_of(store: Any) -> SharedState | None:
    """What a store has to do with other processes, if it has."""
    persist: Any = getattr(store, "persist", None)
    has_all = all(callable(getattr(persist, name, None)) for name in ("hydration", "exclusive"))
    return persist if has_all else None


class Alone:
    """The turn of somebody who shares nothing: it is always his."""

    async def reload(self) -> None:
        """Nobody else has changed anything."""

    def holding_back(self) -> AbstractContextManager[None]:
        """There is nothing to hold back."""
        return nullcontext()

    async def write(self) -> bool:
        """It is written, if it is at all."""
        return True


class Together(Alone):
    """The turn of one of several.

    Args:
        turn: What the store gave.
        flight: The refresh that takes place in it, which is given time for each step.
        runtime: How to wait.
        timeout: Seconds for each step.
    """

    def __init__(self, turn: Turn, flight: Flight, runtime: Runtime, timeout: float) -> None:
        self._turn = turn
        self._flight = flight
        self._runtime = runtime
        self._timeout = timeout

    async def reload(self) -> None:
        """Read what others have written.

        Raises:
            RefreshError: The storage cannot be read.
        """
        await self._result(self._turn.reload(), "the storage of the tokens cannot be read")

    def holding_back(self) -> AbstractContextManager[None]:
        """Let what is set inside of the block be written by `write` alone."""
        return self._turn.holding_back()

    async def write(self) -> bool:
        """Write what the store holds.

        Returns:
            ``False``: somebody else has written something new meanwhile.

        Raises:
            RefreshError: The storage cannot be written.
        """
        problem = "the new tokens are kept in memory, as the storage cannot be written"
        return bool(await self._result(self._turn.write(), problem))

    async def release(self) -> None:
        """Let the next process have its turn, whatever may go wrong with that."""
        try:
            await self._result(self._turn.release(), "the lock of the storage was lost")
        except RefreshError as error:
            _log.warning("%s", error)

    async def _result(self, future: Future[Any], problem: str) -> Any:
        self._flight.prolong(self._timeout)
        return await _result(self._runtime, future, self._timeout, problem)


@asynccontextmanager
async def turn_for(
    flight: Flight, shared: SharedState | None, runtime: Runtime, seconds: float
) -> AsyncIterator[Alone]:
    """Wait for the turn of this process, and let the next one have its turn afterwards.

    Args:
        flight: The refresh that takes place in it.
        shared: What the store has to do with others; ``None`` for nothing.
        runtime: How to wait.
        seconds: How long to wait for others, and again for each step of one's own.

    Raises:
        RefreshError: It did not come in time, or the storage cannot be used.
    """
    if shared is None:
        yield Alone()
        return
    coming = shared.exclusive(seconds)
    try:
        turn = await _result(
            runtime, coming, seconds + _PATIENCE, "the storage of the tokens cannot be locked"
        )
    except BaseException:
        coming.add_done_callback(_leave)
        raise
    together = Together(turn, flight, runtime, seconds)
    try:
        yield together
    finally:
        await together.release()


def _leave(coming: Future[Turn]) -> None:
    """Let the next one have a turn that came too late."""
    if not coming.cancelled() and coming.exception() is None:
        coming.result().release()


async def _result(runtime: Runtime, future: Future[Any], seconds: float, problem: str) -> Any:
    """What a future of a storage comes to.

    Raises:
        RefreshError: It fails, or takes longer than ``seconds``.
    """
    is_done = future.done() or await runtime.wait(future, seconds, None)
    cause = future.exception() if is_done and not future.cancelled() else None
    if is_done and not future.cancelled() and cause is None:
        return future.result()
    why = "its event loop has ended" if is_done else f"no answer within {seconds:g} seconds"
    error = RefreshError(f"{problem}: {cause or why}")
    if cause is not None:
        error.__cause__ = without_tracebacks(cause)
    raise error
