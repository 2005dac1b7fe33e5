"""What goes on the wire, first and after a redirect: as axios on Node does (RFC 9110, 15.4)."""

from __future__ import annotations

from typing import Any

from attrs import define, field

from ..body import can_be_sent_again
from ..config import LeavingConfig, RequestConfig
from ..encoding import basic_auth, username_and_password
from ..errors import RequestError
from ..headers import Headers
from ..urls import origin, redirect_target, split_credentials, wire_url

_CREDENTIALS = ("authorization", "proxy-authorization", "cookie")


@define(repr=False, eq=False)
class WireRequest:
    """One request on its way."""

    method: str
    url: str = field(repr=False)
    headers: Headers
    body: Any = field(repr=False)


def first_request(config: RequestConfig) -> WireRequest:
    """Return what a config asks to send, with its basic authentication as a header."""
    url, in_url = wire_url(config)
    headers, body = config.headers, config.data
    auth = username_and_password(config.auth) if config.auth else in_url
    if auth or body is not None:
        headers = headers.copy()
    if auth:
        headers["Authorization"] = basic_auth(auth)
    return WireRequest(config.method, url, headers, body)


def next_request(sent: WireRequest, head: Any, config: RequestConfig) -> WireRequest | None:
    """Return what to send next; ``None`` if the response is no redirect.

    Credentials go only to the origin that they were given for; ``auth`` comes back with it.
    """
    status, location = head.status, head.headers.get("location")
    if not location:
        return None
    url, in_url = split_credentials(redirect_target(sent.url, location))
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
        if isinstance(config, LeavingConfig) and config.token:
            _drop(headers, config.token[1])
            if isinstance(body, bytes) and config.token[0].encode() in body:
                raise RequestError(
                    f"the redirect to {origin(url)} would take the access token along in the body",
                    RequestError.ERR_BAD_REQUEST,
                )
    if config.auth and origin(url) == origin(wire_url(config)[0]):
        headers["Authorization"] = basic_auth(username_and_password(config.auth))
    elif in_url:
        headers["Authorization"] = basic_auth(in_url)
    return WireRequest(method, url, headers, body)


def _becomes_get(status: int, method: str) -> bool:
    if status == 303:
        return method not in ("get", "head")
    return status in (301, 302) and method == "post"


def _drop(headers: Headers, names: Any) -> None:
    for name in names:
        headers.pop(name, None)
