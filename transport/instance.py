"""An HTTP instance with defaults and interceptors, asynchronous and synchronous (axios.create).

Example:
    api = create(base_url="http://localhost:3001/api")
    api.interceptors.response.use(lambda response: response.data)
    async with api:
        me = await api.get("/me")

"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Mapping
from types import TracebackType
from typing import Any, Generic, Self, TypeVar, Unpack

from .adapters.httpx import HttpxAdapter
from .client import ClientHolder
from .config import (
    RequestConfig,
    RequestOptions,
    VerbOptions,
    VerbOptionsWithData,
    merge_config,
)
from .core import Core
from .interceptors import Interceptors
from .runtime import AsyncRuntime, Runtime, SyncRuntime, run_now
from .transforms import transform_request, transform_response
from .unset import UNSET
from .urls import check_base_url, full_url

Result = TypeVar("Result")


class _Verbs(ABC, Generic[Result]):
    """What both kinds of instance offer; ``Result`` is what a call gives."""

    def __init__(
        self,
        runtime: Runtime,
        client: ClientHolder,
        defaults: RequestConfig,
        *,
        is_derived: bool = False,
    ) -> None:
        self._client = client
        self._is_derived = is_derived
        self._core = Core(runtime, runtime.adapt(HttpxAdapter(client, runtime).send))
        self.defaults = defaults

    @property
    def interceptors(self) -> Interceptors:
        """The chains: ``request``, ``response`` and ``network``."""
        return self._core.interceptors

    @property
    def runtime(self) -> Runtime:
        """How this instance waits, for network interceptors that serve both kinds."""
        return self._core.runtime

    @property
    def client_authorizes(self) -> bool:
        """Whether the client that was handed in puts an ``Authorization`` of its own."""
        return self._client.authorizes

    def __call__(
        self,
        config: RequestConfig | Mapping[str, Any] | str = UNSET,
        **options: Unpack[RequestOptions],
    ) -> Result:
        """Send a request: ``api(config)`` or ``api(url, **options)``.

        Args:
            config: A `RequestConfig`, a mapping of options, or the URL.
            **options: The options of `RequestConfig`.

        Returns:
            What the response interceptors return; without any, a `Response`.

        Raises:
            RequestError: The request failed; its ``code`` says how.
            TypeError: An option does not exist, or has the wrong type.
        """
        return self._call(_config(config, options))

    def request(
        self,
        config: RequestConfig | Mapping[str, Any] | str = UNSET,
        **options: Unpack[RequestOptions],
    ) -> Result:
        """The same as calling the instance."""
        return self._call(_config(config, options))

    def get(self, url: str, **options: Unpack[VerbOptionsWithData]) -> Result:
        """Send a GET request."""
        return self._call(_config(url, options, "get"))

    def delete(self, url: str, **options: Unpack[VerbOptionsWithData]) -> Result:
        """Send a DELETE request."""
        return self._call(_config(url, options, "delete"))

    def head(self, url: str, **options: Unpack[VerbOptionsWithData]) -> Result:
        """Send a HEAD request."""
        return self._call(_config(url, options, "head"))

    def options(self, url: str, **options: Unpack[VerbOptionsWithData]) -> Result:
        """Send an OPTIONS request."""
        return self._call(_config(url, options, "options"))

    def post(self, url: str, data: Any = UNSET, **options: Unpack[VerbOptions]) -> Result:
        """Send a POST request with ``data`` as its body."""
        config, data = _config(url, options, "post", data), None
        return self._call(config)

    def put(self, url: str, data: Any = UNSET, **options: Unpack[VerbOptions]) -> Result:
        """Send a PUT request with ``data`` as its body."""
        config, data = _config(url, options, "put", data), None
        return self._call(config)

    def patch(self, url: str, data: Any = UNSET, **options: Unpack[VerbOptions]) -> Result:
        """Send a PATCH request with ``data`` as its body."""
        config, data = _config(url, options, "patch", data), None
        return self._call(config)

    def query(self, url: str, data: Any = UNSET, **options: Unpack[VerbOptions]) -> Result:
        """Send a QUERY request with ``data`` as its body."""
        config, data = _config(url, options, "query", data), None
        return self._call(config)

    def post_form(self, url: str, data: Any = UNSET, **options: Unpack[VerbOptions]) -> Result:
        """Send a POST request with ``data`` as ``multipart/form-data``."""
        config, data = _form(_config(url, options, "post", data)), None
        return self._call(config)

    def put_form(self, url: str, data: Any = UNSET, **options: Unpack[VerbOptions]) -> Result:
        """Send a PUT request with ``data`` as ``multipart/form-data``."""
        config, data = _form(_config(url, options, "put", data)), None
        return self._call(config)

    def patch_form(self, url: str, data: Any = UNSET, **options: Unpack[VerbOptions]) -> Result:
        """Send a PATCH request with ``data`` as ``multipart/form-data``."""
        config, data = _form(_config(url, options, "patch", data)), None
        return self._call(config)

    def get_uri(self, url: str, **options: Unpack[VerbOptionsWithData]) -> str:
        """The URL that a call would request, as it was written (nothing but params is escaped)."""
        return full_url(merge_config(self.defaults, _config(url, options)))

    def create(self, **options: Unpack[RequestOptions]) -> Self:
        """Another instance with these defaults and ``options`` over them.

        It shares the connections, and has no interceptors. Closing it leaves the connections open.
        """
        check_base_url(options.get("base_url"))
        defaults = merge_config(self.defaults, RequestConfig(**options))
        return type(self)(self.runtime, self._client, defaults, is_derived=True)

    @abstractmethod
    def _call(self, config: RequestConfig) -> Result:
        """Carry out a request."""

    async def _shut_down(self) -> None:
        if not self._is_derived:
            await self.runtime.shut_down()
            await self._client.close(self.runtime)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.defaults.base_url or 'without base_url'}>"


class Instance(_Verbs[Awaitable[Any]]):
    """An asynchronous instance; make it with `create`. It serves one event loop."""

    def _call(self, config: RequestConfig) -> Awaitable[Any]:
        return self._core.call(self.defaults, config)

    async def aclose(self) -> None:
        """Let a running token refresh end, then close the connections that this instance made."""
        await self._shut_down()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()


class SyncInstance(_Verbs[Any]):
    """A synchronous instance; make it with `create_sync`. Any thread may use it."""

    def _call(self, config: RequestConfig) -> Any:
        return run_now(self._core.call(self.defaults, config))

    def close(self) -> None:
        """Let a running token refresh end, then close the connections that this instance made."""
        run_now(self._shut_down())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def create(*, client: Any = None, **options: Unpack[RequestOptions]) -> Instance:
    """Make an asynchronous instance.

    Args:
        client: Your own ``httpx.AsyncClient``; it is not closed by us. Default: one is made.
        **options: Defaults for every request; see `RequestConfig`.

    Raises:
        InvalidURLError: ``base_url`` has no scheme or host.
        TypeError: An option does not exist, or ``client`` is a synchronous one.
    """
    holder = ClientHolder(client, is_async=True)
    return Instance(AsyncRuntime(), holder, _defaults(client, options))


def create_sync(*, client: Any = None, **options: Unpack[RequestOptions]) -> SyncInstance:
    """Make a synchronous instance: the same as `create` gives, without ``await``.

    Args:
        client: Your own ``httpx.Client``; it is not closed by us. Default: one is made.
        **options: Defaults for every request; see `RequestConfig`.

    Raises:
        InvalidURLError: ``base_url`` has no scheme or host.
        TypeError: An option does not exist, or ``client`` is an asynchronous one.
    """
    holder = ClientHolder(client, is_async=False)
    return SyncInstance(SyncRuntime(), holder, _defaults(client, options))


def default_config() -> RequestConfig:
    """The defaults of every instance, as in axios."""
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
        validate_status=_is_success,
    )


def _is_success(status: int) -> bool:
    return 200 <= status < 300


def _defaults(client: Any, options: RequestOptions) -> RequestConfig:
    config = merge_config(default_config(), RequestConfig(**options))
    if not config.base_url and client is not None and str(client.base_url):
        config.base_url = str(client.base_url)
    check_base_url(config.base_url or None)
    return config


def _config(
    config: RequestConfig | Mapping[str, Any] | str,
    options: Any,
    method: str = UNSET,
    data: Any = UNSET,
) -> RequestConfig:
    """One config out of the ways in which a call may be written.

    The options leave the caller's mapping: what they hold must not be a local variable of a frame
    that an exception passes through.
    """
    given = {**options}
    options.clear()
    if isinstance(config, str):
        given["url"] = config
    elif isinstance(config, RequestConfig):
        return RequestConfig(**{**config.given(), **given}) if given else config
    elif isinstance(config, Mapping):
        given = {**config, **given}
    elif config is not UNSET:
        raise TypeError(
            f"a request takes a RequestConfig, a mapping or a URL, not {type(config).__name__}"
        )
    if method is not UNSET:
        given["method"] = method
    if data is not UNSET:
        given["data"] = data
    return RequestConfig(**given)


def _form(config: RequestConfig) -> RequestConfig:
    config.headers["Content-Type"] = "multipart/form-data"
    return config
