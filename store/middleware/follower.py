"""A store that follows what other processes do to its state: `persist(..., sync=True)`."""

import asyncio
import logging
import time
from typing import Any, Generic, TypeVar, cast
from weakref import finalize, ref

from ..storage.protocol import SharedStorage
from ..vanilla import SetState
from .background import Steps
from .changes import LocalChanges
from .hydration import Hydrator, Reread
from .shelf import Shelf
from .stored import Item

T = TypeVar("T")

_log = logging.getLogger("zustax")

#: Seconds between two looks at whether a change has come to its end.
_MOMENT = 0.001


class Follower(Generic[T]):
    """Reads the storage again when that says that somebody else has changed the item.

    What is read is dropped if the state has changed here since: that change is newer, and it is
    being written. Then the storage is read once more, for what may have come after it.

    Args:
        shelf: Where the state lies.
        hydrator: What brings it into the store.
    """

    def __init__(self, shelf: Shelf[T], hydrator: Hydrator[T]) -> None:
        self._changes = LocalChanges()
        self._shelf = shelf
        self._hydrator = hydrator
        self._listening: finalize[..., Any] | None = None

    def listen(self) -> None:
        """Begin to listen to the storage, if the options say so and it is not done already."""
        options = self._shelf.options
        if not options.sync or self._listening is not None:
            return
        follower = ref(self)  # the storage must not keep the store alive

        def on_notice() -> None:
            this = follower()
            if this is not None:
                this._hydrator.wait_until_made()
                this._reread()

        storage = cast(SharedStorage, options.storage)  # the options have been checked
        self._listening = finalize(self, storage.subscribe(options.name, on_notice))
        self._listening.atexit = False

    def listen_anew(self) -> None:
        """Listen to the storage of the present options, if it has been listened to before."""
        if self._listening is not None:
            self._listening()
            self._listening = None
            self.listen()

    def writing(self, set_state: SetState[T]) -> SetState[T]:
        """Make a function that changes the state as another one does, and then writes it."""

        def set_and_write(*arguments: Any, **options: Any) -> None:
            self._changes.begin()
            try:
                set_state(*arguments, **options)
                self._shelf.write()
            finally:
                del arguments, options  # tracebacks are printed with their local variables
                if self._changes.end():
                    self._reread()

        return set_and_write

    def _reread(self) -> None:
        """Read the storage again. An error is logged, since nobody has asked for it."""
        try:
            self._shelf.background.run(self._catch_up_if_quiet())
        except Exception as error:
            name = self._shelf.options.name
            _log.error(
                "persisted store %r could not be read again: %s", name, error, exc_info=error
            )

    def _catch_up_if_quiet(self) -> Steps[None]:
        if self._changes.mark() is not None:  # else it is due when the change has ended
            yield from self.catch_up()

    def catch_up(self) -> Steps[Item]:
        """Take steps: read the storage, and take over what somebody else has changed there.

        What could not be written before is written, unless somebody has changed it meanwhile.

        Returns:
            What lies there.
        """
        while True:
            mark = self._changes.mark()
            item = yield from self._shelf.read()
            if mark is None:  # what is being changed here may be newer, or just what was read
                yield from self._pause()
                continue
            if item != self._shelf.known:
                hydration = self._hydrator.begin()
                yield from self._hydrator.run(hydration, self._news(item, mark))
                # Another one that began later counts, and may not have come to its end yet.
                is_over = self._hydrator.is_over(hydration)
                if not is_over and not self._is_overtaken(item, mark):
                    return item
                continue
            self._hydrator.wait_for_others()
            if (yield from self._is_saved(item)) and self._shelf.known is not None:
                return self._shelf.known

    def _pause(self) -> Steps[None]:
        """Take a step: wait for a moment."""
        if self._shelf.is_async:
            yield asyncio.sleep(_MOMENT)
        else:
            time.sleep(_MOMENT)

    def replace(self, expected: Item | None) -> Steps[bool]:
        """Take steps: write the newest state, unless somebody else has written another one.

        What is read from the storage meanwhile may be older, and is no news.

        Args:
            expected: What lay there when it was last read; None if that is not known.

        Returns:
            Whether it is written.
        """
        self._changes.begin()
        try:
            return (yield from self._shelf.replace(expected))
        finally:
            if self._changes.end():
                self._reread()

    def _is_saved(self, item: Item) -> Steps[bool]:
        """Take steps: write what could not be written before; tell whether nobody was faster."""
        if not self._shelf.is_unsaved:
            return True
        try:
            return (yield from self.replace(item))
        except OSError as error:
            name = self._shelf.options.name
            _log.warning("persisted store %r still cannot be written: %s", name, error)
            return True

    def _news(self, item: Item, mark: int) -> Reread:
        return Reread(item, lambda: self._is_overtaken(item, mark))

    def _is_overtaken(self, item: Item, mark: int) -> bool:
        """Tell whether a change made here, or what another thread has read, is newer."""
        return self._changes.have_begun_since(mark) or self._shelf.is_outdated(item)
