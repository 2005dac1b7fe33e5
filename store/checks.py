"""What is a function: to a change, to a subscription, and to a listener's."""

import functools
import inspect
from collections.abc import Callable
from typing import Any, TypeGuard

import attrs


def is_function(value: object) -> TypeGuard[Callable[..., Any]]:
    """Tell a function from a state: an attrs instance is a state even if it can be called."""
    return callable(value) and not attrs.has(type(value))


def require_function(role: str, value: object) -> None:
    """Refuse a value that cannot be called.

    Args:
        role: What the value was given as, for the message.
        value: The value to check.

    Raises:
        TypeError: If `value` is not callable.
    """
    if not callable(value):
        raise TypeError(f"{role} must be a function, not {value!r}")


def refuse_coroutine_function(listener: object) -> None:
    """Refuse a listener whose call would only make a coroutine that nobody awaits.

    Args:
        listener: The listener to check.

    Raises:
        TypeError: If `listener` is a coroutine function, an object with an async `__call__`, or a
            `functools.partial` of either.
    """
    function = listener
    while isinstance(function, functools.partial):
        function = function.func
    call = getattr(type(function), "__call__", None)  # noqa: B004 (not whether it is there)
    if inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(call):
        raise TypeError(
            f"listener {listener!r} is a coroutine function, and a store awaits nothing; subscribe "
            "a plain function that starts it: "
            "lambda state, previous: asyncio.create_task(listener(state, previous)), or, where "
            "another thread may set the state, lambda state, previous: "
            "loop.call_soon_threadsafe(lambda: asyncio.create_task(listener(state, previous)))"
        )
