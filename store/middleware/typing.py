"""What type checkers know of a store that middlewares have added attributes to.

A middleware keeps what it adds under a name of its own (`store.persist`, `store.devtools`,
`store.dispatch`). Its type says which one it adds, and passes on those of the initializer inside:

    def persist(initializer: Enhanced[T, P, D, R]) -> Enhanced[T, Persistence[T], D, R]: ...
    def persist(initializer: Initializer[T]) -> Enhanced[T, Persistence[T], Absent, Absent]: ...

`create_store` turns an `Enhanced[T, P, D, R]` into an `EnhancedStore[T, P, D, R]`. So middlewares
nest in any order, and each needs to know of itself alone.
"""

from collections.abc import Callable
from typing import Generic, TypeVar

from ..vanilla import Initializer, SetState, Store

T = TypeVar("T")
P = TypeVar("P")
D = TypeVar("D")
R = TypeVar("R")


class Absent:
    """The type of an attribute that no middleware has added to the store."""


class Enhanced(Generic[T, P, D, R]):
    """An initializer that a middleware has wrapped.

    Its type names the state and the attributes that the store will have: `persist`, `devtools`,
    `dispatch`.

    Args:
        initializer: The initializer that the middleware has made of the one it was given.
    """

    def __init__(self, initializer: Initializer[T]) -> None:
        self._initializer = initializer

    def __call__(self, set_state: SetState[T], get_state: Callable[[], T], store: Store[T], /) -> T:
        """Make the first state, and give the store what the middleware adds."""
        return self._initializer(set_state, get_state, store)


class EnhancedStore(Store[T], Generic[T, P, D, R]):
    """A store as type checkers see it once middlewares have been at it.

    At run time it is a `Store` that has these attributes of its own.
    """

    persist: P
    devtools: D
    dispatch: R
