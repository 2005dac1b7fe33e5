"""The store: a state, a set of listeners, and the four functions of Zustand's vanilla store."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from threading import RLock
from typing import TYPE_CHECKING, Any, Generic, NoReturn, Protocol, TypeVar, overload

from .batch import Batches
from .changes import Changes
from .checks import (
    is_function,
    refuse_class,
    refuse_coroutine,
    refuse_coroutine_function,
    require_function,
)
from .equality import object_is
from .evolve import merging
from .listeners import ListenerSet, Subscription
from .selector import subscribe_to_slice
from .view import View

if TYPE_CHECKING:
    from .middleware.immer import Drafting, DraftStore
    from .middleware.typing import Enhanced, EnhancedStore

T = TypeVar("T")
S = TypeVar("S")
T_contra = TypeVar("T_contra", contravariant=True)
P = TypeVar("P")
D = TypeVar("D")
R = TypeVar("R")

_NOT_GIVEN: Any = object()


class SetState(Protocol[T_contra]):
    """The type of `Store.set_state`."""

    def __call__(
        self,
        partial: T_contra | dict[str, Any] | Callable[[T_contra], T_contra | dict[str, Any]],
        replace: bool | None = None,
        action: object = None,
    ) -> None:
        """Change the state."""


class Initializer(Protocol[T]):
    """Makes the first state of a store; what it returns may use the store's functions later."""

    def __call__(
        self, set_state: SetState[T], get_state: Callable[[], T], store: "Store[T]", /
    ) -> T:
        """Return the first state."""
        ...


class Store(Generic[T]):
    """A state that is replaced, never mutated, and listeners that are told.

    The semantics are those of a store of Zustand 5 with `subscribeWithSelector`. All methods may be
    called from any thread. A change is made under a lock; listeners run without it, in the thread
    that called `set_state`.

    Args:
        initial: The first state, or the function that makes it, given `set_state`, `get_state` and
            the store. Until it returns, the state is None.
    """

    @overload
    def __init__(self, initial: Initializer[T]) -> None: ...

    @overload
    def __init__(self, initial: T) -> None: ...

    def __init__(self, initial: Any) -> None:
        self._lock = RLock()
        self._listeners = ListenerSet()
        self._batches = Batches(self._listeners, self.get_state)
        self._state: Any = None  # a T once there is one; what merging makes is no T to a checker
        self._initial_state: Any = None
        refuse_class(initial)
        if is_function(initial):
            initial = initial(self.set_state, self.get_state, self)
        refuse_coroutine(initial)
        self._state = self._initial_state = initial

    def get_state(self) -> T:
        """Return the newest state, without waiting for anyone."""
        state: T = self._state
        return state

    def get_initial_state(self) -> T:
        """Return the state that the store began with."""
        initial_state: T = self._initial_state
        return initial_state

    def set_state(
        self,
        partial: T | dict[str, Any] | Callable[[T], T | dict[str, Any]],
        replace: bool | None = None,
        action: object = None,
    ) -> None:
        """Change the state and tell the listeners, before this returns.

        The state itself, by `object_is`, changes nothing and tells nobody; anything else does, even
        if it is equal.

        Args:
            partial: A dict, merged one level deep into a new dict or evolved into a new attrs
                instance; or any other value, which becomes the state; or a function of the state
                that returns either. The function is called exactly once, under the store's lock.
            replace: Whether a dict becomes the state as it is. Default: it is merged.
            action: What the change is called where `devtools` records it. Default: nothing.

        Raises:
            TypeError: If a dict names a field that the attrs state does not have, or is to be
                merged into a dataclass; if the function is async. As with an error of the function
                or of a validator, nothing has changed then.
            Exception: Whatever a listener raises. The state has changed, and the listeners after it
                have not been told.
        """
        self._lock.acquire()  # on CPython 3.11 `with` costs three times as much
        previous = self._state
        try:
            if isinstance(partial, dict) and partial is not previous and not replace:
                # What follows, but shorter, for the most common change and the most common state.
                if isinstance(previous, dict):
                    self._state = {**previous, **partial}
                else:
                    self._state = self._merge(previous, partial, replace)
            else:
                if is_function(partial):
                    partial = partial(previous)
                    previous = self._state  # the function may itself have set the state
                refuse_coroutine(partial)
                if object_is(partial, previous):
                    return
                self._state = self._merge(previous, partial, replace)
        except BaseException:
            del previous
            raise
        finally:
            self._lock.release()
            del partial, action  # tracebacks are printed with their local variables: no tokens
        try:
            for listener in self._batches.audience.calls:
                listener(self._state, previous)
        finally:
            del previous

    @overload
    def subscribe(self, listener: Callable[[T, T], object], /) -> Callable[[], None]: ...

    @overload
    def subscribe(
        self,
        selector: Callable[[T], S],
        listener: Callable[[S, S], object],
        *,
        equality_fn: Callable[[S, S], bool] = object_is,
        fire_immediately: bool = False,
    ) -> Callable[[], None]: ...

    def subscribe(
        self,
        selector: Callable[..., Any],
        listener: Callable[[Any, Any], object] = _NOT_GIVEN,
        *,
        equality_fn: Callable[[Any, Any], bool] = object_is,
        fire_immediately: bool = False,
    ) -> Callable[[], None]:
        """Have a listener called after every change, or, with a selector, when its slice changes.

        A listener is in the set once; with a selector, every subscription is a new one. Listeners
        run in the order in which they were subscribed. One that is added while they run is called
        in the same round, one that is removed before its turn is not.

        Args:
            selector: Takes a slice from a state. `subscribe(listener)` leaves it out.
            listener: Called with the new state and the one before it, or with such slices. In a
                round that overlaps with another it is given the newest state.
            equality_fn: Called with the slice that was last delivered and the newest; if it holds,
                the listener is not called. Default: `object_is`.
            fire_immediately: Whether to call the listener at once, with the first slice as both
                arguments. Default: False.

        Returns:
            The function that unsubscribes. Calling it again does nothing, unless the same listener
            has been subscribed anew without a selector: then it removes that.

        Raises:
            TypeError: If an argument that must be a function is none, or if the listener is a
                coroutine function, or if an option is given without a selector.
            Exception: Whatever the selector raises, or the listener when it is fired immediately.
                It is not subscribed then.
        """
        if listener is _NOT_GIVEN:
            if fire_immediately or equality_fn is not object_is:
                raise TypeError("equality_fn and fire_immediately need a selector")
            return self._subscribe_to_state(selector)
        require_function("selector", selector)
        require_function("listener", listener)
        require_function("equality_fn", equality_fn)
        refuse_coroutine_function(listener)
        return subscribe_to_slice(
            self._listeners, self.get_state, selector, listener, equality_fn, fire_immediately
        )

    def select(
        self, selector: Callable[[T], S], equality_fn: Callable[[S, S], bool] = object_is
    ) -> View[S]:
        """Make a view of one slice, to be handed to those who need no more of the store.

        Args:
            selector: Takes the slice from a state.
            equality_fn: Called with the slice that was last delivered and the newest; if it holds,
                listeners are not called. Default: `object_is`.

        Returns:
            An object with `get()`, `subscribe(listener)` and `changes()`.

        Raises:
            TypeError: If an argument is no function.
        """
        require_function("selector", selector)
        require_function("equality_fn", equality_fn)
        return View(self, selector, equality_fn)

    def changes(self) -> Changes[T]:
        """Iterate over the states that follow, in `async for`.

        The newest state wins: a consumer that is slower than the changes misses those in between.

        Returns:
            An asynchronous iterator that ends when its `close()` is called. It may be used in any
            event loop, whichever thread changes the state.
        """
        return self.select(_whole).changes()

    def batch(self) -> AbstractContextManager[None]:
        """Make several changes with one notification: `with store.batch(): ...`.

        The state changes at once. Listeners are called when the outermost block of this thread
        ends, also if it ends with an error, with the newest state and the one before the block; not
        at all if the state is the same (`object_is`) again. What other threads change meanwhile is
        told at once. An `await` inside would hold back what other tasks of the thread change.
        """
        return self._batches.open()

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        """Refuse to be pickled or copied: a copy would share the actions and lack the listeners."""
        raise TypeError(
            f"a {type(self).__name__} can be neither copied nor pickled: its listeners, its "
            "middlewares and the functions in its state belong to this very store; pass on what "
            "store.get_state() returns, without functions, and make a new store of it"
        )

    @property
    def getState(self) -> Callable[[], T]:  # noqa: N802
        """`get_state` under Zustand's name."""
        return self.get_state

    @property
    def getInitialState(self) -> Callable[[], T]:  # noqa: N802
        """`get_initial_state` under Zustand's name."""
        return self.get_initial_state

    @property
    def setState(self) -> SetState[T]:  # noqa: N802
        """`set_state` under Zustand's name."""
        return self.set_state

    def _subscribe_to_state(self, listener: Callable[[T, T], object]) -> Callable[[], None]:
        require_function("listener", listener)
        refuse_coroutine_function(listener)
        self._listeners.add(listener)
        return Subscription(self._listeners, listener)

    def _merge(self, state: Any, partial: Any, replace: bool | None) -> Any:
        """Make the next state of the present one and of what was set."""
        cls: Any = type(state)
        try:
            if replace or not isinstance(partial, dict):
                return partial
            return merging(cls)(state, partial)
        finally:
            del state, partial  # tracebacks are printed with their local variables: no tokens


@overload
def create_store(initial: "Drafting[T, P, D, R]", /) -> "DraftStore[T, P, D, R]": ...


@overload
def create_store(initial: "Enhanced[T, P, D, R]", /) -> "EnhancedStore[T, P, D, R]": ...


@overload
def create_store(initial: Initializer[T], /) -> Store[T]: ...


@overload
def create_store(initial: T, /) -> Store[T]: ...


def create_store(initial: Any, /) -> Store[Any]:
    """Make a store.

    Args:
        initial: The first state itself: a dict, an attrs instance, any other value. Or a function
            `initial(set_state, get_state, store)` that returns it and may keep the three, for
            actions that are part of the state. Middlewares wrap such a function.

    Returns:
        The store, which `Store` describes, with the attributes that middlewares have added.
    """
    return Store(initial)


def _whole(state: T) -> T:
    return state
