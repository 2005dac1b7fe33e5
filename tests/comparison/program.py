"""A contender at work, in a process of its own."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from zustax.transport.testing import IssuedTokens

ROOT = Path(__file__).parents[2]

#: Seconds for an answer of a program that does nothing else.
BOUND = 20.0


class NotRunError(Exception):
    """A contender cannot be run on this machine; the text says why."""


class Request:
    """A request that a program makes.

    Attributes:
        number: What it is called.
        outcome: What became of it; ``None``: nothing yet.
    """

    def __init__(self, number: int) -> None:
        self.number = number
        self.outcome: str | None = None


class Program:
    """The process. A context manager, at whose end it is gone.

    Args:
        command: What starts it.
        bound: Seconds that it may take to start, with what has to be installed for it.

    Attributes:
        name: How it calls itself.
        can_cancel: Whether a request of it can be cancelled.
        told: Its words that the user must log in, since the last `start`.
    """

    name: str
    can_cancel: bool

    def __init__(self, command: Sequence[str], bound: float = BOUND) -> None:
        self._command = command
        self._bound = bound
        self._changed = threading.Condition()
        self._numbers = itertools.count()
        self._requests: dict[int, Request] = {}  # since the last `start`
        self._looks: list[str | None] = []
        self._has_ended = False
        self._is_ready = False
        self.told: list[str] = []

    def __enter__(self) -> Self:
        try:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                encoding="utf-8",
                cwd=ROOT,
                process_group=0,  # so that `stop` reaches what uv has started
            )
        except OSError as error:
            raise NotRunError(f"{self._command[0]}: {error}") from error
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        try:
            self._wait(lambda: self._is_ready, self._bound)
        except NotRunError:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with self._process as process:
            assert process.stdin is not None
            process.stdin.close()  # this ends it, and those that it has started
            try:
                process.wait(BOUND)
            except subprocess.TimeoutExpired:
                process.kill()
            self._reader.join(BOUND)

    def start(self, url: str, timeout: float | None = None) -> None:
        """Begin anew, with ``timeout`` seconds for a refresh call, or as many as it is used to."""
        with self._changed:
            self._requests = {}
            self.told = []
        self._say("start", url=url, timeout=timeout)

    def login(self, tokens: IssuedTokens) -> None:
        """Let a user be logged in."""
        self._do("login", tokens=tokens.as_dict())

    def logout(self) -> None:
        """Let the user log out."""
        self._do("logout")

    def forget_refresh_token(self) -> None:
        """Let it hold the access token alone."""
        self._do("forget_refresh_token")

    def expire(self) -> None:
        """Let the lifetime of the access token be over."""
        self._do("expire")

    def get(self, path: str) -> Request:
        """Start a request."""
        request = Request(next(self._numbers))
        self._requests[request.number] = request
        self._say("get", request=request.number, path=path)
        return request

    def cancel(self, request: Request) -> None:
        """Cancel a request."""
        self._do("cancel", request=request.number)

    def stop(self) -> None:
        """Stop the process; until `go_on` it must not be told anything."""
        os.killpg(self._process.pid, signal.SIGSTOP)

    def go_on(self) -> None:
        """Let the stopped process go on."""
        os.killpg(self._process.pid, signal.SIGCONT)

    def look(self) -> str | None:
        """Wait until it has dealt with what has arrived; gives the access token that it holds."""
        looks = len(self._looks)
        self._say("look")
        self._wait(lambda: len(self._looks) > looks, BOUND)
        return self._looks[-1]

    @property
    def started(self) -> int:
        """How many requests it has been told to make."""
        return len(self._requests)

    @property
    def settled(self) -> int:
        """How many of its requests have come to an end."""
        return sum(request.outcome is not None for request in self._requests.values())

    def _do(self, what: str, **details: Any) -> None:
        self._say(what, **details)
        self.look()

    def _say(self, do: str, **details: Any) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"do": do, **details}) + "\n")
        self._process.stdin.flush()

    def _wait(self, condition: Callable[[], bool], bound: float) -> None:
        with self._changed:
            self._changed.wait_for(lambda: condition() or self._has_ended, bound)
            if not condition():
                state = "has ended" if self._has_ended else f"says nothing for {bound:g} seconds"
                raise NotRunError(f"{' '.join(self._command)}: {state}")

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            with self._changed:
                self._hear(json.loads(line))
                self._changed.notify_all()
        with self._changed:
            self._has_ended = True
            self._changed.notify_all()

    def _hear(self, said: dict[str, Any]) -> None:
        if "ready" in said:
            self._is_ready, self.name, self.can_cancel = True, said["ready"], said["can_cancel"]
        elif "told" in said:
            self.told.append(said["told"])
        elif "access_token" in said:
            self._looks.append(said["access_token"])
        elif said["settled"] in self._requests:
            self._requests[said["settled"]].outcome = said["outcome"]
