"""A set of listeners that may change while rounds of calls go through it.

A round is a plain `for` loop over `ListenerSet.calls`. It behaves like `forEach` of a JavaScript
set, because that list is alive: a `for` loop comes upon what is appended while it runs, and a
listener that is discarded leaves behind, in its place, a function that does nothing.

The list knows the place of each listener, so adding and discarding take the same time however many
there are. Once the gaps are more than a quarter of the listeners, a list without gaps takes its
place for the rounds to come; that happens so rarely that it costs each discarding little. A former
list is kept up to date for as long as a round goes through it, and not a moment longer.
"""

from collections.abc import Callable, Hashable
from threading import RLock
from typing import Any, TypeAlias
from weakref import ref

Listener: TypeAlias = Callable[[Any, Any], object]


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

    def without_gaps(self) -> "_Calls":
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

    def add(self, listener: Listener) -> None:
        """Add a listener at the end; one that is already there keeps its place."""
        key = _key(listener)
        with self._lock:
            if not self.calls.has(key):
                for calls in self._in_use():
                    calls.add(key, listener)

    def discard(self, listener: Listener) -> None:
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
        """Give the present list, and the former ones that rounds are still going through."""
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
        """Remove the listener; a second call does nothing, unless it was added anew."""
        self._listeners.discard(self._listener)


def _key(listener: Listener) -> Hashable:
    try:
        hash(listener)
    except TypeError:
        return id(listener)
    return listener


def _gone(state: object, previous: object) -> None:
    """Stand where a listener has been discarded."""
