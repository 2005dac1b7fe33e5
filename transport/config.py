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
from .proxy import masked as masked_proxy
from .redaction import REDACTED, redact, redact_secrets_in_url
from .unset import UNSET

if TYPE_CHECKING:
    from .cancel import AbortSignal
    from .progress import ProgressEvent

ResponseType: TypeAlias = Literal["json", "text", "bytes", "stream"]
Transform: TypeAlias = Callable[..., Any]
Transforms: TypeAlias = Transform | Sequence[Transform]
ParamsSerializer: TypeAlias = Callable[[Any], str] | Mapping[str, Any]
Adapter: TypeAlias = Callable[[Any], Any] | Literal["httpx", "aiohttp"]


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
    on_upload_progress: Callable[[ProgressEvent], Any] | None
    on_download_progress: Callable[[ProgressEvent], Any] | None
    xsrf_cookie_name: str | None
    xsrf_header_name: str | None
    with_xsrf_token: bool | Callable[[Any], bool | None] | None
    proxy: Mapping[str, Any] | str | Literal[False] | None
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


@define(slots=False, init=False, repr=False, on_setattr=setters.NO_OP)
class RequestConfig:
    """The options of a request (axios's, in snake case).

    An option that was not given is `UNSET`, which is falsy and is not ``None``. ``headers`` and
    ``extra`` are always there. For a config that differs in some options, `copy` it and set them;
    `merge_config` puts options over defaults.

    Args:
        url: Relative to ``base_url``, or absolute. Default: ``base_url`` itself.
        method: Any HTTP method, in any case. Default: ``"get"``.
        base_url: Put before a relative ``url``; needs a scheme, as in ``"https://host/api"``.
            Default: none, or that of your own client.
        allow_absolute_urls: Whether an absolute ``url`` replaces ``base_url``. Default: ``True``.
        headers: `Headers` or a mapping; ``None`` or ``False`` as a value removes a header.
            Default: ``Accept: application/json, text/plain, */*``.
        params: A mapping that becomes the query, nested at will. Default: none.
        params_serializer: A function of the params that gives the query, or a mapping with
            ``encode``, ``serialize``, ``indexes`` (``False``: ``a[]=1``, ``True``: ``a[0]=1``,
            ``None``: ``a=1``) and ``dots``. Default: brackets, as with ``indexes=False``.
        data: The body: a dict or list becomes JSON; text, bytes, iterators, files go as they are.
            Default: none.
        timeout: Seconds for one attempt, redirects and body included; the body of a stream is not.
            0 or ``None``: no limit, or the limits of your own client. Default: 0.
        timeout_error_message: The message of the error when ``timeout`` is exceeded.
            Default: ``timeout of 5000ms exceeded``, with the milliseconds of ``timeout``.
        auth: Basic authentication: a mapping with ``username`` and ``password``, or a pair.
            Default: none.
        response_type: ``"json"``, ``"text"``, ``"bytes"``, or ``"stream"`` for a `ResponseStream`
            that is read while it arrives. Default: JSON where it parses, else text.
        validate_status: Whether a status is a success; ``None``: every one is. Default: 200 to 299.
        transform_request: ``(data, headers) -> data``, one or a list, run before sending.
            Default: one that makes JSON or a form of dicts and lists.
        transform_response: ``(data, headers, status) -> data``, one or a list, run on arrival.
            Default: one that parses JSON.
        max_content_length: Limit of a response's body in decoded bytes; -1: none. Default: -1.
        max_body_length: Limit of a request's body in bytes; -1: none. Default: -1.
        max_redirects: How many redirects are followed; 0: none. Default: 21.
        before_redirect: ``(request)``, called with the client's next request before it is sent.
            Default: none.
        on_upload_progress: ``(ProgressEvent)``, called at most three times a second while the body
            is sent, and at its end. Default: none.
        on_download_progress: The same while the body of the response arrives. Default: none.
        xsrf_cookie_name: The cookie that holds the XSRF token. Default: ``"XSRF-TOKEN"``.
        xsrf_header_name: The header that carries it. Default: ``"X-XSRF-TOKEN"``.
        with_xsrf_token: Whether to send it, or a function of the config that says so. It goes to
            the origin of ``base_url`` alone (in axios, ``True`` sends it everywhere).
            Default: ``True``.
        proxy: A forward proxy: a mapping with ``protocol``, ``host``, ``port`` and ``auth`` (user
            name and password), or a URL. ``False``: none, whatever the environment says.
            Default: what ``HTTP_PROXY``, ``HTTPS_PROXY``, ``ALL_PROXY`` and ``NO_PROXY`` say.
        signal: The signal of an `AbortController`. Default: none.
        adapter: What sends: ``"httpx"``, ``"aiohttp"``, or a function ``config -> Response``.
            Default: the library of the instance's client, which is httpx if none was handed in.
        redact: Names of options, headers and fields that are masked wherever the config is shown,
            besides credentials, which always are. Default: none.
        extra: Marks of your own; they live through merges and replays. Default: an empty dict.

    Raises:
        TypeError: An option has a name that does not exist.
    """

    url: str = UNSET
    method: str = UNSET
    base_url: str | None = UNSET
    allow_absolute_urls: bool = UNSET
    headers: Headers = field(factory=Headers)
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
    on_upload_progress: Callable[[ProgressEvent], Any] | None = UNSET
    on_download_progress: Callable[[ProgressEvent], Any] | None = UNSET
    xsrf_cookie_name: str | None = UNSET
    xsrf_header_name: str | None = UNSET
    with_xsrf_token: bool | Callable[[Any], bool | None] | None = UNSET
    proxy: Mapping[str, Any] | str | Literal[False] | None = UNSET
    signal: AbortSignal | None = UNSET
    adapter: Adapter | None = UNSET
    redact: Sequence[str] | None = UNSET
    extra: dict[str, Any] = field(factory=dict)

    def __init__(self, **options: Unpack[RequestOptions]) -> None:
        self.__dict__.update(headers=Headers(), extra={})
        unknown = next((name for name in options if name not in OPTIONS), None)
        problem: Exception | None = TypeError(_unknown_option(unknown)) if unknown else None
        for name in () if unknown else options:
            problem = problem or _set(self.__dict__, name, options[name])  # type: ignore[literal-required]
        del options
        if problem is not None:
            raise problem

    if not TYPE_CHECKING:  # with it, type checkers would let any name be set

        def __setattr__(self, name: str, value: Any) -> None:
            problem: Exception | None = None
            if name in OPTIONS:
                problem = _set(self.__dict__, name, value)
            elif hasattr(type(self), name):
                object.__setattr__(self, name, value)
            else:
                problem = AttributeError(_unknown_option(name))
            del value
            if problem is not None:
                raise problem

        def __getattr__(self, name: str) -> Any:
            if name.startswith("__"):  # Python asks for these, and takes no for an answer
                raise AttributeError(name)
            raise AttributeError(_unknown_option(name))

    def put(self, **checked: Any) -> None:
        """Set options whose values are known to be right, without another look at them."""
        self.__dict__.update(checked)

    def copy(self) -> RequestConfig:
        """A shallow copy: setting an option of it leaves this config as it is."""
        twin = object.__new__(RequestConfig)
        twin.__dict__.update(self.__dict__)
        return twin

    def given(self) -> dict[str, Any]:
        """The options that were set, by name."""
        return dict(self.__dict__)

    def to_json(self) -> dict[str, Any]:
        """The options that were set, as plain data with credentials and ``redact`` masked."""
        names = [name for name in (*(self.redact or ()), self.xsrf_header_name) if name]
        shown = {name: value for name, value in self.given().items() if value not in ({}, ())}
        if self.headers:
            shown["headers"] = self.headers.masked()
        for name in ("url", "base_url"):
            if isinstance(shown.get(name), str):
                shown[name] = redact_secrets_in_url(shown[name])
        if self.auth and not isinstance(self.auth, Mapping):
            shown["auth"] = REDACTED
        if self.proxy:
            shown["proxy"] = masked_proxy(self.proxy)
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


def _set(given: dict[str, Any], name: str, value: Any) -> Exception | None:
    """Set an option, or give the error that its value is.

    It is not raised here: crash reports print the locals of frames, and options may be secrets. One
    that is unset is not there, except for ``headers`` and ``extra``, which are empty then.
    """
    try:
        check_option(name, value)
        if name == "headers":
            given[name] = value if isinstance(value, Headers) else Headers(value or {})
        elif name == "extra":
            given[name] = {} if value is UNSET or value is None else value
        elif value is UNSET:
            given.pop(name, None)
        else:
            given[name] = value
    except (TypeError, ValueError, RequestError) as error:
        return with_callers_frames(error)
    return None


def _unknown_option(name: str) -> str:
    snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
    near = difflib.get_close_matches(snake, sorted(OPTIONS), n=1, cutoff=0.5)
    hint = f"; did you mean {near[0]!r}?" if near else f"; the options are {sorted(OPTIONS)}"
    return f"unknown option {name!r}{hint}"


# --- merging, field by field as in axios's mergeConfig ---

#: What this one request is; never a default.
_OF_THE_SECOND = ("url", "method", "data")

#: Of these both values count, dicts at any depth. Of all others the second does, where it is set.
_OF_BOTH = frozenset(("headers", "params", "auth", "extra", "proxy"))


def merge_config(first: RequestConfig, second: RequestConfig) -> RequestConfig:
    """Merge two configs into a new one, field by field as axios does.

    ``url``, ``method`` and ``data`` come from ``second`` alone. ``headers``, ``params``, ``auth``,
    ``extra`` and ``proxy`` are merged, dicts at any depth. Every other option comes from
    ``second``, or from ``first`` where ``second`` has it unset.

    Raises:
        ValueError: An option that is merged contains itself.
    """
    merged = first.copy()
    endless = _merge(first.__dict__, second.__dict__, merged.__dict__)
    if endless:
        raise ValueError(f"{endless}: it contains itself, or is nested too deeply to be merged")
    return merged


def _merge(first: dict[str, Any], second: dict[str, Any], merged: dict[str, Any]) -> str | None:
    """Merge into a copy of the first; the name of an option that has no end, if there is one."""
    for name in _OF_THE_SECOND:
        merged.pop(name, None)
    merged.update(second)
    for name, value in merged.items():
        is_shared = name in _OF_BOTH or type(value) in (dict, list)
        if is_shared and not _merge_option(name, first, second, merged):
            return name
    return None


def _merge_option(
    name: str, first: dict[str, Any], second: dict[str, Any], merged: dict[str, Any]
) -> bool:
    """Merge one option of both; ``False`` if it has no end."""
    try:
        if name == "headers":
            merged[name] = first[name].merged(second[name])
        elif name in _OF_BOTH:
            merged[name] = _deep(first.get(name, UNSET), second.get(name, UNSET))
        else:
            merged[name] = _copied(merged[name])
    except RecursionError:
        return False
    return True


def _deep(first: Any, second: Any) -> Any:
    if second is UNSET:
        return _copied(first)
    if not (isinstance(first, dict) and isinstance(second, dict)):
        return _copied(second)
    merged = {key: _copied(value) for key, value in first.items()}
    for key, value in second.items():
        merged[key] = _deep(merged.get(key, UNSET), value)
    return merged


def _copied(value: Any) -> Any:
    if type(value) is dict:
        return {key: _copied(item) for key, item in value.items()}
    return list(value) if type(value) is list else value
