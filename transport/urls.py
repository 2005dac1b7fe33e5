"""Where a request goes: ``base_url``, ``url`` and ``params`` joined as axios joins them."""

from __future__ import annotations

import functools
import json
import re
from urllib.parse import urljoin, urlsplit

import httpx

from .config import RequestConfig
from .encoding import serialize_params
from .errors import InvalidURLError, RequestError
from .secrecy import redact_url

_ABSOLUTE = re.compile(r"^([a-z][a-z\d+\-.]*:)?//", re.IGNORECASE)
_WITHOUT_SLASHES = re.compile(r"^https?:(?!//)", re.IGNORECASE)
#: An absolute URL without a host; `urljoin` would take that of the URL before.
_WITHOUT_HOST = re.compile(r"([a-z][a-z\d+\-.]*:)?//([/?#]|$)", re.IGNORECASE)
DEFAULT_PORTS = {"http": 80, "https": 443}


def full_url(config: RequestConfig) -> str:
    """Return the URL of a request, query included, as it was written (only params are escaped)."""
    url = _joined(config.url or "", config.base_url or "", config.allow_absolute_urls)
    return _with_params(url, config) if config.params else url


def wire_url(config: RequestConfig) -> tuple[str, tuple[str, str] | None]:
    """Return the URL as it is requested, and the user name and password that stood in it."""
    url, auth = _wire_url(config.url or "", config.base_url or "", config.allow_absolute_urls)
    return (_with_params(url, config) if config.params else url), auth


@functools.lru_cache(maxsize=512)
def _wire_url(
    url: str, base_url: str, allow_absolute_urls: bool
) -> tuple[str, tuple[str, str] | None]:
    return split_credentials(_without_fragment(_joined(url, base_url, allow_absolute_urls)))


def split_credentials(url: str) -> tuple[str, tuple[str, str] | None]:
    """Take the user name and password out of ``url``, which HTTP clients write into their logs."""
    parsed = _requestable(url)
    if not parsed.userinfo:
        return url, None
    return str(parsed.copy_with(userinfo=b"")), (parsed.username, parsed.password)


def _requestable(url: str) -> httpx.URL:
    protocol, mark, rest = url.partition("://")
    if not mark or _ABSOLUTE.match(url) is None or rest[:1] in ("", "/"):
        raise _invalid(
            f"Invalid URL {_shown(url)}: it has no scheme and host; "
            "give an absolute url, or a base_url such as 'https://host/api'"
        )
    if protocol.lower() not in DEFAULT_PORTS:
        raise RequestError(
            f"Unsupported protocol {protocol}:",
            RequestError.ERR_BAD_REQUEST,
            request_was_sent=False,
        )
    parsed = _parsed(url)
    if parsed is None:
        raise _invalid(
            f"Invalid URL {_shown(url)}: its host or port cannot exist, "
            "or it holds half a character (a lone surrogate)"
        )
    return parsed


def _parsed(url: str) -> httpx.URL | None:
    try:
        parsed = httpx.URL(url)
        _ = urlsplit(url).port, parsed.host  # decoded only when they are asked for
        parsed.raw_host.decode("ascii").rstrip(".").encode("idna")  # labels of a length that exists
    except (httpx.InvalidURL, ValueError):
        return None
    return parsed if parsed.port is None or parsed.port < 65536 else None


def _invalid(message: str) -> InvalidURLError:
    return InvalidURLError(message, RequestError.ERR_INVALID_URL, request_was_sent=False)


def _shown(url: str) -> str:
    return json.dumps(redact_url(url))


def _with_params(url: str, config: RequestConfig) -> str:
    query = serialize_params(config.params, config.params_serializer)
    if not query:
        return url
    head = url.partition("#")[0]
    return f"{head}{'&' if '?' in head else '?'}{query}"


def _without_fragment(url: str) -> str:
    """What a server sees of ``url``, its query escaped as URLs of HTTP are (WHATWG URL)."""
    head, mark, query = url.partition("#")[0].partition("?")
    return head + mark + query.replace("'", "%27") if query else head


def check_base_url(base_url: str | None) -> None:
    """Refuse a ``base_url`` that can never be requested."""
    if base_url and origin(base_url) is None:
        raise _invalid(
            f"base_url {_shown(base_url)} cannot be requested: it needs a scheme and a host, "
            "as in 'http://localhost:3001/api'"
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
        raise _invalid(f'Invalid URL {_shown(url)}: missing "//" after protocol')


def redirect_target(url: str, location: str) -> str:
    """Return where ``location`` leads from ``url``."""
    problem = "it names no host"
    if not _WITHOUT_HOST.match(location):
        try:
            return urljoin(url, location)
        except ValueError as error:
            problem = str(error)
    raise InvalidURLError(
        f"the redirect from {origin(url)} to {_shown(location)} is no URL: {problem}",
        RequestError.ERR_INVALID_URL,
    )


@functools.lru_cache(maxsize=256)
def target_origin(url: str, base_url: str | None, allow_absolute_urls: bool) -> str | None:
    """Return the origin that a request goes to; ``None`` if it is unknown."""
    if not url or not _is_absolute(url) or (base_url and allow_absolute_urls is False):
        return origin(base_url or "")
    return origin(url)


@functools.lru_cache(maxsize=256)
def origin(url: str) -> str | None:
    """Return scheme, host in IDNA form and port of ``url`` (RFC 6454); ``None`` if not HTTP."""
    parsed = _parsed(url)
    if parsed is None or parsed.scheme not in DEFAULT_PORTS or not parsed.raw_host:
        return None
    host = parsed.raw_host.decode("ascii")
    port = DEFAULT_PORTS[parsed.scheme] if parsed.port is None else parsed.port
    return f"{parsed.scheme}://{host}:{port}"


def has_credentials(url: str | None) -> bool:
    """Return True if the URL itself carries a user name or password."""
    parsed = _parsed(url) if url and "@" in url else None
    return parsed is not None and bool(parsed.userinfo)
