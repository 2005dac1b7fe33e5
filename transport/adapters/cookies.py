"""The cookies that an instance's own clients share."""

from __future__ import annotations

from email.message import Message
from http.cookiejar import CookieJar
from typing import Any
from urllib.request import Request


def cookie_header(jar: CookieJar, url: str) -> str | None:
    """Return the ``Cookie`` header for a request to ``url``, if there are cookies for it."""
    if not len(jar):
        return None
    request = Request(url)  # noqa: S310 - it is not opened
    jar.add_cookie_header(request)
    return request.get_header("Cookie")


def keep_cookies(jar: CookieJar, url: str, fields: list[str]) -> None:
    """Keep the cookies of a response from ``url``, given its ``Set-Cookie`` fields."""
    jar.extract_cookies(_Response(fields), Request(url))  # type: ignore[arg-type] # noqa: S310


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
