"""Changes by actions that a reducer understands, as in Redux.

    def reducer(state, action):
        match action:
            case {"type": "add", "by": by}:
                return {"count": state["count"] + by}
        return state

    store = create_store(redux(reducer, {"count": 0}))
    store.dispatch({"type": "add", "by": 2})

Under ``devtools`` each action is recorded by its type.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, overload

from ..checks import fitted
from ..tracebacks import cuts_frames
from ..types import Absent, Enhanced, SetState

T = TypeVar("T")
A = TypeVar("A")


@overload
def redux(
    reducer: Callable[[dict[str, Any], A], dict[str, Any]], initial: dict[str, Any]
) -> Enhanced[dict[str, Any], Absent, Absent, Callable[[A], A]]: ...


@overload
def redux(
    reducer: Callable[[T, A], T | dict[str, Any]], initial: T
) -> Enhanced[T, Absent, Absent, Callable[[A], A]]: ...


@cuts_frames
def redux(reducer: Callable[[Any, A], Any], initial: Any) -> Any:
    """Make an initializer whose store has ``dispatch``.

    Args:
        reducer: Called with the state and the action; what it returns is merged. For an action that
            it does not know it returns the state.
        initial: The first state. If it is a dict, ``dispatch`` is added to it, too.

    Returns:
        An initializer, for ``create_store`` or another middleware. ``store.dispatch(action)``
        returns the action and raises what the reducer or a listener raises.

    Raises:
        TypeError: If the reducer is not a function.
    """
    reduce = fitted("reducer", reducer, "state", "action")

    def initializer(set_state: SetState[Any], get_state: Callable[[], Any], store: Any, /) -> Any:
        @cuts_frames
        def dispatch(action: A) -> A:
            set_state(lambda state: reduce(state, action), False, action)
            return action

        store.dispatch = dispatch
        if not isinstance(initial, dict):
            return initial
        return {"dispatch": lambda action: store.dispatch(action), **initial}

    return Enhanced(initializer)
