"""The checks of a request's options: what has the wrong type is refused before anything is sent.

An error names the option and the type of its value; it shows the value only where that cannot be a
secret.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from .errors import RequestError, describe
from .unset import UNSET

if TYPE_CHECKING:
    from .config import RequestConfig

_METHOD_CHARACTERS = frozenset("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz")

_RESPONSE_TYPES = ("json", "text", "bytes", "stream")

#: Options that have their place and their merge rule, and nothing behind them in this version.
_NOT_SUPPORTED = ("proxy", "on_upload_progress", "on_download_progress", "with_xsrf_token")


def check_option(name: str, value: Any) -> None:
    """Refuse a value of the option ``name`` that means nothing; ``None`` is refused nowhere.

    Raises:
        TypeError: It has the wrong type.
        RequestError: ``ERR_BAD_OPTION_VALUE``: it has the right type and no meaning.
    """
    check = _CHECKS.get(name)
    if check is not None and value is not None:
        check(name, value)


def check_options(config: RequestConfig) -> None:
    """`check_option` for every option that is given; interceptors may have set anything."""
    given = config.__dict__
    for name, check in _CHECKS.items():
        value = given.get(name)
        if value is not None and value is not UNSET:
            check(name, value)


def refuse_unsupported(config: RequestConfig) -> None:
    """Refuse options that would have no effect.

    Raises:
        RequestError: ``ERR_NOT_SUPPORT``.
    """
    given = config.__dict__
    used = [name for name in _NOT_SUPPORTED if given.get(name)]
    if given.get("response_type") == "stream":
        used.append('response_type="stream"')
    if used:
        raise RequestError(f"{used[0]} has no effect in this version", RequestError.ERR_NOT_SUPPORT)


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
        raise _bad_value(name, value, "'json', 'text' or 'bytes'")


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
    wanted = "a mapping with username and password, or a pair of them"
    if isinstance(value, Mapping):
        parts = [value.get("username") or "", value.get("password") or ""]
    elif isinstance(value, (tuple, list)) and len(value) == 2:
        parts = list(value)
    else:
        raise _wrong_type(name, value, wanted)
    for part in parts:
        if not isinstance(part, str):
            kind = type(part).__name__
            raise TypeError(f"{name}: user name and password must be str, not {kind}")


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
    "headers": _headers,
    "params": _params,
    "params_serializer": _params_serializer,
    "timeout": _timeout,
    "auth": _auth,
    "response_type": _response_type,
    "validate_status": _callable,
    "transform_request": _transforms,
    "transform_response": _transforms,
    "max_content_length": _whole_number,
    "max_body_length": _whole_number,
    "max_redirects": _whole_number,
    "before_redirect": _callable,
    "signal": _signal,
    "adapter": _callable,
    "redact": _names,
    "extra": _marks,
}
