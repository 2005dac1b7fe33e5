"""A store that follows what other processes do to its state: `persist(..., sync=True)`."""

import logging
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
            self._shelf.background.run(self._steps())
        except Exception as error:
            name = self._shelf.options.name
            _log.error(
                "persisted store %r could not be read again: %s", name, error, exc_info=error
            )

    def _steps(self) -> Steps[None]:
        while (mark := self._changes.mark()) is not None:
            item = yield from self._shelf.read()
            if item == self._shelf.known:
                return
            yield from self._hydrator.run(self._hydrator.begin(), self._news(item, mark))
            if not self._changes.have_begun_since(mark):
                return

    def _news(self, item: Item, mark: int) -> Reread:
        return Reread(item, lambda: self._changes.have_begun_since(mark))
