"""The checks of a request's options: what has the wrong type is refused before anything is sent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .config import RequestConfig
from .errors import RequestError, describe

_METHOD_CHARACTERS = frozenset("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz")

_RESPONSE_TYPES = (None, "json", "text", "bytes")

#: Options that have their place and their merge rule, and nothing behind them in this version.
_NOT_SUPPORTED = ("proxy", "on_upload_progress", "on_download_progress", "with_xsrf_token")


def check_options(config: RequestConfig) -> None:
    """Refuse options that cannot be used.

    Raises:
        TypeError: One has the wrong type.
        RequestError: ``ERR_BAD_OPTION_VALUE``: one has a value that means nothing;
            ``ERR_NOT_SUPPORT``: one has no effect in this version.
    """
    given = config.__dict__
    for name, check in _CHECKS.items():
        if name in given:
            check(name, given[name])


def checked_method(method: Any) -> str:
    """An HTTP method in lower case (RFC 9110, section 9.1).

    Raises:
        TypeError: It is no string.
        RequestError: ``ERR_BAD_OPTION_VALUE``: it is no token.
    """
    if not isinstance(method, str):
        raise TypeError(f"method must be a str, not {type(method).__name__}")
    lower = method.lower()
    if not _METHOD_CHARACTERS.issuperset(lower):
        raise _bad_value("method", method, "an HTTP method such as 'get'")
    return lower


def _bad_value(name: str, value: Any, wanted: str) -> RequestError:
    return RequestError(
        f"{name} must be {wanted}, not {describe(value)}", RequestError.ERR_BAD_OPTION_VALUE
    )


def _timeout(name: str, value: Any) -> None:
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{name} must be a number of seconds, not {type(value).__name__}")
    if not value >= 0:
        raise _bad_value(name, value, "a number of seconds, 0 for no limit")


def _whole_number(name: str, value: Any) -> None:
    if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
        raise TypeError(f"{name} must be an int, not {type(value).__name__}")


def _callable(name: str, value: Any) -> None:
    if value is not None and not callable(value):
        raise TypeError(f"{name} must be callable or None, not {type(value).__name__}")


def _signal(name: str, value: Any) -> None:
    if value is not None and not hasattr(value, "add_listener"):
        raise TypeError(
            f"{name} must be the signal of an AbortController, not {type(value).__name__}"
        )


def _response_type(name: str, value: Any) -> None:
    if value == "stream":
        _not_supported(f'{name}="stream"', value)
    if value not in _RESPONSE_TYPES:
        raise _bad_value(name, value, "'json', 'text' or 'bytes'")


def _not_supported(name: str, value: Any) -> None:
    if value:
        raise RequestError(f"{name} has no effect in this version", RequestError.ERR_NOT_SUPPORT)


_CHECKS: dict[str, Callable[[str, Any], None]] = {
    "timeout": _timeout,
    "max_content_length": _whole_number,
    "max_body_length": _whole_number,
    "max_redirects": _whole_number,
    "validate_status": _callable,
    "before_redirect": _callable,
    "adapter": _callable,
    "signal": _signal,
    "response_type": _response_type,
} | dict.fromkeys(_NOT_SUPPORTED, _not_supported)
