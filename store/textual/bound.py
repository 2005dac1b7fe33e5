"""What a widget inherits to follow a store."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property, partial
from inspect import getattr_static
from typing import Self, TypeVar

from textual import on
from textual.events import Mount, Unmount
from textual.message import Message
from textual.message_pump import MessagePump
from textual.reactive import Reactive

from ..checks import require_function
from ..equality import object_is
from ..vanilla import Store
from .binding import Binding
from .following import Following

T = TypeVar("T")
S = TypeVar("S")


class StoresChanged(Message, bubble=False, verbose=True):
    """Something that a widget follows has changed."""


class StoreBound(MessagePump):
    """A widget, screen or app that follows stores while it is mounted.

    Put it before the class of the widget: `class Balance(StoreBound, Static)`. From its mounting
    until its removal, what is bound follows the store: whichever thread or event loop changes the
    state, updates come in the widget's own task, and nobody waits for them. However many changes
    there are, there is at most one update per frame, of the newest state. A screen that others
    cover, or that is popped but stays installed, is not removed and stays up to date.
    """

    def bind_store(self, store: Store[T], /, **selectors: Callable[[T], object]) -> Self:
        """Have reactives follow a store, as `data_bind` has them follow those of a parent.

        Args:
            store: The store.
            **selectors: For each reactive, by its name, what takes its value from a state.

        Returns:
            The widget itself, for `yield Balance().bind_store(...)`.

        Raises:
            AttributeError: If the widget has no such reactive.
            TypeError: If a selector is no function.
        """
        for name, selector in selectors.items():
            _require_reactive(type(self), name)
            self.watch_store(store, selector, partial(setattr, self, name))
        return self

    def watch_store(
        self,
        store: Store[T],
        selector: Callable[[T], S],
        callback: Callable[[S], object],
        *,
        equality_fn: Callable[[S, S], bool] = object_is,
        init: bool = True,
    ) -> None:
        """Have a function called with a slice of a store, as `watch` does with a reactive.

        Args:
            store: The store.
            selector: Takes the slice from a state; called in every frame in which that changes.
            callback: Called with the newest slice when it has changed; plain or async.
            equality_fn: Called with the slice that the callback was last given and the newest; if
                it holds, the callback is not called. Default: `object_is`.
            init: Whether to call it with the first slice, when the widget is mounted, or at once if
                that is so already. Default: True.

        Raises:
            TypeError: If an argument that must be a function is none.
        """
        require_function("selector", selector)
        require_function("callback", callback)
        require_function("equality_fn", equality_fn)
        self._following.add(Binding(store, selector, callback, equality_fn, init))

    @cached_property
    def _following(self) -> Following:
        return Following(lambda: self.post_message(StoresChanged()))

    @on(Mount)
    async def _begin_following(self) -> None:
        await self._following.begin()

    @on(StoresChanged)
    async def _catch_up_with_stores(self) -> None:
        await self._following.catch_up()

    @on(Unmount)
    def _end_following(self) -> None:
        self._following.end()


def _require_reactive(cls: type, name: str) -> None:
    if not _is_reactive(cls, name):
        reactives = [each for each in dir(cls) if _is_reactive(cls, each)]
        raise AttributeError(
            f"{cls.__name__} has no reactive {name!r} that could follow a store; "
            f"it has {', '.join(reactives)}"
        )


def _is_reactive(cls: type, name: str) -> bool:
    return isinstance(getattr_static(cls, name, None), Reactive)
