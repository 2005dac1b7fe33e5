"""The checks of a request's options: what has the wrong type is refused before anything is sent.

An error names the option and the type of its value; it shows the value only where that cannot be a
secret.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from .errors import RequestError, describe
from .headers import is_header_name, username_and_password
from .proxy import check_proxy
from .unset import UNSET

_METHOD_CHARACTERS = frozenset("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz")

_RESPONSE_TYPES = ("json", "text", "bytes", "stream")

_ADAPTERS = ("httpx", "aiohttp")


def check_option(name: str, value: Any) -> None:
    """Refuse a value of an option that means nothing; ``None`` and `UNSET` are refused nowhere.

    Raises:
        TypeError: It has the wrong type.
        RequestError: ``ERR_BAD_OPTION_VALUE``: it has the right type and no meaning.
    """
    check = _CHECKS.get(name)
    if check is not None and value is not None and value is not UNSET:
        check(name, value)


def checked_method(method: Any) -> str:
    """An HTTP method in lower case (RFC 9110, section 9.1).

    Raises:
        TypeError: It is no string.
        RequestError: ``ERR_BAD_OPTION_VALUE``: it is no token.
    """
    _text("method", method)
    lower = str(method).lower()
    if not _METHOD_CHARACTERS.issuperset(lower):
        raise _bad_value("method", method, "an HTTP method such as 'get'")
    return lower


def _wrong_type(name: str, value: Any, wanted: str) -> TypeError:
    return TypeError(f"{name} must be {wanted}, not {type(value).__name__}")


def _bad_value(name: str, value: Any, wanted: str) -> RequestError:
    return RequestError(
        f"{name} must be {wanted}, not {describe(value)}", RequestError.ERR_BAD_OPTION_VALUE
    )


def _text(name: str, value: Any) -> None:
    if not isinstance(value, str):
        raise _wrong_type(name, value, "a str")


def _flag(name: str, value: Any) -> None:
    if not isinstance(value, bool):
        raise _wrong_type(name, value, "a bool")


def _flag_or_function(name: str, value: Any) -> None:
    if not isinstance(value, bool) and not callable(value):
        raise _wrong_type(name, value, "a bool or a function")


def _header_name(name: str, value: Any) -> None:
    _text(name, value)
    if value and not is_header_name(value):
        raise _bad_value(name, value, "the name of a header")


def _timeout(name: str, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise _wrong_type(name, value, "a number of seconds")
    if math.isnan(value) or value < 0:
        raise _bad_value(name, value, "a number of seconds, 0 for no limit")


def _whole_number(name: str, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int):
        raise _wrong_type(name, value, "an int")


def _callable(name: str, value: Any) -> None:
    if not callable(value):
        raise _wrong_type(name, value, "callable or None")


def _transforms(name: str, value: Any) -> None:
    several = value if isinstance(value, (list, tuple)) else (value,)
    for one in several:
        if not callable(one):
            raise _wrong_type(name, one, "a function or a list of functions")


def _signal(name: str, value: Any) -> None:
    if not hasattr(value, "add_listener"):
        raise _wrong_type(name, value, "the signal of an AbortController")


def _response_type(name: str, value: Any) -> None:
    if not isinstance(value, str) or value not in _RESPONSE_TYPES:
        raise _bad_value(name, value, "'json', 'text', 'bytes' or 'stream'")


def _headers(name: str, value: Any) -> None:
    if isinstance(value, (str, bytes)) or not isinstance(value, Iterable):
        raise _wrong_type(name, value, "a mapping")


def _params(name: str, value: Any) -> None:
    if isinstance(value, (str, bytes, int, float)):
        raise _wrong_type(name, value, "a mapping")


def _params_serializer(name: str, value: Any) -> None:
    if callable(value):
        return
    if not isinstance(value, Mapping):
        raise _wrong_type(name, value, "a function or a mapping")
    for key in ("encode", "serialize"):
        if value.get(key) is not None and not callable(value[key]):
            raise _wrong_type(f"{name}[{key!r}]", value[key], "a function")


def _auth(name: str, value: Any) -> None:
    username_and_password(value, name)


def _proxy(_name: str, value: Any) -> None:
    check_proxy(value)


def _adapter(name: str, value: Any) -> None:
    if isinstance(value, str):
        if value not in _ADAPTERS:
            raise _bad_value(name, value, "'httpx', 'aiohttp' or a function")
    elif not callable(value):
        raise _wrong_type(name, value, "'httpx', 'aiohttp' or a function")


def _names(name: str, value: Any) -> None:
    if isinstance(value, (str, bytes)) or not isinstance(value, Iterable):
        raise _wrong_type(name, value, "a list of names")


def _marks(name: str, value: Any) -> None:
    if not isinstance(value, dict):
        raise _wrong_type(name, value, "a dict")


_CHECKS: dict[str, Callable[[str, Any], None]] = {
    "url": _text,
    "method": _text,
    "base_url": _text,
    "allow_absolute_urls": _flag,
    "headers": _headers,
    "params": _params,
    "params_serializer": _params_serializer,
    "timeout": _timeout,
    "timeout_error_message": _text,
    "auth": _auth,
    "response_type": _response_type,
    "validate_status": _callable,
    "transform_request": _transforms,
    "transform_response": _transforms,
    "max_content_length": _whole_number,
    "max_body_length": _whole_number,
    "max_redirects": _whole_number,
    "before_redirect": _callable,
    "on_upload_progress": _callable,
    "on_download_progress": _callable,
    "xsrf_cookie_name": _text,
    "xsrf_header_name": _header_name,
    "with_xsrf_token": _flag_or_function,
    "proxy": _proxy,
    "signal": _signal,
    "adapter": _adapter,
    "redact": _names,
    "extra": _marks,
}
