"""Storages that write down how they are called, fail on demand, and can hold back an answer."""

import asyncio
import json
from typing import Any

from .values import Json, VectorError


class VectorStorage:
    """A storage of which all calls are written to a trace."""

    def __init__(self, description: Json, index: int, trace: list[list[Any]]) -> None:
        self.items: dict[str, str] = dict(description["items"])
        self.index = index
        self.trace = trace
        self.failures: dict[str, list[int]] = description.get("fail", {})
        self.calls = {"get": 0, "set": 0, "remove": 0}

    def get_item(self, name: str) -> Any:
        self.begin("get", name)
        return self.items.get(name)

    def set_item(self, name: str, value: str) -> Any:
        self.begin("set", name, json.loads(value))
        self.items[name] = value

    def remove_item(self, name: str) -> Any:
        self.begin("remove", name)
        self.items.pop(name, None)

    def begin(self, verb: str, *arguments: Any) -> None:
        self.trace.append([f"{verb}_item", self.index, *arguments])
        self.calls[verb] += 1
        if self.calls[verb] in self.failures.get(verb, []):
            raise VectorError(f"{verb}_item failed")


class AsyncVectorStorage(VectorStorage):
    """The same with `async` methods. A value is read when `get_item` begins."""

    def __init__(self, description: Json, index: int, trace: list[list[Any]]) -> None:
        super().__init__(description, index, trace)
        self.holds = bool(description.get("hold"))
        self.released: dict[int, asyncio.Event] = {}

    async def get_item(self, name: str) -> str | None:
        value: str | None = super().get_item(name)
        if self.holds:
            await self.gate(self.calls["get"]).wait()
        return value

    async def set_item(self, name: str, value: str) -> None:
        super().set_item(name, value)

    async def remove_item(self, name: str) -> None:
        super().remove_item(name)

    def gate(self, call: int) -> asyncio.Event:
        return self.released.setdefault(call, asyncio.Event())
