"""The options of a request."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypedDict, Unpack

from attrs import define, field, fields, setters

from .adapters.progress import ProgressEvent
from .cancel import AbortSignal
from .headers import Headers
from .hints import unknown_option
from .secrecy import REDACTED, discreet, redact, redact_proxy, redact_secrets_in_url


class _Unset(Enum):
    UNSET = "UNSET"

    __bool__ = staticmethod(bool)  # False; called so often that a Python function would be too slow

    def __repr__(self) -> str:
        return "UNSET"

    __str__ = __repr__


#: The value of an option that was not given. Typed as anything, so that options keep their types.
UNSET: Any = _Unset.UNSET

#: Checks the value of an option, by name. `options` fills it: its errors hold configs.
CHECKS: dict[str, Callable[[str, Any], None]] = {}

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
    cookies: bool | None
    extra: dict[str, Any]


class BodyOptions(VerbOptions, total=False):
    """What verbs take that name no body of their own."""

    data: Any


class RequestOptions(BodyOptions, total=False):
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
        allow_absolute_urls: An absolute ``url`` replaces ``base_url``. Default: ``True``.
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
        validate_status: Returns True for a success; ``None``: all are. Default: 200 to 299.
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
        with_xsrf_token: ``False`` does not send it; or a function of the config that decides. It
            goes to the origin of ``base_url`` alone (in axios, ``True`` sends it everywhere).
            Default: ``True``.
        proxy: A forward proxy: a mapping with ``protocol``, ``host``, ``port`` and ``auth`` (user
            name and password), or a URL. ``False``: none, whatever the environment says.
            Default: what ``HTTP_PROXY``, ``HTTPS_PROXY``, ``ALL_PROXY`` and ``NO_PROXY`` say.
        signal: The signal of an `AbortController`. Default: none.
        adapter: What sends: ``"httpx"``, ``"aiohttp"``, or a function ``config -> Response``.
            Default: the library of the instance's client, which is httpx if none was handed in.
        redact: Names of options, headers and fields that are masked wherever the config is shown,
            besides credentials, which always are. Default: none.
        cookies: ``False``: neither keep nor send cookies of the instance, for servers that act
            for many users. Not with a client that you hand in, which has its own jar.
            Default: ``True``.
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
    # Any, so that `[*api.defaults.transform_response, function]` has a type.
    transform_request: Any = UNSET
    transform_response: Any = UNSET
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
    cookies: bool | None = UNSET
    extra: dict[str, Any] = field(factory=dict)

    def __init__(self, **options: Unpack[RequestOptions]) -> None:
        self.__dict__.update(headers=Headers(), extra={})
        self.__dict__.update(checked_options(options))

    if not TYPE_CHECKING:  # with it, type checkers would let any name be set

        def __setattr__(self, name: str, value: Any) -> None:
            if name in OPTIONS:
                _set_checked(self.__dict__, name, value)
            elif hasattr(type(self), name):
                object.__setattr__(self, name, value)
            else:
                raise AttributeError(unknown_option(name, OPTIONS))

        def __getattr__(self, name: str) -> Any:
            if name.startswith("__"):  # Python asks for these, and takes no for an answer
                raise AttributeError(name)
            raise AttributeError(unknown_option(name, OPTIONS))

    def put(self, **checked: Any) -> None:
        """Set options whose values are known to be right, without checking them again."""
        self.__dict__.update(checked)

    def copy(self) -> RequestConfig:
        """Return a shallow copy: setting an option of it leaves this config as it is."""
        return of_options(self.__dict__)

    def given(self) -> dict[str, Any]:
        """Return the options that were set, by name."""
        return dict(self.__dict__)

    def to_json(self) -> dict[str, Any]:
        """Return the options that were set as plain data; credentials and ``redact`` are masked."""
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
            shown["proxy"] = redact_proxy(self.proxy)
        if isinstance(self.data, str):
            shown["data"] = f"<{len(self.data)} characters>"  # it may be a form with a password
        return redact(shown, names)  # type: ignore[no-any-return]

    def __repr__(self) -> str:
        options = ", ".join(f"{name}={value!r}" for name, value in self.to_json().items())
        return f"RequestConfig({options})"

    def __rich_repr__(self) -> Any:
        yield from self.to_json().items()


discreet(RequestConfig, "__init__")


class LeavingConfig(RequestConfig):
    """A config on its way to the server: its ``data`` is the body as it goes on the wire."""

    __slots__ = ("config", "instance", "token")

    #: The config that it was made from, whose ``data`` is what the caller gave.
    config: RequestConfig
    #: The origin of the instance, and how often it had been closed when the request began.
    instance: tuple[str | None, int]
    #: The access token that is attached, the headers that carry it, and where it was to go.
    token: tuple[str, frozenset[str], tuple[str, str | None, bool]] | None

    @classmethod
    def of(
        cls, config: RequestConfig, instance: tuple[str | None, int], **changed: Any
    ) -> LeavingConfig:
        """Return a shallow copy of ``config`` with ``changed`` options that remembers it."""
        leaving = object.__new__(cls)
        leaving.__dict__.update(config.__dict__, **changed)
        _put_config(leaving, config)
        _put_instance(leaving, instance)
        _put_token(leaving, None)
        return leaving

    def copy(self) -> LeavingConfig:
        """Return a shallow copy that remembers the same config."""
        twin = object.__new__(LeavingConfig)
        twin.__dict__.update(self.__dict__)
        _put_config(twin, self.config)
        _put_instance(twin, self.instance)
        _put_token(twin, self.token)
        return twin


# Without the detour through the checks of `RequestConfig.__setattr__`.
_put_config = LeavingConfig.__dict__["config"].__set__
_put_instance = LeavingConfig.__dict__["instance"].__set__
_put_token = LeavingConfig.__dict__["token"].__set__


def callers_config(config: RequestConfig) -> RequestConfig:
    """Return the config as the caller and the interceptors know it."""
    return config.config if isinstance(config, LeavingConfig) else config


def of_options(options: dict[str, Any]) -> RequestConfig:
    """Return a config that holds ``options``, which have been checked."""
    config = object.__new__(RequestConfig)
    config.__dict__.update(options)
    return config


#: The names of all options.
OPTIONS = frozenset(option.name for option in fields(RequestConfig))

for _name in OPTIONS - {"headers", "extra"}:
    # An option that was not given is found on the class, so that a config holds only what was.
    setattr(RequestConfig, _name, UNSET)


def checked_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``options`` as a config keeps them."""
    checked: dict[str, Any] = {}
    for name, value in options.items():
        if name not in OPTIONS:
            raise TypeError(unknown_option(name, OPTIONS))
        _set_checked(checked, name, value)
    return checked


def _set_checked(options: dict[str, Any], name: str, value: Any) -> None:
    """Check an option and set it; ``headers`` and ``extra`` are empty where they are unset."""
    check = CHECKS.get(name)
    if check is not None and value is not None and value is not UNSET:
        check(name, value)
    if name == "headers":
        options[name] = value if isinstance(value, Headers) else Headers(value or {})
    elif name == "extra":
        options[name] = {} if value is UNSET or value is None else value
    elif value is UNSET:
        options.pop(name, None)
    else:
        options[name] = value
