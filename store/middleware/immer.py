"""Updaters that change a draft instead of building a new state.

    def add(draft):
        draft["todos"].append({"title": "buy milk", "done": False})

    store = create_store(immer(lambda set_state, get_state, store: {"todos": []}))
    store.set_state(add)

The state before stays as it was.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial as bind
from typing import Any, Protocol, TypeAlias, overload

from ..checks import fitted_initializer, is_function
from ..tracebacks import cuts_frames
from ..types import Absent, D, Drafting, Enhanced, P, R, SetDraftState, SetState, T
from ..vanilla import Store
from .drafts import produce


class DraftInitializer(Protocol[T]):
    """An initializer that ``immer`` gives a ``set_state`` for drafts."""

    def __call__(
        self, set_state: SetDraftState[T], get_state: Callable[[], T], store: Store[T], /
    ) -> T:
        """Return the first state."""
        ...


ShortDraftInitializer: TypeAlias = (
    Callable[[SetDraftState[T], Callable[[], T]], T]
    | Callable[[SetDraftState[T]], T]
    | Callable[[], T]
)


@overload
def immer(initializer: Enhanced[T, P, D, R]) -> Drafting[T, P, D, R]: ...


@overload
def immer(initializer: DraftInitializer[T]) -> Drafting[T, Absent, Absent, Absent]: ...


@overload
def immer(initializer: ShortDraftInitializer[T]) -> Drafting[T, Absent, Absent, Absent]: ...


@cuts_frames
def immer(initializer: Any) -> Any:
    """Give every function that is passed to ``set_state`` a draft of the state.

    A draft is a copy: real dicts, lists, sets and tuples at every depth, and stand-ins for
    instances of attrs classes, dataclasses, pydantic and msgspec, whose fields can be set. What the
    updater does to it is the change; the state itself stays as it is, and so do the parts of it
    that were not touched. The outcome is set as any state: a dict is merged, so a key that was
    deleted at the top of a dict state is gone only with ``replace=True``. If nothing was changed,
    no listener is called.

    Args:
        initializer: The initializer to wrap.

    Returns:
        An initializer, for ``create_store`` or another middleware. The ``set_state`` of its store
        also takes an updater that returns None; it raises a RuntimeError if one changes its draft
        and returns another value as well.

    Raises:
        TypeError: If the initializer is not a function.
    """
    make = fitted_initializer(initializer)

    def with_drafts(set_state: SetState[Any], get_state: Callable[[], Any], store: Any, /) -> Any:
        def set_draft_state(
            partial: Any, replace: bool | None = None, action: object = None
        ) -> None:
            if is_function(partial):
                partial = bind(produce, recipe=partial)
            set_state(partial, replace, action)

        store.set_state = cuts_frames(set_draft_state)
        return make(store.set_state, get_state, store)

    return Drafting(with_drafts)
