"""A set of listeners that may change while rounds of calls go through it, and batches of changes.

A round is a plain ``for`` loop over ``ListenerSet.calls``, which behaves like ``forEach`` of a
JavaScript set: the list is alive, so the loop reaches what is appended while it runs, and a
discarded listener leaves a function in its place that does nothing. Once a quarter of the list are
gaps, one without gaps replaces it; the former is kept up to date while a round goes through it. So
adding and discarding take the same time however many listeners there are.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from threading import RLock, get_ident
from typing import Any, TypeAlias
from weakref import ref

from .equality import object_is
from .tracebacks import cut_frames

Listener: TypeAlias = Callable[[Any, Any], object]

_MISSING: Any = object()


class _Calls(list[Listener]):
    """What a round goes through, and where in it each listener is."""

    __slots__ = ("__weakref__", "places")

    def __init__(self) -> None:
        super().__init__()
        self.places: dict[Hashable, int] = {}

    def add(self, key: Hashable, listener: Listener) -> None:
        self.places[key] = len(self)
        self.append(listener)

    def discard(self, key: Hashable) -> None:
        self[self.places.pop(key)] = _gone

    def without_gaps(self) -> _Calls:
        calls = _Calls()
        for key, place in self.places.items():
            calls.add(key, self[place])
        return calls


class ListenerSet:
    """Listeners in the order in which they were added, each of them once."""

    def __init__(self) -> None:
        self._lock = RLock()
        self._former: list[ref[_Calls]] = []
        self.calls = _Calls()

    def _renew_after_fork(self) -> None:
        """Make the locks anew, in a forked process."""
        self._lock = RLock()
        for call in self.calls:
            renew = getattr(call, "_renew_after_fork", None)
            if renew is not None:
                renew()

    def add(self, listener: Any, call: Listener | None = None) -> None:
        """Add a listener at the end, unless it is there; ``call`` is called in its place."""
        key = _key(listener)
        with self._lock:
            if key not in self.calls.places:
                for calls in self._in_use():
                    calls.add(key, call or listener)

    def discard(self, listener: Any) -> None:
        """Remove a listener; one that is not there is no error."""
        key = _key(listener)
        with self._lock:
            if key in self.calls.places:
                for calls in self._in_use():
                    calls.discard(key)
                listeners = len(self.calls.places)
                if (len(self.calls) - listeners) * 4 > listeners:
                    self._former.append(ref(self.calls))
                    self.calls = self.calls.without_gaps()

    def _in_use(self) -> list[_Calls]:
        """Return the present list, and the former ones that rounds are still going through."""
        former = [calls for reference in self._former if (calls := reference()) is not None]
        self._former = [ref(calls) for calls in former]
        return [self.calls, *former]


class Subscription:
    """The function that removes a listener from its set; a closure would take twice the memory.

    It has no fields that attrs knows: in a state it is a function.
    """

    __slots__ = ("_listener", "_listeners")

    def __init__(self, listeners: ListenerSet, listener: Listener) -> None:
        self._listeners = listeners
        self._listener = listener

    def __call__(self) -> None:
        """Remove the listener; a second call does nothing, unless it was added again."""
        self._listeners.discard(self._listener)


class Batches:
    """Holds back from the listeners what a thread changes while it has a batch open.

    A store goes through ``_audience.calls`` after a change: those of the set of listeners, and of
    this object only while a batch is open.
    """

    def __init__(self, store: Any) -> None:
        self._store = store
        self._listeners: ListenerSet = store._audience
        self._lock = RLock()
        self._before: dict[int, Any] = {}  # by thread: the state before the first change, if any
        self.calls: list[Listener] = [self._hold_or_notify]

    def _renew_after_fork(self) -> None:
        """Make the lock anew, in a forked process, and forget the batches of other threads."""
        self._lock = RLock()
        self._before = {key: self._before[key] for key in self._before if key == get_ident()}
        if not self._before:
            self._store._audience = self._listeners

    @contextmanager
    def open(self) -> Iterator[None]:
        """Hold back the changes of this thread until the outermost block ends."""
        try:
            if get_ident() in self._before:
                yield
            else:
                yield from self._outermost(get_ident())
        except BaseException as error:
            cut_frames(error)
            raise

    def _outermost(self, thread: int) -> Iterator[None]:
        with self._lock:
            self._before[thread] = _MISSING
            self._store._audience = self
        try:
            yield
        finally:
            with self._lock:
                previous = self._before.pop(thread)
                if not self._before:
                    self._store._audience = self._listeners
            if previous is not _MISSING and not object_is(self._store.get_state(), previous):
                self._notify(previous)

    def _hold_or_notify(self, _: object, previous: object) -> None:
        thread = get_ident()
        if thread not in self._before:
            self._notify(previous)
        elif self._before[thread] is _MISSING:
            self._before[thread] = previous

    def _notify(self, previous: object) -> None:
        for listener in self._listeners.calls:
            listener(self._store.get_state(), previous)


def _key(listener: Any) -> Any:
    """Bound methods of one object are equal; what cannot be hashed is compared by identity."""
    try:
        hash(listener)
    except TypeError:
        return id(listener)
    return listener


def _gone(state: object, previous: object) -> None:
    """Stand where a listener has been discarded."""
