"""The programs, and one of them from start to comparison."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any, TypeVar

from .echo import EchoServers
from .families import OBSERVERS
from .modes import Asynchronous, Mode
from .values import Placeholders
from .world import World

T = TypeVar("T")

#: Seconds that a program may take. The slowest wait for an answer that comes after 1.5.
BOUND = 5.0

_FILE = Path(__file__).parents[2] / "vectors" / "transport.json"


def programs(*families: str) -> Iterator[dict[str, Any]]:
    """The programs of these families."""
    for program in json.loads(_FILE.read_text(encoding="utf-8"))["programs"]:
        if program["family"] in families:
            yield program


def runs_under(mode: Mode, program: dict[str, Any]) -> bool:
    """Whether a program is meant for this kind of instance: some need handlers that wait."""
    needs_async = program.get("async_only") or '"async": true' in json.dumps(program)
    return isinstance(mode, Asynchronous) or not needs_async


def observed(mode: Mode, program: dict[str, Any], servers: EchoServers) -> dict[str, Any]:
    """Run a program; gives what came of it, of all that the program expects something of.

    Raises:
        TimeoutError: It hangs.
    """
    placeholders = Placeholders(servers.hosts)
    ready = placeholders.put_in(program)
    script = servers.play(ready.get("server", ()))
    came = _bounded(lambda: mode.run(_run(World(mode), ready)))
    came["arrived"] = [request.record(tuple(program.get("see", ()))) for request in script.arrived]
    return _expected_part(placeholders.put_back(came), program["expect"])


async def _run(world: World, program: dict[str, Any]) -> dict[str, Any]:
    try:
        return await OBSERVERS[program["family"]](world, program)
    finally:
        await world.close()


def _bounded(function: Callable[[], T]) -> T:
    """Call a function in a thread of its own, which is left behind if it hangs."""
    result: Future[T] = Future()

    def run() -> None:
        try:
            result.set_result(function())
        except BaseException as error:
            result.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return result.result(BOUND)


def _expected_part(came: dict[str, Any], expected: dict[str, Any]) -> dict[str, Any]:
    """``came`` without what is left open: whatever ``expected``, or an error in it, lacks."""
    part = _common(came, expected)
    if "json" in part:
        part["json"] = _common(part["json"], expected["json"])
    if "outcome" in part:
        part["outcome"] = _expected_outcome(part["outcome"], expected["outcome"])
    if "outcomes" in part:
        part["outcomes"] = [
            _expected_outcome(outcome, expected_outcome)
            for outcome, expected_outcome in zip(
                part["outcomes"], expected["outcomes"], strict=True
            )
        ]
    return part


def _expected_outcome(came: dict[str, Any], expected: dict[str, Any]) -> dict[str, Any]:
    if "error" in came and "error" in expected:
        return {"error": _common(came["error"], expected["error"])}
    return came


def _common(came: dict[str, Any], expected: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in came.items() if key in expected}
