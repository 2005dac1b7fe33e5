"""What was signalled about an instance."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from attrs import frozen

from ..instance import Instance, SyncInstance
from ..refresh.signals import Signal, login_required, refresh_failed, token_refreshed
from .waiting import BOUND, until, wait_until

#: The signals of a session, by name.
SIGNALS: dict[str, Signal] = {
    "token_refreshed": token_refreshed,
    "refresh_failed": refresh_failed,
    "login_required": login_required,
}


@frozen
class SentSignal:
    """One signal.

    Args:
        name: One of ``"token_refreshed"``, ``"refresh_failed"``, ``"login_required"``.
        sender: The instance.
        details: What came with it: ``sent["reason"]`` is ``sent.details["reason"]``.
    """

    name: str
    sender: Any
    details: dict[str, Any]

    def __getitem__(self, detail: str) -> Any:
        return self.details[detail]


class SignalRecorder:
    """Notes the signals of a session. A context manager: it is connected inside its block.

    A refresh releases the requests first and signals then: `wait_for` what is to come, and close
    the instance before counting what is not.

        with SignalRecorder(api) as signals:
            ...
            assert signals.wait_for("login_required")["reason"] == "refresh_rejected"

    Args:
        sender: The instance. Default: all instances.
    """

    def __init__(self, sender: Instance | SyncInstance | None = None) -> None:
        self._sender: Any = Signal.ANY if sender is None else sender
        self._lock = threading.Lock()
        self._sent: list[SentSignal] = []
        self._receivers = {name: self._noting(name) for name in SIGNALS}

    def __enter__(self) -> Self:
        for name, receiver in self._receivers.items():
            SIGNALS[name].connect(receiver, self._sender)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for name, receiver in self._receivers.items():
            SIGNALS[name].disconnect(receiver)  # with its sender, blinker would keep the receiver

    @property
    def names(self) -> list[str]:
        """The names of all that was sent, in its order."""
        return [sent.name for sent in self.sent()]

    def sent(self, name: str | None = None) -> list[SentSignal]:
        """What was sent under ``name``, or all.

        Raises:
            ValueError: There is no such signal: it would be missing for ever.
        """
        if name is not None and name not in SIGNALS:
            raise ValueError(f"there is no signal {name!r}; choose from {', '.join(SIGNALS)}")
        with self._lock:
            return [sent for sent in self._sent if name in (None, sent.name)]

    def wait_for(self, name: str, count: int = 1, bound: float = BOUND) -> SentSignal:
        """Block until ``name`` was sent ``count`` times, and give the last of them.

        Args:
            name: The name of a signal.
            count: How often, since the recorder was connected.
            bound: Seconds to wait at most.

        Raises:
            AssertionError: It was sent less often when the time was over.
        """
        wait_until(
            lambda: len(self.sent(name)) >= count, bound, missing=lambda: self._missing(name, count)
        )
        return self.sent(name)[count - 1]

    async def wait_for_async(self, name: str, count: int = 1, bound: float = BOUND) -> SentSignal:
        """Like `wait_for`, and leave the event loop free meanwhile."""
        await until(
            lambda: len(self.sent(name)) >= count, bound, missing=lambda: self._missing(name, count)
        )
        return self.sent(name)[count - 1]

    def _missing(self, name: str, count: int) -> str:
        sent = f"{name} was sent {len(self.sent(name))} times"
        return f"{sent}, and not {count}; in all: {self.names}"

    def _noting(self, name: str) -> Callable[..., None]:
        def note(sender: Any, **details: Any) -> None:
            with self._lock:
                self._sent.append(SentSignal(name, sender, details))

        return note
