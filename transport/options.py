"""What each option may be, and how a call's value meets the default.

A wrong value is refused where it is set. The error shows it only where it cannot be a secret.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

from .adapters.proxy import check_proxy
from .arity import check_arity
from .config import CHECKS, RequestConfig, of_options
from .encoding import username_and_password
from .errors import RequestError
from .headers import SETS, Headers, is_header_name
from .secrecy import describe, discreet
from .urls import check_base_url

#: Methods that need no check.
KNOWN_METHODS = SETS - {"common"}

_METHOD_CHARACTERS = frozenset("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz")

Check: TypeAlias = Callable[[str, Any], None]


# --- checks ---


def _wrong_type(name: str, value: Any, wanted: str) -> TypeError:
    return TypeError(f"{name} must be {wanted}, not {type(value).__name__}")


def _bad_value(name: str, value: Any, wanted: str) -> RequestError:
    return RequestError(
        f"{name} must be {wanted}, not {describe(value)}",
        RequestError.ERR_BAD_OPTION_VALUE,
        request_was_sent=False,
    )


def _must(is_right: Callable[[Any], bool], wanted: str) -> Check:
    """Return a check of a type."""

    def check(name: str, value: Any) -> None:
        if not is_right(value):
            raise _wrong_type(name, value, wanted)

    return check


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_iterable(value: Any) -> bool:
    return isinstance(value, Iterable) and not isinstance(value, (str, bytes))


_text = _must(lambda value: isinstance(value, str), "a str")
_flag = _must(lambda value: isinstance(value, bool), "a bool")
_whole_number = _must(lambda value: isinstance(value, int) and _is_number(value), "an int")


def _calls(*offered: str, or_else: type | None = None) -> Check:
    """Return a check of a function that is given these arguments."""
    wanted = "callable or None" if or_else is None else f"a function or a {or_else.__name__}"

    def check(name: str, value: Any) -> None:
        if or_else is not None and isinstance(value, or_else):
            return
        if not callable(value):
            raise _wrong_type(name, value, wanted)
        check_arity(name, value, *offered)

    return check


def _transforms(*offered: str) -> Check:
    check_one = _calls(*offered)

    def check(name: str, value: Any) -> None:
        for one in value if isinstance(value, (list, tuple)) else (value,):
            check_one(name, one)

    return check


def _base_url(name: str, value: Any) -> None:
    _text(name, value)
    check_base_url(value)


def _header_name(name: str, value: Any) -> None:
    _text(name, value)
    if value and not is_header_name(value):
        raise _bad_value(name, value, "a header name such as 'X-XSRF-TOKEN'")


def _timeout(name: str, value: Any) -> None:
    if not _is_number(value):
        raise _wrong_type(name, value, "a number of seconds")
    if math.isnan(value) or value < 0:
        raise _bad_value(name, value, "a number of seconds, 0 for no limit")


def _response_type(name: str, value: Any) -> None:
    if not isinstance(value, str) or value not in ("json", "text", "bytes", "stream"):
        raise _bad_value(name, value, "'json', 'text', 'bytes' or 'stream'")


def _params_serializer(name: str, value: Any) -> None:
    if not isinstance(value, Mapping):
        _calls("params", or_else=Mapping)(name, value)
        return
    for key, offered in (("encode", "text"), ("serialize", "params")):
        if value.get(key) is not None:
            _calls(offered)(f"{name}[{key!r}]", value[key])


def _auth(name: str, value: Any) -> None:
    username_and_password(value, name)


def _adapter(name: str, value: Any) -> None:
    if isinstance(value, str) and value not in ("httpx", "aiohttp"):
        raise _bad_value(name, value, "'httpx', 'aiohttp' or a function")
    _calls("config", or_else=str)(name, value)


#: What each option may be; ``None`` and `UNSET` are never checked.
CHECKS.update(
    {
        "url": _text,
        "method": _text,
        "base_url": _base_url,
        "allow_absolute_urls": _flag,
        "headers": _must(_is_iterable, "a mapping"),
        "params": _must(lambda value: not isinstance(value, (str, bytes, int, float)), "a mapping"),
        "params_serializer": _params_serializer,
        "timeout": _timeout,
        "timeout_error_message": _text,
        "auth": _auth,
        "response_type": _response_type,
        "validate_status": _calls("status"),
        "transform_request": _transforms("data", "headers"),
        "transform_response": _transforms("data", "headers", "status"),
        "max_content_length": _whole_number,
        "max_body_length": _whole_number,
        "max_redirects": _whole_number,
        "before_redirect": _calls("request"),
        "on_upload_progress": _calls("event"),
        "on_download_progress": _calls("event"),
        "xsrf_cookie_name": _text,
        "xsrf_header_name": _header_name,
        "with_xsrf_token": _calls("config", or_else=bool),
        "proxy": check_proxy,
        "signal": _must(
            lambda value: hasattr(value, "add_listener"), "the signal of an AbortController"
        ),
        "adapter": _adapter,
        "redact": _must(_is_iterable, "a list of names"),
        "cookies": _flag,
        "extra": _must(lambda value: isinstance(value, dict), "a dict"),
    }
)

#: Options that come from the call alone (axios's ``mergeConfig``).
_OF_THE_CALL = frozenset(("url", "method", "data"))
#: Options whose dicts are merged at any depth. Of all others, the call's wins over the default.
_MERGED = frozenset(("params", "auth", "proxy", "extra"))
#: Options that may be a dict or a list, which a call must not share with the defaults.
_CONTAINERS = frozenset(
    (
        *("params", "data", "auth", "proxy", "extra", "redact"),
        *("params_serializer", "transform_request", "transform_response"),
    )
)


def checked_method(method: Any) -> str:
    """Return an HTTP method in lower case (RFC 9110, section 9.1)."""
    _text("method", method)
    lower = str(method).lower()
    if not _METHOD_CHARACTERS.issuperset(lower):
        raise _bad_value("method", method, "an HTTP method such as 'get'")
    return lower


# --- merging ---


@discreet
def merge_config(first: RequestConfig, second: RequestConfig) -> RequestConfig:
    """Merge two configs into a new one, field by field as axios does.

    ``url``, ``method`` and ``data`` come from ``second`` alone. ``headers``, ``params``, ``auth``,
    ``extra`` and ``proxy`` are merged, dicts at any depth. Every other option comes from
    ``second``, or from ``first`` where ``second`` has it unset.

    Raises:
        ValueError: An option that is merged contains itself.
    """
    merged = _merge(first.__dict__, second.__dict__)
    merged["headers"] = first.headers.merged(second.headers)
    return of_options(merged)


def config_for_call(defaults: RequestConfig, given: dict[str, Any]) -> RequestConfig:
    """Merge the checked options of a call over the defaults, with the headers of its method."""
    merged = _merge(defaults.__dict__, given)
    method = given.get("method") or defaults.method or "get"
    if method not in KNOWN_METHODS:
        method = checked_method(method)
    headers: Headers | None = given.get("headers")
    merged["method"] = method
    merged["headers"] = defaults.headers.for_method(method, headers)
    merged["allow_absolute_urls"] = merged.get("allow_absolute_urls") is not False
    return of_options(merged)


def _merge(first: dict[str, Any], second: dict[str, Any]) -> dict[str, Any]:
    """Merge all options but the headers."""
    merged = {**first, **second}
    for name in _OF_THE_CALL.difference(second):
        merged.pop(name, None)
    for name in _CONTAINERS.intersection(merged):
        value = merged[name]
        try:
            if name in _MERGED and name in first and name in second:
                merged[name] = _deep(first[name], value)
            else:
                merged[name] = _copied(value)
        except RecursionError:
            problem = f"{name}: it contains itself, or is nested too deeply to be merged"
            raise ValueError(problem) from None
    return merged


def _deep(first: Any, second: Any) -> Any:
    if not (first and isinstance(first, dict) and isinstance(second, dict)):
        return _copied(second)
    merged = {key: _copied(value) for key, value in first.items()}
    for key, value in second.items():
        merged[key] = _deep(merged.get(key), value)
    return merged


def _copied(value: Any) -> Any:
    if type(value) is list:
        return value.copy()
    if type(value) is dict:
        return {key: _copied(item) for key, item in value.items()} if value else {}
    return value
