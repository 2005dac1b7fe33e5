"""An HTTP instance with defaults and interceptors, asynchronous or synchronous (axios.create)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine, Mapping
from http.cookiejar import CookieJar
from types import FunctionType
from typing import TYPE_CHECKING, Any, Generic, Self, TypeAlias, TypeVar, Unpack

from .adapters.registry import Adapters
from .body import transform_request, transform_response
from .chain import Interceptors, Observer
from .config import (
    UNSET,
    BodyOptions,
    RequestConfig,
    RequestOptions,
    VerbOptions,
    checked_options,
)
from .core import Core, is_success
from .headers import Headers
from .options import config_for_call, merge_config
from .response import Response
from .runtime import AsyncRuntime, Runtime, SyncRuntime, run_now
from .secrecy import discreet, redact_url
from .urls import full_url

Given = TypeVar("Given")
if TYPE_CHECKING:
    from typing_extensions import TypeVar as TypeVarWithDefault

    Result = TypeVarWithDefault("Result", default=Response[Any])
    Derived = TypeVarWithDefault("Derived", default=Response[Any])
else:
    Result = TypeVar("Result")

#: Options as axios takes them: in one argument.
Options: TypeAlias = RequestConfig | RequestOptions | Mapping[str, Any]
Config: TypeAlias = Options | None
Target: TypeAlias = Options | str


class BaseInstance(ABC, Generic[Given]):
    """What both kinds of instance offer; ``Given`` is what a call gives."""

    def __init__(
        self,
        runtime: Runtime,
        adapters: Adapters,
        defaults: RequestConfig,
        *,
        is_derived: bool = False,
    ) -> None:
        adapters.check(defaults.adapter)
        self._adapters = adapters
        self._is_derived = is_derived
        self._core = Core(runtime, adapters, defaults)

    @property
    def defaults(self) -> RequestConfig:
        """The options of every request, unless a call has its own."""
        return self._core.defaults

    @defaults.setter
    def defaults(self, defaults: RequestConfig) -> None:
        self._core.defaults = defaults

    @property
    def interceptors(self) -> Interceptors:
        """The chains: ``request``, ``response`` and ``network``."""
        return self._core.interceptors

    @property
    def observers(self) -> list[Observer]:
        """Functions around whole calls (see ``zustax.transport.chain``), outermost first.

        `record` puts one here. Calls that have already begun do not see it.
        """
        return self._core.observers

    @property
    def before_send(self) -> list[Callable[[RequestConfig], RequestConfig]]:
        """Functions that see each config last before it is sent, and return it."""
        return self._core.before_send

    @property
    def runtime(self) -> Runtime:
        """How this instance waits, for network interceptors that serve both kinds."""
        return self._core.runtime

    @property
    def cookies(self) -> CookieJar:
        """The cookies that this instance has been given, which instances derived from it share.

        Clear them at a logout. A client that you hand in has a jar of its own.
        """
        return self._adapters.cookies  # type: ignore[no-any-return]

    @property
    def client_authorizes(self) -> bool:
        """True if the client that you handed in sends an ``Authorization`` of its own."""
        return self._adapters.authorizes

    def __call__(
        self, target: Target = UNSET, config: Config = None, **options: Unpack[RequestOptions]
    ) -> Given:
        """Send a request: ``api(url, **options)``, ``api(url, config)`` or ``api(config)``.

        Args:
            target: The URL, or all options.
            config: A `RequestConfig` or a mapping of options, as in axios. Every method takes it.
            **options: The options of `RequestConfig`. They win over those of ``config``.

        Returns:
            What the response interceptors return; without any, a `Response`.

        Raises:
            RequestError: The request failed; its ``code`` says how.
            TypeError: An option does not exist, or has the wrong type.
        """
        return self._call(_given(target, config, options))

    def request(
        self, target: Target = UNSET, config: Config = None, **options: Unpack[RequestOptions]
    ) -> Given:
        """Send a request, as calling the instance does."""
        return self._call(_given(target, config, options))

    def get(self, url: str, config: Config = None, **options: Unpack[BodyOptions]) -> Given:
        """Send a GET request."""
        return self._call(_given(url, config, options, "get"))

    def delete(self, url: str, config: Config = None, **options: Unpack[BodyOptions]) -> Given:
        """Send a DELETE request."""
        return self._call(_given(url, config, options, "delete"))

    def head(self, url: str, config: Config = None, **options: Unpack[BodyOptions]) -> Given:
        """Send a HEAD request."""
        return self._call(_given(url, config, options, "head"))

    def options(self, url: str, config: Config = None, **options: Unpack[BodyOptions]) -> Given:
        """Send an OPTIONS request."""
        return self._call(_given(url, config, options, "options"))

    def post(
        self, url: str, data: Any = UNSET, config: Config = None, **options: Unpack[VerbOptions]
    ) -> Given:
        """Send a POST request with ``data`` as its body."""
        return self._call(_given(url, config, options, "post", data))

    def put(
        self, url: str, data: Any = UNSET, config: Config = None, **options: Unpack[VerbOptions]
    ) -> Given:
        """Send a PUT request with ``data`` as its body."""
        return self._call(_given(url, config, options, "put", data))

    def patch(
        self, url: str, data: Any = UNSET, config: Config = None, **options: Unpack[VerbOptions]
    ) -> Given:
        """Send a PATCH request with ``data`` as its body."""
        return self._call(_given(url, config, options, "patch", data))

    def query(
        self, url: str, data: Any = UNSET, config: Config = None, **options: Unpack[VerbOptions]
    ) -> Given:
        """Send a QUERY request with ``data`` as its body."""
        return self._call(_given(url, config, options, "query", data))

    def post_form(
        self, url: str, data: Any = UNSET, config: Config = None, **options: Unpack[VerbOptions]
    ) -> Given:
        """Send a POST request with ``data`` as ``multipart/form-data``."""
        return self._call(_as_form(_given(url, config, options, "post", data)))

    def put_form(
        self, url: str, data: Any = UNSET, config: Config = None, **options: Unpack[VerbOptions]
    ) -> Given:
        """Send a PUT request with ``data`` as ``multipart/form-data``."""
        return self._call(_as_form(_given(url, config, options, "put", data)))

    def patch_form(
        self, url: str, data: Any = UNSET, config: Config = None, **options: Unpack[VerbOptions]
    ) -> Given:
        """Send a PATCH request with ``data`` as ``multipart/form-data``."""
        return self._call(_as_form(_given(url, config, options, "patch", data)))

    def get_uri(
        self, target: Target = UNSET, config: Config = None, **options: Unpack[RequestOptions]
    ) -> str:
        """Return the URL that a call would request, as it was written (only params are escaped)."""
        return full_url(config_for_call(self.defaults, _given(target, config, options)))

    @abstractmethod
    def _call(self, given: dict[str, Any]) -> Given:
        """Carry out a request."""

    async def _shut_down(self) -> None:
        if not self._is_derived:
            self._adapters.closings += 1
            await self.runtime.shut_down()
            await self._adapters.close()
            self.runtime.unbind()

    def __repr__(self) -> str:
        base_url = self.defaults.base_url
        return f"<{type(self).__name__} {redact_url(base_url) if base_url else 'without base_url'}>"


for _name, _method in vars(BaseInstance).items():
    if isinstance(_method, FunctionType):
        _method.__qualname__ = _name  # Python shows it where an argument is missing
discreet(BaseInstance)


@discreet
class Instance(BaseInstance[Coroutine[Any, Any, Result]], Generic[Result]):
    """An asynchronous instance; make it with `create`. It serves one event loop.

    ``Result`` is what a call gives, for type checkers: a `Response`, unless you say what your
    response interceptors return, as in ``api: Instance[Item] = create(...)``.
    """

    def create(self, config: Config = None, **options: Unpack[RequestOptions]) -> Instance[Derived]:
        """Make another instance with these defaults and ``options`` over them.

        It shares the connections, and has no interceptors. Closing it leaves the connections open.
        """
        defaults = _defaults(self.defaults, config, options)
        return Instance(self.runtime, self._adapters, defaults, is_derived=True)

    async def aclose(self) -> None:
        """Let a running token refresh end, then close the connections that this instance made.

        Requests under way raise `CanceledError`. The next request opens connections again.
        """
        await self._shut_down()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    def _call(self, given: dict[str, Any]) -> Coroutine[Any, Any, Any]:
        return self._core.call(config_for_call(self._core.defaults, given))


@discreet
class SyncInstance(BaseInstance[Result], Generic[Result]):
    """A synchronous instance; make it with `create_sync`. Any thread may use it.

    ``Result`` is what a call gives; see `Instance`.
    """

    def create(
        self, config: Config = None, **options: Unpack[RequestOptions]
    ) -> SyncInstance[Derived]:
        """Make another instance with these defaults and ``options`` over them.

        It shares the connections, and has no interceptors. Closing it leaves the connections open.
        """
        defaults = _defaults(self.defaults, config, options)
        return SyncInstance(self.runtime, self._adapters, defaults, is_derived=True)

    def close(self) -> None:
        """Let a running token refresh end, then close the connections that this instance made.

        Requests under way raise `CanceledError`. The next request opens connections again. A
        ``refresh`` function of your own that hangs is left behind in its daemon thread.
        """
        run_now(self._shut_down())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _call(self, given: dict[str, Any]) -> Any:
        return run_now(self._core.call(config_for_call(self._core.defaults, given)))


@discreet
def create(
    config: Config = None, *, client: Any = None, **options: Unpack[RequestOptions]
) -> Instance[Result]:
    """Make an asynchronous instance.

    Args:
        config: Defaults for every request, in one argument as in axios.
        client: Your own ``AsyncClient`` of httpx or httpx2, or ``ClientSession`` of aiohttp. The
            instance does not close it. Default: the instance makes one.
        **options: Defaults for every request; see `RequestConfig`.

    Raises:
        ImportError: ``adapter`` names a library that is not installed.
        InvalidURLError: ``base_url`` has no scheme or host.
        TypeError: An option does not exist, or ``client`` is a synchronous one, or ``adapter``
            names another library than that of ``client``.
    """
    runtime = AsyncRuntime()
    adapters = Adapters(runtime, client)
    return Instance(runtime, adapters, _defaults(default_config(), config, options, client))


@discreet
def create_sync(
    config: Config = None, *, client: Any = None, **options: Unpack[RequestOptions]
) -> SyncInstance[Result]:
    """Make a synchronous instance: as `create`, without ``await``.

    Args:
        config: Defaults for every request, in one argument as in axios.
        client: Your own ``Client`` of httpx or httpx2. The instance does not close it. Default: the
            instance makes one.
        **options: Defaults for every request; see `RequestConfig`.

    Raises:
        InvalidURLError: ``base_url`` has no scheme or host.
        TypeError: An option does not exist, or ``client`` or ``adapter`` is an asynchronous one.
    """
    runtime = SyncRuntime()
    adapters = Adapters(runtime, client)
    return SyncInstance(runtime, adapters, _defaults(default_config(), config, options, client))


def default_config() -> RequestConfig:
    """Return the defaults of every instance, as in axios."""
    return RequestConfig(
        headers={"common": {"Accept": "application/json, text/plain, */*"}},
        transform_request=[transform_request],
        transform_response=[transform_response],
        timeout=0,
        max_content_length=-1,
        max_body_length=-1,
        max_redirects=21,
        xsrf_cookie_name="XSRF-TOKEN",
        xsrf_header_name="X-XSRF-TOKEN",
        validate_status=is_success,
    )


def _defaults(
    base: RequestConfig, config: Config, options: Mapping[str, Any], client: Any = None
) -> RequestConfig:
    defaults = merge_config(base, RequestConfig(**_given(UNSET, config, options)))
    if not defaults.base_url and getattr(client, "base_url", None):
        defaults.base_url = str(client.base_url)
    return defaults


def _given(
    target: Target,
    config: Config,
    options: Mapping[str, Any],
    method: str | None = None,
    data: Any = UNSET,
) -> dict[str, Any]:
    """Return the checked options of a call, in whichever way it was written."""
    given = {} if config is None else _options(config)
    if isinstance(target, str):
        given["url"] = target
    elif target is not UNSET:
        given = _options(target) | given
    given |= checked_options(options) if options else {}
    if method is not None:
        given["method"] = method
    if data is not UNSET:
        given["data"] = data
    return given


def _options(config: Options) -> dict[str, Any]:
    if isinstance(config, RequestConfig):
        return config.given()
    if isinstance(config, Mapping):
        return checked_options(config)
    raise TypeError(f"options must be a RequestConfig or a mapping, not {type(config).__name__}")


def _as_form(given: dict[str, Any]) -> dict[str, Any]:
    headers = Headers(given.get("headers", ()))
    headers["Content-Type"] = "multipart/form-data"
    return {**given, "headers": headers}
