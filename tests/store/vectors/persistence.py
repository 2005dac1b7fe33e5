"""A program whose store is persisted."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Coroutine
from contextvars import Context
from typing import Any, TypeVarTuple

from zustax.store import persist

from .functions import Function
from .program import Program
from .storages import AsyncVectorStorage, VectorStorage
from .values import Json, VectorError, decode

Ts = TypeVarTuple("Ts")


class CountingLoop(asyncio.SelectorEventLoop):
    """An event loop that counts what is scheduled, to know when nothing moves any more."""

    scheduled = 0

    def call_soon(
        self, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.Handle:
        self.scheduled += 1
        return super().call_soon(callback, *args, context=context)


class PersistProgram(Program):
    """Runs one program with storages."""

    def __init__(self, program: Json) -> None:
        super().__init__(program)
        self.storages = [
            self.make_storage(storage, index)
            for index, storage in enumerate(program.get("storages", []))
        ]
        self.needs_a_loop = program["family"] == "persist_async"
        self.unwaited: dict[int, asyncio.Future[str | None]] = {}
        self.rehydrated = 0

    def make_storage(self, storage: Json, index: int) -> VectorStorage:
        if storage["kind"] == "async":
            return AsyncVectorStorage(storage, index, self.storage_trace)
        return VectorStorage(storage, index, self.trace)

    def wrap_in_persist(self, initializer: Any) -> Any:
        return persist(initializer, **self.options(self.program["persist"]))

    def options(self, given: Json) -> dict[str, Any]:
        makers: dict[str, Function] = {
            "storage": lambda index: self.storages[index],
            "partialize": make_partialize,
            "merge": self.make_merge,
            "migrate": self.make_migrate,
            "on_rehydrate_storage": self.make_on_rehydrate_storage,
        }
        made: dict[str, Any] = {}
        for name, value in given.items():
            make: Function = makers.get(name, decode)
            made[name] = make(value)
        return made

    def make_merge(self, kind: str) -> Function:
        def merge(persisted: Any, current: Any) -> Any:
            self.trace.append(["merge", persisted, current])
            match kind:
                case "persisted_only":
                    return dict(current if persisted is None else persisted)
                case "current_wins":
                    return {**(persisted or {}), **current}
                case "deep":
                    return merged_deeply(current, persisted)
            raise AssertionError(f"unknown merge {kind}")

        return merge

    def make_migrate(self, description: Json) -> Function:
        def migrate(state: Any, version: Any) -> Any:
            self.trace.append(["migrate", state, version])
            if "throw" in description:
                raise VectorError(description["throw"])
            migrated = dict(state or {})
            old, new = description.get("rename", ("", ""))
            if old in migrated:
                migrated[new] = migrated.pop(old)
            return migrated | decode(description.get("put", {}))

        async def migrate_later(state: Any, version: Any) -> Any:
            return migrate(state, version)

        return migrate_later if description.get("async") else migrate

    def make_on_rehydrate_storage(self, names: Json) -> Function:
        def end(state: Any, error: BaseException | None) -> None:
            self.trace.append(["rehydrated", names["end"], state, error and str(error)])
            self.run_script(names["end"])

        def start(state: Any) -> Function | None:
            self.trace.append(["rehydrating", names["start"], state])
            self.run_script(names["start"])
            return end if names["end"] else None

        return start

    def op_rehydrate(self, op: Json) -> Awaitable[None] | None:
        self.rehydrated += 1
        rehydration = self.begin_rehydration()
        if op.get("wait"):
            return self.record_end(self.rehydrated, rehydration)
        self.unwaited[self.rehydrated] = asyncio.ensure_future(rehydration)
        return None

    def begin_rehydration(self) -> Coroutine[Any, Any, str | None]:
        """Rehydrate now; what is returned gives the message of its error, or None, at its end."""
        try:
            end, message = self.store.persist.rehydrate(), None
        except VectorError as error:
            end, message = None, str(error)

        async def outcome() -> str | None:
            try:
                if end is not None:
                    await end
            except VectorError as error:
                return str(error)
            return message

        return outcome()

    async def record_end(self, number: int, rehydration: Awaitable[str | None]) -> None:
        self.trace.append(["rehydrate_done", number, await rehydration])

    async def op_settle(self, op: Json) -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, CountingLoop)
        scheduled = -1
        while loop.scheduled > scheduled + 1:  # this task itself is scheduled once
            scheduled = loop.scheduled
            await asyncio.sleep(0)
        for number, rehydration in sorted(self.unwaited.items()):
            if rehydration.done():
                await self.record_end(number, self.unwaited.pop(number))

    def op_release(self, op: Json) -> None:
        storage = self.storages[op["storage"]]
        assert isinstance(storage, AsyncVectorStorage)
        storage.gate(op["call"]).set()

    def op_has_hydrated(self, op: Json) -> None:
        self.trace.append(["has_hydrated", self.store.persist.has_hydrated()])

    def op_clear_storage(self, op: Json) -> None:
        self.store.persist.clear_storage()

    def op_on_hydrate(self, op: Json) -> None:
        listener = self.state_listener("hydrate", op["listener"])
        self.unsubscribers[op["as"]] = self.store.persist.on_hydrate(listener)

    def op_on_finish_hydration(self, op: Json) -> None:
        listener = self.state_listener("finish", op["listener"])
        self.unsubscribers[op["as"]] = self.store.persist.on_finish_hydration(listener)

    def state_listener(self, event: str, name: str) -> Function:
        if name not in self.functions:

            def listener(state: Any) -> None:
                self.trace.append([event, name, state])
                self.run_script(name)

            self.functions[name] = listener
        return self.functions[name]

    def op_set_options(self, op: Json) -> None:
        self.store.persist.set_options(**self.options(op["options"]))

    def op_get_options(self, op: Json) -> None:
        options = self.store.persist.get_options()
        self.trace.append(["options", options.name, options.version])

    def op_storage_put(self, op: Json) -> None:
        items = self.storages[op["storage"]].items
        if op["text"] is None:
            items.pop(op["name"], None)
        else:
            items[op["name"]] = op["text"]

    def op_storage_dump(self, op: Json) -> None:
        items = self.storages[op["storage"]].items
        parsed = {name: parsed_or_text(text) for name, text in items.items()}
        self.trace.append(["storage", op["storage"], parsed])


def make_partialize(keys: list[str]) -> Function:
    return lambda state: {key: state[key] for key in keys if key in state}


def merged_deeply(current: Any, persisted: Any) -> Any:
    """Merge into a new dict at every depth; None changes nothing."""
    if isinstance(current, dict) and isinstance(persisted, dict | None):
        changes = {
            key: merged_deeply(current[key], value) if key in current else value
            for key, value in (persisted or {}).items()
        }
        return current | changes
    return current if persisted is None else persisted


def parsed_or_text(text: str) -> Json:
    try:
        return json.loads(text)
    except ValueError:
        return {"$": "text", "text": text}
