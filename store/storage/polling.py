"""Notices that files have been changed by somebody else."""

import logging
import time
from collections.abc import Callable
from pathlib import Path
from threading import RLock, Thread

import attrs

from .private import Signature, signature_of

_log = logging.getLogger("zustax")

_NOT_OURS: Signature = (-1, -1, -1, -1)


@attrs.define(eq=False)
class _Watched:
    """A file, the version of it that was last seen, and the one that was last made here."""

    path: Path
    seen: Signature
    own: Signature = _NOT_OURS
    callbacks: list[Callable[[], object]] = attrs.field(factory=list)

    def has_news(self) -> bool:
        """Look at the file; tell whether somebody else has changed it."""
        before, self.seen = self.seen, signature_of(self.path)
        if self.seen in (before, self.own):
            return False
        self.own = _NOT_OURS
        return True


class Poller:
    """Looks at files in turns, in one daemon thread that lives while anybody is subscribed.

    Args:
        interval: Seconds between two looks.
    """

    def __init__(self, interval: float) -> None:
        self.interval = interval
        self._lock = RLock()  # the garbage collector may unsubscribe somebody at any moment
        self._watched: dict[Path, _Watched] = {}
        self._thread: Thread | None = None

    def subscribe(self, path: Path, callback: Callable[[], object]) -> Callable[[], None]:
        """Have a function called, in the thread, after somebody else has changed a file.

        Returns:
            The function that unsubscribes.
        """
        with self._lock:
            if path not in self._watched:
                self._watched[path] = _Watched(path, signature_of(path))
            self._watched[path].callbacks.append(callback)
            if self._thread is None or not self._thread.is_alive():  # as after a fork
                self._thread = Thread(target=self._run, name="zustax-poller", daemon=True)
                self._thread.start()
        return lambda: self._unsubscribe(path, callback)

    def note_own(self, path: Path, signature: Signature) -> None:
        """Note that a version of a file, None if it is removed, is about to be made here."""
        with self._lock:
            if path in self._watched:
                self._watched[path].own = signature

    def _unsubscribe(self, path: Path, callback: Callable[[], object]) -> None:
        with self._lock:
            watched = self._watched.get(path)
            if watched is not None and callback in watched.callbacks:
                watched.callbacks.remove(callback)
                if not watched.callbacks:
                    del self._watched[path]

    def _run(self) -> None:
        while True:
            time.sleep(self.interval)
            with self._lock:
                if not self._watched:
                    self._thread = None
                    return
                changed = [watched for watched in self._watched.values() if watched.has_news()]
                callbacks = [callback for watched in changed for callback in watched.callbacks]
            for callback in callbacks:
                _call(callback)


def _call(callback: Callable[[], object]) -> None:
    try:
        callback()
    except Exception as error:
        _log.error("a subscriber to a storage failed: %s", error, exc_info=error)
