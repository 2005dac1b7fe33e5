"""The file itself, and a program of it from start to comparison."""

import asyncio
import json
from pathlib import Path

from .persistence import CountingLoop
from .program import Program
from .values import Json, decode, plain

_FILE = Path(__file__).parents[2] / "vectors" / "store.json"
_PROGRAMS: list[Json] = json.loads(_FILE.read_text(encoding="utf-8"))["programs"]


def of_families(*names: str) -> list[Json]:
    return [program for program in _PROGRAMS if program["family"] in names]


def name_of(program: Json) -> str:
    return str(program["id"])


def assert_same_trace(program: Program) -> None:
    """Run a program, in an event loop only if it needs one, and compare all that it has traced."""
    if program.needs_a_loop:
        with asyncio.Runner(loop_factory=CountingLoop) as runner:
            runner.run(program.run())
    else:
        run_without_a_loop(program)
    model = program.program
    assert_alike(program.trace, model.get("trace", []))
    assert_alike(program.storage_trace, model.get("storage_trace", []))


def run_without_a_loop(program: Program) -> None:
    running = program.run()
    try:
        running.send(None)
    except StopIteration:
        return
    running.close()
    raise AssertionError("a program without an asynchronous storage has waited")


def assert_alike(events: list[Json], model: list[Json]) -> None:
    expected = [plain(decode(event)) for event in model]
    happened = [plain(event) for event in events]
    for event, expectation in zip(happened, expected, strict=False):
        if expectation[-1] == "*" and isinstance(event[-1], str):
            event[-1] = "*"  # an error in a parser's own words
    assert happened == expected
