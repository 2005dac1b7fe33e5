"""What a widget inherits to follow a store."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import cached_property, partial
from inspect import getattr_static, isawaitable
from typing import Any, Generic, Self, TypeVar

from textual import on
from textual.events import Mount, Unmount
from textual.message import Message
from textual.message_pump import MessagePump
from textual.reactive import Reactive

from ..checks import require_function
from ..equality import object_is
from ..tracebacks import cuts_frames
from ..vanilla import Store
from .throttle import FRAME, FrameThrottle, throttle_for

T = TypeVar("T")
S = TypeVar("S")

_NOTHING: Any = object()

#: What a selector raises for an item that was deleted: ``rows[3]``, ``rows.get(3)["text"]``, ...
_ITEM_IS_GONE = (LookupError, AttributeError, StopIteration, TypeError, ValueError)

#: How many frames a selector may raise while the parents catch up.
_ATTEMPTS = 20


class StoresChanged(Message, bubble=False, verbose=True):
    """Something that a widget follows has changed."""


class StoreBound(MessagePump):
    """A widget, screen or app that follows stores while it is mounted.

    Put it before the class of the widget: ``class Balance(StoreBound, Static)``. From its mounting
    until its removal, what is bound follows the store: whichever thread or event loop changes the
    state, updates come in the widget's own task, and no change waits for them. There is at most one
    update per frame, of the newest state. A screen that is covered by others, or that is popped but
    stays installed, is not removed and stays up to date.

    A selector may miss its item for a moment: that of a row, say, whose item is gone before its
    parent has removed it (a LookupError, AttributeError, StopIteration, TypeError or ValueError).
    It is called again when the parents have caught up, and what it raises then ends the app, unless
    the widget is gone.
    """

    @cuts_frames
    def bind_store(self, store: Store[T], /, **selectors: Callable[[T], object]) -> Self:
        """Let reactives follow a store, as ``data_bind`` lets them follow those of a parent.

        Args:
            store: The store.
            **selectors: For each reactive, by its name, what takes its value from a state.

        Returns:
            The widget itself, for ``yield Balance().bind_store(...)``.

        Raises:
            AttributeError: If the widget has no such reactive.
            TypeError: If a selector is not a function.
        """
        for name, selector in selectors.items():
            _require_reactive(type(self), name)
            self.watch_store(store, selector, partial(setattr, self, name))
        return self

    @cuts_frames
    def watch_store(
        self,
        store: Store[T],
        selector: Callable[[T], S],
        callback: Callable[[S], object],
        *,
        equality_fn: Callable[[S, S], bool] = object_is,
        init: bool = True,
    ) -> None:
        """Call a function with a slice of a store, as ``watch`` does with a reactive.

        Args:
            store: The store.
            selector: Takes the slice from a state; called in every frame in which that changes.
            callback: Called with the newest slice when it has changed; plain or async.
            equality_fn: Called with the slice that the callback was last given and the newest; if
                it returns True, the callback is not called. Default: ``object_is``.
            init: Whether to call it with the first slice, when the widget is mounted, or at once if
                that is so already. Default: True.

        Raises:
            TypeError: If an argument that must be a function is none.
        """
        require_function("selector", selector)
        require_function("callback", callback)
        require_function("equality_fn", equality_fn)
        self._store_bindings.add(SliceBinding(store, selector, callback, equality_fn, init))

    @cached_property
    def _store_bindings(self) -> WidgetBindings:
        return WidgetBindings(self)

    @on(Mount)
    async def _begin_following(self) -> None:
        await self._store_bindings.begin()

    @on(StoresChanged)
    async def _catch_up_with_stores(self) -> None:
        await self._store_bindings.catch_up()

    @on(Unmount)
    def _end_following(self) -> None:
        self._store_bindings.end()


class SliceBinding(Generic[T, S]):
    """Applies a slice of a store's state when it differs from the one that was applied before."""

    def __init__(
        self,
        store: Store[T],
        selector: Callable[[T], S],
        apply: Callable[[S], object],
        equality_fn: Callable[[S, S], bool],
        init: bool,
    ) -> None:
        self.store = store
        self._selector = selector
        self._apply = apply
        self._equality_fn = equality_fn
        self._init = init
        self._applied: S = _NOTHING

    def has_lost_its_item(self) -> bool:
        """Return True if the selector raises what it would for an item that is gone."""
        try:
            self._selector(self.store.get_state())
        except _ITEM_IS_GONE:
            return True
        except Exception:  # noqa: S110 (it is raised in `catch_up`)
            pass
        return False

    def is_behind(self) -> bool:
        """Return True if there is something to apply.

        What raises here raises in ``catch_up`` as well, where it is the widget's.
        """
        try:
            return not self._is_applied(self._selector(self.store.get_state()))
        except Exception:
            return True

    @cuts_frames
    async def catch_up(self, *, is_patient: bool) -> bool:
        """Apply the newest slice, unless it is the one that was applied last.

        With patience, return False if the selector misses its item.
        """
        try:
            newest = self._selector(self.store.get_state())
        except _ITEM_IS_GONE:
            if not is_patient:
                raise
            return False
        if self._is_applied(newest):
            return True
        is_first, self._applied = self._applied is _NOTHING, newest
        if self._init or not is_first:
            result = self._apply(newest)
            if isawaitable(result):
                await result
        return True

    def _is_applied(self, newest: S) -> bool:
        return self._applied is not _NOTHING and self._equality_fn(self._applied, newest)


class WidgetBindings:
    """The bindings of one widget, from its mounting to its removal, in the thread of the app."""

    def __init__(self, widget: MessagePump) -> None:
        self._widget = widget
        self._is_woken = False
        self._is_live = False
        self._waiting: list[SliceBinding[Any, Any]] = []
        self._bindings: list[SliceBinding[Any, Any]] = []
        self._throttles: set[FrameThrottle] = set()
        self._patience: asyncio.Task[None] | None = None
        self._is_patient = True

    def add(self, binding: SliceBinding[Any, Any]) -> None:
        """Begin with a binding once the widget is mounted."""
        self._waiting.append(binding)
        if self._is_live:
            self._wake_once()

    async def begin(self) -> None:
        """Begin: the widget is mounted."""
        self._is_live = True
        await self.catch_up()

    async def catch_up(self) -> None:
        """Apply what has changed, and begin with what is new."""
        self._is_woken = False
        for binding in self._waiting:
            throttle = throttle_for(binding.store)
            throttle.join(self._look)  # before the first slice is taken: later changes are heard of
            self._throttles.add(throttle)
        self._bindings += self._waiting
        self._waiting.clear()
        try:
            for binding in tuple(self._bindings):
                if not await binding.catch_up(is_patient=self._is_patient):
                    self._be_patient()
        except BaseException:
            self.end()  # the app ends, and where it ends while it mounts it unmounts nothing
            raise

    def end(self) -> None:
        """End for good: the widget is gone."""
        self._is_live = False
        for throttle in self._throttles:
            throttle.leave(self._look)
        self._throttles.clear()
        self._bindings.clear()
        if self._patience is not None:
            self._patience.cancel()

    def _be_patient(self) -> None:
        """Let the parents catch up, which may remove the widget; then a selector must not raise."""
        if self._patience is None or self._patience.done():
            self._patience = asyncio.create_task(self._wait_for_parents())

    async def _wait_for_parents(self) -> None:
        for _ in range(_ATTEMPTS):
            await asyncio.sleep(FRAME)
            for parent in reversed(getattr(self._widget, "ancestors", ())):
                has_caught_up = asyncio.Event()
                if parent.call_later(has_caught_up.set):
                    await has_caught_up.wait()
            if not any(binding.has_lost_its_item() for binding in self._bindings):
                break
        else:
            self._is_patient = not self._widget.is_attached
        self._wake_once()

    def _look(self) -> None:
        if any(binding.is_behind() for binding in self._bindings):
            self._wake_once()

    def _wake_once(self) -> None:
        if not self._is_woken:
            self._is_woken = self._widget.post_message(StoresChanged())


def _require_reactive(cls: type, name: str) -> None:
    if not _is_reactive(cls, name):
        reactives = [each for each in dir(cls) if _is_reactive(cls, each)]
        raise AttributeError(
            f"{cls.__name__} has no reactive {name!r} that could follow a store; "
            f"it has {', '.join(reactives)}"
        )


def _is_reactive(cls: type, name: str) -> bool:
    return isinstance(getattr_static(cls, name, None), Reactive)
