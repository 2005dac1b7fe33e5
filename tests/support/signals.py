"""What was signalled about an instance."""

from __future__ import annotations

import threading
from typing import Any, Self

from attrs import frozen
from zustax.transport import (
    Instance,
    Signal,
    SyncInstance,
    login_required,
    refresh_failed,
    token_refreshed,
)

from .waiting import BOUND

SIGNALS: dict[str, Signal] = {
    "token_refreshed": token_refreshed,
    "refresh_failed": refresh_failed,
    "login_required": login_required,
}


@frozen
class Sent:
    """One signal: its name, and what came with it."""

    name: str
    details: dict[str, Any]

    def __getitem__(self, detail: str) -> Any:
        return self.details[detail]


class SignalRecorder:
    """Notes the three signals of one instance. A context manager.

    A refresh releases the requests first and signals then: `wait_for` what is to come, and close
    the instance before counting what is not.

    Args:
        sender: The instance.
    """

    def __init__(self, sender: Instance | SyncInstance) -> None:
        self._sender = sender
        self._changed = threading.Condition()
        self._sent: list[Sent] = []
        self._receivers = {name: self._noting(name) for name in SIGNALS}

    def __enter__(self) -> Self:
        for name, receiver in self._receivers.items():
            SIGNALS[name].connect(receiver, self._sender)
        return self

    def __exit__(self, *_: object) -> None:
        for name, receiver in self._receivers.items():
            SIGNALS[name].disconnect(receiver, self._sender)

    @property
    def names(self) -> list[str]:
        """The names of all that was sent, in its order."""
        return [sent.name for sent in self.sent()]

    def sent(self, name: str | None = None) -> list[Sent]:
        """What was sent under ``name``, or all."""
        with self._changed:
            return [sent for sent in self._sent if name in (None, sent.name)]

    def wait_for(self, name: str, count: int = 1, bound: float = BOUND) -> Sent:
        """Block until ``name`` was sent ``count`` times, and give the last of them.

        Raises:
            AssertionError: It was sent less often when the time was over.
        """
        with self._changed:
            if self._changed.wait_for(lambda: len(self.sent(name)) >= count, bound):
                return self.sent(name)[count - 1]
        raise AssertionError(
            f"{name} was sent {len(self.sent(name))} times within {bound:g} seconds, "
            f"and not {count}; in all: {self.names}"
        )

    def _noting(self, name: str) -> Any:
        def note(_sender: object, **details: Any) -> None:
            with self._changed:
                self._sent.append(Sent(name, details))
                self._changed.notify_all()

        return note
