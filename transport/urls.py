"""Where a request goes: ``base_url``, ``url`` and ``params`` joined as axios joins them."""

from __future__ import annotations

import functools
import json
import re
from urllib.parse import urlsplit

from .config import RequestConfig
from .errors import InvalidURLError, RequestError
from .params import serialize_params
from .redaction import redact_url

_ABSOLUTE = re.compile(r"^([a-z][a-z\d+\-.]*:)?//", re.IGNORECASE)
_WITHOUT_SLASHES = re.compile(r"^https?:(?!//)", re.IGNORECASE)
_DEFAULT_PORTS = {"http": 80, "https": 443}


def full_url(config: RequestConfig) -> str:
    """The URL of a request, query included, as it was written (nothing but params is escaped).

    Raises:
        InvalidURLError: ``//`` is missing after the protocol.
    """
    url, base_url = config.url or "", config.base_url or ""
    return _with_params(_joined(url, base_url, config.allow_absolute_urls), config)


def requestable_url(config: RequestConfig) -> str:
    """`full_url` as it is requested, refused where that cannot be done over HTTP.

    Raises:
        InvalidURLError: It has no host.
        RequestError: ``ERR_BAD_REQUEST``: the protocol is not HTTP.
    """
    url = _requestable(config.url or "", config.base_url or "", config.allow_absolute_urls)
    return _with_params(url, config)


@functools.lru_cache(maxsize=512)
def _requestable(url: str, base_url: str, allow_absolute_urls: bool) -> str:
    joined = _joined(url, base_url, allow_absolute_urls)
    check_requestable(joined)
    return _without_fragment(joined)


def check_requestable(url: str) -> None:
    """Refuse a URL that cannot be requested over HTTP.

    Raises:
        InvalidURLError: It has no host, no possible port, or half of a character.
        RequestError: ``ERR_BAD_REQUEST``: the protocol is not HTTP.
    """
    protocol, mark, rest = url.partition("://")
    if not mark or _ABSOLUTE.match(url) is None or rest[:1] in ("", "/"):
        raise InvalidURLError(
            f"Invalid URL {json.dumps(redact_url(url))}: it has no scheme and host; "
            "give an absolute url, or a base_url such as 'https://host/api'",
            RequestError.ERR_INVALID_URL,
            request_was_sent=False,
        )
    if protocol.lower() not in _DEFAULT_PORTS:
        raise RequestError(
            f"Unsupported protocol {protocol}:",
            RequestError.ERR_BAD_REQUEST,
            request_was_sent=False,
        )
    if not _can_be_written(url):
        raise InvalidURLError(
            f"Invalid URL {json.dumps(redact_url(url))}: its host or port is none that there "
            "can be, or it holds half a character",
            RequestError.ERR_INVALID_URL,
            request_was_sent=False,
        )


def _can_be_written(url: str) -> bool:
    """Whether its host and port can be looked up, and the rest of it be sent."""
    try:
        host, _ = urlsplit(url).hostname or "", urlsplit(url).port
        url.encode()
        return not host.isascii() or bool(host.rstrip(".").encode("idna"))
    except ValueError:
        return False


def _with_params(url: str, config: RequestConfig) -> str:
    if not config.params:
        return url
    query = serialize_params(config.params, config.params_serializer)
    if not query:
        return url
    head = url.partition("#")[0]
    return f"{head}{'&' if '?' in head else '?'}{query}"


def _without_fragment(url: str) -> str:
    """What a server sees of ``url``, its query escaped as URLs of HTTP are (WHATWG URL)."""
    head, mark, query = url.partition("#")[0].partition("?")
    query = query.replace("'", "%27")
    return f"{head}{mark}{query}" if query else head


def check_base_url(base_url: str | None) -> None:
    """Refuse a ``base_url`` that can never be requested.

    Raises:
        InvalidURLError: It has no scheme, or one that is not HTTP, or no host.
    """
    if base_url is None:
        return
    if not isinstance(base_url, str):
        raise TypeError(f"base_url must be a str, not {type(base_url).__name__}")
    if base_url and origin(base_url) is None:
        raise InvalidURLError(
            f"base_url {json.dumps(redact_url(base_url))} cannot be requested: it needs a scheme "
            "and a host, as in 'http://localhost:3001/api'",
            RequestError.ERR_INVALID_URL,
            request_was_sent=False,
        )


def _joined(url: str, base_url: str, allow_absolute_urls: bool) -> str:
    _refuse_missing_slashes(url)
    if not base_url or (_is_absolute(url) and allow_absolute_urls is not False):
        return url
    _refuse_missing_slashes(base_url)
    return f"{base_url.rstrip('/')}/{url.lstrip('/')}" if url else base_url


def _is_absolute(url: str) -> bool:
    return "//" in url and _ABSOLUTE.match(url) is not None


def _refuse_missing_slashes(url: str) -> None:
    if _WITHOUT_SLASHES.match(url):
        raise InvalidURLError(
            f'Invalid URL {json.dumps(redact_url(url))}: missing "//" after protocol',
            RequestError.ERR_INVALID_URL,
            request_was_sent=False,
        )


def origin_of(config: RequestConfig) -> str | None:
    """The origin that a request goes to; ``None`` where it cannot be told."""
    url = config.url
    if (
        not url
        or not _is_absolute(url)
        or (config.base_url and config.allow_absolute_urls is False)
    ):
        return origin(config.base_url or "")
    return origin(url)


@functools.lru_cache(maxsize=256)
def origin(url: str) -> str | None:
    """Scheme, host and port of ``url`` (RFC 6454); ``None`` if it is no HTTP URL with a host."""
    try:
        parts = urlsplit(url)
        scheme, host, port = parts.scheme, parts.hostname, parts.port
    except ValueError:
        return None
    if scheme not in _DEFAULT_PORTS or not host:
        return None
    return f"{scheme}://{host}:{_DEFAULT_PORTS[scheme] if port is None else port}"


def has_credentials(url: str) -> bool:
    """Whether the URL itself carries a user name or password."""
    return "@" in urlsplit(url).netloc
