"""Runs blocks of code one after the other in one namespace, in a process of their own.

Reads `[page, [[code, in_coroutine], ...]]` as JSON, and writes what each block has printed as JSON.
Code that stands in a coroutine may await, and finds an event loop that runs.
"""

import ast
import asyncio
import contextlib
import inspect
import io
import json
import sys
from types import CodeType
from typing import Any


def main() -> None:
    page, blocks = json.load(sys.stdin)
    namespace: dict[str, Any] = {"__name__": "__main__"}
    printed: list[str] = []
    with contextlib.closing(asyncio.Runner()) as runner:
        for code, in_coroutine in blocks:
            with contextlib.redirect_stdout(io.StringIO()) as output:
                if in_coroutine:
                    flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
                    runner.run(run(compile(code, page, "exec", flags), namespace))
                else:
                    exec(compile(code, page, "exec"), namespace)
            printed.append(output.getvalue())
    json.dump(printed, sys.stdout)


async def run(code: CodeType, namespace: dict[str, Any]) -> None:
    awaited = eval(code, namespace)
    if inspect.iscoroutine(awaited):
        await awaited


if __name__ == "__main__":
    main()
