"""A cookie's value in a header, against forged requests (axios's ``xsrfCookieName``).

A server that sets a cookie and wants its value back in a header knows that the request comes from
someone who can read its cookies. axios does this only in browsers. zustax does it wherever the
client has the cookie.
"""

from __future__ import annotations

import re
from urllib.parse import unquote

from ..arity import call
from ..config import UNSET, LeavingConfig, RequestConfig
from ..encoding import header_fields
from ..headers import Headers
from ..urls import origin
from .redirects import WireRequest

_BROKEN_ESCAPE = re.compile(r"%(?![0-9a-fA-F]{2})")


def xsrf_header(cookie: str, request: WireRequest, config: RequestConfig) -> tuple[str, str] | None:
    """Return the header that carries ``cookie``; ``None`` if this request must not have it.

    It goes only to the origin of the instance, whatever ``with_xsrf_token`` says.
    """
    name = config.xsrf_header_name
    if not name or request.headers.get(name, "") in (None, False):
        return None
    own = config.instance[0] if isinstance(config, LeavingConfig) else None
    if own is None or origin(request.url) != own or not _is_wanted(config):
        return None
    return header_fields(Headers({name: _decoded(cookie)}))[0]


def _is_wanted(config: RequestConfig) -> bool:
    wanted = config.with_xsrf_token
    if callable(wanted):
        wanted = call(wanted, config)
    if wanted is None or wanted is UNSET:
        return True
    if not isinstance(wanted, bool):
        raise TypeError(f"with_xsrf_token must return a bool, not {type(wanted).__name__}")
    return wanted


def _decoded(cookie: str) -> str:
    """Return a cookie without its percent-encoding, or as it is where that is broken."""
    if _BROKEN_ESCAPE.search(cookie):
        return cookie
    try:
        return unquote(cookie, errors="strict")
    except UnicodeDecodeError:
        return cookie
