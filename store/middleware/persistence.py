"""`store.persist`: the storage side of a store, as its users see it."""

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Generic, TypeVar

from .follower import Follower
from .hydration import Hydrator
from .persist_options import PersistOptions
from .shelf import Shelf
from .turns import Turn, turn_of

T = TypeVar("T")


class Persistence(Generic[T]):
    """Brings the state of a store into its storage and back.

    Args:
        shelf: Where the state lies.
        hydrator: What brings it into the store.
        follower: What hears of the changes of others.
    """

    def __init__(self, shelf: Shelf[T], hydrator: Hydrator[T], follower: Follower[T]) -> None:
        self._shelf = shelf
        self._hydrator = hydrator
        self._follower = follower

    def rehydrate(self) -> Any:
        """Read the storage and merge what it holds into the state, without writing it back.

        Of several that run at once the last one counts. An error of the storage, of a migration,
        of `merge` or of a listener of the store goes to the log and to the function that
        `on_rehydrate_storage` returned.

        Returns:
            None if it is done; with an asynchronous storage an awaitable, which need not be
            awaited. (In a thread without an event loop, None: it runs in the loop of the store.)

        Raises:
            NoEventLoopError: If the storage is asynchronous and there is no event loop.
            Exception: Whatever a listener of the hydration, or a function of
                `on_rehydrate_storage`, raises.
        """
        self._follower.listen()
        return self._hydrator.again()

    def has_hydrated(self) -> bool:
        """Tell whether the last hydration has come to a good end."""
        return self._hydrator.has_hydrated

    def is_hydrating(self) -> bool:
        """Tell whether a hydration is under way, which has neither succeeded nor failed yet."""
        return self._hydrator.is_hydrating

    def hydration(self) -> Future[None] | None:
        """Give a future for the end of the hydration that is under way, good or not.

        Returns:
            None if there is none.
        """
        return self._hydrator.ending()

    def exclusive(self, timeout: float) -> Future[Turn[T]]:
        """Change the state in turns with the other processes that share the storage.

        Args:
            timeout: Seconds to wait for them.

        Returns:
            A future for the `Turn`, which has to be released. It fails with a TimeoutError if
            somebody else takes too long, and with what else the storage raises. A storage without
            a lock is nobody else's: there it is always one's turn.
        """
        return turn_of(self._shelf, self._follower, timeout)

    def clear_storage(self) -> None:
        """Remove the state from the storage, and let no hydration under way bring it back.

        The state of the store stays, and is written when it is set next.

        Raises:
            Exception: Whatever a synchronous storage raises.
        """
        self._hydrator.cancel()
        self._shelf.remove()

    async def flush(self) -> None:
        """Wait until an asynchronous storage has written the state: before a program ends, say.

        With a synchronous storage there is never anything to wait for.

        Raises:
            Exception: Whatever the last write raised.
        """
        writing = self._shelf.background.flush()
        if writing is not None:
            await writing

    def on_hydrate(self, listener: Callable[[T], object]) -> Callable[[], None]:
        """Have a function called with the state whenever a hydration begins.

        Returns:
            The function that unsubscribes.
        """
        return self._hydrator.on_hydrate.add(listener)

    def on_finish_hydration(self, listener: Callable[[T], object]) -> Callable[[], None]:
        """Have a function called with the state whenever a hydration has come to a good end.

        Returns:
            The function that unsubscribes.
        """
        return self._hydrator.on_finish.add(listener)

    def set_options(self, **options: Any) -> None:
        """Change options of `persist`. What is stored under another name is not moved.

        Raises:
            TypeError: If there is no such option, or the storage lacks a method that is needed.
        """
        self._shelf.change(options)
        self._follower.listen_anew()

    def get_options(self) -> PersistOptions[T]:
        """Return the options of this moment."""
        return self._shelf.options
