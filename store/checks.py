"""What is refused before it does harm: no function, a class, what would have to be awaited."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeGuard

import attrs


def is_function(value: object) -> TypeGuard[Callable[..., Any]]:
    """Tell a function from a state: an attrs instance is a state even if it can be called."""
    return callable(value) and not attrs.has(type(value))


def require_function(role: str, value: object) -> None:
    """Refuse a value that cannot be called."""
    if not callable(value):
        # The value is not shown: it may be a state, and that may hold a token.
        raise TypeError(f"{role} must be a function, not {type(value).__name__}")


def require_initializer(value: object) -> None:
    """Refuse what cannot make a first state: the state itself, say, or its class."""
    refuse_class(value)
    if not is_function(value):
        raise TypeError(
            "initializer must be a function (set_state, get_state, store) -> state, not an "
            f"instance of {type(value).__name__}; wrap a state in one: lambda *_: state"
        )


def refuse_class(value: object) -> None:
    """Refuse a class where a state, or a function that makes one, was meant."""
    if isinstance(value, type):
        raise TypeError(
            f"a store begins with a state, and {value.__name__} is a class: pass an instance of "
            f"it, or, to a middleware, lambda *_: {value.__name__}()"
        )


def refuse_coroutine_function(listener: object) -> None:
    """Refuse a listener whose call would only make a coroutine that is never awaited."""
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


def refuse_coroutine(value: object) -> None:
    """Refuse a state that has to be awaited first, as an async updater returns it."""
    if inspect.iscoroutine(value):
        value.close()  # or Python warns that it was never awaited
        raise TypeError(
            f"the coroutine of {value.__qualname__} cannot be a state, and a store awaits nothing; "
            "await first, and set then: value = await ...; "
            "store.set_state(lambda state: {...})"
        )


@contextmanager
def needs_extra(library: str, extra: str, user: str) -> Iterator[None]:
    """Name the extra to install where an import in this block does not find its library."""
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name != library:
            raise  # the library is there, and broken
        problem = f"{user} needs {library}: install zustax[{extra}]"
        raise ImportError(problem, name=library) from None
