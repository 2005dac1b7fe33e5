"""Values in one place, what is done with them in another, and one state of both.

    store = create_store(
        combine(
            {"bears": 0},
            lambda set_state, get_state, store: {
                "feed": lambda: set_state(lambda state: {"bears": state["bears"] + 1})
            },
        )
    )

Any other middleware may be wrapped around it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, overload

import attrs

from ..checks import fitted
from ..merge_state import merge_state
from ..tracebacks import cuts_frames
from ..vanilla import Initializer
from .immer import DraftInitializer, ShortDraftInitializer

T = TypeVar("T", bound="attrs.AttrsInstance")
State = dict[str, Any]


@overload
def combine(initial: State, create: DraftInitializer[State]) -> Initializer[State]: ...


@overload
def combine(initial: State, create: ShortDraftInitializer[State]) -> Initializer[State]: ...


@overload
def combine(initial: T, create: Callable[..., dict[str, Any]]) -> Initializer[T]: ...


@cuts_frames
def combine(initial: Any, create: Callable[..., dict[str, Any]]) -> Initializer[Any]:
    """Make an initializer of some values and a function that makes a dict of actions.

    Args:
        initial: The values: a dict, or an instance of a class with fields, also for the actions.
        create: Called as an initializer is; where both name a key, its value is taken.

    Returns:
        An initializer, for ``create_store`` or another middleware.

    Raises:
        TypeError: If ``create`` is not a function, or, when the store is made, if it names a field
            that the instance does not have.
    """
    make = fitted("create", create, "set_state", "get_state", "store")
    return lambda *given: merge_state(initial, make(*given))
