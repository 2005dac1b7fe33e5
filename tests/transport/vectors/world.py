"""The instance that one program runs on, and the calls made on it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from zustax.transport import AbortController

from .calls import begin, outcome
from .modes import Mode
from .values import Decoder


class World:
    """One program's instance.

    Args:
        mode: Which kind of instance.

    Attributes:
        api: The instance, once `open` has made it; after `derive`, the derived one.
        controller: Aborts the call that is running.
        every_call_has_a_signal: Whether calls that say nothing of ``abort`` can be aborted too.
        decode: Turns values of the program into Python's.
    """

    def __init__(self, mode: Mode) -> None:
        self.mode = mode
        self.api: Any = None
        self.controller = AbortController()
        self.every_call_has_a_signal = False
        self.decode = Decoder(mode.iterator, self._default_transforms).decode
        self._opened: list[Any] = []

    def open(self, program: dict[str, Any]) -> None:
        """Make the instance that ``create``, ``defaults`` and ``derive`` of a program describe."""
        self._keep(self.mode.create(self.decode(program["create"])))
        for path, value in program.get("defaults", ()):
            _assign(self.api.defaults, path, value)
        if "derive" in program:
            self.derive(program["derive"])

    def derive(self, options: dict[str, Any]) -> None:
        """Go on with an instance that is derived from this one."""
        self._keep(self.api.create(**self.decode(options)))

    async def close(self) -> None:
        """Close every instance that was made."""
        for api in reversed(self._opened):
            await self.mode.close(api)

    async def call(self, described: dict[str, Any]) -> Any:
        """Make a call; returns or raises what it does."""
        call = self.decode(described)
        options = call.get("config", {})
        controller = AbortController()
        if "abort" in call or self.every_call_has_a_signal:
            options["signal"] = controller.signal
        with self._running(controller, call.get("abort")):
            return await self.mode.settle(begin(self.api, call, options))

    async def outcome(self, call: dict[str, Any]) -> dict[str, Any]:
        """Make a call, and say what came of it."""
        return await outcome(self.call(call), call)

    @contextmanager
    def _running(self, controller: AbortController, abort: float | str | None) -> Iterator[None]:
        outer, self.controller = self.controller, controller
        if abort == "before":
            controller.abort()
        timer = self.mode.after(abort, controller.abort) if isinstance(abort, int | float) else None
        try:
            yield
        finally:
            self.controller = outer
            if timer is not None:
                timer.cancel()
                controller.abort()  # too late: it must not change what came of the call

    def _keep(self, api: Any) -> None:
        self._opened.append(api)
        self.api = api

    def _default_transforms(self, option: str) -> list[Any]:
        transforms = getattr(self.api.defaults, option)
        return [transforms] if callable(transforms) else list(transforms)


def _assign(defaults: Any, path: list[str], value: Any) -> None:
    field, *names = path
    if not names:
        setattr(defaults, field, value)
        return
    target = getattr(defaults, field)
    for name in names[:-1]:
        target = target[name]
    target[names[-1]] = value
