"""Lets only so many requests of an instance have a connection at once; the others wait in order.

The pool of httpx has such a limit, too, but goes through all that waits there whenever a connection
becomes free: with a thousand requests at once that takes a hundred times as long as sending them.
"""

from __future__ import annotations

import asyncio
from contextvars import ContextVar

#: Set where a request must not queue: those that do may be waiting for what it brings.
goes_first: ContextVar[bool] = ContextVar("goes_first", default=False)


class Gate:
    """So many places, each taken by `enter` and given back by `leave`.

    Args:
        places: How many there are.
    """

    def __init__(self, places: int) -> None:
        self._places = asyncio.Semaphore(places)

    async def enter(self) -> bool:
        """Wait for a place; whether one was taken, as nobody does who goes first."""
        return not goes_first.get() and await self._places.acquire()

    def leave(self) -> None:
        """Give a place back."""
        self._places.release()
