"""One slice of a store, to be read and to be listened to."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from .changes import Changes

if TYPE_CHECKING:
    from .vanilla import Store

S = TypeVar("S")


class View(Generic[S]):
    """A slice of a store's state; `Store.select` makes it.

    Args:
        store: The store.
        selector: Takes the slice from a state.
        equality_fn: Called with the slice that was last delivered and the newest; if it holds,
            nothing has changed.
    """

    def __init__(
        self,
        store: "Store[Any]",
        selector: Callable[[Any], S],
        equality_fn: Callable[[S, S], bool],
    ) -> None:
        self._store = store
        self._selector = selector
        self._equality_fn = equality_fn

    def get(self) -> S:
        """Return the slice of the newest state.

        Raises:
            Exception: Whatever the selector raises.
        """
        return self._selector(self._store.get_state())

    def subscribe(
        self, listener: Callable[[S, S], object], *, fire_immediately: bool = False
    ) -> Callable[[], None]:
        """Have a listener called when the slice changes, as `Store.subscribe` does.

        Args:
            listener: Called with the new slice and the one it was last called with.
            fire_immediately: Whether to call the listener at once, with the first slice as both
                arguments. Default: False.

        Returns:
            The function that unsubscribes.

        Raises:
            TypeError: If the listener is no function, or a coroutine function.
            Exception: Whatever the selector raises, or the listener when it is fired immediately.
        """
        return self._store.subscribe(
            self._selector,
            listener,
            equality_fn=self._equality_fn,
            fire_immediately=fire_immediately,
        )

    def changes(self) -> Changes[S]:
        """Iterate over the slice as it changes from now on; see `Store.changes`."""
        return Changes(self.subscribe)
