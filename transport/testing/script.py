"""What a server was told to do with the requests that come."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self, TypeAlias

from attrs import define

from .messages import SeenRequest
from .wire import Reply

#: Makes the reply to a request; called in the thread of the server, which waits for it.
Behaviour: TypeAlias = Callable[[SeenRequest], Reply]

#: Instead of a path: whatever the path is.
ANY = "*"


class Gate:
    """Keeps replies back until it is opened. Any thread may open it, also twice.

    As a context manager it is open at the end of the block.

    Args:
        call_soon: Calls a function in the event loop of the server.
    """

    def __init__(self, call_soon: Callable[[Callable[[], object]], None]) -> None:
        self._call_soon = call_soon
        self.opened = asyncio.Event()

    def open(self) -> None:
        """Let the replies go, also those that come later."""
        self._call_soon(self.opened.set)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.open()


@define(eq=False)
class _Turn:
    """A behaviour, and for how many requests for a path it still holds; ``None``: for all."""

    path: str
    behaviour: Behaviour
    times: int | None

    def is_for(self, path: str) -> bool:
        return self.path in (path, ANY)


class Script:
    """The behaviours and gates of a server, by path; safe to use from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._turns: list[_Turn] = []
        self._gates: dict[str, Gate] = {}
        self._all_gates: list[Gate] = []

    def add(self, path: str, behaviour: Behaviour, times: int | None) -> None:
        """Append a behaviour to the script of a path."""
        with self._lock:
            self._turns.append(_Turn(path, behaviour, times))

    def forget(self, path: str) -> None:
        """Remove the behaviours of ``path``; with `ANY`: all of them."""
        with self._lock:
            self._turns = [turn for turn in self._turns if path not in (turn.path, ANY)]

    def next(self, path: str) -> Behaviour | None:
        """What to do with the request that has come; ``None`` if nothing was told for it."""
        with self._lock:
            turn = next((turn for turn in self._turns if turn.is_for(path)), None)
            if turn is None:
                return None
            if turn.times is not None:
                turn.times -= 1
                if turn.times == 0:
                    self._turns.remove(turn)
            return turn.behaviour

    def put_gate(self, path: str, gate: Gate) -> None:
        """Let requests for ``path`` that come from now on wait at ``gate``."""
        with self._lock:
            self._gates[path] = gate
            self._all_gates.append(gate)

    def gate(self, path: str) -> Gate | None:
        """Where a request for ``path`` has to wait now."""
        with self._lock:
            return self._gates.get(path) or self._gates.get(ANY)

    def open_gates(self) -> None:
        """Open every gate there was, and take them away."""
        with self._lock:
            self._gates.clear()
            gates = tuple(self._all_gates)
        for gate in gates:
            gate.open()
