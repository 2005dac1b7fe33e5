"""Where the access token of a request goes: a header, or wherever ``attach`` puts it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from attrs import frozen

from ..config import LeavingConfig, RequestConfig, callers_config
from ..errors import RequestError
from ..headers import is_header_name
from ..secrecy import describe


@frozen
class Placement:
    """How the access token is sent; see `silent_refresh`."""

    header: str
    scheme: str | None
    attach: Callable[[RequestConfig, str], Any] | None

    def __attrs_post_init__(self) -> None:
        header, scheme = self.header, self.scheme
        if not isinstance(header, str) or not is_header_name(header):
            raise TypeError(f"header must be the name of a header, not {describe(header)}")
        if scheme is not None and not isinstance(scheme, str):
            raise TypeError(
                f"scheme must be a str such as 'Bearer', or None, not {describe(scheme)}"
            )

    def value(self, token: str) -> str:
        """Return the value of the header; some servers hand out all of it as the token."""
        if not self.scheme or token[: len(self.scheme) + 1].lower() == f"{self.scheme} ".lower():
            return token
        return f"{self.scheme} {token}"

    @property
    def is_authorization(self) -> bool:
        """True if other credentials of a request would take the place of the token."""
        return self.header.lower() == "authorization"

    def tokens_in(self, value: Any) -> set[str]:
        """Return what a value of the header may hold as its token, if it holds any.

        It may have been made of no token, as ``f"Bearer {None}"``.
        """
        text = str(value).strip()
        token = text
        if self.scheme and f"{text} ".lower().startswith(f"{self.scheme} ".lower()):
            token = text[len(self.scheme) :].strip()
        return set() if token in ("", "None") else {token, text}

    def put(self, config: RequestConfig, token: str | None) -> RequestConfig:
        """Return a copy of the config with the token: the config itself may be sent again."""
        leaving = config.copy()
        if token is None:
            return leaving
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
            leaving.token = (
                token,
                names,
                (config.url, config.base_url, config.allow_absolute_urls),
            )
        return leaving


def without_token(config: RequestConfig, token: str, names: Collection[str]) -> RequestConfig:
    """Return a copy of a config that is about to leave for another origin.

    ``names``: the headers that carry the token, in whatever form.
    """
    leaving = config.copy()
    headers = config.headers.copy()
    for name, value in config.headers.fields():
        if name.lower() in names or token in str(value):
            del headers[name]
    leaving.put(headers=headers)
    if isinstance(config.params, Mapping):
        params = {name: value for name, value in config.params.items() if token not in str(value)}
        leaving.put(params=params)
    is_in_body = isinstance(leaving.data, bytes) and token.encode() in leaving.data
    if is_in_body or any(token in str(part) for part in (leaving.url, leaving.params)):
        raise RequestError(
            "the request was not sent: it would take the access token to another origin",
            RequestError.ERR_BAD_REQUEST,
            callers_config(config),
            request_was_sent=False,
        )
    return leaving
