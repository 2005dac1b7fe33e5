"""What recording costs, and what it costs that one could record.

    uv run python -m tests.benchmarks.trace

Calls go through one request and one response interceptor to an adapter that answers at once, so
that nothing but the instance itself is measured. Short blocks alternate: nobody records, somebody
does. The question whether anybody records, which is all that a call costs more while nobody does,
is timed by itself.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from statistics import median
from time import perf_counter
from timeit import timeit
from typing import Any

from zustax.transport import Response, SyncInstance, create_sync, record

BLOCKS = 40
CALLS_PER_BLOCK = 500
QUESTIONS = 1_000_000


def main() -> None:
    api = create_sync(base_url="http://host", adapter=answer)
    api.interceptors.request.use(same)
    api.interceptors.response.use(same)
    silent, recorded = [], []
    for _ in range(BLOCKS):
        silent.append(seconds_per_call(api, nullcontext))
        recorded.append(seconds_per_call(api, lambda: record(api)))
    question = seconds_per_question(api)
    sys.stdout.write(
        f"a call, nobody records       {median(silent) * 1e6:8.2f} us\n"
        f"a call, somebody records     {median(recorded) * 1e6:8.2f} us\n"
        f"asking whether anybody does  {question * 1e6:8.3f} us\n"
    )


def answer(config: Any) -> Response:
    return Response(None, 200, "OK", {}, config)


def same(value: Any) -> Any:
    return value


def seconds_per_call(
    api: SyncInstance, watching: Callable[[], AbstractContextManager[Any]]
) -> float:
    with watching():
        began = perf_counter()
        for _ in range(CALLS_PER_BLOCK):
            api.get("/")
        return (perf_counter() - began) / CALLS_PER_BLOCK


def seconds_per_question(api: SyncInstance) -> float:
    """The time of ``if core.observers``, without that of the loop around it."""

    class Core:
        observers = api.observers

    asked = timeit("if core.observers: pass", globals={"core": Core()}, number=QUESTIONS)
    return (asked - timeit("pass", number=QUESTIONS)) / QUESTIONS


if __name__ == "__main__":
    main()
