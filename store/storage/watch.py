"""Notices of what other processes change: in files, by looking, and in Redis, on channels."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Event, RLock, Thread
from typing import Any

import attrs

from ..after_fork import renews_after_fork
from ..tracebacks import log_error
from .disk import Signature, signature_of

_log = logging.getLogger("zustax")

_NOT_OURS: Signature = (-1, -1, -1, -1)

#: Seconds until a lost connection to Redis is made anew, and until a thread notices its end.
_PAUSE = 1.0


@attrs.define(eq=False)
class _Watched:
    """A file, the version of it that was last seen, and the one that was last made here."""

    path: Path
    callback: Callable[[], object]
    seen: Signature
    own: Signature = _NOT_OURS

    def has_news(self) -> bool:
        """Look at the file, and return True if another process has changed it."""
        before, self.seen = self.seen, signature_of(self.path)
        if self.seen in (before, self.own):
            return False
        self.own = _NOT_OURS
        return True


#: Those whose thread runs.
_running: set[FileWatcher] = set()


class FileWatcher:
    """Looks at files every so many seconds, in a daemon thread that lives while any are watched."""

    def __init__(self, interval: float) -> None:
        self.interval = interval
        self._watched: list[_Watched] = []
        self._renew_after_fork()
        renews_after_fork(self)

    def _renew_after_fork(self) -> None:
        """Make the lock anew, in a forked process, in which there is no thread."""
        self._lock = RLock()  # the garbage collector may unsubscribe a store at any moment
        self._thread: Thread | None = None
        self.woken = SimpleQueue[None]()  # unlike an event, a signal handler may use it anywhere
        _running.discard(self)

    def _restart_after_fork(self) -> None:
        """Start the thread, if anything is watched and it does not run."""
        if self._watched and self._thread is None:
            self._thread = Thread(target=self._run, name="zustax-watcher", daemon=True)
            _running.add(self)
            self._thread.start()

    def subscribe(self, path: Path, callback: Callable[[], object]) -> Callable[[], None]:
        """Call a function, in the thread, after another process has changed a file."""
        watched = _Watched(path, callback, signature_of(path))

        def unsubscribe() -> None:
            with self._lock, suppress(ValueError):
                self._watched.remove(watched)

        with self._lock:
            self._watched.append(watched)
            self._restart_after_fork()
        return unsubscribe

    def note_own(self, path: Path, signature: Signature) -> None:
        """Note that a version of a file, None if it is removed, is about to be made here."""
        with self._lock:
            for watched in self._watched:
                if watched.path == path:
                    watched.own = signature

    def wake_others(self, path: Path) -> None:
        """Have the other watchers of a file in this process look now: it was changed here."""
        for watcher in tuple(_running):
            if watcher is not self and watcher.watches(path):
                watcher.woken.put(None)

    def watches(self, path: Path) -> bool:
        """Return True if a file is watched."""
        return any(watched.path == path for watched in tuple(self._watched))

    def _run(self) -> None:
        while True:
            with suppress(Empty):
                self.woken.get(timeout=self.interval)
                while True:  # several changes are seen in one look
                    self.woken.get_nowait()
            with self._lock:
                if not self._watched:
                    self._thread = None
                    _running.discard(self)
                    return
            try:
                for callback in self._news():
                    _call(callback)
            except Exception as error:
                log_error("the files of a storage could not be looked at", error)

    def _news(self) -> list[Callable[[], object]]:
        """Look at all files, and return what to call."""
        with self._lock:  # the garbage collector of this very thread may unsubscribe a store
            return [watched.callback for watched in list(self._watched) if watched.has_news()]


@attrs.define
class Channel:
    """A channel of Redis, what this process says on it, and what to call for the rest."""

    name: str
    own: Callable[[], str]
    callback: Callable[[], object]
    is_lost: bool = False

    def take(self, message: dict[str, Any] | None) -> None:
        """Call back for a message of another process, and after subscribing: one may be missed."""
        if message is None or message["type"] not in ("subscribe", "message"):
            return
        self.is_lost = False
        if message["data"] not in (self.own(), self.own().encode()):
            _call(self.callback)

    def complain(self, error: Exception) -> None:
        """Log that the connection is lost, once until it is there again."""
        if not self.is_lost:
            _log.warning("no notices on %s: %s; trying again", self.name, str(error))
        self.is_lost = True


class ThreadListener:
    """Listens to a channel with a client of ``redis``, in a daemon thread."""

    def __init__(self, client: Any, channel: Channel) -> None:
        self._client = client
        self._channel = channel
        self._is_over = Event()
        self._restart_after_fork()
        renews_after_fork(self)

    def _renew_after_fork(self) -> None:
        """Make the event anew, in a forked process, unless the thread was to end."""
        if not self._is_over.is_set():
            self._is_over = Event()

    def _restart_after_fork(self) -> None:
        """Start the thread, unless it is to end."""
        if not self._is_over.is_set():
            Thread(target=self._run, name="zustax-redis", daemon=True).start()

    def stop(self) -> None:
        """End the thread within a second."""
        self._is_over.set()

    def _run(self) -> None:
        while not self._is_over.is_set():
            try:
                self._listen()
            except Exception as error:
                if not self._is_over.is_set():  # a client closed after the end may fail
                    self._channel.complain(error)
                self._is_over.wait(_PAUSE)

    def _listen(self) -> None:
        with self._client.pubsub() as pubsub:
            pubsub.subscribe(self._channel.name)
            while not self._is_over.is_set():
                message = pubsub.get_message(timeout=_PAUSE)
                if not self._is_over.is_set():
                    self._channel.take(message)


def listen_in_task(client: Any, channel: Channel) -> Callable[[], None]:
    """Listen with a client of ``redis.asyncio`` in a task; any thread may call what ends it."""
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        raise RuntimeError(
            "an asynchronous client hears of changes in an event loop, and none is running: "
            "subscribe inside a coroutine"
        ) from None

    async def listen() -> None:
        async with client.pubsub() as pubsub:
            await pubsub.subscribe(channel.name)
            while True:
                channel.take(await pubsub.get_message(timeout=None))

    async def run() -> None:
        while True:
            try:
                await listen()
            except Exception as error:
                channel.complain(error)
                await asyncio.sleep(_PAUSE)

    task = loop.create_task(run())

    def stop() -> None:
        with suppress(RuntimeError):  # the loop is closed, and its tasks are gone
            loop.call_soon_threadsafe(task.cancel)

    return stop


def _call(callback: Callable[[], object]) -> None:
    try:
        callback()
    except Exception as error:
        log_error("a subscriber to a storage failed", error)
