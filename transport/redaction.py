"""What must never be shown: credentials in headers, options and bodies.

Axios redacts only what ``redact`` names. Here credentials are redacted always: an error that is
logged as JSON would otherwise carry the bearer token.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

#: What stands where something is hidden (axios's own marker).
REDACTED = "[REDACTED ****]"

SECRET_HEADERS = frozenset(
    (
        "authorization",
        "proxy-authorization",
        "cookie",
        "set-cookie",
        "x-xsrf-token",
        "x-csrf-token",
        "x-csrftoken",
    )
)

#: Names that hold a secret wherever they stand, in lower case and without ``_`` and ``-``.
SECRET_NAMES = frozenset(
    (
        "accesstoken",
        "refreshtoken",
        "idtoken",
        "token",
        "password",
        "passwd",
        "secret",
        "clientsecret",
        "apikey",
        "authorization",
        "proxyauthorization",
        "cookie",
        "setcookie",
    )
)

_USERINFO = re.compile(r"^([a-z][a-z0-9+.-]*:/{0,2})[^/?#]*@", re.IGNORECASE)
_PARAMETER = re.compile(r"([?&#])([^=&#?]*)=[^&#]*")
_QUERY_VALUE = re.compile(r"([?&][^=&#]*=)[^&#]*")
_FRAGMENT_PART = re.compile(r"(^|&)([^=&]*=)?[^&]+")


def is_secret_name(name: str) -> bool:
    """Whether what is called ``name`` is a secret, whatever its spelling (``accessToken``)."""
    return name.lower().replace("_", "").replace("-", "") in SECRET_NAMES


def redact(value: Any, names: Collection[str] = ()) -> Any:
    """A copy of ``value`` in plain JSON-like types, with secrets masked at any depth.

    Args:
        value: Anything; mappings and lists are walked, bytes are described, other objects shown by
            their class.
        names: Names to mask besides those that `is_secret_name` knows, whatever their case.
    """
    wanted = frozenset(name.lower() for name in names)
    return _redacted(value, wanted, ())


def _redacted(value: Any, names: frozenset[str], path: tuple[int, ...]) -> Any:
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, (bytes, bytearray)):
        return f"<{len(value)} bytes>"
    if id(value) in path:
        return None
    path = (*path, id(value))
    if isinstance(value, Mapping):
        return {
            str(key): REDACTED
            if _is_masked(str(key), item, names)
            else _redacted(item, names, path)
            for key, item in value.items()
        }
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_redacted(item, names, path) for item in value]
    return f"<{getattr(value, '__qualname__', type(value).__qualname__)}>"


def _is_masked(name: str, value: Any, names: frozenset[str]) -> bool:
    if name.lower() in names:
        return True
    return value not in (None, "", False) and is_secret_name(name)


def redact_userinfo(url: str) -> str:
    """``url`` with the user name and password before its host masked."""
    return _USERINFO.sub(rf"\g<1>{REDACTED}@", url)


def redact_secrets_in_url(url: str) -> str:
    """``url`` with credentials masked, and the parameters whose names say that they are secret."""
    return _PARAMETER.sub(_masked_parameter, redact_userinfo(url))


def _masked_parameter(found: re.Match[str]) -> str:
    return f"{found[1]}{found[2]}={REDACTED}" if is_secret_name(found[2]) else found[0]


def redact_url(url: str) -> str:
    """``url`` with credentials, values of query parameters and fragments masked."""
    head, mark, fragment = redact_userinfo(url).partition("#")
    head = _QUERY_VALUE.sub(rf"\g<1>{REDACTED}", head)
    if not mark:
        return head
    masked = _FRAGMENT_PART.sub(lambda m: f"{m[1]}{m[2] or ''}{REDACTED}", fragment)
    return f"{head}#{masked}"
