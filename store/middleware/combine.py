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

from collections.abc import Callable
from typing import Any

from ..checks import require_function
from ..vanilla import Initializer, Store
from .immer import DraftInitializer

State = dict[str, Any]


def combine(initial: State, create: DraftInitializer[State]) -> Initializer[State]:
    """Make an initializer of a dict of values and a function that makes a dict of actions.

    Args:
        initial: The values.
        create: Called as an initializer is; where both name a key, its value is taken.

    Returns:
        An initializer, for `create_store` or another middleware.

    Raises:
        TypeError: If `create` is no function.
    """
    require_function("create", create)
    return _Combined(initial, create)


class _Combined:
    """The initializer. As an object it keeps the values out of the local variables of a frame."""

    def __init__(self, initial: State, create: DraftInitializer[State]) -> None:
        self._initial = initial
        self._create = create

    def __call__(
        self, set_state: Any, get_state: Callable[[], State], store: Store[State], /
    ) -> State:
        return {**self._initial, **self._create(set_state, get_state, store)}
