"""Several changes, one notification: the batches of a store."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import RLock, get_ident
from typing import Any

from .equality import object_is
from .listeners import Listener, ListenerSet


class _Batch:
    """The open batch of a thread, and the state before the first change in it."""

    def __init__(self) -> None:
        self.has_changed = False
        self.previous: Any = None

    def hold(self, previous: object) -> None:
        if not self.has_changed:
            self.has_changed, self.previous = True, previous


class Batches:
    """Holds back from the listeners what a thread changes while it has a batch open.

    A store goes through `audience.calls` after a change. That is the listeners themselves, and this
    object only while a batch is open, so a store that batches nothing spends nothing on it.

    Args:
        listeners: Who is told of changes.
        get_state: Gives the newest state.
    """

    def __init__(self, listeners: ListenerSet, get_state: Callable[[], Any]) -> None:
        self._listeners = listeners
        self._get_state = get_state
        self._lock = RLock()
        self._open: dict[int, _Batch] = {}
        self.calls: list[Listener] = [self._hold_or_tell]
        self.audience: Batches | ListenerSet = listeners

    @contextmanager
    def open(self) -> Iterator[None]:
        """Hold back the changes of this thread until the outermost block ends."""
        thread = get_ident()
        if thread in self._open:
            yield
            return
        with self._lock:
            self._open[thread] = batch = _Batch()
            self.audience = self
        try:
            yield
        finally:
            with self._lock:
                del self._open[thread]
                if not self._open:
                    self.audience = self._listeners
            if batch.has_changed and not object_is(self._get_state(), batch.previous):
                self._tell(batch.previous)

    def _hold_or_tell(self, state: object, previous: object) -> None:
        del state  # a round gives each listener the newest one
        try:
            batch = self._open.get(get_ident())
            if batch is None:
                self._tell(previous)
            else:
                batch.hold(previous)
        finally:
            del previous  # tracebacks are printed with their local variables: it may hold a token

    def _tell(self, previous: object) -> None:
        try:
            for listener in self._listeners.calls:
                listener(self._get_state(), previous)
        finally:
            del previous
