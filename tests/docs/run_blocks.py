"""Runs blocks of code one after the other in one namespace, in a process of their own.

Reads `[page, [code, ...]]` as JSON, and writes what each block has printed as JSON.
"""

import contextlib
import io
import json
import sys
from typing import Any


def main() -> None:
    page, blocks = json.load(sys.stdin)
    namespace: dict[str, Any] = {"__name__": "__main__"}
    printed: list[str] = []
    for code in blocks:
        with contextlib.redirect_stdout(io.StringIO()) as output:
            exec(compile(code, page, "exec"), namespace)
        printed.append(output.getvalue())
    json.dump(printed, sys.stdout)


if __name__ == "__main__":
    main()
