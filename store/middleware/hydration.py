"""How what a storage holds becomes the state."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from typing import Any, Generic, TypeVar, cast

import attrs

from ..after_fork import renews_after_fork
from ..checks import fitted
from ..listeners import ListenerSet
from ..merge_state import field_names
from ..storage.protocol import StoredStateError
from .async_writes import NoEventLoopError
from .convert import merge_stored, merge_values
from .persist_json import StoredState, from_text
from .persisted_item import UNREAD, Item, PersistedItem

T = TypeVar("T")

_ON_END = "what on_rehydrate_storage returns"


@attrs.define(repr=False, eq=False)
class Hydration(Generic[T]):
    """One hydration: its number, what to call at its end, and whether it has made a state yet."""

    number: int
    on_end: Callable[[Any, Any], object] | None = None
    has_made: bool = False
    made: Any = None


class Hydrator(Generic[T]):
    """Hydrates one store. Of several hydrations at once the one that began last counts."""

    def __init__(self, item: PersistedItem[T], set_state: Callable[..., None]) -> None:
        self.has_hydrated = False  #: the last hydration has succeeded
        self.has_ended = False  #: one has ended, well or not
        self.on_hydrate = ListenerSet()
        self.on_finish = ListenerSet()
        self._item = item
        self._set_state = set_state
        self._initial: Any = None
        self._last = 0
        self._renew_after_fork()
        renews_after_fork(self)

    def _renew_after_fork(self) -> None:
        """Begin anew in a forked process, in which no hydration is under way."""
        self.is_hydrating = False
        self.ending: Future[None] = Future()
        self.ending.set_running_or_notify_cancel()  # those who wait cannot cancel it

    def hydrate(self, initial: T) -> T:
        """Hydrate what the initializer has made, before the store has a state, and return that."""
        self._initial = self._item.saved = initial
        if self._item.options.skip_hydration:
            return initial
        hydration = self.begin()
        try:
            self._item.writes.start(self.run(hydration))
        except NoEventLoopError:
            raise
        except Exception:  # noqa: S110 (of on_rehydrate_storage, and logged: the state is fine)
            pass
        if hydration.has_made:
            self._item.saved = hydration.made
        return cast(T, self._item.saved)

    def rehydrate(self) -> Awaitable[None] | None:
        """Hydrate the state of the store; return an awaitable if that is not done yet."""
        self.has_hydrated = False
        return self._item.writes.start(self.run(self.begin()))

    def reread(self) -> Exception | None:
        """Read the storage before the state is changed, if it could not be read before.

        Return why that cannot be, so that the state is not written either. An asynchronous storage
        is read when the state is written.
        """
        item = self._item
        if item.untaken is not UNREAD or not item.can_quarantine or item.writes.is_used:
            return None
        try:
            item.writes.start(self._reread())
        except Exception as error:
            return error
        return None

    async def _reread(self) -> None:
        item = await self._item.read()
        await self.run(self.begin(), item)

    def begin(self) -> Hydration[T]:
        """Begin a hydration, and call those who listen to that."""
        with self._item.lock:
            hydration = Hydration[T](self._item.number())
            self._last = hydration.number
            if self.has_ended and not self.is_hydrating:
                self._renew_after_fork()
            self.is_hydrating = True
        try:
            for listener in self.on_hydrate.calls:
                listener(self._state(), None)
            on_rehydrate_storage = self._item.options.on_rehydrate_storage
            if on_rehydrate_storage is not None:
                on_end = on_rehydrate_storage(self._state())
                if on_end is not None:
                    hydration.on_end = fitted(_ON_END, on_end, "state", "error")
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
        item: Item | None = None,
        is_overtaken: Callable[[], bool] | None = None,
    ) -> None:
        """Go through a hydration that has begun, with an item that was read already, if any.

        With ``is_overtaken`` the item is news of another process, which is dropped if that returns
        True. Of news nothing is written back, or the two would answer one another for ever.
        """
        is_news = is_overtaken is not None
        try:
            if item is None:
                self._item.untaken = UNREAD
                item = await self._item.read()
            if not is_news and not self.is_over(hydration):
                self._item.untaken = item.text
            stored, is_migrated = await self._stored_in(item, is_news=is_news)
            if self.is_over(hydration):
                return  # without a call of set_state, which a middleware may record
            self._adopt(hydration, stored, item, is_overtaken)
            if not hydration.has_made:
                return
            if is_migrated and not is_news:
                await self._item.writes.wait(self._item.write())
            if not self.is_over(hydration):
                self._succeed(hydration)
        except Exception as error:
            if not self.is_over(hydration):
                if is_news and not hydration.has_made and item is not None:
                    self._item.untaken = item.text
                self._fail(hydration, error)
        finally:
            self._end(hydration)

    async def _stored_in(self, item: Item, *, is_news: bool) -> tuple[StoredState, bool]:
        """Read an item as a state of this version of the program; return True if it was migrated.

        A text that is none is set aside, unless another process has just written it.
        """
        options, can_quarantine = self._item.options, self._item.can_quarantine
        try:
            stored = from_text(item.text)
            if can_quarantine and not stored.is_envelope:
                raise StoredStateError("the stored text is no state of a store")
            if stored.version in (None, options.version):
                return stored, False
            if options.migrate is None:
                error = StoredStateError(
                    f"{options.name!r} was stored by version {stored.version} of the program, and "
                    f"this is version {options.version}: pass migrate= to read it"
                )
                if can_quarantine:
                    raise error
                self._item.log("read", error)
                return StoredState(is_envelope=False), False
        except StoredStateError:
            if not is_news:
                await self._item.quarantine(item)
            raise
        migrated = await self._item.writes.wait(options.migrate(stored.state, stored.version))
        if can_quarantine and migrated is None and stored.state is not None:
            raise StoredStateError("migrate has returned None; does it lack a return?")
        return attrs.evolve(stored, state=migrated), True

    def _adopt(
        self,
        hydration: Hydration[T],
        stored: StoredState,
        item: Item,
        is_overtaken: Callable[[], bool] | None,
    ) -> None:
        """Merge a stored state into the present one, unless that has become newer."""

        def next_state(_: T) -> T:  # under the store's lock; a middleware may pass a draft
            if (is_overtaken and is_overtaken()) or self.is_over(hydration):
                return self._item.get_state()
            hydration.made, is_taken = self._merged(stored, item)
            hydration.has_made = True
            self._item.note = stored.note
            self._item.remember(item)
            self._item.untaken = None if is_taken else item.text
            return cast(T, hydration.made)

        self._set_state(next_state, True)
        if hydration.has_made and self._item.changed == item.number:
            self._item.saved = self._item.get_state()

    def _merged(self, stored: StoredState, item: Item) -> tuple[Any, bool]:
        """Return the next state, and True if what is stored has become a part of it."""
        options, current = self._item.options, self._state()
        is_default = options.merge is merge_stored
        is_whole = field_names(type(current)) is None and not isinstance(current, dict)
        value, merge = stored.state, options.merge
        if is_default and (item.text is None or not stored.is_envelope):
            return (current if is_whole else merge({}, current)), True
        if options.deserialize is not None and item.text is not None:
            value = options.deserialize(value)
            merge = merge_values if is_default else merge
        merged = merge(value, current)
        if not self._item.can_quarantine or is_whole:
            return merged, True
        kind: Any = dict if isinstance(current, dict) else type(current)
        if not isinstance(merged, kind):
            raise StoredStateError(
                f"merge has returned a {type(merged).__name__}, and the state is a {kind.__name__}"
            )
        is_taken = not is_default or value is None or isinstance(value, (dict, kind))
        if not is_taken and stored.version not in (None, options.version):
            raise StoredStateError(f"migrate has returned a {type(value).__name__}, and no state")
        return merged, is_taken

    def _succeed(self, hydration: Hydration[T]) -> None:
        if hydration.on_end is not None:
            hydration.on_end(self._item.get_state(), None)
        hydration.made = state = self._item.get_state()
        self.has_hydrated = True
        for listener in self.on_finish.calls:
            listener(state, None)

    def _fail(self, hydration: Hydration[T], error: Exception) -> None:
        self._item.log("hydrated", error)
        try:
            if hydration.on_end is not None:
                hydration.on_end(None, error)
        except Exception as another:
            self._item.log("reported", another)
            raise

    def is_over(self, hydration: Hydration[T]) -> bool:
        """Return True if another hydration has begun since, so that nothing comes of this one."""
        return hydration.number != self._last

    def _end(self, hydration: Hydration[T] | None) -> None:
        """Note that a hydration has ended, None for the current one."""
        with self._item.lock:
            if not self.is_hydrating or (hydration is not None and self.is_over(hydration)):
                return
            self.is_hydrating, self.has_ended = False, True
            ending = self.ending
        ending.set_result(None)

    def _state(self) -> T:
        state: Any = self._item.get_state()
        return cast(T, self._initial if state is None else state)
