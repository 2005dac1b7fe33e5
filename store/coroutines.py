"""Write once what runs with plain and with asynchronous functions of a user or a library."""

from __future__ import annotations

from collections.abc import Coroutine
from inspect import isawaitable
from typing import Any, TypeVar

T = TypeVar("T")


async def maybe_await(result: Any) -> Any:
    """Return what a function returned, or, if that is awaitable, what it comes to."""
    return await result if isawaitable(result) else result


def run_plain(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end that has only plain functions to call, so that it never waits."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        result: T = end.value
        return result
    coroutine.close()
    raise RuntimeError("a plain function was expected, and an awaitable was returned")
