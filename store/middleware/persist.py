"""A state that survives the program.

    def counter(set_state, get_state, store):
        return {"count": 0}

    store = create_store(persist(counter, name="counter", storage=FileStorage("state")))
    store.set_state({"count": 1})

The next program that makes this store begins with a count of 1. What the store has for it is
`store.persist`.
"""

from collections.abc import Callable
from typing import Any, TypeVar, Unpack, overload

from ..checks import require_initializer
from ..evolve import evolve
from ..storage.file import FileStorage
from ..vanilla import Initializer, SetState
from .follower import Follower
from .hydration import Hydrator
from .immer import Drafting
from .persist_options import PersistKeywords, PersistOptions
from .persistence import Persistence
from .shelf import Shelf
from .typing import Absent, Enhanced

T = TypeVar("T")
P = TypeVar("P")
D = TypeVar("D")
R = TypeVar("R")


@overload
def persist(  # type: ignore[overload-overlap]
    initializer: Drafting[T, P, D, R], /, *, name: str, **options: Unpack[PersistKeywords[T]]
) -> Drafting[T, Persistence[T], D, R]: ...


@overload
def persist(  # type: ignore[overload-overlap]
    initializer: Enhanced[T, P, D, R], /, *, name: str, **options: Unpack[PersistKeywords[T]]
) -> Enhanced[T, Persistence[T], D, R]: ...


@overload
def persist(
    initializer: Initializer[T], /, *, name: str, **options: Unpack[PersistKeywords[T]]
) -> Enhanced[T, Persistence[T], Absent, Absent]: ...


def persist(
    initializer: Initializer[Any], /, *, name: str, storage: Any = None, **options: Any
) -> Any:
    """Keep the state of a store in a storage.

    Whenever the state is set, through the store or by the initializer, it is written as the JSON
    that Zustand writes. What the storage holds is merged into the state at once, or, if the storage
    is asynchronous, when it arrives. What the store gets is `store.persist`, a `Persistence`.

    What comes back as it was: what JSON holds, with keys of type `str`, in a dict; in an attrs
    state also tuples, attrs instances, and lists, tuples and dicts of them, where a field's
    annotation says so. Functions in a dict are not written, NaN and the infinities become None.
    Anything else raises a TypeError when it is set: leave it out with `partialize`.

    Args:
        initializer: Makes the first state.
        name: What the state is stored under.
        storage: Where it is stored. Default: `FileStorage()`, files in the user's data directory.
        **options: Any of these:

            partialize: Takes from a state what is stored. Default: all of it.
            version: The version of the program, a number. Default: 0.
            migrate: Called with a stored state of another version and that version; returns, or is
                a coroutine function that returns, a state of this version, which is then written.
                Default: a state of another version is not used; files with one are set aside.
            merge: Called with the stored state, None if there is none, and the present one; returns
                the next. Default: what is stored replaces what is there, key by key or field by
                field.
            on_rehydrate_storage: Called with the state when a hydration begins. What it returns is
                called with the state and None at a good end, else with None and the error.
            skip_hydration: Whether to wait for the first `store.persist.rehydrate()`.
                Default: False.
            sync: Whether to take over what other processes write to the same storage while the
                program runs. Listeners then also run in a thread of the storage. Default: False.

    Returns:
        The initializer that is given to `create_store` or to another middleware.

    Raises:
        TypeError: If an argument is of the wrong kind.
        ImportError: If the default storage needs the extra `zustax[file]`.
    """
    require_initializer(initializer)
    if storage is None:
        storage = FileStorage()
    chosen = evolve(PersistOptions[Any](name=name, storage=storage), options)

    def with_storage(set_state: SetState[Any], get_state: Callable[[], Any], store: Any, /) -> Any:
        shelf = Shelf(chosen, get_state)
        hydrator = Hydrator(shelf, set_state, get_state)
        follower = Follower(shelf, hydrator)
        store.set_state = follower.writing(store.set_state)
        initial = initializer(follower.writing(set_state), get_state, store)
        store.get_initial_state = lambda: initial
        store.persist = Persistence(shelf, hydrator, follower)
        if not chosen.skip_hydration:
            follower.listen()
        return hydrator.first(initial)

    return (Drafting if isinstance(initializer, Drafting) else Enhanced)(with_storage)
