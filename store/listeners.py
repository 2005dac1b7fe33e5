"""A set of listeners that may change while rounds of calls go through it.

A round is a plain `for` loop over `ListenerSet.calls`. It behaves like `forEach` of a JavaScript
set, because that list is alive: a `for` loop comes upon what is appended while it runs, and a
listener that is discarded leaves behind a function that does nothing.
"""

from collections.abc import Callable, Hashable
from threading import RLock
from typing import Any, TypeAlias
from weakref import ref

Listener: TypeAlias = Callable[[Any, Any], object]


class _Calls(list[Listener]):
    """A list that can be referred to weakly."""

    __slots__ = ("__weakref__",)


class ListenerSet:
    """Listeners in the order in which they were added, each of them once.

    Two listeners are the same if they are equal (as bound methods of one object are), or, where
    they cannot be hashed, if they are one object.
    """

    def __init__(self) -> None:
        self._lock = RLock()
        self._members: dict[Hashable, Listener] = {}
        self._outdated: list[ref[_Calls]] = []
        self.calls = _Calls()
        """What a round goes through."""

    def add(self, listener: Listener) -> None:
        """Add a listener at the end; one that is already there keeps its place."""
        key = _key(listener)
        with self._lock:
            if key not in self._members:
                self._members[key] = listener
                for calls in (self.calls, *self._still_in_use()):
                    calls.append(listener)

    def discard(self, listener: Listener) -> None:
        """Remove a listener; one that is not there is no error."""
        with self._lock:
            member = self._members.pop(_key(listener), None)
            if member is not None:
                self._outdated.append(ref(self.calls))
                self.calls = _Calls(self._members.values())
                for calls in self._still_in_use():
                    calls[_index(calls, member)] = _gone

    def _still_in_use(self) -> list[_Calls]:
        """Give the former lists that live on because a round is still going through them."""
        lists = [calls for outdated in self._outdated if (calls := outdated()) is not None]
        self._outdated = [ref(calls) for calls in lists]
        return lists


def _key(listener: Listener) -> Hashable:
    try:
        hash(listener)
    except TypeError:
        return id(listener)
    return listener


def _index(calls: _Calls, member: Listener) -> int:
    """Find a listener by identity: a bound method equals others, and `==` may be anything."""
    return next(index for index, call in enumerate(calls) if call is member)


def _gone(state: object, previous: object) -> None:
    """Stand where a listener has been discarded."""
