"""The signals of a session as messages of Textual."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

from textual import on
from textual.events import Mount, Unmount
from textual.message import Message
from textual.message_pump import MessagePump

from ..config import RequestConfig
from ..errors import RefreshError, RequestError
from ..instance import Instance, SyncInstance
from ..refresh.signals import Signal, login_required, refresh_failed, token_refreshed
from ..refresh.tokens import TokenPair


class LoginRequired(Message):
    """The user has to log in.

    Attributes:
        instance: Whose session it is.
        reason: ``"no_refresh_token"``, ``"refresh_rejected"`` or ``"still_unauthorized"``.
        error: What has gone wrong.
        config: The configuration of the request that met it.
    """

    def __init__(
        self,
        instance: Instance | SyncInstance,
        reason: str,
        error: RequestError,
        config: RequestConfig,
    ) -> None:
        super().__init__()
        self.instance = instance
        self.reason = reason
        self.error = error
        self.config = config


class TokenRefreshed(Message):
    """A refresh has succeeded.

    Attributes:
        instance: Whose session it is.
        tokens: The new pair; its ``repr`` does not show it.
    """

    def __init__(self, instance: Instance | SyncInstance, tokens: TokenPair) -> None:
        super().__init__()
        self.instance = instance
        self.tokens = tokens


class RefreshFailed(Message):
    """A refresh has failed, and the session is still alive.

    Attributes:
        instance: Whose session it is.
        error: What has gone wrong.
    """

    def __init__(self, instance: Instance | SyncInstance, error: RefreshError) -> None:
        super().__init__()
        self.instance = instance
        self.error = error


_MESSAGES: tuple[tuple[Signal, Callable[..., Message]], ...] = (
    (login_required, LoginRequired),
    (token_refreshed, TokenRefreshed),
    (refresh_failed, RefreshFailed),
)


class SessionBound(MessagePump):
    """An app, screen or widget that is posted the messages of sessions while it is mounted.

    Put it before the class of the app: ``class Shop(SessionBound, App[None])``. The messages bubble
    like any other; whichever thread or event loop a refresh runs in does not wait for them.
    """

    def watch_session(self, api: Instance | SyncInstance) -> None:
        """Have `LoginRequired`, `TokenRefreshed` and `RefreshFailed` posted here.

        Args:
            api: The instance whose signals to post.
        """
        self._sessions.add(api)

    @cached_property
    def _sessions(self) -> _Sessions:
        return _Sessions(self.post_message)

    @on(Mount)
    def _begin_watching(self) -> None:
        self._sessions.begin()

    @on(Unmount)
    def _end_watching(self) -> None:
        self._sessions.end()


class _Sessions:
    """The instances whose signals are posted, from the mounting to the removal."""

    def __init__(self, post: Callable[[Message], object]) -> None:
        self._post = post
        self._is_live = False
        self._instances: list[Instance | SyncInstance] = []
        self._disconnects: list[Callable[[], None]] = []

    def add(self, api: Instance | SyncInstance) -> None:
        self._instances.append(api)
        if self._is_live:
            self._connect(api)

    def begin(self) -> None:
        self._is_live = True
        for api in self._instances:
            self._connect(api)

    def end(self) -> None:
        self._is_live = False
        for disconnect in self._disconnects:
            disconnect()
        self._disconnects.clear()

    def _connect(self, api: Instance | SyncInstance) -> None:
        for signal, message in _MESSAGES:
            self._disconnects.append(_connected(signal, api, message, self._post))


def _connected(
    signal: Signal,
    api: Instance | SyncInstance,
    message: Callable[..., Message],
    post: Callable[[Message], object],
) -> Callable[[], None]:
    def receiver(sender: Instance | SyncInstance, **details: Any) -> None:
        post(message(sender, **details))

    signal.connect(receiver, sender=api)
    return lambda: signal.disconnect(receiver)  # with its sender, blinker would keep the receiver
