"""The forward proxy of a request (axios's ``proxy``)."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeAlias
from urllib.parse import unquote, urlsplit
from urllib.request import proxy_bypass

from attrs import field, frozen

from ..config import UNSET
from ..encoding import username_and_password
from ..errors import RequestError
from ..urls import DEFAULT_PORTS

_NAME_OR_IPV4 = re.compile(r"[^\s/?#@:%\\\[\]]+")
_IPV6 = re.compile(r"[0-9a-f.]*(:[0-9a-f.]*){2,}", re.IGNORECASE)


@frozen
class Proxy:
    """A forward proxy that is spoken to over HTTP (RFC 9110, section 3.7)."""

    url: str
    auth: tuple[str, str] | None = field(default=None, repr=False)


#: A proxy; ``False``: none; ``None``: the one that the environment names, if any.
ProxyChoice: TypeAlias = Proxy | Literal[False] | None


def proxy_of(option: Any) -> ProxyChoice:
    """Read the option ``proxy`` of a config."""
    if option is False:
        return False
    if option is None or option is UNSET:
        return None
    return _of_parts(_parts(option))


def check_proxy(_name: str, option: Any) -> None:
    """Refuse a value of the option ``proxy`` that means nothing; a mapping may be merged later."""
    if option is not False:
        _parts(option)


def environment_proxy(
    url: str, proxies: Mapping[str, str], *, takes_socks: bool = False
) -> Proxy | None:
    """Return the proxy for ``url`` among those of ``HTTP_PROXY`` and the like, if any."""
    parts = urlsplit(url)
    found = proxies.get(parts.scheme) or proxies.get("all")
    if not found or proxy_bypass(parts.netloc.rpartition("@")[2]):
        return None
    try:
        option = _of_url(found)
        if takes_socks and option["protocol"] in ("socks5", "socks5h"):
            address = f"{_host(option['host'])}:{option['port'] or 1080}"
            return Proxy(f"{option['protocol']}://{address}", option["auth"])
        return _of_parts(_parts(option))
    except RequestError as error:
        problem = error.message
    raise _bad(f"the environment (HTTP_PROXY and the like) names no usable proxy: {problem}")


def _of_parts(parts: dict[str, Any]) -> Proxy:
    if "host" not in parts:
        raise TypeError("proxy: its host is missing, as in {'host': 'proxy.local', 'port': 3128}")
    auth = parts.get("auth")
    if auth is not None and not any(auth):
        raise RequestError(
            "Invalid proxy authorization: its auth needs a username or a password",
            RequestError.ERR_BAD_OPTION,
            request_was_sent=False,
        )
    protocol = parts.get("protocol", "http")
    port = parts.get("port", DEFAULT_PORTS[protocol])
    return Proxy(f"{protocol}://{parts['host']}:{port}", auth)


def _parts(option: Any) -> dict[str, Any]:
    """Return the parts that are given, each in the form that a URL has."""
    if isinstance(option, str):
        option = _of_url(option)
    elif not isinstance(option, Mapping):
        raise TypeError(f"proxy must be a mapping, a URL or False, not {type(option).__name__}")
    unknown = next((name for name in option if name not in _PARTS), None)
    if unknown is not None:
        raise TypeError(f"proxy: it has no {unknown!r}; its parts are {', '.join(_PARTS)}")
    return {name: _PARTS[name](value) for name, value in option.items() if value is not None}


def _of_url(url: str) -> dict[str, Any]:
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        protocol, host, port = parts.scheme, parts.hostname, parts.port
        auth = (unquote(parts.username or ""), unquote(parts.password or ""))
    except ValueError:
        protocol, host, port, auth = "", None, None, ("", "")
    if host is None or not url.isprintable():
        # It is not shown: it may hold a password.
        raise _bad("proxy must be a URL such as 'http://proxy.local:3128'")
    return {"protocol": protocol, "host": host, "port": port, "auth": auth if any(auth) else None}


def _protocol(value: Any) -> str:
    protocol = _text("protocol", value).removesuffix(":").lower()
    if protocol not in DEFAULT_PORTS:
        raise _bad("proxy: its protocol must be 'http' or 'https'")
    return protocol


def _host(value: Any) -> str:
    host = _text("host", value).removeprefix("[").removesuffix("]")
    if _IPV6.fullmatch(host):
        return f"[{host}]"
    if not (host.isprintable() and _NAME_OR_IPV4.fullmatch(host)):
        raise _bad("proxy: its host must be a name or an address, without port and user name")
    return host


def _port(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        raise TypeError(f"proxy: its port must be an int, not {type(value).__name__}")
    is_number = isinstance(value, int) or (value.isascii() and value.isdigit() and len(value) < 6)
    if not is_number or not 0 < int(value) < 65536:
        raise _bad(f"proxy: its port must be a number from 1 to 65535, not {value!r}")
    return int(value)


def _text(part: str, value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"proxy: its {part} must be a str, not {type(value).__name__}")
    return value


def _bad(message: str) -> RequestError:
    return RequestError(message, RequestError.ERR_BAD_OPTION_VALUE, request_was_sent=False)


_PARTS: dict[str, Callable[[Any], Any]] = {
    "protocol": _protocol,
    "host": _host,
    "port": _port,
    "auth": functools.partial(username_and_password, name="proxy['auth']"),
}
