"""Where a redirect leads, and what goes there: as axios on Node does (RFC 9110, section 15.4)."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import urljoin

from attrs import evolve, field, frozen

from .body import can_be_sent_again
from .config import RequestConfig
from .errors import InvalidURLError, RequestError
from .headers import Headers, basic_auth
from .redaction import redact_url
from .urls import check_requestable, origin, requestable_url

#: An absolute URL without a host; `urljoin` would take that of the URL before.
_WITHOUT_HOST = re.compile(r"([a-z][a-z\d+\-.]*:)?//([/?#]|$)", re.IGNORECASE)

_CREDENTIALS = ("authorization", "proxy-authorization", "cookie")


@frozen(repr=False)
class Sending:
    """One request on its way: what a client needs to send it."""

    method: str
    url: str = field(repr=False)
    headers: Headers
    body: Any = field(repr=False)

    def with_own_headers(self) -> Sending:
        """The same with a copy of its headers, which nobody else sees."""
        return evolve(self, headers=self.headers.copy())


def first_sending(config: RequestConfig) -> Sending:
    """What a config asks to send, with its basic authentication as a header."""
    headers = config.headers
    if config.auth:
        headers = headers.copy()
        headers["Authorization"] = basic_auth(config.auth)
    return Sending(config.method, requestable_url(config), headers, config.data)


def next_sending(
    sent: Sending, status: int, location: str | None, config: RequestConfig
) -> Sending | None:
    """What to send next; ``None`` if the answer is no redirect.

    After 303, and after 301 and 302 to a POST, it is a GET without a body. Credentials go nowhere
    but to the origin that they were given for; those of ``auth`` come back when the way leads back.

    Raises:
        InvalidURLError: The location has a scheme and no host.
        RequestError: The location is no HTTP URL, or the body is needed again and is gone.
    """
    if not (300 <= status < 400 and location):
        return None
    url = _target(sent.url, location)
    headers, method, body = sent.headers.copy(), sent.method, sent.body
    if _becomes_get(status, method):
        method, body = "get", None
        _drop(headers, [name for name in headers if name.lower().startswith("content-")])
    elif not can_be_sent_again(body):
        raise RequestError(
            f"the redirect to {origin(url)} needs the body again, which can be read only once",
            RequestError.ERR_BAD_REQUEST,
        )
    if origin(url) != origin(sent.url):
        _drop(headers, _CREDENTIALS)
    if config.auth and origin(url) == origin(requestable_url(config)):
        headers["Authorization"] = basic_auth(config.auth)
    return Sending(method, url, headers, body)


def _target(url: str, location: str) -> str:
    if _WITHOUT_HOST.match(location):
        raise InvalidURLError(
            f"the redirect from {origin(url)} to {json.dumps(redact_url(location))} names no host",
            RequestError.ERR_INVALID_URL,
        )
    try:
        target = urljoin(url, location)
    except ValueError as error:
        raise InvalidURLError(
            f"the redirect from {origin(url)} to {json.dumps(redact_url(location))}: {error}",
            RequestError.ERR_INVALID_URL,
        ) from None
    check_requestable(target)
    return target


def _becomes_get(status: int, method: str) -> bool:
    if status == 303:
        return method not in ("get", "head")
    return status in (301, 302) and method == "post"


def _drop(headers: Headers, names: Any) -> None:
    for name in names:
        headers.pop(name, None)
