"""Recording the calls of instances, and what is recorded."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from ..chain import is_async
from ..instance import Instance, SyncInstance
from ..secrecy import describe
from .calls import TraceCall, calls_in
from .events import TraceEvent
from .mermaid import to_mermaid
from .ring import Ring, Subscriber
from .timeline import as_table, as_text
from .watching import CallObserver, Recording

if TYPE_CHECKING:
    from rich.table import Table


class Trace:
    """What happened to the calls of recorded instances; make it with `record`.

    It may be read at any time and from any thread. ``print(trace)`` shows a timeline, and so does
    rich, in colours.
    """

    def __init__(self, ring: Ring) -> None:
        self._ring = ring

    @property
    def events(self) -> tuple[TraceEvent, ...]:
        """What has happened so far, oldest first."""
        return self._ring.events()

    @property
    def calls(self) -> tuple[TraceCall, ...]:
        """The same by call, in the order in which they began."""
        return calls_in(self.events)

    @property
    def dropped(self) -> int:
        """How many of the oldest events were dropped, because there were more than ``limit``."""
        return self._ring.dropped

    def subscribe(self, subscriber: Subscriber) -> Callable[[], None]:
        """Call ``subscriber(event)`` for every event from now on, as it happens.

        It is called in the thread and the task in which something happens, in between, so it should
        be quick; with one event at a time, in their order. What it raises is logged.

        Args:
            subscriber: A plain function.

        Returns:
            A function that ends this.

        Raises:
            TypeError: It is not callable, or is async.
        """
        _check_subscriber("subscriber", subscriber)
        return self._ring.subscribe(subscriber)

    def to_mermaid(self) -> str:
        """The text of a Mermaid ``sequenceDiagram``, which pages of Markdown can show."""
        return to_mermaid(self.events, self.dropped)

    def __str__(self) -> str:
        return as_text(self.events, self.dropped)

    def __repr__(self) -> str:
        return f"<Trace of {len(self.calls)} calls, {len(self.events)} events>"

    def __rich__(self) -> Table:
        return as_table(self.events, self.dropped)


@contextlib.contextmanager
def record(
    *instances: Instance | SyncInstance,
    limit: int = 10_000,
    on_event: Subscriber | None = None,
) -> Iterator[Trace]:
    """Record the calls that begin while the block runs, until its end.

    Several records may run at once. A refresh shows where a recorded call has started it.

    Args:
        *instances: Whose calls.
        limit: How many events are kept; beyond that the oldest are dropped.
        on_event: Called with every event as it happens; see `Trace.subscribe`.

    Raises:
        TypeError: There is no instance, or one did not come from ``create`` or ``create_sync``;
            ``on_event`` is not callable, or is async.
        ValueError: ``limit`` is less than 1.
    """
    _check(instances, limit)
    ring = Ring(limit)
    trace, recording = Trace(ring), Recording(ring)
    if on_event is not None:
        _check_subscriber("on_event", on_event)
        ring.subscribe(on_event)
    observers = [
        (api, CallObserver(recording, api.runtime, number))
        for number, api in enumerate(dict.fromkeys(instances))
    ]
    for api, observer in observers:
        api.observers.append(observer)
    try:
        yield trace
    finally:
        ring.close()
        for api, observer in observers:
            api.observers.remove(observer)


def _check(instances: tuple[object, ...], limit: object) -> None:
    if not instances:
        raise TypeError("record needs at least one instance, as in record(api)")
    for api in instances:
        if not isinstance(api, (Instance, SyncInstance)):
            raise TypeError(
                f"record takes what create() or create_sync() gave, not {describe(api)}"
            )
    if isinstance(limit, bool) or not isinstance(limit, int):
        raise TypeError(f"limit must be a number of events, not {type(limit).__name__}")
    if limit < 1:
        raise ValueError(f"limit must be at least 1, not {limit}")


def _check_subscriber(name: str, subscriber: object) -> None:
    if not callable(subscriber):
        raise TypeError(f"{name} must be callable, not {describe(subscriber)}")
    if is_async(subscriber):
        raise TypeError(f"{name} is async, where only a plain function can be called")
