"""The item of a storage that a state is kept in, and how what it holds becomes the state."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from inspect import isawaitable
from itertools import count
from threading import RLock, get_ident
from typing import Any, Generic, TypeVar, cast

import attrs

from ..listeners import ListenerSet
from ..merge_state import merge_state
from ..storage.protocol import QuarantiningStorage, StoredStateError
from ..tracebacks import log_error
from .async_writes import AsyncWrites, NoEventLoopError
from .persist_json import StoredState, from_text, to_text

T = TypeVar("T")


@attrs.frozen(repr=False)
class Item:
    """A text of a storage, None if there is none, and the number of its reading or writing."""

    text: str | None
    number: int = attrs.field(eq=False)


class PersistedItem(Generic[T]):
    """Writes the state to its storage, reads it, removes it; under the options of the moment.

    Whatever happens here gets a number when it begins, and later is greater. All that says what
    came first is a comparison of these numbers. ``lock`` keeps them; it is never held while a
    storage or a function of the user is called.

    Attributes:
        known: What the storage holds, if that is what the state was last saved to or loaded from.
        changed: The number of the last change made here, or of the last text that was taken over.
    """

    def __init__(self, options: Any, get_state: Callable[[], T]) -> None:
        self.options = options
        self.writes = AsyncWrites()
        self.lock = RLock()
        self.known: Item | None = None
        self.changed = 0
        self._get_state = get_state
        self._numbers = count(1)
        self._written = 0
        self._one_write = RLock()  # so that the last write is of the last state
        self._held_back_by: int | None = None

    def number(self) -> int:
        """Return a number that is greater than those before."""
        return next(self._numbers)

    @property
    def is_unsaved(self) -> bool:
        """Whether the last write has failed, or is still under way."""
        return self.known is not None and self.known.number < self._written

    @contextmanager
    def holding_back(self) -> Iterator[None]:
        """Do not write what this thread sets inside of the block."""
        self._held_back_by = get_ident()
        try:
            yield
        finally:
            self._held_back_by = None

    def write(self) -> Awaitable[None] | None:
        """Write the newest state; return an awaitable if the storage is asynchronous.

        With ``sync`` an unchanged text is not written again: it would only undo what another
        process has written meanwhile.
        """
        if self._held_back_by == get_ident():
            return None
        with self._one_write:
            options, item = self.options, self._next_item()
            if options.sync and not self.is_unsaved and item == self.known:
                return None
            self._written = item.number
            writing = options.storage.set_item(options.name, item.text)
            if isawaitable(writing):
                return self.writes.write(writing, then=lambda: self.remember(item))
            self.remember(item)
            return None

    async def replace(self, expected: Item | None) -> bool:
        """Write the newest state, and return True, unless the storage holds another text.

        A storage that is not fenced, and one that was not read before, is written in any case.
        """
        await self.writes.written()
        with self._one_write:
            options, item = self.options, self._next_item()
            self._written = item.number
            replace_item = getattr(options.storage, "replace_item", None)
            if replace_item is None or expected is None:
                replacing = options.storage.set_item(options.name, item.text)
            else:
                replacing = replace_item(options.name, expected.text, item.text)
        if (await self.writes.wait(replacing)) is False:
            return False
        self.remember(item)
        return True

    async def read(self) -> Item:
        """Read what the storage holds, when all that is being written has arrived."""
        await self.writes.written()
        options, number = self.options, self.number()
        return Item(await self.writes.wait(options.storage.get_item(options.name)), number)

    def remember(self, item: Item) -> None:
        """Note that the state is that of an item, and that the storage holds it.

        Once something has been written after it, the storage may hold that.
        """
        with self.lock:
            self.known = item if item.number >= self._written else None
            self.changed = max(self.changed, item.number)

    def remove(self) -> None:
        """Remove what the storage holds; with an asynchronous one in the background."""
        with self._one_write:
            self._forget()
            removing = self.options.storage.remove_item(self.options.name)
            if isawaitable(removing):
                self.writes.write(removing)

    async def set_aside(self, item: Item) -> bool:
        """Have the storage keep an item that cannot be used; return True if it knows how to."""
        if not hasattr(self.options.storage, "set_aside"):
            return False
        storage = cast(QuarantiningStorage, self.options.storage)
        try:
            await self.writes.wait(storage.set_aside(self.options.name, str(item.text)))
        except Exception as error:
            log_error(f"{self.options.name!r} could not be set aside", error)
        return True

    def change_options(self, options: dict[str, Any]) -> None:
        """Change options."""
        with self._one_write:
            self.options = merge_state(self.options, options)
            self._forget()

    def _forget(self) -> None:
        with self.lock:
            self._written = self.number()
            self.known = None

    def _next_item(self) -> Item:
        """Make the item of the newest state."""
        options, number = self.options, self.number()
        state: Any = self._get_state()
        if isinstance(state, dict):
            state = {**state}  # `partialize` may change it
        return Item(to_text(options.partialize(state), options.version), number)


@attrs.define(repr=False, eq=False)
class Hydration(Generic[T]):
    """One hydration: its number, what to call at its end, and the state that it has made so far."""

    number: int
    on_end: Callable[[Any, Any], object] | None = None
    made: StoredState | None = None


class Hydrator(Generic[T]):
    """Hydrates one store. Of several hydrations at once the one that began last counts.

    Attributes:
        has_hydrated: Whether the last hydration has succeeded.
        on_hydrate: Called when a hydration begins.
        on_finish: Called when a hydration has succeeded.
    """

    def __init__(
        self, item: PersistedItem[T], set_state: Callable[..., None], get_state: Callable[[], T]
    ) -> None:
        self.has_hydrated = False
        self.on_hydrate = ListenerSet()
        self.on_finish = ListenerSet()
        self._item = item
        self._set_state = set_state
        self._get_state = get_state
        self._initial: Any = None
        self._last = 0
        self._under_way: int | None = None
        self._ending: Future[None] | None = None

    @property
    def is_hydrating(self) -> bool:
        """Whether the last hydration has neither succeeded nor failed yet."""
        return self._under_way is not None

    def ending(self) -> Future[None] | None:
        """Return a future that completes when the current hydration ends, None if there is none."""
        if self._under_way is None:
            return None
        with self._item.lock:
            if self._under_way is not None and self._ending is None:
                self._ending = Future()
            return self._ending

    def first(self, initial: T) -> T:
        """Hydrate what the initializer has made, before the store has a state, and return that.

        What the function that ``on_rehydrate_storage`` returned raises is only logged, as the state
        is fine.
        """
        self._initial = initial
        if self._item.options.skip_hydration:
            return initial
        hydration = self.begin()
        try:
            self._item.writes.start(self.run(hydration))
        except NoEventLoopError:
            raise
        except Exception:  # noqa: S110 (it is logged)
            pass
        return initial if hydration.made is None else cast(T, hydration.made.state)

    def again(self) -> Awaitable[None] | None:
        """Hydrate the state of the store; return an awaitable if that is not done yet."""
        self.has_hydrated = False
        return self._item.writes.start(self.run(self.begin()))

    def begin(self) -> Hydration[T]:
        """Begin a hydration, and call those who listen to that."""
        with self._item.lock:
            hydration = Hydration[T](self._item.number())
            self._last = self._under_way = hydration.number
        try:
            for listener in self.on_hydrate.calls:
                listener(self._state(), None)
            on_rehydrate_storage = self._item.options.on_rehydrate_storage
            if on_rehydrate_storage is not None:
                hydration.on_end = on_rehydrate_storage(self._state())
        except BaseException:
            self._end(hydration)
            raise
        return hydration

    def cancel(self) -> None:
        """Let nothing come of a hydration that is under way."""
        with self._item.lock:
            self._last = self._item.number()
        self._end(None)

    async def run(
        self,
        hydration: Hydration[T],
        news: Item | None = None,
        is_overtaken: Callable[[], bool] = lambda: False,
    ) -> None:
        """Go through a hydration that has begun.

        ``news`` is what another process has written. Then nothing is written back, or the two would
        answer one another for ever; and nothing is taken over once ``is_overtaken`` returns True.
        """
        try:
            item = await self._item.read() if news is None else news
            stored, is_migrated = await self._state_in(item, is_news=news is not None)
            if self.is_over(hydration):
                return  # and a middleware outside does not hear of it
            self._adopt(hydration, stored, item, is_overtaken)
            if hydration.made is None:
                return
            if is_migrated and news is None:
                await self._item.writes.wait(self._item.write())
            if not self.is_over(hydration):
                self._succeed(hydration)
        except Exception as error:
            if not self.is_over(hydration):
                self._fail(hydration, error)
        finally:
            self._end(hydration)

    async def _state_in(self, item: Item, *, is_news: bool) -> tuple[Any, bool]:
        """Read an item as a state of this version of the program; return True if it was migrated.

        A text that is none is set aside, unless another process has just written it.
        """
        try:
            stored = from_text(item.text)
        except StoredStateError:
            if not is_news:
                await self._item.set_aside(item)
            raise
        options = self._item.options
        if stored.version is None or stored.version == options.version:
            return stored.state, False
        if options.migrate is None:
            error = StoredStateError(
                f"{options.name!r} was stored by version {stored.version} of the program, and this "
                f"is version {options.version}: pass migrate= to read it"
            )
            if not is_news and await self._item.set_aside(item):
                raise error
            self._log("read", error)
            return None, False
        return await self._item.writes.wait(options.migrate(stored.state, stored.version)), True

    def _adopt(
        self, hydration: Hydration[T], stored: Any, item: Item, is_overtaken: Callable[[], bool]
    ) -> None:
        """Merge a stored state into the present one, unless that has become newer.

        That is decided under the lock of the store, so that no other thread comes between.
        """

        def next_state(_: T) -> T:  # what a middleware outside passes may be a draft
            if is_overtaken() or self.is_over(hydration):
                return self._get_state()
            hydration.made = StoredState(self._item.options.merge(stored, self._state()))
            self._item.remember(item)
            return cast(T, hydration.made.state)

        self._set_state(next_state, True)

    def _succeed(self, hydration: Hydration[T]) -> None:
        if hydration.on_end is not None:
            hydration.on_end(self._get_state(), None)
        state = self._get_state()
        hydration.made = StoredState(state)
        self.has_hydrated = True
        for listener in self.on_finish.calls:
            listener(state, None)

    def _fail(self, hydration: Hydration[T], error: Exception) -> None:
        self._log("hydrated", error)
        try:
            if hydration.on_end is not None:
                hydration.on_end(None, error)
        except Exception as another:
            self._log("told of that", another)
            raise

    def is_over(self, hydration: Hydration[T]) -> bool:
        """Return True if another hydration has begun since, so that nothing comes of this one."""
        return hydration.number != self._last

    def _end(self, hydration: Hydration[T] | None) -> None:
        """Note that a hydration has ended, None for whichever is under way."""
        with self._item.lock:
            if hydration is not None and self._under_way != hydration.number:
                return
            self._under_way = None
            ending, self._ending = self._ending, None
        if ending is not None:
            ending.set_result(None)

    def _state(self) -> T:
        state: Any = self._get_state()
        return cast(T, self._initial if state is None else state)

    def _log(self, what: str, error: Exception) -> None:
        log_error(f"persisted store {self._item.options.name!r} could not be {what}", error)
