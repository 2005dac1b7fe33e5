"""A listener that hears only of changes to one slice of the state."""

from collections.abc import Callable
from threading import RLock, get_ident
from typing import Generic, TypeVar

from .listeners import ListenerSet

T = TypeVar("T")
S = TypeVar("S")


class SliceListener(Generic[T, S]):
    """Calls a listener with a slice of the state when that slice has changed.

    Rounds of several threads may come here at once. One thread at a time delivers; another does not
    wait for it, since the listener may itself be waiting for that other thread. It leaves word, and
    the one that is busy delivers the newest slice before it goes. So the last slice that was
    delivered is that of the last state. Within one thread rounds nest, as everywhere in a store.
    """

    __slots__ = (
        "_delivering",
        "_equality_fn",
        "_get_state",
        "_is_due",
        "_is_stopped",
        "_listener",
        "_listeners",
        "_seen",
        "_selector",
    )

    def __init__(
        self,
        listeners: ListenerSet,
        get_state: Callable[[], T],
        selector: Callable[[T], S],
        listener: Callable[[S, S], object],
        equality_fn: Callable[[S, S], bool],
    ) -> None:
        self._listeners = listeners
        self._get_state = get_state
        self._selector = selector
        self._listener = listener
        self._equality_fn = equality_fn
        self._seen = selector(get_state())
        self._delivering = RLock()
        self._is_due = False
        self._is_stopped = False

    def __call__(self, *states: object) -> None:
        """Deliver the newest slice if it is news, or leave that to the thread that delivers."""
        del states  # not needed, and no locals for a traceback to print
        self._is_due = True
        try:
            while self._is_due and self._delivering.acquire(blocking=False):
                try:
                    self._is_due = False
                    self._deliver()
                finally:
                    self._delivering.release()
        except BaseException:
            if self._is_due:  # what another thread left to this one is owed all the same
                self()
            raise

    def fire(self) -> None:
        """Deliver the first slice, as the new one and as the old one."""
        self._listener(self._seen, self._seen)

    def join(self) -> None:
        """Join the listeners of the store."""
        self._listeners.add(self)

    def leave(self) -> None:
        """Leave the listeners, and deliver nothing more, not even what is due."""
        self._is_stopped = True
        self._listeners.discard(self)

    def _deliver(self) -> None:
        if self._is_stopped:
            return
        newest = self._selector(self._get_state())
        try:
            if not self._equality_fn(self._seen, newest):
                self._listener(*self._advance_to(newest))
        finally:
            del newest  # tracebacks are printed with their local variables: it may be a token

    def _advance_to(self, newest: S) -> tuple[S, S]:
        """Count a slice as seen, even if the listener then raises, and give it and the last one."""
        previous, self._seen = self._seen, newest
        return newest, previous


def subscribe_to_slice(
    listeners: ListenerSet,
    get_state: Callable[[], T],
    selector: Callable[[T], S],
    listener: Callable[[S, S], object],
    equality_fn: Callable[[S, S], bool],
    fire_immediately: bool,
) -> Callable[[], None]:
    """Take the first slice of the state, deliver it if asked to, and join the listeners.

    What the listener itself changes when it is fired it does not hear of: it is not subscribed yet.
    What another thread changes between the first slice and the subscription is delivered.

    Args:
        listeners: The set to join.
        get_state: Gives the newest state.
        selector: Takes the slice from a state.
        listener: Called with the new slice and the one it was last called with.
        equality_fn: Whether the seen slice and the newest are the same.
        fire_immediately: Whether the listener is called with the first slice at once.

    Returns:
        The function that unsubscribes.
    """
    this_thread = get_ident()
    was_overtaken = False

    def watch(*states: object) -> None:
        nonlocal was_overtaken
        was_overtaken = was_overtaken or get_ident() != this_thread

    listeners.add(watch)
    try:
        slices = SliceListener(listeners, get_state, selector, listener, equality_fn)
        if fire_immediately:
            slices.fire()
        slices.join()  # before the watch ends, so that any round meets one of the two
    finally:
        listeners.discard(watch)

    try:
        if was_overtaken:
            slices()
    except BaseException:
        slices.leave()
        raise
    return slices.leave
