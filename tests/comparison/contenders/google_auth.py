"""google-auth's ``AuthorizedSession`` with the credentials of a user."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from importlib import import_module, metadata
from typing import Any

from .stage import REFRESH, ThreadContender, Tokens, perform

#: google-auth is not among the dependencies of the tests.
credentials: Any = import_module("google.oauth2.credentials")
requests: Any = import_module("google.auth.transport.requests")


class GoogleAuth(ThreadContender):
    """A program that makes its requests in threads; credentials and a session for each login."""

    name = f"google-auth {metadata.version('google-auth')}, threads"

    def __init__(self, url: str, tell: Callable[[str], None], timeout: float | None) -> None:
        self._url = url
        self._options = {} if timeout is None else {"refresh_timeout": timeout}
        self._session: Any = None

    def get_in_thread(self, path: str) -> str:
        response = self._session.get(f"{self._url}{path}")
        return "ok" if response.ok else f"answer {response.status_code}"

    def login(self, tokens: Tokens) -> None:
        self._use(tokens["access_token"], tokens["refresh_token"])

    def _use(self, access_token: str, refresh_token: str | None) -> None:
        self._session = requests.AuthorizedSession(
            credentials.Credentials(
                access_token,
                refresh_token=refresh_token,
                token_uri=f"{self._url}{REFRESH}",
                client_id="comparison",
                client_secret="comparison",
            ),
            **self._options,
        )

    def logout(self) -> None:
        self._session = None

    def forget_refresh_token(self) -> None:
        self._use(self._session.credentials.token, None)

    def expire(self) -> None:
        self._session.credentials.expiry = datetime(2000, 1, 1)

    @property
    def access_token(self) -> str | None:
        return self._session.credentials.token if self._session else None


if __name__ == "__main__":
    perform(GoogleAuth)
