"""Where the access token of a request goes: a header, or wherever ``attach`` puts it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from attrs import frozen

from ..config import LeavingConfig, RequestConfig


@frozen
class Placement:
    """How the access token is sent; see `silent_refresh`."""

    header: str = "Authorization"
    scheme: str | None = "Bearer"
    attach: Callable[[RequestConfig, str], Any] | None = None

    def value(self, token: str) -> str:
        """Return the value of the header; some servers hand out all of it as the token."""
        if not self.scheme or token[: len(self.scheme) + 1].lower() == f"{self.scheme} ".lower():
            return token
        return f"{self.scheme} {token}"

    def token_in(self, value: Any) -> str:
        """Return the token in a value of the header."""
        text = str(value).strip()
        if self.scheme and text.lower().startswith(f"{self.scheme} ".lower()):
            return text[len(self.scheme) + 1 :].strip()
        return text

    def put(self, config: RequestConfig, token: str) -> RequestConfig:
        """Return a copy of the config with the token: the config itself may be sent again."""
        leaving = config.copy()
        headers = config.headers.copy()
        leaving.put(headers=headers)
        if self.attach is None:
            headers[self.header] = self.value(token)
            names = frozenset((self.header.lower(),))
        else:
            if isinstance(config.params, dict):
                leaving.put(params=config.params.copy())
            self.attach(leaving, token)
            names = frozenset(
                name.lower()
                for name, value in leaving.headers.fields()
                if config.headers.get(name) != value
            )
        if isinstance(leaving, LeavingConfig):
            leaving.token = (token, names)
        return leaving


def without_token(config: RequestConfig, token: str) -> RequestConfig:
    """Return a copy of a config that is about to leave for another origin."""
    leaving = config.copy()
    headers = config.headers.copy()
    for name, value in config.headers.fields():
        if token in str(value):
            del headers[name]
    leaving.put(headers=headers)
    if isinstance(config.params, dict):
        params = {name: value for name, value in config.params.items() if token not in str(value)}
        leaving.put(params=params)
    return leaving
