"""The cookies that an instance's own clients share."""

from __future__ import annotations

from email.message import Message
from http.cookiejar import CookieJar
from typing import Any
from urllib.request import Request

import httpx

from .redirects import WireRequest


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
