"""Authlib's ``AsyncOAuth2Client``."""

from __future__ import annotations

from collections.abc import Callable

from .authlib_clients import VERSION, AuthlibTokens, clients, options, told
from .stage import Contender, perform


class AuthlibTasks(AuthlibTokens, Contender):
    """A program that makes its requests in tasks."""

    name = f"{VERSION}, tasks"

    def __init__(self, url: str, tell: Callable[[str], None], timeout: float | None) -> None:
        self.client = clients.AsyncOAuth2Client(**options(url, timeout))

    async def get(self, path: str) -> str:
        return told(await self.client.get(path))


if __name__ == "__main__":
    perform(AuthlibTasks)
