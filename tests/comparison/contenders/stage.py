"""What the contenders that are written in Python have in common; it needs nothing but Python."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ClassVar

REFRESH = "/auth/refresh"

#: Seconds in which a program deals with what has arrived.
_PAUSE = 0.05

#: More than any scenario has requests.
_threads = ThreadPoolExecutor(32)

Tokens = dict[str, Any]


class Contender(ABC):
    """One user's program.

    Args:
        url: The server.
        tell: Says that the user must log in.
        timeout: Seconds for a refresh call; ``None``: its default.
    """

    name: ClassVar[str]
    can_cancel: ClassVar[bool] = True

    @abstractmethod
    def __init__(self, url: str, tell: Callable[[str], None], timeout: float | None) -> None: ...

    @abstractmethod
    async def get(self, path: str) -> str:
        """Make a request, and say what became of it."""

    @abstractmethod
    def login(self, tokens: Tokens) -> None:
        """Take what the server has answered to a login."""

    @abstractmethod
    def logout(self) -> None:
        """Hold no tokens any more."""

    @abstractmethod
    def forget_refresh_token(self) -> None:
        """Hold the access token alone."""

    def expire(self) -> None:  # noqa: B027 - most do not go by it
        """Note that the access token has expired; for those who go by the clock."""

    @property
    @abstractmethod
    def access_token(self) -> str | None:
        """The access token that it holds."""


class ThreadContender(Contender):
    """A program that makes each request in a thread of its own."""

    can_cancel = False

    async def get(self, path: str) -> str:
        return await asyncio.get_running_loop().run_in_executor(_threads, self.get_in_thread, path)

    @abstractmethod
    def get_in_thread(self, path: str) -> str:
        """Make a request, and say what became of it."""


def perform(kind: type[Contender]) -> None:
    """Do what is said on the standard input, until it ends."""
    asyncio.run(_perform(kind))


async def _perform(kind: type[Contender]) -> None:
    stage = _Stage(kind)
    _say(ready=kind.name, can_cancel=kind.can_cancel)
    while line := await asyncio.to_thread(sys.stdin.readline):
        command = json.loads(line)
        await getattr(stage, command.pop("do"))(**command)
    os._exit(0)  # whatever may hang


def _say(**what: Any) -> None:
    print(json.dumps(what), flush=True)  # noqa: T201 - this is how it talks


class _Stage:
    """The commands, by name."""

    def __init__(self, kind: type[Contender]) -> None:
        self._kind = kind
        self._requests: dict[int, asyncio.Task[None]] = {}
        self._contender: Contender

    async def start(self, url: str, timeout: float | None) -> None:  # noqa: ASYNC109 - for later
        for request in self._requests.values():
            request.cancel()
        self._requests = {}
        self._contender = self._kind(url, lambda words: _say(told=words), timeout)

    async def login(self, tokens: Tokens) -> None:
        self._contender.login(tokens)

    async def logout(self) -> None:
        self._contender.logout()

    async def forget_refresh_token(self) -> None:
        self._contender.forget_refresh_token()

    async def expire(self) -> None:
        self._contender.expire()

    async def get(self, request: int, path: str) -> None:
        getting = self._get(self._contender, request, path)
        self._requests[request] = asyncio.create_task(getting)

    async def _get(self, contender: Contender, request: int, path: str) -> None:
        try:
            outcome = await contender.get(path)
        except asyncio.CancelledError:
            outcome = "canceled"
        except Exception as error:
            outcome = f"error {type(error).__name__}"
        _say(settled=request, outcome=outcome)

    async def cancel(self, request: int) -> None:
        self._requests[request].cancel()

    async def look(self) -> None:
        await asyncio.sleep(_PAUSE)
        _say(access_token=self._contender.access_token)
