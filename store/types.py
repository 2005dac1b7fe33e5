"""What type checkers know of stores and middlewares.

A middleware keeps what it adds to a store under a name of its own: ``store.persist``,
``store.devtools``, ``store.dispatch``. Its type says which one it adds, and passes on the others::

    def persist(initializer: Enhanced[T, P, D, R]) -> Enhanced[T, Persistence[T], D, R]: ...
    def persist(initializer: Initializer[T]) -> Enhanced[T, Persistence[T], Absent, Absent]: ...

``create_store`` turns an ``Enhanced[T, P, D, R]`` into an ``EnhancedStore[T, P, D, R]``. So
middlewares nest in any order, and each needs to know of itself alone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, Protocol, TypeAlias, TypeVar

T = TypeVar("T")
T_contra = TypeVar("T_contra", contravariant=True)
P = TypeVar("P")
D = TypeVar("D")
R = TypeVar("R")


class SetState(Protocol[T_contra]):
    """The type of ``Store.set_state``."""

    def __call__(
        self,
        partial: T_contra | dict[str, Any] | Callable[[T_contra], T_contra | dict[str, Any]],
        replace: bool | None = None,
        action: object = None,
    ) -> None:
        """Change the state."""


#: An initializer that takes less than ``set_state``, ``get_state`` and the store.
ShortInitializer: TypeAlias = (
    Callable[[SetState[T], Callable[[], T]], T] | Callable[[SetState[T]], T] | Callable[[], T]
)


class SetDraftState(Protocol[T_contra]):
    """The type of ``set_state`` under ``immer``: an updater need not return anything."""

    def __call__(
        self,
        partial: T_contra | dict[str, Any] | Callable[[T_contra], T_contra | dict[str, Any] | None],
        replace: bool | None = None,
        action: object = None,
    ) -> None:
        """Change the state."""


class Absent:
    """The type of an attribute that no middleware has added to the store."""


class Enhanced(Generic[T, P, D, R]):
    """An initializer that a middleware has wrapped.

    Its type names the state and the attributes that the store will have: ``persist``, ``devtools``
    and ``dispatch``.

    Args:
        initializer: The initializer that the middleware has made of the one it was given.
    """

    def __init__(self, initializer: Callable[[Any, Any, Any], T]) -> None:
        self._initializer = initializer

    def __call__(self, set_state: SetState[T], get_state: Callable[[], T], store: Any, /) -> T:
        """Make the first state, and give the store what the middleware adds."""
        return self._initializer(set_state, get_state, store)


class Drafting(Enhanced[T, P, D, R]):
    """An initializer that ``immer`` has wrapped."""
