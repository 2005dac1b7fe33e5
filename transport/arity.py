"""Functions of the caller may take fewer arguments than they are offered, as in JavaScript."""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

Function = Callable[..., Any]

_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)

#: How many arguments a function needs, and how many it takes (``None``: any number). It is looked
#: at once, when it is registered or set: to inspect it for each call would be too slow.
_known: WeakKeyDictionary[Function, tuple[float, int | None]] = WeakKeyDictionary()


def check_arity(name: str, function: Function, *offered: str) -> None:
    """Refuse a function that needs more than the arguments called ``offered``."""
    needs, _ = _arity(function)
    if needs > len(offered):
        called = getattr(function, "__qualname__", type(function).__qualname__)
        wanted = "a keyword argument" if needs == math.inf else f"{needs} arguments"
        given = f"{len(offered)} ({', '.join(offered)})"
        raise TypeError(f"{name}: {called} needs {wanted}, and is given {given}")


def call(function: Function, *arguments: Any) -> Any:
    """Call ``function`` with as many of the ``arguments`` as it takes."""
    return function(*arguments[: _arity(function)[1]])


def fitted(name: str, function: Function, *offered: str) -> Function:
    """Return ``function`` as it can be called with all that is offered; see `check_arity`."""
    check_arity(name, function, *offered)
    taken = _arity(function)[1]
    if taken is None or taken >= len(offered):
        return function
    return functools.wraps(function)(lambda *arguments: function(*arguments[:taken]))


def _arity(function: Function) -> tuple[float, int | None]:
    try:
        return _known[function]
    except KeyError:
        arity = _known[function] = _inspected(function)
        return arity
    except TypeError:  # it cannot be hashed, or not be held weakly
        return _inspected(function)


def _inspected(function: Function) -> tuple[float, int | None]:
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):  # written in C, and does not tell
        return 0, None
    required = [each for each in parameters if each.default is each.empty]
    if any(each.kind is each.KEYWORD_ONLY for each in required):
        return math.inf, None
    needs = sum(each.kind in _POSITIONAL for each in required)
    if any(each.kind is each.VAR_POSITIONAL for each in parameters):
        return needs, None
    return needs, sum(each.kind in _POSITIONAL for each in parameters)
