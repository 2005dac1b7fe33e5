"""The async and the sync instance behind one face, so that a program is interpreted by one code.

The interpreter consists of coroutines. Under `Asynchronous` a loop runs them; under `Synchronous`
nothing in them ever waits, so that a single step takes them to their end.
"""

from __future__ import annotations

import asyncio
import ssl
import threading
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator, Sequence
from typing import Any, Protocol, TypeAlias, TypeVar

import httpx2
from zustax.transport import create, create_sync

T = TypeVar("T")

AsyncHandler: TypeAlias = Callable[[Any], Coroutine[Any, Any, Any]]

#: For every client: to read all certificates takes longer than a program.
_TLS = ssl.create_default_context()


class Timer(Protocol):
    """Something that is going to happen, unless it is cancelled."""

    def cancel(self) -> Any: ...


class Mode(ABC):
    """How instances of one kind are made, called and closed."""

    name: str

    @abstractmethod
    def create(self, options: dict[str, Any]) -> Any:
        """An instance with these options."""

    @abstractmethod
    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine of the interpreter to its end."""

    @abstractmethod
    async def settle(self, result: Any) -> Any:
        """What a call on the instance comes to, given what it returned."""

    @abstractmethod
    async def close(self, api: Any) -> None:
        """Close the instance."""

    @abstractmethod
    def handler(self, handle: AsyncHandler, *, waits: bool) -> Callable[[Any], Any]:
        """A handler for the instance; ``waits`` says that it may wait for something."""

    @abstractmethod
    def iterator(self, pieces: Sequence[bytes]) -> Any:
        """A one-shot iterator, as a body."""

    @abstractmethod
    def after(self, seconds: float, action: Callable[[], Any]) -> Timer:
        """Do something later."""


class Asynchronous(Mode):
    """`zustax.transport.create`."""

    name = "async"

    def create(self, options: dict[str, Any]) -> Any:
        return create(**options)

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return asyncio.run(coroutine)

    async def settle(self, result: Awaitable[Any]) -> Any:
        return await result

    async def close(self, api: Any) -> None:
        await api.aclose()

    def handler(self, handle: AsyncHandler, *, waits: bool) -> Callable[[Any], Any]:
        return handle if waits else _plain(handle)

    async def iterator(self, pieces: Sequence[bytes]) -> AsyncIterator[bytes]:
        for piece in pieces:
            yield piece

    def after(self, seconds: float, action: Callable[[], Any]) -> Timer:
        return asyncio.get_running_loop().call_later(seconds, action)


class WithAiohttp(Asynchronous):
    """`zustax.transport.create` with aiohttp."""

    name = "aiohttp"

    def create(self, options: dict[str, Any]) -> Any:
        completed: dict[str, Any] = {"adapter": "aiohttp", **options}
        return create(**completed)


class WithHttpx2(Asynchronous):
    """`zustax.transport.create` with a client of httpx2 that is handed in."""

    name = "httpx2"

    def __init__(self) -> None:
        self._clients: list[httpx2.AsyncClient] = []

    def create(self, options: dict[str, Any]) -> Any:
        self._clients.append(httpx2.AsyncClient(verify=_TLS))
        return create(client=self._clients[-1], **options)

    async def close(self, api: Any) -> None:
        await super().close(api)
        while self._clients:
            await self._clients.pop().aclose()


class Synchronous(Mode):
    """`zustax.transport.create_sync`."""

    name = "sync"

    def create(self, options: dict[str, Any]) -> Any:
        return create_sync(**options)

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return _finish(coroutine)

    async def settle(self, result: Any) -> Any:
        return result

    async def close(self, api: Any) -> None:
        api.close()

    def handler(self, handle: AsyncHandler, *, waits: bool) -> Callable[[Any], Any]:
        return _plain(handle)

    def iterator(self, pieces: Sequence[bytes]) -> Iterator[bytes]:
        yield from pieces

    def after(self, seconds: float, action: Callable[[], Any]) -> Timer:
        timer = threading.Timer(seconds, action)
        timer.start()
        return timer


MODES: tuple[Mode, ...] = (Asynchronous(), Synchronous(), WithHttpx2(), WithAiohttp())


def _plain(handle: AsyncHandler) -> Callable[[Any], Any]:
    return lambda value: _finish(handle(value))


def _finish(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine that never waits.

    Raises:
        RuntimeError: It waits.
    """
    try:
        coroutine.send(None)
    except StopIteration as end:
        return end.value  # type: ignore[no-any-return]
    coroutine.close()
    raise RuntimeError(f"{coroutine!r} waits for something, which only an async one may")
