"""Cut zustax's own frames out of what it raises: crash reports print their local variables."""

from __future__ import annotations

import functools
import inspect
import logging
from collections.abc import Callable
from traceback import format_exception
from types import TracebackType
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])

_log = logging.getLogger("zustax")

_PACKAGE = __name__.rpartition(".")[0]
_GENERATED = ("<attrs generated", "<zustax ")


def cut_frames(error: BaseException) -> None:
    """Leave only the frames of callers in the tracebacks of an error and of all it came from."""
    seen: set[int] = set()
    pending: list[BaseException | None] = [error]
    while pending:
        one = pending.pop()
        if one is not None and id(one) not in seen:
            seen.add(id(one))
            one.__traceback__ = _without_ours(one.__traceback__)
            pending += (one.__cause__, one.__context__)
            pending += one.exceptions if isinstance(one, BaseExceptionGroup) else ()


def cuts_frames(function: F) -> F:
    """Let a public function raise without a frame of zustax."""
    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def call_async(*args: Any, **options: Any) -> Any:
            try:
                return await function(*args, **options)
            except BaseException as error:
                cut_frames(error)
                raise

        return call_async  # type: ignore[return-value]

    @functools.wraps(function)
    def call(*args: Any, **options: Any) -> Any:
        try:
            return function(*args, **options)
        except BaseException as error:
            cut_frames(error)
            raise

    return call  # type: ignore[return-value]


def log_error(what: str, error: BaseException) -> None:
    """Log an error with its traceback as text: handlers that keep records keep no state alive."""
    cut_frames(error)
    _log.error("%s: %s\n%s", what, str(error), "".join(format_exception(error)))


def _without_ours(traceback: TracebackType | None) -> TracebackType | None:
    kept: list[TracebackType] = []
    while traceback is not None:
        module = str(traceback.tb_frame.f_globals.get("__name__", ""))
        file = traceback.tb_frame.f_code.co_filename
        if not f"{module}.".startswith(f"{_PACKAGE}.") and not file.startswith(_GENERATED):
            kept.append(traceback)
        traceback = traceback.tb_next
    result: TracebackType | None = None
    for one in reversed(kept):
        result = TracebackType(result, one.tb_frame, one.tb_lasti, one.tb_lineno)
    return result
