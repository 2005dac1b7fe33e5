"""What must never be shown: credentials in headers, options, bodies, URLs and tracebacks.

axios masks only what ``redact`` names. zustax always masks credentials: an error that you log as
JSON would otherwise carry the bearer token.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Collection, Iterable, Mapping
from inspect import iscoroutinefunction
from types import FunctionType, TracebackType
from typing import Any, TypeVar

#: Stands where something is hidden (axios's own marker).
REDACTED = "[REDACTED ****]"

SECRET_HEADERS = frozenset(
    (
        *("authorization", "proxy-authorization", "cookie", "set-cookie"),
        *("x-xsrf-token", "x-csrf-token", "x-csrftoken"),
    )
)

#: Names that hold a secret wherever they stand, in lower case and without ``_`` and ``-``.
_SECRET_NAMES = frozenset(
    (
        *("accesstoken", "refreshtoken", "idtoken", "token", "password", "passwd"),
        *("secret", "clientsecret", "apikey"),
        *("authorization", "proxyauthorization", "cookie", "setcookie"),
    )
)

_USERINFO = re.compile(r"^([a-z][a-z0-9+.-]*:/{0,2})[^/?#]*@", re.IGNORECASE)
_PARAMETER = re.compile(r"([?&#])([^=&#?]*)=[^&#]*")
_QUERY_VALUE = re.compile(r"([?&][^=&#]*=)[^&#]*")
_FRAGMENT_PART = re.compile(r"(^|&)([^=&]*=)?[^&]+")


# --- values ---


def is_secret_name(name: str) -> bool:
    """Return True if a field called ``name`` holds a secret, however it is spelt."""
    return name.lower().replace("_", "").replace("-", "") in _SECRET_NAMES


def redact(value: Any, names: Collection[str] = ()) -> Any:
    """Copy ``value`` into plain JSON-like types, with secrets masked at any depth."""
    return _redacted(value, frozenset(name.lower() for name in names), ())


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


def describe(value: Any) -> str:
    """Show ``value`` in the text of an error: secrets masked, cut to a readable length."""
    text = repr(redact(value))
    return text if len(text) <= 200 else f"{text[:197]}..."


# --- URLs ---


def redact_userinfo(url: str) -> str:
    """Mask the user name and password before the host of ``url``."""
    return _USERINFO.sub(rf"\g<1>{REDACTED}@", url)


def redact_secrets_in_url(url: str) -> str:
    """Mask the credentials of ``url``, and the parameters whose names say that they are secret."""
    return _PARAMETER.sub(_masked_parameter, redact_userinfo(url))


def _masked_parameter(found: re.Match[str]) -> str:
    return f"{found[1]}{found[2]}={REDACTED}" if is_secret_name(found[2]) else found[0]


def redact_url(url: str) -> str:
    """Mask the credentials, the values of query parameters and the fragment of ``url``."""
    head, mark, fragment = redact_userinfo(url).partition("#")
    head = _QUERY_VALUE.sub(rf"\g<1>{REDACTED}", head)
    if not mark:
        return head
    masked = _FRAGMENT_PART.sub(lambda m: f"{m[1]}{m[2] or ''}{REDACTED}", fragment)
    return f"{head}#{masked}"


def redact_proxy(option: Any) -> Any:
    """Mask the credentials in the option ``proxy``, a mapping or a URL."""
    if isinstance(option, str):
        protocol, _, rest = (option if "://" in option else f"http://{option}").partition("://")
        _, at, address = rest.rpartition("@")
        return f"{protocol}://{REDACTED}@{address}" if at else option
    if isinstance(option, Mapping) and not isinstance(option.get("auth") or {}, Mapping):
        return {**option, "auth": REDACTED}
    return option


# --- tracebacks ---

AnyError = TypeVar("AnyError", bound=BaseException)
Door = TypeVar("Door", bound=Any)

#: Packages whose frames hold raw headers, bodies and tokens as local variables.
_INNER_PACKAGES = frozenset(
    (
        *("zustax", "httpx", "httpx2", "httpcore", "httpcore2", "h11", "h2", "anyio"),
        *("aiohttp", "aiohappyeyeballs", "multidict", "yarl"),
        *("asyncio", "json", "contextlib", "concurrent", "threading", "_collections_abc"),
    )
)

#: The methods with two underscores that users call.
_PUBLIC_DUNDERS = frozenset(("__init__", "__call__", "__enter__", "__exit__"))


def discreet(public: Door, *names: str) -> Door:
    """Cut the inner frames from what a function raises, or the methods of a class (those named)."""
    if isinstance(public, type):
        for name in names or list(filter(_is_public, vars(public))):
            member = vars(public)[name]
            if isinstance(member, FunctionType) and not iscoroutinefunction(member):
                setattr(public, name, discreet(member))
        return public  # pyright: ignore[reportReturnType]

    @functools.wraps(public)
    def door(*args: Any, **options: Any) -> Any:
        try:
            return public(*args, **options)
        except BaseException as error:
            del args, options
            with_callers_frames(error)
            raise

    return door  # type: ignore[return-value]


def _is_public(name: str) -> bool:
    return not name.startswith("_") or name in _PUBLIC_DUNDERS


def without_tracebacks(error: AnyError) -> AnyError:
    """Drop the tracebacks of ``error`` and of all that caused it."""
    for one in with_causes(error):
        one.__traceback__ = None
    return error


def with_callers_frames(error: AnyError) -> AnyError:
    """Drop the inner frames from the tracebacks of ``error`` and of all that caused it."""
    for one in with_causes(error):
        one.__traceback__ = _callers_part(one.__traceback__)
    return error


def with_causes(error: BaseException) -> Iterable[BaseException]:
    """Return ``error`` and all that it came from."""
    found: dict[int, BaseException] = {}
    pending: list[BaseException | None] = [error]
    while pending:
        one = pending.pop()
        if one is not None and id(one) not in found:
            found[id(one)] = one
            pending += (one.__cause__, one.__context__)
            pending += one.exceptions if isinstance(one, BaseExceptionGroup) else ()
    return found.values()


def _callers_part(traceback: TracebackType | None) -> TracebackType | None:
    found: list[TracebackType] = []
    while traceback is not None:
        if not _is_inner(traceback):
            found.append(traceback)
        traceback = traceback.tb_next
    kept: TracebackType | None = None
    for one in reversed(found):
        kept = TracebackType(kept, one.tb_frame, one.tb_lasti, one.tb_lineno)
    return kept


def _is_inner(traceback: TracebackType) -> bool:
    if traceback.tb_frame.f_code.co_filename.startswith("<attrs generated"):
        return True
    module = str(traceback.tb_frame.f_globals.get("__name__", ""))
    return module.partition(".")[0] in _INNER_PACKAGES


# --- exceptions of clients, which quote what they have sent or received ---

_NO_HTTP = "the server's answer is not valid HTTP"

#: What to say instead, by the name of the class or of one that it derives from.
_WORDS = {
    "RemoteProtocolError": _NO_HTTP,  # of httpx, httpcore and h11
    "LocalProtocolError": "the request is not valid HTTP: check its headers and its body",
    "ProtocolError": _NO_HTTP,  # of h2
    "ProxyError": "the proxy did not open the connection",
    "ClientHttpProxyError": "the proxy did not open the connection",  # of aiohttp, as the rest
    "ClientResponseError": _NO_HTTP,
    "HttpProcessingError": _NO_HTTP,
    "ClientPayloadError": "the server's answer ended too early, or is not valid HTTP",
}

#: What quotes nothing.
_HARMLESS = re.compile("Server disconnected|peer closed connection")


def in_own_words(error: BaseException) -> None:
    """Replace what ``error`` and its causes say, where that may quote what was sent or received."""
    for one in with_causes(error):
        names = (kind.__name__ for kind in type(one).__mro__)
        words = next((_WORDS[name] for name in names if name in _WORDS), None)
        text = str(one)
        if words is not None and not _HARMLESS.match(text):
            if text[:3].isdigit() and not hasattr(one, "status"):
                words = f"{words} ({text[:3]})"  # which a proxy has answered
            one.args = (words,)
            quoting = {name for name, value in vars(one).items() if isinstance(value, (str, bytes))}
            vars(one).update(dict.fromkeys(quoting, words))
            if hasattr(one, "headers"):
                vars(one)["headers"] = None
