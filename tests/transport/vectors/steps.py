"""Programs with interceptors: their steps, in order."""

from __future__ import annotations

import json
from typing import Any

from .conditions import run_when
from .handlers import Handler
from .world import World


class Steps:
    """Runs the steps of a program.

    Args:
        world: The instance they run on.

    Attributes:
        ids: ``[name, number]`` of each interceptor that a step registered.
        trace: An entry for each call step, and for each handler that ran.
        outcomes: What came of the call steps.
        latest_config: What the latest fulfilled handler of a request was given.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self.ids: list[list[Any]] = []
        self.trace: list[dict[str, Any]] = []
        self.outcomes: list[dict[str, Any]] = []
        self.latest_config: Any = None
        self._numbers: dict[str, tuple[str, int]] = {}

    async def run(self, steps: list[dict[str, Any]]) -> None:
        """Run them all."""
        self.world.every_call_has_a_signal = '["abort"]' in json.dumps(steps)
        for step in steps:
            await self._run(step)

    def use(self, step: dict[str, Any]) -> int:
        """Register an interceptor; returns its number."""
        name, use = step["name"], step["use"]
        handlers = [self._handler(step, role) for role in ("fulfilled", "rejected")]
        options: dict[str, Any] = {}
        if "synchronous" in step:
            options["synchronous"] = step["synchronous"]
        if "run_when" in step:
            options["run_when"] = run_when(step["run_when"])
        number: int = self._manager(use).use(*handlers, **options)
        self._numbers[name] = (use, number)
        return number

    def eject(self, name: str) -> None:
        """Remove the interceptor that was registered under this name."""
        use, number = self._numbers[name]
        self._manager(use).eject(number)

    def clear(self, use: str) -> None:
        """Remove all interceptors of one kind."""
        self._manager(use).clear()

    async def _run(self, step: dict[str, Any]) -> None:
        match step:
            case {"use": _, "name": name}:
                self.ids.append([name, self.use(step)])
            case {"eject": name}:
                self.eject(name)
            case {"eject_id": number, "on": use}:
                self._manager(use).eject(number)
            case {"clear": use}:
                self.clear(use)
            case {"derive": options}:
                self.world.derive(options)
            case {"call": call}:
                self.trace.append({"at": "call"})
                self.outcomes.append(await self.world.outcome(call))
            case _:
                raise ValueError(f"unknown step: {step}")

    def _manager(self, use: str) -> Any:
        return getattr(self.world.api.interceptors, use)

    def _handler(self, step: dict[str, Any], role: str) -> Any:
        described = step.get(role)
        if described is None:
            return None
        handler = Handler(described, step["name"], step["use"], role, self)
        return self.world.mode.handler(handler.handle, waits=handler.waits)
