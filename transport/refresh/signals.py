"""The signals of a session: the redirect to ``/login`` of a browser is an event here.

Example:
    @login_required.connect
    def show_login(sender, reason, error, config):
        print("please log in:", reason)

They are blinker signals whose receivers are held strongly, are called in the order in which they
connected, all of them even if one raises (the error is logged), and may be async.

"""

from __future__ import annotations

import contextvars
import inspect
import logging
import weakref
from collections.abc import Awaitable, Callable, Iterator
from inspect import isawaitable
from types import MethodType
from typing import Any, TypeVar

from blinker import Signal as BlinkerSignal

from ..chain import is_async
from ..runtime import Runtime, refuse_async
from ..secrecy import with_callers_frames

Receiver = TypeVar("Receiver", bound=Callable[..., Any])

_log = logging.getLogger("zustax")

#: Seconds that closing an instance waits for an async receiver.
_RECEIVER_GRACE = 2.0


class Signal(BlinkerSignal):
    """A blinker signal without blinker's edges.

    Args:
        doc: What the signal says.
        *details: The names of what it brings besides the sender. `connect` refuses a receiver that
            does not take them; without any names it takes every receiver.
    """

    def __init__(self, doc: str | None = None, *details: str) -> None:
        super().__init__(doc)
        self._details = details

    def connect(
        self, receiver: Receiver, sender: Any = BlinkerSignal.ANY, weak: bool = False
    ) -> Receiver:
        """Call ``receiver(sender, **details)`` whenever the signal is sent.

        Args:
            receiver: A function, plain or async.
            sender: Only for signals of this instance. Default: of any.
            weak: Forget the receiver when nothing else refers to it.

        Raises:
            TypeError: It is not callable, or does not take the details, or is async and ``sender``
                is a synchronous instance.
        """
        if not callable(receiver):
            raise TypeError(f"receiver must be callable, not {type(receiver).__name__}")
        runtime = _runtime_of(sender)
        if runtime is not None and not runtime.is_async and is_async(receiver):
            raise TypeError(
                f"receiver {receiver!r} is async, but {sender!r} is a synchronous instance: "
                "give it a plain function"
            )
        if self._details and not _takes(receiver, self._details):
            wanted = ", ".join(("sender", *self._details))
            raise TypeError(f"receiver {receiver!r} must be a function that takes ({wanted})")
        return super().connect(receiver, sender, weak)

    def receivers_for(self, sender: Any) -> Iterator[Callable[..., Any]]:  # type: ignore[override]
        """Return the receivers for ``sender``, in the order in which they connected."""
        found = {_identity(receiver) for receiver in super().receivers_for(sender)}
        connected = [
            held() if isinstance(held, weakref.ref) else held
            for held in list(self.receivers.values())
        ]
        return (
            receiver
            for receiver in connected
            if receiver is not None and _identity(receiver) in found
        )

    def send(self, sender: Any = None, /, **details: Any) -> list[tuple[Callable[..., Any], Any]]:
        """Call every receiver; one that raises is logged, and the others are still called.

        An async receiver runs as a task of the sending instance, and is not waited for.

        Returns:
            Each plain receiver that did not raise, with what it returned.
        """
        results: list[tuple[Callable[..., Any], Any]] = []
        if self.is_muted:
            return results
        runtime = _runtime_of(sender)
        for receiver in self.receivers_for(sender):
            try:
                result = receiver(sender, **details)
                if not isawaitable(result):
                    results.append((receiver, result))
                elif runtime is None or not runtime.is_async:
                    refuse_async(result)
                else:
                    runtime.spawn(_logged(receiver, result), grace=_RECEIVER_GRACE)
            except Exception as error:
                _log_receiver(receiver, error)
        return results


def _takes(receiver: Callable[..., Any], details: tuple[str, ...]) -> bool:
    """Return True if a receiver can be called with a sender and these details."""
    try:
        inspect.signature(receiver).bind(None, **dict.fromkeys(details))
    except ValueError:  # it is written in C, and does not tell
        return True
    except TypeError:
        return False
    return True


def _identity(receiver: Callable[..., Any]) -> tuple[int, ...]:
    """Return what two receivers differ in: Python makes a new bound method for each access."""
    if isinstance(receiver, MethodType):
        return id(receiver.__self__), id(receiver.__func__)
    return (id(receiver),)


def send_apart(signal: Signal, api: Any, **details: Any) -> None:
    """Send a signal from within a request, which must not wait for a receiver."""
    if api.runtime.is_async:
        send_in_own_context(signal, api, **details)
    else:
        api.runtime.spawn(_sent(signal, api, details), grace=_RECEIVER_GRACE)


def send_in_own_context(signal: Signal, sender: Any, **details: Any) -> None:
    """Send a signal so that receivers, and tasks that they start, inherit no context from here."""
    contextvars.Context().run(signal.send, sender, **details)


async def _sent(signal: Signal, sender: Any, details: dict[str, Any]) -> None:
    signal.send(sender, **details)


def _runtime_of(sender: Any) -> Runtime | None:
    return getattr(sender, "runtime", None)


async def _logged(receiver: Callable[..., Any], result: Awaitable[Any]) -> None:
    try:
        await result
    except Exception as error:
        _log_receiver(receiver, error)


def _log_receiver(receiver: Callable[..., Any], error: Exception) -> None:
    with_callers_frames(error)
    _log.error("receiver %r of a signal raised", receiver, exc_info=error)


#: ``(sender, tokens)``: a refresh has succeeded; ``tokens`` is the new `TokenPair`.
token_refreshed = Signal("A refresh has succeeded.", "tokens")

#: ``(sender, error)``: a refresh has failed, and the session is still alive. It also follows
#: ``token_refreshed`` where the new pair could not be stored, and lives in memory alone.
refresh_failed = Signal("A refresh has failed, and the session is still alive.", "error")

#: ``(sender, reason, error, config)``: the user has to log in. ``reason`` is
#: ``"no_refresh_token"``, ``"refresh_rejected"`` or ``"still_unauthorized"``.
login_required = Signal("The user has to log in.", "reason", "error", "config")
