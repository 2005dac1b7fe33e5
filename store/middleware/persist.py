"""A state that survives the program.

    def counter(set_state, get_state, store):
        return {"count": 0}

    store = create_store(persist(counter, name="counter", storage=FileStorage("state")))
    store.set_state({"count": 1})

The next program that makes this store begins with a count of 1. What the store has for it is
``store.persist``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Generator, Iterator
from concurrent.futures import Future
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Generic, Unpack, overload

import attrs

from ..checks import fitted, fitted_initializer
from ..listeners import ListenerSet, Subscription
from ..merge_state import merge_state
from ..storage.file import FileStorage
from ..tracebacks import cut_frames, cuts_frames
from ..types import Absent, D, Drafting, Enhanced, P, R, SetState, ShortInitializer, T
from ..vanilla import Initializer
from .by_annotation import ensure_convertible
from .hydration import Hydrator
from .persist_options import PersistKeywords, PersistOptions, whole
from .persisted_item import PersistedItem
from .sharing import ExclusiveLock, Sharing, exclusive


@attrs.define(eq=False, repr=False, slots=False)
class Persistence(Generic[T]):
    """Brings the state of a store into its storage and back, as ``store.persist``."""

    _item: PersistedItem[T]
    _hydrator: Hydrator[T]
    _sharing: Sharing[T]

    @cuts_frames
    def rehydrate(self) -> Any:
        """Read the storage and merge what it holds into the state, without writing it back.

        Of several that run at once the last one counts. An error of the storage, of a migration,
        of ``merge`` or of a listener of the store goes to the log and to the function that
        ``on_rehydrate_storage`` returned. What that raises, or a listener of the hydration, comes
        out here.

        Returns:
            None if it is done; with an asynchronous storage an awaitable, which need not be
            awaited. (In a thread without an event loop, None: it runs in the loop of the store.)

        Raises:
            NoEventLoopError: If the storage is asynchronous and there is no event loop.
        """
        self._sharing.listen()
        return self._hydrator.rehydrate()

    def has_hydrated(self) -> bool:
        """Return True if the last hydration has succeeded."""
        return self._hydrator.has_hydrated

    def is_hydrating(self) -> bool:
        """Return True if a hydration is under way, and has neither succeeded nor failed yet."""
        return self._hydrator.is_hydrating

    def hydration(self) -> Future[None] | None:
        """Return a future for the end of the current hydration, None if none is under way."""
        return self._hydrator.ending if self._hydrator.is_hydrating else None

    def exclusive(self, timeout: float) -> Future[ExclusiveLock[T]]:
        """Change the state in turns with the other processes that share the storage.

        Returns:
            A future for the ``ExclusiveLock``, which has to be released. It fails with a
            TimeoutError if another process takes longer than ``timeout`` seconds, and with what
            else the storage raises. A storage without a lock cannot be shared, and needs none:
            there it is free at once.
        """
        return exclusive(self._item, self._sharing, timeout)

    @cuts_frames
    def clear_storage(self) -> None:
        """Remove the state from the storage, and let no hydration under way bring it back.

        What was set aside, and the note, are removed as well. The state of the store stays, and is
        written when it is set next.
        """
        self._hydrator.cancel()
        self._item.remove()

    async def hydrated(self) -> None:
        """Wait until the first hydration has ended, well or not; ``has_hydrated`` tells which.

        Any event loop may wait. With ``skip_hydration`` that is after ``rehydrate``.
        """
        if not self._hydrator.has_ended:
            await asyncio.wrap_future(self._hydrator.ending)

    def is_saved(self) -> bool:
        """Return True if the newest state is in the storage: no write is due, or has failed."""
        return self._item.is_saved

    @cuts_frames
    def flush(self) -> Awaitable[None]:
        """Write what is not saved yet: before a program ends, say.

        Returns:
            An awaitable. With a plain storage all is done, and it need not be awaited. With an
            asynchronous one it ends when all is written, and raises what the last write raised.
        """
        if not self._item.is_saved and self._item.get_state() is not self._item.being_saved:
            self._sharing.save_now()
        return self._flush() if self._item.writes.is_used else _Done()

    @cuts_frames
    async def _flush(self) -> None:
        if self._hydrator.is_hydrating:  # it may write what it has migrated
            await asyncio.wrap_future(self._hydrator.ending)
        await self._item.writes.flush()

    def get_note(self) -> Any:
        """Return what is kept beside the state, or None. A stored text brings its own note."""
        return self._item.note

    def set_note(self, note: Any) -> None:
        """Keep a small JSON value beside the state, with every write from now on.

        Silent refresh keeps there what several processes need to know besides the tokens.
        """
        self._item.note = note

    def forget_set_aside(self) -> None:
        """Remove, with the next write, what the storage has set aside of this item."""
        self._item.clears_quarantine = True

    @cuts_frames
    def on_hydrate(
        self, listener: Callable[[T], object] | Callable[[], object]
    ) -> Callable[[], None]:
        """Call a function with the state whenever a hydration begins.

        Returns:
            The function that unsubscribes.
        """
        return _subscribe(self._hydrator.on_hydrate, listener)

    @cuts_frames
    def on_finish_hydration(
        self, listener: Callable[[T], object] | Callable[[], object]
    ) -> Callable[[], None]:
        """Call a function with the state whenever a hydration has succeeded.

        Returns:
            The function that unsubscribes.
        """
        return _subscribe(self._hydrator.on_finish, listener)

    @cuts_frames
    def set_options(self, **options: Any) -> None:
        """Change options of ``persist``. What is stored under another name is not moved.

        Raises:
            TypeError: If there is no such option, or the storage lacks a method that is needed.
        """
        self._item.change_options(options)
        self._sharing.listen_again()

    def get_options(self) -> PersistOptions[T]:
        """Return the options of this moment."""
        options: PersistOptions[T] = self._item.options
        return options


@overload
def persist(
    initializer: Drafting[T, P, D, R], /, *, name: str, **options: Unpack[PersistKeywords[T]]
) -> Drafting[T, Persistence[T], D, R]: ...


@overload
def persist(
    initializer: Enhanced[T, P, D, R], /, *, name: str, **options: Unpack[PersistKeywords[T]]
) -> Enhanced[T, Persistence[T], D, R]: ...


@overload
def persist(
    initializer: Initializer[T], /, *, name: str, **options: Unpack[PersistKeywords[T]]
) -> Enhanced[T, Persistence[T], Absent, Absent]: ...


@overload
def persist(
    initializer: ShortInitializer[T], /, *, name: str, **options: Unpack[PersistKeywords[T]]
) -> Enhanced[T, Persistence[T], Absent, Absent]: ...


@cuts_frames
def persist(initializer: Any, /, *, name: str, storage: Any = None, **options: Any) -> Any:
    """Keep the state of a store in a storage.

    Whenever the state is set, through the store or by the initializer, it is written as the JSON
    that Zustand writes. What the storage holds is merged into the state at once, or, if the storage
    is asynchronous, when it arrives. What the store gets is ``store.persist``, a ``Persistence``.

    A dict state comes back as JSON has it. cattrs converts the fields of an attrs class or a
    dataclass as their annotations say (extra ``zustax[persist]``); models of pydantic and structs
    of msgspec convert themselves. Functions in a dict are not written, and stay. NaN and the
    infinities become None. What could not come back as it was raises a TypeError when it is set.

    A stored text that could not be used is never overwritten, if the storage can set it aside, as
    all of zustax's can.

    Args:
        initializer: Makes the first state.
        name: What the state is stored under.
        storage: Where it is stored. Default: ``FileStorage()``, files in the user's data directory.
        **options: Any of these:

            partialize: Takes from a state what is stored. Default: all of it.
            version: The version of the program, a number. Default: 0.
            migrate: Called with a stored state of another version and that version; returns, or is
                a coroutine function that returns, a state of this version, which is then written.
                Default: a state of another version is not used.
            merge: Called with the stored state, None if there is none, and the present one; returns
                the next. Default: what is stored replaces what is there, key by key or field by
                field.
            serialize: Called with what ``partialize`` took; returns a JSON value. Default: by the
                annotations of the fields.
            deserialize: Called with such a JSON value; returns the state, or some of its entries or
                fields. Default: by the annotations of the fields.
            on_rehydrate_storage: Called with the state when a hydration begins. What it returns is
                called with the state and None when it has succeeded, else with None and the error.
            skip_hydration: Whether to wait for the first ``store.persist.rehydrate()``.
                Default: False.
            sync: Whether to take over what other processes write to the same storage while the
                program runs. Listeners then also run in a thread of the storage. Default: False.
            throttle: Seconds. The newest state is written at most that often, in another thread,
                and by ``flush()`` and at the end of the program. Default: 0, it is written before
                ``set_state`` returns.
            on_write_error: Called with the error when the state cannot be written. Default:
                ``set_state`` raises it, and what is written later logs it.

    Returns:
        The initializer that is given to ``create_store`` or to another middleware.

    Raises:
        TypeError: If an argument is of the wrong kind.
        ImportError: If the default storage needs the extra ``zustax[file]``; or, when the store is
            made, if the fields of its state need ``zustax[persist]``.
    """
    make = fitted_initializer(initializer)
    if storage is None:
        storage = FileStorage()
    chosen = merge_state(PersistOptions[Any](name=name, storage=storage), options)

    def with_storage(set_state: SetState[Any], get_state: Callable[[], Any], store: Any, /) -> Any:
        def wait_for_store() -> None:
            with store._lock:
                pass

        item = PersistedItem(chosen, get_state)
        hydrator = Hydrator(item, set_state)
        sharing = Sharing(item, hydrator, wait_for_store)
        store.set_state = _writing(store.set_state, item, hydrator, sharing)
        store.batch = _writing_once(store.batch, item, sharing)
        initial = make(_writing(set_state, item, hydrator, sharing), get_state, store)
        if chosen.partialize is whole and chosen.serialize is None:
            ensure_convertible(initial)
        store.get_initial_state = lambda: initial
        store.persist = Persistence(item, hydrator, sharing)
        if not chosen.skip_hydration:
            sharing.listen()
        return hydrator.hydrate(initial)

    return (Drafting if isinstance(initializer, Drafting) else Enhanced)(with_storage)


def _writing(
    set_state: SetState[T], item: PersistedItem[T], hydrator: Hydrator[T], sharing: Sharing[T]
) -> Callable[..., None]:
    """Make a function that changes the state as another one does, and then writes it."""

    def set_and_write(partial: Any, replace: bool | None = None, action: object = None) -> None:
        try:
            if item.is_throttled and item.untaken is None:  # as fast as without persistence
                set_state(partial, replace, action)
                if not item.is_due:
                    item.save()
                return
            with sharing.changing():
                problem = hydrator.reread()
                set_state(partial, replace, action)
                item.save(problem)
        except BaseException as error:
            cut_frames(error)
            raise

    return set_and_write


def _writing_once(
    batch: Callable[[], AbstractContextManager[None]], item: PersistedItem[T], sharing: Sharing[T]
) -> Callable[[], AbstractContextManager[None]]:
    """Make a function that batches changes as another one does, and then writes the last state."""

    @contextmanager
    def batch_and_write() -> Iterator[None]:
        before = item.get_state()
        with sharing.changing():
            try:
                with item.holding_back(), batch():
                    yield
            finally:
                if item.get_state() is not before and not item.is_saved:
                    item.save()

    return batch_and_write


def _subscribe(listeners: ListenerSet, listener: Any) -> Callable[[], None]:
    call = fitted("listener", listener, "state")
    listeners.add(listener, lambda state, _: call(state))
    return Subscription(listeners, listener)


class _Done:
    """What there is nothing to wait for."""

    def __await__(self) -> Generator[None, None, None]:
        return
        yield
