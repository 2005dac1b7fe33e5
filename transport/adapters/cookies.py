"""The cookies of an instance, and the header that repeats one (axios's ``xsrfCookieName``)."""

from __future__ import annotations

import re
from email.message import Message
from http.cookiejar import CookieJar
from typing import Any
from urllib.parse import unquote
from urllib.request import Request

import httpx

from ..arity import call
from ..config import UNSET, LeavingConfig, RequestConfig
from ..encoding import header_fields
from ..headers import Headers
from ..urls import origin
from .redirects import WireRequest

_BROKEN_ESCAPE = re.compile(r"%(?![0-9a-fA-F]{2})")


def cookie_header(jar: CookieJar, request: WireRequest) -> str | None:
    """Return the ``Cookie`` header for a request, unless the caller has set one."""
    if not len(jar) or "cookie" in request.headers:
        return None
    asking = Request(request.url)  # noqa: S310 - it is not opened
    jar.add_cookie_header(asking)
    return asking.get_header("Cookie")


def keep_cookies(jar: CookieJar, url: str, headers: httpx.Headers) -> None:
    """Keep the cookies that a response from ``url`` sets."""
    if "set-cookie" in headers:
        response: Any = _Response(headers.get_list("set-cookie"))
        jar.extract_cookies(response, Request(url))  # noqa: S310


class _Response:
    """As much of a response of urllib as a jar looks at."""

    def __init__(self, fields: list[str]) -> None:
        self._message = Message()
        for field in fields:
            self._message["Set-Cookie"] = field

    def info(self) -> Any:
        return self._message


def cookie_in(header: str | None, name: str) -> str | None:
    """Return the value of a cookie in a ``Cookie`` header; ``None`` if it is not there."""
    if not header:
        return None
    pairs = (pair.partition("=") for pair in header.split("; "))
    return next((value for found, _, value in pairs if found == name), None)


def xsrf_header(cookie: str, request: WireRequest, config: RequestConfig) -> tuple[str, str] | None:
    """Return the header that carries ``cookie``; ``None`` if this request must not have it.

    It goes only to the origin of the instance, whatever ``with_xsrf_token`` says.
    """
    name = config.xsrf_header_name
    if not name or request.headers.get(name, "") in (None, False):
        return None
    own = config.instance[0] if isinstance(config, LeavingConfig) else None
    if own is None or origin(request.url) != own:
        return None
    wanted = config.with_xsrf_token
    if callable(wanted):
        wanted = call(wanted, config)
    if wanted is None or wanted is UNSET:
        wanted = True
    if not isinstance(wanted, bool):
        raise TypeError(f"with_xsrf_token must return a bool, not {type(wanted).__name__}")
    if not wanted:
        return None
    return header_fields(Headers({name: _unescaped(cookie)}))[0]


def _unescaped(cookie: str) -> str:
    """Return a cookie without its percent-encoding, or as it is where that is broken."""
    if _BROKEN_ESCAPE.search(cookie):
        return cookie
    try:
        return unquote(cookie, errors="strict")
    except UnicodeDecodeError:
        return cookie
