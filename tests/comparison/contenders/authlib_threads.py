"""Authlib's ``OAuth2Client``."""

from __future__ import annotations

from collections.abc import Callable

from .authlib_clients import VERSION, AuthlibTokens, clients, options, told
from .stage import ThreadContender, perform


class AuthlibThreads(AuthlibTokens, ThreadContender):
    """A program that makes its requests in threads."""

    name = f"{VERSION}, threads"

    def __init__(self, url: str, tell: Callable[[str], None], timeout: float | None) -> None:
        self.client = clients.OAuth2Client(**options(url, timeout))

    def get_in_thread(self, path: str) -> str:
        return told(self.client.get(path))


if __name__ == "__main__":
    perform(AuthlibThreads)
