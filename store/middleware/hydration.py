"""How what is stored becomes the state.

Tracebacks are often printed with the local variables of their frames. So what is read is in a
holder that does not show it, or in no variable at all.
"""

import logging
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from threading import Lock
from typing import Any, Generic, TypeVar, cast

import attrs

from ..storage.errors import StoredStateError
from ..vanilla import SetState
from .background import NoEventLoopError, Steps, settled
from .persist_options import OnRehydrated
from .shelf import Shelf
from .state_listeners import StateListeners
from .stored import Item, Stored

T = TypeVar("T")

_log = logging.getLogger("zustax")

#: Seconds that a store takes at most to be made, whose state may also be None for good.
_PATIENCE = 1.0

_MOMENT = 0.001


@attrs.define(repr=False, eq=False)
class Hydration(Generic[T]):
    """One hydration: its number, whom to tell of its end, and the state that it has made so far."""

    number: int
    tell_end: OnRehydrated[T] | None = None
    made: Stored | None = None


@attrs.frozen(repr=False)
class Reread:
    """What has been read because another process changed it, and whether that is still news."""

    item: Item
    is_overtaken: Callable[[], bool]


class Hydrator(Generic[T]):
    """Hydrates one store. Of several hydrations at once the one that began last counts.

    Args:
        shelf: Where the state lies.
        set_state: Changes the state of the store and writes nothing.
        get_state: Gives the newest state of the store.

    Attributes:
        initial: What the initializer has made: the state for as long as the store has none.
        has_hydrated: Whether the last hydration has come to a good end.
        on_hydrate: Who is told that a hydration begins.
        on_finish: Who is told that a hydration has come to a good end.
    """

    def __init__(self, shelf: Shelf[T], set_state: SetState[T], get_state: Callable[[], T]) -> None:
        self.initial: T | None = None
        self.has_hydrated = False
        self.on_hydrate = StateListeners()
        self.on_finish = StateListeners()
        self._shelf = shelf
        self._set_state = set_state
        self._get_state = get_state
        self._lock = Lock()
        self._last = 0
        self._under_way: int | None = None
        self._ending: Future[None] | None = None

    @property
    def is_hydrating(self) -> bool:
        """Whether the last hydration has neither succeeded nor failed yet."""
        return self._under_way is not None

    def ending(self) -> Future[None] | None:
        """Give a future for the end of the hydration under way, None if there is none."""
        if self._under_way is None:
            return None
        with self._lock:
            if self._under_way is not None and self._ending is None:
                self._ending = Future()
            return self._ending

    def first(self, initial: T) -> T:
        """Hydrate what the initializer has made, before the store has a state.

        Args:
            initial: What it has made.

        Returns:
            The first state of the store.

        Raises:
            NoEventLoopError: If the storage is asynchronous and no event loop is running.
            Exception: Whatever `on_rehydrate_storage` raises. What the function that it returned
                raises is only logged, as the state is fine.
        """
        self.initial = initial
        if self._shelf.options.skip_hydration:
            return initial
        hydration = self.begin()
        try:
            self._shelf.background.run(self.run(hydration))
        except NoEventLoopError:
            raise
        except Exception:  # noqa: S110 (it is logged)
            pass
        return initial if hydration.made is None else hydration.made.state

    def again(self) -> Awaitable[None] | None:
        """Hydrate the state of the store.

        Returns:
            None if it is done, else an awaitable for its end.

        Raises:
            NoEventLoopError: If the storage is asynchronous and no event loop is running.
            Exception: Whatever a listener or a function of `on_rehydrate_storage` raises.
        """
        self.has_hydrated = False
        return self._shelf.background.run(self.run(self.begin()))

    def begin(self) -> Hydration[T]:
        """Begin a hydration, and tell so.

        Raises:
            Exception: Whatever a listener or `on_rehydrate_storage` raises. It has ended then.
        """
        with self._lock:
            self._last += 1
            hydration = Hydration[T](self._last)
            self._under_way = hydration.number
        try:
            self.on_hydrate.call(self._state)
            on_rehydrate_storage = self._shelf.options.on_rehydrate_storage
            if on_rehydrate_storage is not None:
                hydration.tell_end = on_rehydrate_storage(self._state())
        except BaseException:
            self._end(hydration)
            raise
        return hydration

    def cancel(self) -> None:
        """Let nothing come of a hydration that is under way."""
        with self._lock:
            self._last += 1
        self._end(None)

    def run(self, hydration: Hydration[T], reread: Reread | None = None) -> Steps[None]:
        """Take the steps of a hydration that has begun.

        Args:
            hydration: Which one.
            reread: What another process has written. Nothing is written then, or the two would
                answer one another for ever. Default: what is read now.

        Raises:
            Exception: Whatever the function that is told of an error raises.
        """
        try:
            item = (yield from self._shelf.read()) if reread is None else reread.item
            stored = yield from self._state_in(item, is_news=reread is not None)
            if self.is_over(hydration):
                return  # and a middleware outside does not hear of it
            self._adopt(hydration, stored, item, reread)
            if hydration.made is None:
                return
            if stored.is_migrated and reread is None:
                yield from settled(self._shelf.write())
            if not self.is_over(hydration):
                self._succeed(hydration)
        except Exception as error:
            if not self.is_over(hydration):
                self._fail(hydration, error)
        finally:
            self._end(hydration)

    def _state_in(self, item: Item, *, is_news: bool) -> Steps[Stored]:
        """Take steps: read an item as a state of this version of the program.

        An item that is none is set aside, unless another process has just written it.
        """
        try:
            stored = item.parse()
        except StoredStateError:
            if not is_news:
                yield from self._shelf.set_aside(item)
            raise
        options = self._shelf.options
        if stored.version is None or stored.version == options.version:
            return stored
        if options.migrate is None:
            error = StoredStateError(
                f"{options.name!r} was stored by version {stored.version} of the program, and this "
                f"is version {options.version}: pass migrate= to read it"
            )
            if not is_news and (yield from self._shelf.set_aside(item)):
                raise error
            self._log("read", error)
            return Stored(None)
        migrated = options.migrate(stored.state, stored.version)
        return Stored((yield from settled(migrated)), is_migrated=True)

    def _adopt(
        self, hydration: Hydration[T], stored: Stored, item: Item, reread: Reread | None
    ) -> None:
        """Merge a stored state into the present one, unless that has become newer.

        That is looked at under the lock of the store, so that no other thread comes between.
        """

        def next_state(_: T) -> T:  # what a middleware outside passes may be a draft
            is_overtaken = reread is not None and reread.is_overtaken()
            if is_overtaken or self.is_over(hydration):
                return self._get_state()
            hydration.made = Stored(self._shelf.options.merge(stored.state, self._state()))
            self._shelf.remember(item)
            return cast(T, hydration.made.state)

        self._set_state(next_state, True)

    def _succeed(self, hydration: Hydration[T]) -> None:
        if hydration.tell_end is not None:
            hydration.tell_end(self._get_state(), None)
        made = hydration.made = Stored(self._get_state())
        self.has_hydrated = True
        self.on_finish.call(lambda: made.state)

    def _fail(self, hydration: Hydration[T], error: Exception) -> None:
        self._log("hydrated", error)
        try:
            if hydration.tell_end is not None:
                hydration.tell_end(None, error)
        except Exception as another:
            self._log("told of that", another)
            raise

    def wait_until_made(self) -> None:
        """Wait, in a thread of the storage, for a store that another thread is still making."""
        deadline = time.monotonic() + _PATIENCE
        while self._get_state() is None and time.monotonic() < deadline:
            time.sleep(_MOMENT)

    def wait_for_others(self) -> None:
        """Wait until the store has the state that another thread is making of what it has read."""
        self._set_state(_unchanged, True)  # which takes the lock under which that happens

    def is_over(self, hydration: Hydration[T]) -> bool:
        """Tell whether nothing comes of a hydration any more, as another has begun since."""
        return hydration.number != self._last

    def _end(self, hydration: Hydration[T] | None) -> None:
        """Note that a hydration has ended, None for whichever is under way."""
        with self._lock:
            if hydration is not None and self._under_way != hydration.number:
                return
            self._under_way = None
            ending, self._ending = self._ending, None
        if ending is not None:
            ending.set_result(None)

    def _state(self) -> T:
        state: Any = self._get_state()
        return cast(T, self.initial if state is None else state)

    def _log(self, what: str, error: Exception) -> None:
        name = self._shelf.options.name
        _log.error("persisted store %r could not be %s: %s", name, what, error, exc_info=error)


def _unchanged(state: T) -> T:
    return state
