"""Storages that do as a test says."""

import asyncio
from collections.abc import Callable

import attrs
from zustax.store import MemoryStorage


class AsyncStorage:
    """An asynchronous storage whose calls wait while it is held."""

    def __init__(self, items: dict[str, str] | None = None) -> None:
        self.items = dict(items or {})
        self.calls: list[str] = []
        self.errors: list[Exception] = []
        self.gate = asyncio.Event()
        self.gate.set()

    def hold(self) -> None:
        self.gate.clear()

    def release(self) -> None:
        self.gate.set()

    async def get_item(self, name: str) -> str | None:
        text = self.items.get(name)
        await self._call("get")
        return text

    async def set_item(self, name: str, value: str) -> None:
        await self._call("set")
        self.items[name] = value

    async def remove_item(self, name: str) -> None:
        await self._call("remove")
        self.items.pop(name, None)

    async def _call(self, method: str) -> None:
        self.calls.append(method)
        await self.gate.wait()
        if self.errors:
            raise self.errors.pop(0)


class FailingStorage:
    """A storage none of whose methods works."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def get_item(self, name: str) -> str | None:
        raise self.error

    def set_item(self, name: str, value: str) -> None:
        raise self.error

    def remove_item(self, name: str) -> None:
        raise self.error


@attrs.define(eq=False)
class Shared:
    """A text that several programs share; what one changes the others are told when a test says."""

    text: str | None = None
    views: list["View"] = attrs.field(factory=list)

    def view(self) -> "View":
        self.views.append(View(self))
        return self.views[-1]

    def change(self, text: str | None, by: "View | None" = None) -> None:
        self.text = text
        for view in self.views:
            if view is not by:
                view.notices += 1

    def deliver(self) -> None:
        """Tell everybody of the changes of the others until nobody changes anything more."""
        for _ in range(20):
            if not any(view.notices for view in self.views):
                return
            for view in self.views:
                view.deliver()
        raise AssertionError("the programs answer one another for ever")


@attrs.define(eq=False)
class View:
    """What one program sees of a shared text, as a storage."""

    shared: Shared
    notices: int = 0
    reads: int = 0
    writes: int = 0
    callbacks: list[Callable[[], object]] = attrs.field(factory=list)
    after_read: Callable[[], object] = lambda: None
    before_write: Callable[[], object] = lambda: None

    def get_item(self, name: str) -> str | None:
        self.reads += 1
        text = self.shared.text
        self.after_read()
        return text

    def set_item(self, name: str, value: str) -> None:
        self.before_write()
        self.writes += 1
        self.shared.change(value, by=self)

    def remove_item(self, name: str) -> None:
        self.shared.change(None, by=self)

    def subscribe(self, name: str, callback: Callable[[], object]) -> Callable[[], None]:
        self.callbacks.append(callback)
        return lambda: self.callbacks.remove(callback)

    def deliver(self) -> None:
        self.notices = 0
        for callback in list(self.callbacks):
            callback()


class Unsteady(MemoryStorage):
    """A storage that cannot be read, or written, for a while."""

    def __init__(self, items: dict[str, str] | None = None) -> None:
        super().__init__(items)
        self.is_readable = self.is_writable = True
        self.writes = 0

    def get_item(self, name: str) -> str | None:
        if not self.is_readable:
            raise OSError("connection refused")
        return super().get_item(name)

    def set_item(self, name: str, value: str) -> None:
        if not self.is_writable:
            raise OSError("no space left on device")
        self.writes += 1
        super().set_item(name, value)


class Notifying(MemoryStorage):
    """A storage in which another process changes something when a test says."""

    def __init__(self) -> None:
        super().__init__()
        self.callbacks: list[Callable[[], object]] = []

    def subscribe(self, name: str, callback: Callable[[], object]) -> Callable[[], None]:
        self.callbacks.append(callback)
        return lambda: self.callbacks.remove(callback)

    def notify(self) -> None:
        for callback in list(self.callbacks):
            callback()
