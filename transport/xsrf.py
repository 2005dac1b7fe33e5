"""A cookie's value in a header, against forged requests (axios's ``xsrfCookieName``).

A server that sets a cookie and wants its value back in a header knows that the request was made by
somebody who can read its cookies. axios does this in browsers alone. Here it is done wherever the
client has the cookie.
"""

from __future__ import annotations

import re
from urllib.parse import unquote

from .config import RequestConfig
from .headers import Headers
from .redirects import Sending
from .unset import UNSET
from .urls import origin

_BROKEN_ESCAPE = re.compile(r"%(?![0-9a-fA-F]{2})")


def cookie_in(header: str | None, name: str) -> str | None:
    """The value of a cookie in a ``Cookie`` header; ``None`` if it is not there."""
    if not header:
        return None
    pairs = (pair.partition("=") for pair in header.split("; "))
    return next((value for found, _, value in pairs if found == name), None)


def xsrf_header(cookie: str, sending: Sending, config: RequestConfig) -> tuple[str, str] | None:
    """The header that carries ``cookie``; ``None`` if this request must not have it.

    It goes to the origin of ``base_url`` and nowhere else, whatever ``with_xsrf_token`` says.

    Raises:
        TypeError: ``with_xsrf_token`` is a function that returned neither a bool nor ``None``.
    """
    name = config.xsrf_header_name
    if not name or _is_removed(name, sending.headers) or not _is_own(sending.url, config):
        return None
    if not _is_wanted(config):
        return None
    [(_, value)] = Headers({name: _decoded(cookie)}).to_send()
    return name, value.decode("latin-1")


def _is_removed(name: str, headers: Headers) -> bool:
    given = headers.get(name, "")
    return given is None or given is False


def _is_own(url: str, config: RequestConfig) -> bool:
    own = origin(config.base_url or "")
    return own is not None and origin(url) == own


def _is_wanted(config: RequestConfig) -> bool:
    wanted = config.with_xsrf_token
    if callable(wanted):
        wanted = wanted(config)
    if wanted is None or wanted is UNSET:
        return True
    if not isinstance(wanted, bool):
        raise TypeError(f"with_xsrf_token must return a bool, not {type(wanted).__name__}")
    return wanted


def _decoded(cookie: str) -> str:
    """Without its percent-encoding; as it is, where that is broken."""
    if _BROKEN_ESCAPE.search(cookie):
        return cookie
    try:
        return unquote(cookie, errors="strict")
    except UnicodeDecodeError:
        return cookie
