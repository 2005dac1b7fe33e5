"""Clients that make requests in the background, so that one test serves both kinds of instance.

client = AsyncClient.create(base_url=server.url)  # tasks of an event loop in a thread
client = SyncClient.create(base_url=server.url)   # a thread for each request
client = AiohttpClient.create(...); client = Httpx2Client.create(...)   # tasks, another library

call = client.start(lambda api: api.get("/items"))
...
call.response().status
client.close()
"""

from __future__ import annotations

import ssl
import threading
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from typing import Any, Self

import httpx2
from zustax.transport import Instance, RequestError, Response, SyncInstance, create, create_sync

from .loops import LoopThread
from .waiting import BOUND

Send = Callable[[Any], Any]

#: For clients that are handed in: to read all certificates takes longer than most tests.
TLS = ssl.create_default_context()


class Call:
    """A request under way, or what became of it.

    Attributes:
        outcome: What it gives or raises.
    """

    def __init__(self) -> None:
        self.outcome: Future[Any] = Future()

    @property
    def is_done(self) -> bool:
        """Whether it has come to an end."""
        return self.outcome.done()

    def result(self, bound: float = BOUND) -> Any:
        """Wait for what it gives; raises what it raised."""
        return self.outcome.result(bound)

    def response(self, bound: float = BOUND) -> Response:
        """Wait for the response; raises what the request raised."""
        response = self.result(bound)
        assert isinstance(response, Response)
        return response

    def failure(self, bound: float = BOUND) -> BaseException:
        """Wait until it has failed, and give the exception.

        Raises:
            AssertionError: It has succeeded.
        """
        failure = self.outcome.exception(bound)
        if failure is None:
            raise AssertionError(f"it succeeded with {self.outcome.result()!r}")
        return failure

    def error(self, bound: float = BOUND) -> RequestError:
        """Wait until it has failed with a `RequestError`; any other exception is raised."""
        failure = self.failure(bound)
        if not isinstance(failure, RequestError):
            raise failure
        return failure


class TaskCall(Call):
    """A request that is a task."""

    def __init__(self, loop: LoopThread, send: Callable[[], Awaitable[Any]]) -> None:
        super().__init__()
        self._send = send
        self._cancel = loop.start(self._carry_out)

    def cancel(self) -> None:
        """Cancel its task."""
        self._cancel()

    async def _carry_out(self) -> None:
        try:
            self.outcome.set_result(await self._send())
        except BaseException as error:
            self.outcome.set_exception(error)


class ThreadCall(Call):
    """A request that has a thread."""

    def __init__(self, send: Callable[[], Any]) -> None:
        super().__init__()
        self._send = send
        threading.Thread(target=self._carry_out, name="request", daemon=True).start()

    def _carry_out(self) -> None:
        try:
            self.outcome.set_result(self._send())
        except BaseException as error:
            self.outcome.set_exception(error)


class Client(ABC):
    """Makes requests with one instance."""

    is_async: bool
    _is_closed = False

    @classmethod
    @abstractmethod
    def create(cls, **options: Any) -> Self:
        """A client with an instance of its kind.

        Args:
            **options: For ``create`` of zustax. An HTTP client that is handed over here is closed
                with this one.
        """

    @abstractmethod
    def beside(self, **options: Any) -> Self:
        """Another client with another instance, in the same event loop. Close it first."""

    @property
    @abstractmethod
    def api(self) -> Instance | SyncInstance:
        """The instance."""

    @abstractmethod
    def start(self, send: Send) -> Call:
        """Start a request; ``send`` is given the instance."""

    def close(self) -> None:
        """Close the instance, which lets a refresh that is running end; again does nothing."""
        if not self._is_closed:
            self._is_closed = True
            self._close()

    def call(self, send: Send) -> Any:
        """Do what ``send`` says, and wait for what it gives."""
        return self.start(send).result()

    @abstractmethod
    def _close(self) -> None: ...


class AsyncClient(Client):
    """Makes requests as tasks.

    Args:
        api: The instance.
        loop: The loop for it, which outlives the client. Default: a new one, which is closed with
            the client and must be empty by then.
        http_client: The HTTP client of the instance, to be closed with this one. Default: the
            instance has made its own.
    """

    is_async = True

    def __init__(
        self, api: Instance, loop: LoopThread | None = None, http_client: Any = None
    ) -> None:
        self._api = api
        self._http_client = http_client
        self._loop = loop or LoopThread()
        self._owns_loop = loop is None

    @classmethod
    def create(cls, **options: Any) -> Self:
        options = cls.completed(options)
        return cls(create(**options), http_client=options.get("client"))

    def beside(self, **options: Any) -> Self:
        options = self.completed(options)
        return type(self)(create(**options), self._loop, options.get("client"))

    @classmethod
    def completed(cls, options: dict[str, Any]) -> dict[str, Any]:
        """The options for ``create``, with what makes an instance of this kind."""
        return options

    @property
    def api(self) -> Instance:
        return self._api

    def start(self, send: Send) -> TaskCall:
        return TaskCall(self._loop, lambda: send(self._api))

    def _close(self) -> None:
        self.call(lambda api: api.aclose())
        if self._http_client is not None:
            self.call(lambda _api: self._http_client.aclose())
        if self._owns_loop:
            self._loop.close()


class AiohttpClient(AsyncClient):
    """Makes requests as tasks, with aiohttp."""

    @classmethod
    def completed(cls, options: dict[str, Any]) -> dict[str, Any]:
        return options if "client" in options else {"adapter": "aiohttp", **options}


class Httpx2Client(AsyncClient):
    """Makes requests as tasks, with a client of httpx2 that is handed in."""

    @classmethod
    def completed(cls, options: dict[str, Any]) -> dict[str, Any]:
        if "client" in options:
            return options
        return {"client": httpx2.AsyncClient(verify=TLS), **options}


class SyncClient(Client):
    """Makes requests in a thread each.

    Args:
        api: The instance.
        http_client: The HTTP client of the instance, to be closed with this one. Default: the
            instance has made its own.
    """

    is_async = False

    def __init__(self, api: SyncInstance, http_client: Any = None) -> None:
        self._api = api
        self._http_client = http_client

    @classmethod
    def create(cls, **options: Any) -> Self:
        return cls(create_sync(**options), options.get("client"))

    def beside(self, **options: Any) -> Self:
        return self.create(**options)

    @property
    def api(self) -> SyncInstance:
        return self._api

    def start(self, send: Send) -> ThreadCall:
        return ThreadCall(lambda: send(self._api))

    def _close(self) -> None:
        self.call(lambda api: api.close())
        if self._http_client is not None:
            self._http_client.close()
