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

from typing import Any

from ..checks import require_function
from ..tracebacks import cuts_frames
from ..vanilla import Initializer
from .immer import DraftInitializer

State = dict[str, Any]


@cuts_frames
def combine(initial: State, create: DraftInitializer[State]) -> Initializer[State]:
    """Make an initializer of a dict of values and a function that makes a dict of actions.

    Args:
        initial: The values.
        create: Called as an initializer is; where both name a key, its value is taken.

    Returns:
        An initializer, for ``create_store`` or another middleware.

    Raises:
        TypeError: If ``create`` is not a function.
    """
    require_function("create", create)
    return lambda *given: {**initial, **create(*given)}
