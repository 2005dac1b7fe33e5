"""The place in a storage where the state of one store lies."""

import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from inspect import isawaitable
from itertools import count
from threading import RLock, get_ident
from typing import Any, Generic, TypeVar, cast

from ..evolve import evolve
from ..storage.protocol import QuarantiningStorage
from .background import Background, Steps, settled
from .persist_options import PersistOptions
from .stored import Item, to_text

T = TypeVar("T")

_log = logging.getLogger("zustax")


class Shelf(Generic[T]):
    """Writes the state to the storage, reads it, removes it; under the options of the moment.

    Args:
        options: The options of `persist`.
        get_state: Gives the newest state.

    Attributes:
        options: The options that hold at the moment.
        background: Where an asynchronous storage runs.
        known: The item that the state of the store is that of; None if there may be none.
        is_async: Whether the storage has turned out to be asynchronous.
    """

    def __init__(self, options: PersistOptions[T], get_state: Callable[[], T]) -> None:
        self.options = options
        self.background = Background()
        self.known: Item | None = None
        self.is_async = False
        self._get_state = get_state
        self._lock = RLock()  # one write at a time, so that the last one is of the last state
        self._writes = 0
        self._moments = count(1)
        self._remembered_of = 0
        self._held_back_by: int | None = None

    @property
    def is_unsaved(self) -> bool:
        """Whether the last write has failed, or is still under way."""
        return self.known is not None and self.known.writes != self._writes

    @contextmanager
    def holding_back(self) -> Iterator[None]:
        """Let what this thread sets inside of the block not be written."""
        self._held_back_by = get_ident()
        try:
            yield
        finally:
            self._held_back_by = None

    def write(self) -> Awaitable[None] | None:
        """Write the newest state.

        With `sync` an unchanged text is not written again: it would only undo what another process
        has written meanwhile.

        Returns:
            None if it is written; with an asynchronous storage an awaitable.

        Raises:
            TypeError: If JSON cannot hold the state.
            NoEventLoopError: If the storage is asynchronous and no event loop is running.
            Exception: Whatever `partialize` or a synchronous storage raises.
        """
        if self._held_back_by == get_ident():
            return None
        with self._lock:
            options, item = self.options, self._next_item()
            if options.sync and item == self.known:
                return None
            self._writes = item.writes
            writing = options.storage.set_item(options.name, str(item.text))
            if isawaitable(writing):
                return self.background.write(writing, then=lambda: self.remember(item))
            self.remember(item)
            return None

    def replace(self, expected: Item | None) -> Steps[bool]:
        """Take steps: write the newest state, unless somebody else has written another one.

        A storage that is not fenced is written in any case.

        Args:
            expected: What lay there when it was last read; None if that is not known.

        Returns:
            Whether it is written.
        """
        yield from self.background.until_written()
        with self._lock:
            options, item = self.options, self._next_item()
            self._writes = item.writes
            replace_item = getattr(options.storage, "replace_item", None)
            if replace_item is None or expected is None:
                replacing = options.storage.set_item(options.name, str(item.text))
            else:
                replacing = replace_item(options.name, expected.text, item.text)
        if (yield from settled(replacing)) is False:
            return False
        self.remember(item)
        return True

    def read(self) -> Steps[Item]:
        """Take steps: read what lies there, when all that is being written has arrived."""
        yield from self.background.until_written()
        options, writes, moment = self.options, self._writes, next(self._moments)
        reading = options.storage.get_item(options.name)
        self.is_async = isawaitable(reading)
        return Item((yield from settled(reading)), writes, moment)

    def remember(self, item: Item) -> None:
        """Note that the state of the store is that of an item, and that the item still lies there.

        Once something has been written after it, that is not known.
        """
        with self._lock:
            self.known = item if item.writes == self._writes else None
            self._remembered_of = item.moment

    def is_outdated(self, item: Item) -> bool:
        """Tell whether what is remembered was read or written after an item."""
        return item.moment < self._remembered_of

    def remove(self) -> None:
        """Remove what lies there; with an asynchronous storage in the background."""
        with self._lock:
            self._writes += 1
            self.known = None
            removing = self.options.storage.remove_item(self.options.name)
            if isawaitable(removing):
                self.background.write(removing)

    def set_aside(self, item: Item) -> Steps[bool]:
        """Take steps: have the storage keep an item that cannot be read, if it knows how to.

        Returns:
            Whether it does.
        """
        if not hasattr(self.options.storage, "set_aside"):
            return False
        storage = cast(QuarantiningStorage, self.options.storage)
        try:
            yield from settled(storage.set_aside(self.options.name, str(item.text)))
        except Exception as error:
            _log.error("%r could not be set aside: %s", self.options.name, error, exc_info=error)
        return True

    def change(self, options: dict[str, Any]) -> None:
        """Change options.

        Raises:
            TypeError: If there is no such option, or the storage lacks a method that is needed.
        """
        with self._lock:
            self.options = evolve(self.options, options)
            self._writes += 1
            self.known = None

    def _next_item(self) -> Item:
        """Make the item of the newest state."""
        options = self.options
        text = to_text(options.partialize(self._copy_of_state()), options.version)
        return Item(text, self._writes + 1, next(self._moments))

    def _copy_of_state(self) -> Any:
        state: Any = self._get_state()
        return {**state} if isinstance(state, dict) else state
