"""Updaters that change a draft instead of building a new state.

    store = create_store(immer(lambda set_state, get_state, store: {"todos": []}))

    def add(draft):
        draft["todos"].append({"title": "buy milk", "done": False})

    store.set_state(add)

What a draft can do is written in `drafts`.
"""

from collections.abc import Callable
from functools import partial as bind
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, overload

from ..checks import is_function, require_initializer
from ..vanilla import SetState, Store
from .drafts import produce
from .typing import Absent, Enhanced, EnhancedStore

T = TypeVar("T")
T_contra = TypeVar("T_contra", contravariant=True)
P = TypeVar("P")
D = TypeVar("D")
R = TypeVar("R")


class SetDraftState(Protocol[T_contra]):
    """The type of `set_state` under `immer`: an updater need not return anything."""

    def __call__(
        self,
        partial: T_contra | dict[str, Any] | Callable[[T_contra], T_contra | dict[str, Any] | None],
        replace: bool | None = None,
        action: object = None,
    ) -> None:
        """Change the state."""


class DraftInitializer(Protocol[T]):
    """An initializer that `immer` gives a `set_state` for drafts."""

    def __call__(
        self, set_state: SetDraftState[T], get_state: Callable[[], T], store: Store[T], /
    ) -> T:
        """Return the first state."""
        ...


class Drafting(Enhanced[T, P, D, R]):
    """An initializer that `immer` has wrapped."""


class DraftStore(EnhancedStore[T, P, D, R]):
    """A store with `immer`, as type checkers see it."""

    if TYPE_CHECKING:

        def set_state(
            self,
            partial: T | dict[str, Any] | Callable[[T], T | dict[str, Any] | None],
            replace: bool | None = None,
            action: object = None,
        ) -> None: ...

        @property
        def setState(self) -> SetDraftState[T]: ...  # noqa: N802


@overload
def immer(  # type: ignore[overload-overlap]
    initializer: Enhanced[T, P, D, R],
) -> Drafting[T, P, D, R]: ...


@overload
def immer(initializer: DraftInitializer[T]) -> Drafting[T, Absent, Absent, Absent]: ...


def immer(initializer: Any) -> Any:
    """Give every function that is passed to `set_state` a draft of the state.

    What the updater does to the draft, with the operations of a dict, a list, a set and of
    attributes, is the change; the state itself stays as it is, and so do the parts of it that were
    not touched. The outcome is set as any state: a dict is merged, so a key that was deleted at the
    top of a dict state is gone only with `replace=True`. If nothing was changed, nobody is told.

    Args:
        initializer: The initializer to wrap.

    Returns:
        An initializer, for `create_store` or another middleware. The `set_state` of its store also
        takes an updater that returns None; it raises a RuntimeError if one changes its draft and
        returns another value as well.

    Raises:
        TypeError: If the initializer is no function.
    """
    require_initializer(initializer)

    def with_drafts(set_state: SetState[Any], get_state: Callable[[], Any], store: Any, /) -> Any:
        def set_draft_state(
            partial: Any, replace: bool | None = None, action: object = None
        ) -> None:
            try:
                if is_function(partial):
                    partial = bind(produce, recipe=partial)
                set_state(partial, replace, action)
            finally:
                del partial, action  # tracebacks are printed with local variables: no tokens

        store.set_state = set_draft_state
        return initializer(set_draft_state, get_state, store)

    return Drafting(with_drafts)
