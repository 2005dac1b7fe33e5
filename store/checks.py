"""What is refused before it does harm: no function, a class, what would have to be awaited."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FunctionType, MethodType
from typing import Any, TypeGuard

from .merge_state import field_names


def is_function(value: object) -> TypeGuard[Callable[..., Any]]:
    """Return True for a function; an instance with fields is a state, even if it can be called."""
    return callable(value) and field_names(type(value)) is None


def require_function(role: str, value: object) -> None:
    """Refuse a value that cannot be called."""
    if not callable(value):
        # The value is not shown: it may be a state, and that may hold a token.
        raise TypeError(f"{role} must be a function, not {type(value).__name__}")


def fitted(role: str, callback: Any, *offered: str) -> Callable[..., Any]:
    """Return a function that can be called with all that is offered, as any in JavaScript can."""
    require_function(role, callback)
    taken = _taken(callback, len(offered))
    if taken is None:
        raise TypeError(
            f"{role} is called with {len(offered)} positional arguments "
            f"({', '.join(offered)}), and {describe(callback)} needs others or more"
        )
    if taken == len(offered):
        function: Callable[..., Any] = callback
        return function
    if taken == 1:
        return lambda first, *_: callback(first)
    return lambda *given: callback(*given[:taken])


def _taken(callback: Any, offered: int) -> int | None:
    """Return how many of the offered arguments a callback takes, None if it needs others."""
    function = callback.__func__ if isinstance(callback, MethodType) else callback
    if type(function) is FunctionType and not function.__dict__:  # in a tenth of the time
        code = function.__code__
        if not code.co_kwonlyargcount:
            most = code.co_argcount - (function is not callback)
            least = most - len(function.__defaults__ or ())
            if code.co_flags & inspect.CO_VARARGS:
                most = offered
            return min(most, offered) if least <= offered else None
    try:
        signature = inspect.signature(callback)
    except (ValueError, TypeError):  # as of some built-in functions
        return offered
    for taken in range(offered, -1, -1):
        with suppress(TypeError):
            signature.bind(*range(taken))
            return taken
    return None


def describe(callback: Any) -> str:
    """Name a function; its ``repr`` may show what is bound to it, and that may be a secret."""
    return str(getattr(callback, "__qualname__", type(callback).__name__))


def fitted_initializer(value: object) -> Callable[..., Any]:
    """Refuse what cannot make a first state: the state itself, say; and fit what can."""
    refuse_class(value)
    if not is_function(value):
        raise TypeError(
            "initializer must be a function (set_state, get_state, store) -> state, not an "
            f"instance of {type(value).__name__}; wrap a state in one: lambda *_: state"
        )
    return fitted("initializer", value, "set_state", "get_state", "store")


def refuse_class(value: object) -> None:
    """Refuse a class where a state, or a function that makes one, was meant."""
    if isinstance(value, type):
        raise TypeError(
            f"a store begins with a state, and {value.__name__} is a class: pass an instance of "
            f"it, or, to a middleware, lambda *_: {value.__name__}()"
        )


def refuse_coroutine_function(callback: object, role: str = "listener") -> None:
    """Refuse a callback whose call would only make a coroutine that is never awaited."""
    function = callback
    while isinstance(function, functools.partial):
        function = function.func
    call = getattr(type(function), "__call__", None)  # noqa: B004 (not whether it is there)
    if inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(call):
        if role != "listener":
            raise TypeError(f"{role} must be a plain function, and {describe(callback)} is async")
        raise TypeError(
            f"listener {describe(callback)} is a coroutine function, and a store awaits nothing; "
            "subscribe a plain function that starts it: "
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
