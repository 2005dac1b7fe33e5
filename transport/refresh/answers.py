"""What an answer to the refresh call means: a new pair, a rejection (7), or a failure (8)."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import parse_qsl

from ..errors import RefreshError, RequestError
from ..secrecy import REDACTED, without_tracebacks
from .expiry import now
from .tokens import TokenPair

#: Statuses with which servers refuse a refresh token: those of RFC 6749 and 6750, 419 of Laravel,
#: 422 of Flask, 440 of IIS, 498 of ArcGIS.
_REJECTING = frozenset((400, 401, 403, 410, 419, 422, 440, 498))

#: Errors that say that no refresh with this token will ever succeed: RFC 6749, OpenID Connect,
#: GitHub, Slack.
_REJECTIONS = frozenset(
    (
        *("invalid_grant", "invalid_refresh_token", "bad_refresh_token", "refresh_token_expired"),
        *("expired_refresh_token", "invalid_token", "token_expired", "token_revoked"),
        *("interaction_required", "login_required", "consent_required"),
        *("account_selection_required", "invalid_auth", "refresh_token_revoked"),
    )
)

#: The errors of RFC 6749, section 5.2, which blame the client and not the user.
_CLIENT_ERRORS = frozenset(
    (
        "invalid_request",
        "invalid_client",
        "unauthorized_client",
        "unsupported_grant_type",
        "invalid_scope",
    )
)

#: Where servers put the name of an error.
_ERROR_KEYS = ("error", "code", "error_code", "errorCode", "type", "reason", "name")

#: Schemes of a challenge that a proxy sends, and no server that knows refresh tokens.
_PROXY_SCHEMES = ("basic", "digest", "negotiate", "ntlm")

#: Types of a token that cannot be sent as a bearer token; an unknown type is taken for bearer.
_NOT_BEARER = frozenset(("dpop", "mac", "pop"))

#: What is shown as the name of a field: no token consists of so few letters.
_FIELD_NAME = re.compile(r"[A-Za-z_-]{1,24}(\.[A-Za-z_-]{1,24})?")

#: Seconds of ``Retry-After`` that are heeded at most.
_LONGEST_PAUSE = 3600.0


# --- a new pair ---


def pair_in(answer: Any, paths: tuple[str, str, str]) -> TokenPair:
    """Return the pair in an answer (RFC 6749, section 5.1), whose fields have dotted names.

    Raises:
        RefreshError: There is none.
    """
    received_at = now()
    fields = _parsed(answer)
    if not isinstance(fields, Mapping):
        raise RefreshError("the answer to the refresh call is no JSON object")
    kind = fields.get("token_type")
    if isinstance(kind, str) and kind.lower() in _NOT_BEARER:
        raise RefreshError("the token endpoint gave a token that is no bearer token (RFC 6750)")
    access_token, refresh_token, expires_in = [_at(fields, path) for path in paths]
    lifetime = _seconds(expires_in)
    expires_at = None if lifetime is None else received_at + lifetime
    try:
        return TokenPair(access_token, refresh_token or None, expires_at)
    except TypeError as problem:
        sought = f"looked for {paths[0]!r} and {paths[1]!r}, found {_names_in(fields)}"
        unusable = f"the answer to the refresh call cannot be used: {problem}; {sought}"
    raise RefreshError(unusable)


def _parsed(answer: Any) -> Any:
    """Parse what is still text: a form, or JSON with a number that is too long for Python."""
    if isinstance(answer, (bytes, bytearray)):
        answer = bytes(answer).decode("utf-8-sig", errors="replace")
    if not isinstance(answer, str):
        return answer
    try:
        return json.loads(answer, parse_int=float)
    except (ValueError, RecursionError):
        return dict(parse_qsl(answer)) or answer


def _at(fields: Any, path: str) -> Any:
    for name in path.split("."):
        fields = fields.get(name) if isinstance(fields, Mapping) else None
    return fields


def _names_in(fields: Mapping[Any, Any]) -> str:
    """Return the dotted names of fields, without those that might be a token."""
    names: list[str] = []
    for name, value in fields.items():
        deeper = value if isinstance(value, Mapping) else {}
        names += [f"{name}.{one}" for one in deeper] or [str(name)]
    return ", ".join(repr(name) for name in names[:20] if _FIELD_NAME.fullmatch(name)) or "nothing"


def _seconds(value: Any) -> float | None:
    """Return a number of seconds, also written as text; ``None`` where it says nothing (13)."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        seconds = float(value)
    except (ValueError, OverflowError):
        return None
    return seconds if 0 < seconds < math.inf else None


# --- a rejection, or a failure ---


def refresh_error(error: BaseException, timeout: float, sent: str | None = None) -> RefreshError:
    """Return the `RefreshError` for what a refresh function has raised."""
    without_tracebacks(error)
    errors = list(_with_causes(error))
    known = next((one for one in errors if isinstance(one, RefreshError)), None)
    if known is not None:
        return known
    response = next(filter(None, map(_response_of, errors)), None)
    response = response or next(filter(_is_answer, errors), None)
    if response is not None:
        failure = error_for(response)
    elif isinstance(error, TimeoutError):
        failure = RefreshError(f"the refresh took longer than {timeout:g} seconds")
    elif isinstance(error, RequestError):
        told = str(error).replace(sent, REDACTED) if sent else str(error)  # it may be in the URL
        failure = RefreshError(f"the refresh call failed: {told}")
    else:
        failure = RefreshError(f"the refresh function raised {type(error).__name__}")
    failure.__cause__ = error
    return failure


def _with_causes(error: BaseException | None, depth: int = 10) -> Iterator[BaseException]:
    """Return an error and what it was raised from: an app may have rewritten a rejection (7)."""
    if error is None or not depth:
        return
    yield error
    for one in error.exceptions if isinstance(error, BaseExceptionGroup) else ():
        yield from _with_causes(one, depth - 1)
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    yield from _with_causes(cause, depth - 1)


def _response_of(error: BaseException) -> Any:
    response = getattr(error, "response", None)
    return response if isinstance(_status_of(response), int) else None


def _is_answer(error: BaseException) -> bool:
    """Return True for an error that is the answer itself, as those of aiohttp and urllib are."""
    return isinstance(_status_of(error), int) and hasattr(error, "headers")


def _status_of(response: Any) -> Any:
    return getattr(response, "status", None) or getattr(response, "status_code", None)


def error_for(
    response: Any, rejected: Callable[[Any], bool] | None = None, unnamed: str | None = None
) -> RefreshError:
    """Return the error for a response without a pair, of zustax or of another HTTP client."""
    status, headers = _status_of(response), getattr(response, "headers", None) or {}
    data = _data_of(response)
    name = oauth_error(data) or unnamed
    is_rejection = rejected(response) if rejected else is_rejected(status, headers, data)
    shown = f", {name}" if name else ""
    error = RefreshError(f"the refresh call was answered {status}{shown}", rejected=is_rejection)
    error.retry_after = retry_after(headers)
    return error


def _data_of(response: Any) -> Any:
    if hasattr(response, "data"):
        return response.data
    try:
        return response.text
    except Exception:  # a stream that has not been read
        return None


def is_rejected(status: int, headers: Any, data: Any) -> bool:
    """Return True if an answer rejects the refresh token (7)."""
    if is_dead_token(status, data):
        return True
    challenge = str(headers.get("www-authenticate") or "").strip().lower()
    is_of_proxy = challenge.startswith(_PROXY_SCHEMES) or _is_page(headers, data)
    return status in _REJECTING and not is_of_proxy


def _is_page(headers: Any, data: Any) -> bool:
    """Return True for what a proxy, a CDN or a firewall sends: neither JSON nor nothing."""
    kind = str(headers.get("content-type") or "").lower()
    if data is None:
        return "html" in kind  # its client has not kept it
    if isinstance(data, (bytes, bytearray)):
        data = bytes(data).decode(errors="replace")
    text = data.strip() if isinstance(data, str) else ""
    if not text or ("json" in kind and not text.startswith("<")):
        return False  # it may be text that was JSON
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return True
    return False


def is_dead_token(status: int, data: Any) -> bool:
    """Return True if an OAuth error says that no refresh with this token will ever succeed."""
    return status < 500 and oauth_error(data) in _REJECTIONS


def oauth_error(data: Any) -> str | None:
    """Return the name of an OAuth error in an answer, also a nested one.

    Nothing else of an answer is ever shown: it may repeat the token.
    """
    return _error_in(_parsed(data), 3)


def _error_in(data: Any, depth: int) -> str | None:
    if not isinstance(data, Mapping) or not depth:
        return None
    for key in _ERROR_KEYS:
        name = data.get(key)
        if isinstance(name, str) and name.lower() in _REJECTIONS | _CLIENT_ERRORS:
            return name.lower()
    for value in data.values():
        for one in value if isinstance(value, list) else (value,):
            name = _error_in(one, depth - 1)
            if name is not None:
                return name
    return None


def retry_after(headers: Any) -> float | None:
    """Return the seconds of a ``Retry-After`` (RFC 9110, section 10.2.3)."""
    value = headers.get("retry-after")
    seconds = _seconds(value)
    if seconds is None and isinstance(value, str):
        try:
            seconds = parsedate_to_datetime(value).timestamp() - now()
        except (ValueError, OverflowError):
            return None
    return min(seconds, _LONGEST_PAUSE) if seconds and seconds > 0 else None
