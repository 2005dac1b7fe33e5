"""A ``refresh`` of the caller's own that makes its call with an instance, unmarked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from zustax.transport import Response, TokenPair

from ...support.app import App
from ...support.clients import Client
from ...support.server import REFRESH


class OwnRefresh:
    """The function, in the form that a kind of instance takes.

    Args:
        kind: Of the instance.
        asks_first: A path that it requests before the refresh.

    Attributes:
        app: Whose instance makes the calls.
    """

    def __init__(self, kind: type[Client], asks_first: str | None = None) -> None:
        self.app: App
        self._asks_first = asks_first
        self.function: Callable[[str | None], Any] = (
            self._asynchronous if kind.is_async else self._plain
        )

    async def _asynchronous(self, refresh_token: str | None) -> TokenPair:
        api: Any = self.app.api
        if self._asks_first:
            await api.get(self._asks_first)
        return _pair(await api.post(REFRESH, {"refresh_token": refresh_token}))

    def _plain(self, refresh_token: str | None) -> TokenPair:
        api: Any = self.app.api
        if self._asks_first:
            api.get(self._asks_first)
        return _pair(api.post(REFRESH, {"refresh_token": refresh_token}))


def _pair(response: Response) -> TokenPair:
    return TokenPair(response.data["access_token"], response.data["refresh_token"])
