"""The item of a storage that the state of one store is kept in."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from itertools import count
from threading import RLock, local
from typing import Any, Generic, TypeVar

import attrs

from ..after_fork import renews_after_fork
from ..merge_state import merge_state
from ..storage.protocol import StorageError
from ..tracebacks import log_error
from .async_writes import AsyncWrites, call_later
from .persist_json import Breather, to_text

T = TypeVar("T")

#: What the storage holds if it could not be read.
UNREAD: Any = object()

_NONE: Any = object()

#: Bytes that a write may take besides those of the present text.
_SLACK = 4096

#: Seconds until a write that has failed is tried again, the first time and at most.
_FIRST_RETRY, _LAST_RETRY = 0.05, 10.0


class _Held(local):
    depth = 0


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
    """

    def __init__(self, options: Any, get_state: Callable[[], T]) -> None:
        self.options = options
        self.get_state = get_state
        self.writes = AsyncWrites(self._report)
        #: What the storage holds, if that is what the state was last saved to or loaded from.
        self.known: Item | None = None
        #: The text that the storage holds and that was not taken over, ``UNREAD`` if it could not
        #: be read, None if there is none such.
        self.untaken: str | None = None
        #: The number of the last change made here, or of the last text that was taken over.
        self.changed = 0
        self.saved: Any = None  #: the state that was last saved or loaded
        self.being_saved: Any = _NONE  #: the state of the last write, unless that has failed
        self.note: Any = None  #: what is kept beside the state
        self.is_due = False  #: a write is going to be made soon
        #: A change need do no more than see to it that a write is due.
        self.is_throttled = options.throttle > 0 and not options.sync
        self.clears_quarantine = False  #: the next write removes what is in quarantine
        self._numbers = count(1)
        self._written = 0
        self._failures = 0
        self._reading: Future[None] | None = None
        self._held = _Held()
        self._renew_after_fork()
        renews_after_fork(self)

    def _renew_after_fork(self) -> None:
        """Begin anew in a forked process, in which nothing is under way."""
        self.lock = RLock()
        self._one_write = RLock()  # so that the last write is of the last state
        self.is_due = False
        self._reading = None
        self.writes.forget()

    def number(self) -> int:
        """Return a number that is greater than those before."""
        return next(self._numbers)

    @property
    def can_quarantine(self) -> bool:
        """Return True if the storage can keep a text that was not taken over."""
        return hasattr(self.options.storage, "set_aside")

    @property
    def is_saved(self) -> bool:
        """Return True if the storage holds the newest state."""
        return self.get_state() is self.saved

    @property
    def has_failed(self) -> bool:
        """Return True if the last write has failed, or is still under way."""
        return self.known is not None and self.known.number < self._written

    @contextmanager
    def holding_back(self) -> Iterator[None]:
        """Do not write what this thread sets inside of the block."""
        self._held.depth += 1
        try:
            yield
        finally:
            self._held.depth -= 1

    def save(self, problem: Exception | None = None) -> None:
        """Write the newest state, now or as soon as the options say, unless there is a problem."""
        if self._held.depth:
            return
        if self.options.throttle > 0:
            self.save_later(self.options.throttle)
            return
        try:
            if problem is not None:
                why = f"{self.options.name!r} cannot be written before it is read: {problem}"
                raise StorageError(why) from (problem.__cause__ or problem)
            self.write()
        except Exception as error:
            if self.options.on_write_error is None:
                raise
            self.options.on_write_error(error)

    def save_later(self, seconds: float) -> None:
        """Write the newest state off this thread, unless that is going to be done anyway."""
        self.writes.note_loop()
        with self.lock:
            was_due, self.is_due = self.is_due, True
        if not was_due:
            call_later(seconds, self._save_now)

    def _save_now(self) -> None:
        if self.is_due:
            try:
                self.write(Breather())
            except Exception as error:
                self._report(error)

    def retry_delay(self) -> float:
        """Return the seconds to wait after one more failure."""
        self._failures += 1
        return min(_FIRST_RETRY * 2.0**self._failures, _LAST_RETRY)

    def write(self, breathe: Breather | None = None) -> Awaitable[None] | None:
        """Write the newest state; return an awaitable if the storage is asynchronous."""
        with self._one_write:
            self.is_due = False
            state, item = self._newest(breathe)
            is_known = self.options.sync and not self.has_failed and item == self.known
            if is_known and not self.clears_quarantine:
                # To write it again would only undo what another process has written meanwhile.
                self.saved = state
                return None
            options, self._written, self.being_saved = self.options, item.number, state

            async def write() -> None:
                try:
                    await self._quarantine_untaken(options)
                    await self.writes.wait(options.storage.set_item(options.name, item.text))
                except BaseException:
                    self.being_saved = _NONE
                    raise
                await self._note_saved(item, state, options)

            return self.writes.write(write)

    async def replace(self, expected: Item | None) -> bool:
        """Write the newest state, and return True, unless the storage holds another text.

        A storage that is not fenced, and one that was not read before, is written in any case.
        """
        await self.writes.written()
        was_moved = await self._quarantine_untaken(self.options)
        with self._one_write:
            self.is_due = False
            state, item = self._newest()
            options, self._written = self.options, item.number
            replace_item = getattr(options.storage, "replace_item", None)
            if replace_item is None or expected is None:
                replacing = options.storage.set_item(options.name, item.text)
            else:
                text = None if was_moved else expected.text
                replacing = replace_item(options.name, text, item.text)
        if (await self.writes.wait(replacing)) is False:
            return False
        await self._note_saved(item, state, options)
        return True

    async def _quarantine_untaken(self, options: Any) -> bool:
        """Quarantine what the storage holds, and return True, if it was not taken over."""
        if not self.can_quarantine:
            return False  # and treated as Zustand treats it
        if self._reading is not None:
            await self.writes.until(self._reading)
        if self.untaken is UNREAD:
            self.untaken = await self.writes.wait(options.storage.get_item(options.name))
        if self.untaken is None:
            return False
        await self.writes.wait(options.storage.set_aside(options.name, self.untaken))
        self.untaken = None
        return True

    async def _note_saved(self, item: Item, state: T, options: Any) -> None:
        self.remember(item)
        self.saved = state
        self._failures = 0
        if self.clears_quarantine:
            self.clears_quarantine = False
            await self._clear_quarantine(options)

    async def ensure_writable(self) -> None:
        """Make sure that the newest state can be written, if the storage can find that out."""
        ensure_writable = getattr(self.options.storage, "ensure_writable", None)
        if ensure_writable is not None:
            text = self._newest()[1].text or ""
            size = len(text.encode("utf-8", "surrogatepass")) + _SLACK
            await self.writes.wait(ensure_writable(self.options.name, size))

    def _newest(self, breathe: Breather | None = None) -> tuple[T, Item]:
        """Return the newest state, and the item to write of it."""
        number, state = self.number(), self.get_state()
        text = to_text(self.options, state, note=self.note, breathe=breathe)
        return state, Item(text, number)

    def _report(self, error: BaseException) -> None:
        """Report a write that failed when nothing waited for it, and try it again."""
        if self.options.throttle > 0:
            self.save_later(self.retry_delay())
        if self.options.on_write_error is not None and isinstance(error, Exception):
            self.options.on_write_error(error)
        else:
            log_error("a state could not be written to its storage", error)

    async def read(self) -> Item:
        """Read what the storage holds, when all that is being written has arrived."""
        await self.writes.written()
        options, number = self.options, self.number()
        self._reading = reading = Future[None]()
        try:
            return Item(await self.writes.wait(options.storage.get_item(options.name)), number)
        finally:
            self._reading = None
            reading.set_result(None)

    def log(self, what: str, error: BaseException) -> None:
        """Log what could not be done, and why."""
        log_error(f"persisted store {self.options.name!r} could not be {what}", error)

    def remember(self, item: Item) -> None:
        """Note that the state is that of an item, which the storage holds."""
        with self.lock:  # once something has been written after it, the storage may hold that
            self.known = item if item.number >= self._written else None
            self.changed = max(self.changed, item.number)
            self.untaken = None

    async def quarantine(self, item: Item) -> None:
        """Quarantine what cannot be used, if the storage can do that."""
        if self.can_quarantine:
            self.untaken = item.text
            try:
                await self._quarantine_untaken(self.options)
            except Exception as error:
                self.log("set aside", error)

    def remove(self) -> None:
        """Remove what the storage holds, also in quarantine."""
        with self._one_write:
            self._forget()
            self.is_due = False
            self.untaken, self.note, options = None, None, self.options

            async def remove() -> None:
                await self.writes.wait(options.storage.remove_item(options.name))
                await self._clear_quarantine(options)

            self.writes.write(remove)

    async def _clear_quarantine(self, options: Any) -> None:
        remove_set_aside = getattr(options.storage, "remove_set_aside", None)
        if remove_set_aside is not None:
            try:
                await self.writes.wait(remove_set_aside(options.name))
            except Exception as error:
                log_error(f"what was set aside of {options.name!r} could not be removed", error)

    def change_options(self, options: dict[str, Any]) -> None:
        """Change options. Of another storage, or under another name, nothing is known."""
        with self._one_write:
            self.options = merge_state(self.options, options)
            self.is_throttled = self.options.throttle > 0 and not self.options.sync
            self._forget()
            if self.untaken is not UNREAD:
                self.untaken = None

    def _forget(self) -> None:
        with self.lock:
            self._written = self.number()
            self.known = None
