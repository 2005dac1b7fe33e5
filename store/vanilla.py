"""The store: a state, a set of listeners, and the four functions of Zustand's vanilla store."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from threading import RLock
from typing import TYPE_CHECKING, Any, Generic, NoReturn, Protocol, TypeVar, overload

from .after_fork import renews_after_fork
from .checks import (
    fitted,
    is_function,
    refuse_class,
    refuse_coroutine,
    refuse_coroutine_function,
)
from .equality import object_is
from .listeners import Batches, ListenerSet, Subscription
from .merge_state import field_names, merge_state
from .slices import Changes, View, subscribe_to_slice
from .tracebacks import cut_frames, cuts_frames
from .types import D, Drafting, Enhanced, P, R, SetDraftState, SetState, ShortInitializer, T

S = TypeVar("S")
V = TypeVar("V", int, str, float, bytes)

_NOT_GIVEN: Any = object()

#: How many keys or fields the ``repr`` of a store names.
_SHOWN = 12


class Initializer(Protocol[T]):
    """Makes the first state of a store; what it returns may use the store's functions later."""

    def __call__(self, set_state: SetState[T], get_state: Callable[[], T], store: Store[T], /) -> T:
        """Return the first state."""
        ...


class Store(Generic[T]):
    """A state that is replaced, never mutated, and listeners that are called for each change.

    The semantics are those of a store of Zustand 5 with ``subscribeWithSelector``. All methods may
    be called from any thread. A change is made under a lock; listeners run without it, in the
    thread that called ``set_state``.

    Args:
        initial: The first state, or the function that makes it, given ``set_state``, ``get_state``
            and the store, or as many of these as it takes. Until it returns, the state is None.

    Raises:
        TypeError: If ``initial`` is a class, or the function is a coroutine function.
    """

    @overload
    def __init__(self, initial: Initializer[T]) -> None: ...

    @overload
    def __init__(self, initial: ShortInitializer[T]) -> None: ...

    @overload
    def __init__(self, initial: T) -> None: ...

    @cuts_frames
    def __init__(self, initial: Any) -> None:
        self._lock = RLock()
        renews_after_fork(self)
        self._listeners = ListenerSet()
        self._audience: ListenerSet | Batches = self._listeners
        self._batches = Batches(self)
        self._state: Any = None  # a T once there is one; what merging makes is no T to a checker
        self._initial_state: Any = None
        refuse_class(initial)
        with self._lock:  # what a storage's thread sets meanwhile comes after
            if is_function(initial):
                initial = fitted("initial", initial, "set_state", "get_state", "store")
                initial = initial(self.set_state, self.get_state, self)
            refuse_coroutine(initial)
            self._state = self._initial_state = initial

    def get_state(self) -> T:
        """Return the newest state, without waiting for any change."""
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
        """Change the state and call the listeners, before this returns.

        The state itself, by ``object_is``, changes nothing and calls no listener; anything else
        does, even if it is equal.

        Args:
            partial: A dict, merged one level deep into a new dict or into a new instance of a class
                with fields; or any other value, which becomes the state; or a function of the state
                that returns either. The function is called exactly once, under the store's lock.
            replace: Whether a dict becomes the state as it is. Default: it is merged.
            action: What the change is called where ``devtools`` records it. Default: nothing.

        Raises:
            TypeError: If a dict names a field that the state does not have; if the function is
                async. As with an error of the function or of a validator, nothing has changed then.
            Exception: Whatever a listener raises. The state has changed, and the listeners after it
                have not been called.
        """
        try:
            self._lock.acquire()  # on CPython 3.11 `with` costs three times as much
            try:
                previous = self._state
                if isinstance(partial, dict) and partial is not previous and not replace:
                    # What follows, but shorter, for the most common change and state.
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
            finally:
                self._lock.release()
            for listener in self._audience.calls:
                listener(self._state, previous)
        except BaseException as error:  # inline, since a decorator would cost too much here
            cut_frames(error)
            raise

    @overload
    def subscribe(self, listener: Callable[[T, T], object], /) -> Callable[[], None]: ...

    @overload
    def subscribe(self, listener: Callable[[T], object], /) -> Callable[[], None]: ...

    @overload
    def subscribe(self, listener: Callable[[], object], /) -> Callable[[], None]: ...

    @overload
    def subscribe(
        self,
        selector: Callable[[T], S],
        listener: Callable[[S, S], object],
        *,
        equality_fn: Callable[[S, S], bool] = object_is,
        fire_immediately: bool = False,
    ) -> Callable[[], None]: ...

    @overload
    def subscribe(
        self,
        selector: Callable[[T], S],
        listener: Callable[[S], object] | Callable[[], object],
        *,
        equality_fn: Callable[[S, S], bool] = object_is,
        fire_immediately: bool = False,
    ) -> Callable[[], None]: ...

    def subscribe(
        self,
        selector: Callable[..., Any],
        listener: Callable[..., object] = _NOT_GIVEN,
        *,
        equality_fn: Callable[[Any, Any], bool] = object_is,
        fire_immediately: bool = False,
    ) -> Callable[[], None]:
        """Call a listener after every change, or, with a selector, when its slice changes.

        A listener is in the set once; with a selector, every subscription is a new one. Listeners
        run in the order in which they were subscribed. One that is added while they run is called
        in the same round; one that is removed before its turn is not.

        Args:
            selector: Takes a slice from a state. ``subscribe(listener)`` leaves it out.
            listener: Called with the new state and the one before it, or with such slices; it may
                take only the first. In a round that overlaps with another it is given the newest
                state.
            equality_fn: Called with the slice that was last delivered and the newest; if it returns
                True, the listener is not called. Default: ``object_is``.
            fire_immediately: Whether to call the listener at once, with the first slice as both
                arguments. Default: False.

        Returns:
            The function that unsubscribes. Calling it again does nothing, unless the same listener
            has been subscribed again without a selector: then it removes that.

        Raises:
            TypeError: If an argument is not a function that can be called so, or if the listener is
                a coroutine function, or if an option is given without a selector.
            Exception: Whatever the selector raises, or the listener when it is fired immediately.
                It is not subscribed then.
        """
        try:
            if listener is _NOT_GIVEN:
                if fire_immediately or equality_fn is not object_is:
                    raise TypeError("equality_fn and fire_immediately need a selector")
                call = fitted("listener", selector, "state", "previous")
                refuse_coroutine_function(selector)
                self._listeners.add(selector, call)
                return Subscription(self._listeners, selector)
            selector = fitted("selector", selector, "state")
            call = fitted("listener", listener, "slice", "previous")
            equality_fn = fitted("equality_fn", equality_fn, "previous", "slice")
            refuse_coroutine_function(listener)
            return subscribe_to_slice(
                self._listeners, self.get_state, selector, call, equality_fn, fire_immediately
            )
        except BaseException as error:  # inline: a subscription is not to be slower than it was
            cut_frames(error)
            raise

    @cuts_frames
    def select(
        self, selector: Callable[[T], S], equality_fn: Callable[[S, S], bool] = object_is
    ) -> View[S]:
        """Make a view of one slice, for code that needs no more of the store.

        Args:
            selector: Takes the slice from a state.
            equality_fn: As in ``subscribe``.

        Returns:
            An object with ``get()``, ``subscribe(listener)`` and ``changes()``.
        """
        selector = fitted("selector", selector, "state")
        equality_fn = fitted("equality_fn", equality_fn, "previous", "slice")
        return View(self, selector, equality_fn)

    def changes(self) -> Changes[T]:
        """Iterate over the states that follow, in ``async for``.

        The newest state wins: a consumer that is slower than the changes misses those in between.

        Returns:
            An asynchronous iterator that ends when its ``close()`` is called. It may be used in any
            event loop, whichever thread changes the state.
        """
        return self.select(lambda state: state).changes()

    def batch(self) -> AbstractContextManager[None]:
        """Make several changes with one notification: ``with store.batch(): ...``.

        The state changes at once. Listeners are called when the outermost block of this thread
        ends, also if it ends with an error, with the newest state and the one before the block. If
        the state is the same (``object_is``) again, they are not called. Listeners hear at once of
        what other threads change meanwhile. An ``await`` inside would hold back what other tasks of
        the thread change.
        """
        return self._batches.open()

    def _renew_after_fork(self) -> None:
        """Make the locks anew, in a forked process."""
        self._lock = RLock()
        self._listeners._renew_after_fork()
        self._batches._renew_after_fork()

    def __repr__(self) -> str:
        state: Any = self._state
        names = field_names(type(state)) or (state if isinstance(state, dict) else ())
        shown = [str(name) for name in list(names)[:_SHOWN]] + ["..."] * (len(names) > _SHOWN)
        kind = f"{type(self).__name__} of {type(state).__name__}"
        return f"<{kind}: {', '.join(shown)}>" if names else f"<{kind}>"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        # A copy would share the actions and lack the listeners.
        raise TypeError(
            f"a {type(self).__name__} can be neither copied nor pickled: its listeners, its "
            "middlewares and the functions in its state belong to this very store; pass on what "
            "store.get_state() returns, without functions, and make a new store of it"
        )

    @property
    def getState(self) -> Callable[[], T]:  # noqa: N802
        """``get_state`` under Zustand's name."""
        return self.get_state

    @property
    def getInitialState(self) -> Callable[[], T]:  # noqa: N802
        """``get_initial_state`` under Zustand's name."""
        return self.get_initial_state

    @property
    def setState(self) -> SetState[T]:  # noqa: N802
        """``set_state`` under Zustand's name."""
        return self.set_state

    def _merge(self, state: Any, partial: Any, replace: bool | None) -> Any:
        return partial if replace or not isinstance(partial, dict) else merge_state(state, partial)


class EnhancedStore(Store[T], Generic[T, P, D, R]):
    """A store with middlewares, as type checkers see it.

    At run time it is a ``Store`` that has these attributes of its own.
    """

    persist: P
    devtools: D
    dispatch: R


class DraftStore(EnhancedStore[T, P, D, R]):
    """A store with ``immer``, as type checkers see it."""

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
def create_store(initial: Drafting[T, P, D, R], /) -> DraftStore[T, P, D, R]: ...


@overload
def create_store(initial: Enhanced[T, P, D, R], /) -> EnhancedStore[T, P, D, R]: ...


@overload
def create_store(initial: Initializer[T], /) -> Store[T]: ...


@overload
def create_store(initial: ShortInitializer[T], /) -> Store[T]: ...


@overload
def create_store(initial: dict[str, V], /) -> Store[dict[str, V]]: ...


# Values of several types: mypy would take them for objects, and refuse to calculate with one.
@overload
def create_store(initial: dict[str, Any], /) -> Store[dict[str, Any]]: ...


@overload
def create_store(initial: T, /) -> Store[T]: ...


@cuts_frames
def create_store(initial: Any, /) -> Store[Any]:
    """Make a store.

    Args:
        initial: The first state itself: a dict, an instance of a class with fields (attrs,
            dataclass, NamedTuple, pydantic, msgspec), any other value. Or a function
            ``initial(set_state, get_state, store)`` that returns it and may keep the three, for
            actions that are part of the state; it may also take fewer. Middlewares wrap such a
            function.

    Returns:
        The store, which ``Store`` describes, with the attributes that middlewares have added.

    Raises:
        TypeError: If ``initial`` is a class, or the function is a coroutine function.
    """
    return Store(initial)
