"""A set of listeners that may change while rounds of calls go through it, and batches of changes.

A round is a plain ``for`` loop over ``ListenerSet.calls``. It behaves like ``forEach`` of a
JavaScript set, because that list is alive: a ``for`` loop reaches what is appended while it runs,
and a discarded listener leaves a function in its place that does nothing.

The list knows the place of each listener, so adding and discarding take the same time however many
there are. Once the gaps are more than a quarter of the listeners, a list without gaps replaces it
for the rounds to come. That is rare enough to cost each discarding little. A former list is kept up
to date as long as a round goes through it.
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

    __slots__ = ("__weakref__", "_places")

    def __init__(self) -> None:
        super().__init__()
        self._places: dict[Hashable, int] = {}

    def has(self, key: Hashable) -> bool:
        return key in self._places

    def add(self, key: Hashable, listener: Listener) -> None:
        self._places[key] = len(self)
        self.append(listener)

    def discard(self, key: Hashable) -> None:
        self[self._places.pop(key)] = _gone

    def has_many_gaps(self) -> bool:
        gaps = len(self) - len(self._places)
        return gaps * 4 > len(self._places)

    def without_gaps(self) -> _Calls:
        calls = _Calls()
        for key, place in self._places.items():
            calls.add(key, self[place])
        return calls


class ListenerSet:
    """Listeners in the order in which they were added, each of them once.

    Two listeners are the same if they are equal (as bound methods of one object are), or, where
    they cannot be hashed, if they are one object.
    """

    def __init__(self) -> None:
        self._lock = RLock()
        self._former: list[ref[_Calls]] = []
        self.calls = _Calls()
        """What a round goes through."""

    def renew(self) -> None:
        """Make the locks anew, in a forked process."""
        self._lock = RLock()
        for call in self.calls:
            renew = getattr(call, "_renew_after_fork", None)
            if renew is not None:
                renew()

    def add(self, listener: Any, call: Listener | None = None) -> None:
        """Add a listener at the end; one that is already there keeps its place.

        ``call`` is called in its place, where the listener has another shape.
        """
        key = _key(listener)
        with self._lock:
            if not self.calls.has(key):
                for calls in self._in_use():
                    calls.add(key, call or listener)

    def discard(self, listener: Any) -> None:
        """Remove a listener; one that is not there is no error."""
        key = _key(listener)
        with self._lock:
            if self.calls.has(key):
                for calls in self._in_use():
                    calls.discard(key)
                if self.calls.has_many_gaps():
                    self._former.append(ref(self.calls))
                    self.calls = self.calls.without_gaps()

    def _in_use(self) -> list[_Calls]:
        """Return the present list, and the former ones that rounds are still going through."""
        former = [calls for reference in self._former if (calls := reference()) is not None]
        self._former = [ref(calls) for calls in former]
        return [self.calls, *former]


class Subscription:
    """The function that removes a listener from its set; a closure would take twice the memory."""

    __slots__ = ("_listener", "_listeners")

    def __init__(self, listeners: ListenerSet, listener: Listener) -> None:
        self._listeners = listeners
        self._listener = listener

    def __call__(self) -> None:
        """Remove the listener; a second call does nothing, unless it was added again."""
        self._listeners.discard(self._listener)


class Batches:
    """Holds back from the listeners what a thread changes while it has a batch open.

    A store goes through ``_audience.calls`` after a change. That is the set of listeners, and this
    object only while a batch is open, so a store without an open batch spends nothing on it.
    """

    def __init__(self, store: Any) -> None:
        self._store = store
        self._listeners: ListenerSet = store._audience
        self._lock = RLock()
        self._before: dict[int, Any] = {}  # by thread: the state before the first change, if any
        self.calls: list[Listener] = [self._hold_or_notify]

    def renew(self) -> None:
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
    try:
        hash(listener)
    except TypeError:
        return id(listener)
    return listener


def _gone(state: object, previous: object) -> None:
    """Stand where a listener has been discarded."""
