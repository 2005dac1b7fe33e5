"""What ``devtools`` has recorded: the newest actions, and the states between them.

Nothing is copied: a state is never mutated, so its history is a list of references.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from threading import RLock
from time import time
from typing import Any

import attrs

from ..after_fork import renews_after_fork

_PENDING: Any = object()


@attrs.frozen
class RecordedAction:
    """One action, and what it did. Its ``repr`` shows no more than the action's name.

    Args:
        id: Its number; they count from 1.
        action: What was done: a dict with its name as ``type``.
        timestamp: When, in milliseconds since the epoch.
        before: The state that it found.
        after: The state that it left.
    """

    id: int
    action: dict[str, Any] = attrs.field(repr=lambda action: repr(action.get("type")))
    timestamp: int
    before: Any = attrs.field(repr=False)
    after: Any = attrs.field(repr=False, default=_PENDING)


@attrs.frozen
class Timeline:
    """What is recorded at one moment; ``position`` is the number of the store's state in it."""

    base: Any = attrs.field(repr=False)
    base_timestamp: int
    actions: tuple[RecordedAction, ...] = ()
    position: int = 0

    def state_at(self, position: int) -> Any:
        """Return the state that an action has left, or for 0 the base."""
        states = {0: self.base} | {recorded.id: recorded.after for recorded in self.actions}
        if position not in states:
            numbers = ", ".join(map(str, states))
            raise ValueError(f"no recorded action has the number {position!r}; there are {numbers}")
        return states[position]


class History:
    """The newest actions, so many that ``max_age`` states are kept.

    The state that the newest action leaves is settled when the next one begins: until then it is
    whatever the store holds. So actions of several threads, and those that a listener does in the
    middle of another, stand in the order in which they changed the state.
    """

    def __init__(self, get_state: Callable[[], Any], max_age: int) -> None:
        self._get_state = get_state
        self._max_actions = max_age - 1
        self._actions = deque[RecordedAction]()
        self._renew_after_fork()
        renews_after_fork(self)
        self.restart(None)

    def _renew_after_fork(self) -> None:
        """Make the lock anew, in a forked process."""
        self._lock = RLock()

    def restart(self, base: Any) -> None:
        """Forget everything, and begin with a state."""
        self.adopt(Timeline(base, _now()))

    def adopt(self, timeline: Timeline) -> None:
        """Forget everything, and go on behind what was recorded elsewhere."""
        with self._lock:
            self._base, self._base_timestamp = timeline.base, timeline.base_timestamp
            self._actions = deque(timeline.actions)
            self._next_id = max((action.id for action in timeline.actions), default=0) + 1
            self._position = self._position_before = timeline.position
            self._drop_oldest()

    def timeline(self) -> Timeline:
        """Return what is recorded, the newest action as if it was settled now."""
        with self._lock:
            settled = map(self._settled, self._actions)
            return Timeline(self._base, self._base_timestamp, tuple(settled), self._position)

    def begin(self, action: dict[str, Any]) -> RecordedAction:
        """Record an action that is about to change the state."""
        with self._lock:
            self.settle()
            recorded = RecordedAction(self._next_id, action, _now(), before=self._get_state())
            self._actions.append(recorded)
            self._next_id += 1
            self._position_before, self._position = self._position, recorded.id
            self._drop_oldest()
            return recorded

    def withdraw(self, recorded: RecordedAction) -> None:
        """Forget the newest action, which has failed, unless it has changed the state after all."""
        with self._lock:
            is_newest = bool(self._actions) and self._actions[-1] is recorded
            if is_newest and self._get_state() is recorded.before:
                self._actions.pop()
                is_kept = any(kept.id == self._position_before for kept in self._actions)
                self._position = self._position_before if is_kept else 0

    def settle(self) -> None:
        """Take the present state for what the newest action has left."""
        with self._lock:
            if self._actions:
                self._actions.append(self._settled(self._actions.pop()))

    def move_to(self, position: int) -> None:
        """Note that the store is about to go back to the state of an action, or to the base."""
        with self._lock:
            self.settle()
            self._position = position

    def _settled(self, recorded: RecordedAction) -> RecordedAction:
        if recorded.after is not _PENDING:
            return recorded
        return attrs.evolve(recorded, after=self._get_state())

    def _drop_oldest(self) -> None:
        while len(self._actions) > self._max_actions:
            dropped = self._actions.popleft()
            self._base, self._base_timestamp = dropped.after, dropped.timestamp
            if self._position == dropped.id:
                self._position = 0


def _now() -> int:
    return int(time() * 1000)
