"""What the contenders that use Authlib have in common.

Authlib refreshes by the clock, before a request leaves, and never because of a 401.
"""

from __future__ import annotations

from importlib import import_module, metadata
from typing import Any

from .stage import REFRESH, Tokens

#: Authlib is not among the dependencies of the tests.
clients: Any = import_module("authlib.integrations.httpx_client")

VERSION = f"Authlib {metadata.version('authlib')}"


class AuthlibTokens:
    """The tokens of a client of Authlib."""

    client: Any

    def login(self, tokens: Tokens) -> None:
        self.client.token = {**tokens, "token_type": "Bearer"}

    def logout(self) -> None:
        self.client.token = None

    def forget_refresh_token(self) -> None:
        self.client.token = {**self.client.token, "refresh_token": None}

    def expire(self) -> None:
        self.client.token = {**self.client.token, "expires_at": 1}

    @property
    def access_token(self) -> str | None:
        token = self.client.token
        return token["access_token"] if token else None


def options(url: str, timeout: float | None) -> dict[str, Any]:
    """For a client of either kind."""
    return {
        "client_id": "comparison",
        "token_endpoint": f"{url}{REFRESH}",
        "token_endpoint_auth_method": "none",
        "base_url": url,
        **({} if timeout is None else {"timeout": timeout}),
    }


def told(response: Any) -> str:
    """What a caller gets: Authlib raises nothing because of a status."""
    return "ok" if response.is_success else f"answer {response.status_code}"
