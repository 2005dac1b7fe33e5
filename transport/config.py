"""The options of a request, and how those of a call are merged over the defaults.

Example:
    >>> defaults = RequestConfig(base_url="https://host/api", timeout=5, headers={"X-App": "a"})
    >>> merged = merge_config(defaults, RequestConfig(url="/me", headers={"x-app": "b"}))
    >>> merged.timeout, merged.headers["X-App"]
    (5, 'b')

"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypedDict, Unpack

from attrs import define, field, fields, setters

from .errors import RequestError, with_callers_frames
from .headers import Headers
from .options import check_option
from .redaction import REDACTED, redact, redact_secrets_in_url
from .unset import UNSET

if TYPE_CHECKING:
    from .cancel import AbortSignal

ResponseType: TypeAlias = Literal["json", "text", "bytes", "stream"]
Transform: TypeAlias = Callable[..., Any]
Transforms: TypeAlias = Transform | Sequence[Transform]
ParamsSerializer: TypeAlias = Callable[[Any], str] | Mapping[str, Any]
Adapter: TypeAlias = Callable[[Any], Any]


class VerbOptions(TypedDict, total=False):
    """What every verb takes by name, for type checkers and editors; see `RequestConfig`."""

    base_url: str | None
    allow_absolute_urls: bool
    headers: Mapping[str, Any] | None
    params: Any
    params_serializer: ParamsSerializer | None
    timeout: float | None
    timeout_error_message: str | None
    auth: Mapping[str, str] | tuple[str, str] | None
    response_type: ResponseType | None
    validate_status: Callable[[int], bool] | None
    transform_request: Transforms | None
    transform_response: Transforms | None
    max_content_length: int
    max_body_length: int
    max_redirects: int
    before_redirect: Callable[..., Any] | None
    on_upload_progress: Callable[[Any], Any] | None
    on_download_progress: Callable[[Any], Any] | None
    xsrf_cookie_name: str | None
    xsrf_header_name: str | None
    with_xsrf_token: bool | Callable[[Any], bool] | None
    proxy: Any
    signal: AbortSignal | None
    adapter: Adapter | None
    redact: Sequence[str] | None
    extra: dict[str, Any]


class VerbOptionsWithData(VerbOptions, total=False):
    """What verbs take that name no body of their own."""

    data: Any


class RequestOptions(VerbOptionsWithData, total=False):
    """All options of a request by name."""

    url: str
    method: str


def _headers(value: Mapping[str, Any] | None) -> Headers:
    return value if isinstance(value, Headers) else Headers(value or {})


@define(slots=False, init=False, repr=False, on_setattr=setters.NO_OP)
class RequestConfig:
    """The options of a request (axios's, in snake case).

    An option that was not given is `UNSET`, which is falsy and is not ``None``. ``headers`` and
    ``extra`` are always there.

    Args:
        url: Relative to ``base_url``, or absolute.
        method: Any HTTP method, in any case. Default: ``"get"``.
        base_url: Put before a relative ``url``; needs a scheme, as in ``"https://host/api"``.
        allow_absolute_urls: Whether an absolute ``url`` replaces ``base_url``. Default: ``True``.
        headers: `Headers` or a mapping; ``None`` or ``False`` as a value removes a header.
            Default: ``Accept: application/json, text/plain, */*``.
        params: A mapping that becomes the query.
        params_serializer: A function of the params that gives the query, or a mapping with
            ``encode``, ``serialize``, ``indexes`` (``False``: ``a[]=1``, ``True``: ``a[0]=1``,
            ``None``: ``a=1``) and ``dots``.
        data: The body: a dict or list becomes JSON; text, bytes, iterators, files go as they are.
        timeout: Seconds for one attempt, redirects and body included. 0 or ``None``: no limit, or
            the limits of your own client. Default: 0.
        timeout_error_message: The message of the error when ``timeout`` is exceeded.
        auth: Basic authentication: a mapping with ``username`` and ``password``, or a pair.
        response_type: ``"json"``, ``"text"`` or ``"bytes"``. Default: JSON where it parses.
        validate_status: Whether a status is a success; ``None``: every one is. Default: 200 to 299.
        transform_request: ``(data, headers) -> data``, one or a list, run before sending.
            Default: one that makes JSON or a form of dicts and lists.
        transform_response: ``(data, headers, status) -> data``, one or a list, run on arrival.
            Default: one that parses JSON.
        max_content_length: Limit of a response's body in decoded bytes; -1: none. Default: -1.
        max_body_length: Limit of a request's body in bytes; -1: none. Default: -1.
        max_redirects: How many redirects are followed; 0: none. Default: 21.
        before_redirect: ``(request)``, called with the client's next request before it is sent.
        on_upload_progress: Progress of sending.
        on_download_progress: Progress of receiving.
        xsrf_cookie_name: The cookie that holds the XSRF token. Default: ``"XSRF-TOKEN"``.
        xsrf_header_name: The header that carries it. Default: ``"X-XSRF-TOKEN"``.
        with_xsrf_token: Whether to send it.
        proxy: The proxy for this request.
        signal: The signal of an `AbortController`.
        adapter: What sends: a function ``config -> Response``.
        redact: Names of options, headers and fields that are masked wherever the config is shown.
        extra: Marks of your own; they live through merges and replays. Default: an empty dict.

    Raises:
        TypeError: An option has a name that does not exist.
    """

    url: str = UNSET
    method: str = UNSET
    base_url: str | None = UNSET
    allow_absolute_urls: bool = UNSET
    headers: Headers = field(factory=Headers, converter=_headers, on_setattr=setters.convert)
    params: Any = UNSET
    params_serializer: ParamsSerializer | None = UNSET
    data: Any = UNSET
    timeout: float | None = UNSET
    timeout_error_message: str | None = UNSET
    auth: Mapping[str, str] | tuple[str, str] | None = UNSET
    response_type: ResponseType | None = UNSET
    validate_status: Callable[[int], bool] | None = UNSET
    transform_request: Transforms | None = UNSET
    transform_response: Transforms | None = UNSET
    max_content_length: int = UNSET
    max_body_length: int = UNSET
    max_redirects: int = UNSET
    before_redirect: Callable[..., Any] | None = UNSET
    on_upload_progress: Callable[[Any], Any] | None = UNSET
    on_download_progress: Callable[[Any], Any] | None = UNSET
    xsrf_cookie_name: str | None = UNSET
    xsrf_header_name: str | None = UNSET
    with_xsrf_token: bool | Callable[[Any], bool] | None = UNSET
    proxy: Any = UNSET
    signal: AbortSignal | None = UNSET
    adapter: Adapter | None = UNSET
    redact: Sequence[str] | None = UNSET
    extra: dict[str, Any] = field(factory=dict)

    def __init__(self, **options: Unpack[RequestOptions]) -> None:
        self.__dict__.update(headers=_NO_HEADERS, extra={})
        problem: BaseException | None = None
        try:
            _fill(self, options)
        except (TypeError, ValueError, RequestError) as error:
            # Crash reports print the locals of frames, and options may be secrets.
            problem = with_callers_frames(error)
        del options
        if problem is not None:
            raise problem

    def copy(self) -> RequestConfig:
        """A shallow copy: setting an option of it leaves this config as it is."""
        twin = object.__new__(RequestConfig)
        twin.__dict__.update(self.__dict__)
        return twin

    def given(self) -> dict[str, Any]:
        """The options that were set, by name."""
        return {name: value for name, value in self.__dict__.items() if value is not UNSET}

    def to_json(self) -> dict[str, Any]:
        """The options that were set, as plain data with credentials and ``redact`` masked."""
        names = tuple(self.redact or ())
        shown = {name: value for name, value in self.given().items() if value not in ({}, ())}
        if self.headers:
            shown["headers"] = self.headers.masked()
        for name in ("url", "base_url"):
            if isinstance(shown.get(name), str):
                shown[name] = redact_secrets_in_url(shown[name])
        if self.auth and not isinstance(self.auth, Mapping):
            shown["auth"] = REDACTED
        if isinstance(self.data, str):
            shown["data"] = f"<{len(self.data)} characters>"  # it may be a form with a password
        return redact(shown, names)  # type: ignore[no-any-return]

    def __repr__(self) -> str:
        options = ", ".join(f"{name}={value!r}" for name, value in self.to_json().items())
        return f"RequestConfig({options})"

    def __rich_repr__(self) -> Any:
        yield from self.to_json().items()


class LeavingConfig(RequestConfig):
    """A config on its way to the server: what the network chain sees, and what an adapter sends.

    Its ``data`` is the body as it goes on the wire.

    Attributes:
        asked: The config that it was made from, whose ``data`` is what the caller gave.
        closings: How often the connections had been closed when it was made.
    """

    __slots__ = ("asked", "closings")

    asked: RequestConfig
    closings: int

    @classmethod
    def of(cls, asked: RequestConfig, closings: int) -> LeavingConfig:
        """A shallow copy of ``asked`` that remembers it."""
        leaving = object.__new__(cls)
        leaving.__dict__.update(asked.__dict__)
        leaving.asked, leaving.closings = asked, closings
        return leaving

    def copy(self) -> LeavingConfig:
        """A shallow copy that remembers the same config."""
        twin = self.of(self, self.closings)
        twin.asked = self.asked
        return twin


def as_asked(config: RequestConfig) -> RequestConfig:
    """The config as the caller and the interceptors know it."""
    return config.asked if isinstance(config, LeavingConfig) else config


#: The names of all options.
OPTIONS = frozenset(option.name for option in fields(RequestConfig))

for _name in OPTIONS - {"headers", "extra"}:
    # What was not given is found on the class, so that a config costs only what it holds.
    setattr(RequestConfig, _name, UNSET)


_NO_HEADERS = Headers()


def _fill(config: RequestConfig, options: RequestOptions) -> None:
    problem = next((name for name in options if name not in OPTIONS), None)
    if problem is not None:
        del options
        raise TypeError(_unknown_option(problem))
    given = config.__dict__
    for name, value in options.items():
        if value is not UNSET:
            check_option(name, value)
            if name != "headers":
                given[name] = value
    given["headers"] = _headers(options.get("headers"))
    given["extra"] = options.get("extra") or {}


def _unknown_option(name: str) -> str:
    snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
    near = difflib.get_close_matches(snake, sorted(OPTIONS), n=1, cutoff=0.5)
    hint = f"; did you mean {near[0]!r}?" if near else f"; the options are {sorted(OPTIONS)}"
    return f"unknown option {name!r}{hint}"


# --- merging, rule by rule as in axios's mergeConfig ---


def _of_the_second(_first: Any, second: Any) -> Any:
    return _copied(second)


def _second_or_first(first: Any, second: Any) -> Any:
    return _copied(first if second is UNSET else second)


def _deep(first: Any, second: Any) -> Any:
    if second is UNSET:
        return _copied(first)
    if not (isinstance(first, dict) and isinstance(second, dict)):
        return _copied(second)
    merged = {key: _copied(value) for key, value in first.items()}
    for key, value in second.items():
        merged[key] = _deep(merged.get(key, UNSET), value)
    return merged


def _of_headers(first: Headers, second: Headers) -> Headers:
    return first.merged(second)


def _copied(value: Any) -> Any:
    if type(value) is dict:
        return {key: _copied(item) for key, item in value.items()}
    return list(value) if type(value) is list else value


_RULES: dict[str, Callable[[Any, Any], Any]] = {
    "url": _of_the_second,
    "method": _of_the_second,
    "data": _of_the_second,
    "headers": _of_headers,
    "params": _deep,
    "auth": _deep,
    "extra": _deep,
    "proxy": _deep,
}


def merge_config(first: RequestConfig, second: RequestConfig) -> RequestConfig:
    """Merge two configs into a new one, field by field as axios does.

    ``url``, ``method`` and ``data`` come from ``second`` alone. ``headers``, ``params``, ``auth``,
    ``extra`` and ``proxy`` are merged, dicts at any depth. Every other option comes from
    ``second``, or from ``first`` where ``second`` has it unset.

    Raises:
        ValueError: An option that is merged contains itself.
    """
    merged = first.copy()
    for name in {**first.__dict__, **second.__dict__}:
        if not _merge_option(name, first, second, merged):
            raise ValueError(f"{name}: it contains itself, or is nested too deeply to be merged")
    return merged


def _merge_option(
    name: str, first: RequestConfig, second: RequestConfig, merged: RequestConfig
) -> bool:
    """Merge one option; ``False`` if it has no end."""
    rule = _RULES.get(name, _second_or_first)
    try:
        value = rule(first.__dict__.get(name, UNSET), second.__dict__.get(name, UNSET))
    except RecursionError:
        return False
    if value is UNSET:
        merged.__dict__.pop(name, None)
    else:
        merged.__dict__[name] = value
    return True
