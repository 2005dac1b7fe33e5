"""One handler of an interceptor: what it traces, what it does, how it ends."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import attrs
from zustax.transport import RequestConfig, RequestError, Response

from .conditions import holds
from .functions import RaisedError
from .values import encode

if TYPE_CHECKING:
    from .steps import Steps


@attrs.frozen
class Handler:
    """A handler as the vectors describe it.

    Args:
        described: Its ``async``, ``do`` and ``then``.
        name: The name of its interceptor.
        use: ``"request"`` or ``"response"``.
        role: ``"fulfilled"`` or ``"rejected"``.
        steps: The running program.
    """

    described: dict[str, Any]
    name: str
    use: str
    role: str
    steps: Steps

    @property
    def waits(self) -> bool:
        """Whether it waits for something, so that it has to be a coroutine function."""
        text = json.dumps(self.described)
        return bool(self.described.get("async")) or "redispatch" in text or "call" in text

    async def handle(self, value: Any) -> Any:
        """Handle what the chain passes on: a config, a response, an error, or any value."""
        if (self.use, self.role) == ("request", "fulfilled"):
            self.steps.latest_config = value
        self.steps.trace.append(self._entry(value))
        if self.described.get("async"):
            await asyncio.sleep(0)
        for action in self.described.get("do", ()):
            await self._act(action, value)
        return await self._end(self.described.get("then", {}), value)

    def _entry(self, value: Any) -> dict[str, Any]:
        entry = {"at": f"{self.name}:{self.use}:{self.role}", **self._given(value)}
        config = _config_of(value)
        if config is None:
            return entry
        if self.role == "fulfilled" or self.use == "response":
            entry |= {"method": config.method.lower(), "url": config.url}
        if "tag" in config.extra:
            entry["tag"] = config.extra["tag"]
        return entry

    def _given(self, value: Any) -> dict[str, Any]:
        match value:
            case RequestError():
                return {"error": {"code": value.code, "status": value.status}}
            case Exception():
                return {"raised": str(value)}
            case RequestConfig() if self.use == "request":
                return {"mark": value.headers.get("x-mark")}
            case Response():
                return {"status": value.status}
        return {"value": encode(value)}

    async def _act(self, action: list[Any], value: Any) -> None:
        match action:
            case ["use", step]:
                self.steps.use(step)
            case ["eject", name]:
                self.steps.eject(name)
            case ["clear", use]:
                self.steps.clear(use)
            case ["abort"]:
                self.steps.world.controller.abort()
            case ["call", call]:
                await self.steps.world.call(call)
            case ["data", data]:
                if isinstance(value, Response):
                    value.data = data
            case _:
                config = _config_of(value)
                if config is not None:
                    self._change(config, action)

    def _change(self, config: RequestConfig, action: list[Any]) -> None:
        match action:
            case ["header", name, value]:
                config.headers[name] = value
            case ["unheader", name]:
                config.headers.pop(name, None)
            case ["mark", mark]:
                config.headers["x-mark"] = config.headers.get("x-mark", "") + mark
            case ["set", field, value]:
                setattr(config, field, self.steps.world.decode(value, field))
            case _:
                raise ValueError(f"unknown action: {action}")

    async def _end(self, end: dict[str, Any], value: Any) -> Any:
        world, config = self.steps.world, _config_of(value)
        match end:
            case {"return": result}:
                return result
            case {"return_data": True}:
                return value.data
            case {"return_response": True} if getattr(value, "response", None) is not None:
                return value.response
            case {"return_config": True}:
                return self.steps.latest_config
            case {"evolve": changes} if config is not None:
                return attrs.evolve(config, **world.decode(changes))
            case {"raise": text}:
                raise RaisedError(text)
            case {"if": condition}:
                branch = "then" if holds(condition, value) else "else"
                return await self._end(end.get(branch, {}), value)
            case {"redispatch": times} if config is not None and _tries(config) < times:
                config.extra = {**config.extra, "tries": _tries(config) + 1}
                return await world.mode.settle(world.api(config))
        if self.role == "rejected":
            raise value
        return value


def _config_of(value: Any) -> RequestConfig | None:
    """The config that a handler was given, or that belongs to what it was given."""
    config = value if isinstance(value, RequestConfig) else getattr(value, "config", None)
    return config if isinstance(config, RequestConfig) else None


def _tries(config: RequestConfig) -> int:
    tries: int = config.extra.get("tries", 0)
    return tries
