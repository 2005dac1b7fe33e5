"""Hears from Redis that somebody else has changed an item."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from threading import Event, Thread
from typing import Any

import attrs

_log = logging.getLogger("zustax")

#: Seconds until a lost connection is made anew, and until a thread notices that it is to end.
_PAUSE = 1.0


@attrs.define
class Notices:
    """Whom to tell of the notices on a channel.

    Attributes:
        channel: The channel.
        own: What one's own notices say.
        callback: Called for the others, and when the channel has been subscribed to: what was
            published before has been missed.
        is_deaf: Whether the connection is lost.
    """

    channel: str
    own: str
    callback: Callable[[], object]
    is_deaf: bool = False

    def take(self, message: dict[str, Any] | None) -> None:
        """Tell of a message, if it is news."""
        if message is None or message["type"] not in ("subscribe", "message"):
            return
        self.is_deaf = False
        if message["data"] not in (self.own, self.own.encode()):
            try:
                self.callback()
            except Exception as error:
                _log.error("a subscriber to a storage failed: %s", error, exc_info=error)

    def complain(self, error: Exception) -> None:
        """Log that the connection is lost, once until it is there again."""
        if not self.is_deaf:
            _log.warning("no notices on %s: %s; trying again", self.channel, error)
        self.is_deaf = True


def listen_in_thread(client: Any, notices: Notices) -> Callable[[], None]:
    """Listen in a daemon thread, with a client of `redis`.

    Returns:
        The function that ends it, within a second.
    """
    is_over = Event()

    def listen() -> None:
        with client.pubsub() as pubsub:
            pubsub.subscribe(notices.channel)
            while not is_over.is_set():
                message = pubsub.get_message(timeout=_PAUSE)
                if not is_over.is_set():
                    notices.take(message)

    def run() -> None:
        while not is_over.is_set():
            try:
                listen()
            except Exception as error:
                if not is_over.is_set():  # a client closed after the end may fail
                    notices.complain(error)
                is_over.wait(_PAUSE)

    Thread(target=run, name="zustax-redis", daemon=True).start()
    return is_over.set


def listen_in_task(client: Any, notices: Notices) -> Callable[[], None]:
    """Listen in a task of the running event loop, with a client of `redis.asyncio`.

    Returns:
        The function that ends it. It may be called in any thread.

    Raises:
        RuntimeError: If no event loop is running.
    """
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        raise RuntimeError(
            "an asynchronous client tells of changes in an event loop, and none is running: "
            "subscribe inside a coroutine"
        ) from None

    async def listen() -> None:
        async with client.pubsub() as pubsub:
            await pubsub.subscribe(notices.channel)
            while True:
                notices.take(await pubsub.get_message(timeout=None))

    async def run() -> None:
        while True:
            try:
                await listen()
            except Exception as error:
                notices.complain(error)
                await asyncio.sleep(_PAUSE)

    task = loop.create_task(run())

    def stop() -> None:
        with suppress(RuntimeError):  # the loop is closed, and its tasks are gone
            loop.call_soon_threadsafe(task.cancel)

    return stop
