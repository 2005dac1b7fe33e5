"""An HTTP instance with defaults and interceptors, asynchronous and synchronous (axios.create).

Example:
    api = create(base_url="http://localhost:3001/api")
    api.interceptors.response.use(lambda response: response.data)
    async with api:
        me = await api.get("/me")

"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Coroutine, Mapping
from types import TracebackType
from typing import Any, Generic, Self, TypeVar, Unpack

from .adapters.choice import Adapters
from .config import (
    RequestConfig,
    RequestOptions,
    VerbOptions,
    VerbOptionsWithData,
    merge_config,
)
from .core import Core
from .errors import RequestError, with_callers_frames
from .interceptors import Interceptors
from .observers import Observer
from .redaction import redact_url
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
        adapters: Adapters,
        defaults: RequestConfig,
        *,
        is_derived: bool = False,
    ) -> None:
        adapters.check(defaults.adapter)
        self._adapters = adapters
        self._is_derived = is_derived
        self._core = Core(runtime, adapters)
        self.defaults = defaults

    @property
    def interceptors(self) -> Interceptors:
        """The chains: ``request``, ``response`` and ``network``."""
        return self._core.interceptors

    @property
    def observers(self) -> list[Observer]:
        """What goes around whole calls (see ``zustax.transport.observers``), outermost first.

        `record` puts one here. Calls that have already begun do not see it.
        """
        return self._core.observers

    @property
    def runtime(self) -> Runtime:
        """How this instance waits, for network interceptors that serve both kinds."""
        return self._core.runtime

    @property
    def client_authorizes(self) -> bool:
        """Whether the client that was handed in puts an ``Authorization`` of its own."""
        return self._adapters.authorizes

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
        asked = _asked(config, options)
        del config
        return self._call(asked)

    def request(
        self,
        config: RequestConfig | Mapping[str, Any] | str = UNSET,
        **options: Unpack[RequestOptions],
    ) -> Result:
        """The same as calling the instance."""
        asked = _asked(config, options)
        del config
        return self._call(asked)

    def get(self, url: str, **options: Unpack[VerbOptionsWithData]) -> Result:
        """Send a GET request."""
        asked = _asked(url, options, "get")
        del url
        return self._call(asked)

    def delete(self, url: str, **options: Unpack[VerbOptionsWithData]) -> Result:
        """Send a DELETE request."""
        asked = _asked(url, options, "delete")
        del url
        return self._call(asked)

    def head(self, url: str, **options: Unpack[VerbOptionsWithData]) -> Result:
        """Send a HEAD request."""
        asked = _asked(url, options, "head")
        del url
        return self._call(asked)

    def options(self, url: str, **options: Unpack[VerbOptionsWithData]) -> Result:
        """Send an OPTIONS request."""
        asked = _asked(url, options, "options")
        del url
        return self._call(asked)

    def post(self, url: str, data: Any = UNSET, **options: Unpack[VerbOptions]) -> Result:
        """Send a POST request with ``data`` as its body."""
        asked = _asked(url, options, "post", data)
        del url, data  # they may be secrets, and crash reports print locals
        return self._call(asked)

    def put(self, url: str, data: Any = UNSET, **options: Unpack[VerbOptions]) -> Result:
        """Send a PUT request with ``data`` as its body."""
        asked = _asked(url, options, "put", data)
        del url, data  # they may be secrets, and crash reports print locals
        return self._call(asked)

    def patch(self, url: str, data: Any = UNSET, **options: Unpack[VerbOptions]) -> Result:
        """Send a PATCH request with ``data`` as its body."""
        asked = _asked(url, options, "patch", data)
        del url, data  # they may be secrets, and crash reports print locals
        return self._call(asked)

    def query(self, url: str, data: Any = UNSET, **options: Unpack[VerbOptions]) -> Result:
        """Send a QUERY request with ``data`` as its body."""
        asked = _asked(url, options, "query", data)
        del url, data  # they may be secrets, and crash reports print locals
        return self._call(asked)

    def post_form(self, url: str, data: Any = UNSET, **options: Unpack[VerbOptions]) -> Result:
        """Send a POST request with ``data`` as ``multipart/form-data``."""
        asked = _as_form(_asked(url, options, "post", data))
        del url, data  # they may be secrets, and crash reports print locals
        return self._call(asked)

    def put_form(self, url: str, data: Any = UNSET, **options: Unpack[VerbOptions]) -> Result:
        """Send a PUT request with ``data`` as ``multipart/form-data``."""
        asked = _as_form(_asked(url, options, "put", data))
        del url, data  # they may be secrets, and crash reports print locals
        return self._call(asked)

    def patch_form(self, url: str, data: Any = UNSET, **options: Unpack[VerbOptions]) -> Result:
        """Send a PATCH request with ``data`` as ``multipart/form-data``."""
        asked = _as_form(_asked(url, options, "patch", data))
        del url, data  # they may be secrets, and crash reports print locals
        return self._call(asked)

    def get_uri(self, url: str, **options: Unpack[VerbOptionsWithData]) -> str:
        """The URL that a call would request, as it was written (nothing but params is escaped)."""
        asked = _asked(url, options)
        del url
        return full_url(merge_config(self.defaults, _accepted(asked)))

    def create(self, **options: Unpack[RequestOptions]) -> Self:
        """Another instance with these defaults and ``options`` over them.

        It shares the connections, and has no interceptors. Closing it leaves the connections open.
        """
        given = _accepted(_asked(UNSET, options))
        check_base_url(given.base_url or None)
        defaults = merge_config(self.defaults, given)
        return type(self)(self.runtime, self._adapters, defaults, is_derived=True)

    @abstractmethod
    def _call(self, asked: RequestConfig | Exception) -> Result:
        """Carry out a request."""

    async def _shut_down(self) -> None:
        if not self._is_derived:
            self._adapters.closings += 1
            await self.runtime.shut_down()
            await self._adapters.close()
            self.runtime.forget()

    def __repr__(self) -> str:
        base_url = self.defaults.base_url
        return f"<{type(self).__name__} {redact_url(base_url) if base_url else 'without base_url'}>"


class Instance(_Verbs[Coroutine[Any, Any, Any]]):
    """An asynchronous instance; make it with `create`. It serves one event loop."""

    def _call(self, asked: RequestConfig | Exception) -> Coroutine[Any, Any, Any]:
        return self._core.call(self.defaults, _accepted(asked))

    async def aclose(self) -> None:
        """Let a running token refresh end, then close the connections that this instance made.

        Requests that are under way raise `CanceledError`. The next one opens connections again.
        """
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

    def _call(self, asked: RequestConfig | Exception) -> Any:
        return run_now(self._core.call(self.defaults, _accepted(asked)))

    def close(self) -> None:
        """Let a running token refresh end, then close the connections that this instance made.

        Requests that are under way raise `CanceledError`. The next one opens connections again. A
        ``refresh`` function of your own that hangs is left behind in its daemon thread.
        """
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
        client: Your own ``AsyncClient`` of httpx or httpx2, or ``ClientSession`` of aiohttp; it is
            not closed by us. Default: one is made.
        **options: Defaults for every request; see `RequestConfig`.

    Raises:
        ImportError: ``adapter`` names a library that is not installed.
        InvalidURLError: ``base_url`` has no scheme or host.
        TypeError: An option does not exist, or ``client`` is a synchronous one, or ``adapter``
            names another library than that of ``client``.
    """
    runtime = AsyncRuntime()
    return Instance(runtime, Adapters(runtime, client), _defaults(client, options))


def create_sync(*, client: Any = None, **options: Unpack[RequestOptions]) -> SyncInstance:
    """Make a synchronous instance: the same as `create` gives, without ``await``.

    Args:
        client: Your own ``Client`` of httpx or httpx2; it is not closed by us. Default: one is
            made.
        **options: Defaults for every request; see `RequestConfig`.

    Raises:
        InvalidURLError: ``base_url`` has no scheme or host.
        TypeError: An option does not exist, or ``client`` or ``adapter`` is an asynchronous one.
    """
    runtime = SyncRuntime()
    return SyncInstance(runtime, Adapters(runtime, client), _defaults(client, options))


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


def _defaults(client: Any, options: Any) -> RequestConfig:
    config = merge_config(default_config(), _accepted(_asked(UNSET, options)))
    if not config.base_url:
        config.base_url = str(getattr(client, "base_url", "")) or config.base_url
    check_base_url(config.base_url or None)
    return config


def _asked(
    config: RequestConfig | Mapping[str, Any] | str,
    options: Any,
    method: str = UNSET,
    data: Any = UNSET,
) -> RequestConfig | Exception:
    """One config out of the ways in which a call may be written, or the error that it is.

    It is not raised here: crash reports print the local variables of every frame that an exception
    passes, and what was asked may hold credentials.
    """
    given: dict[str, Any] = {**options}
    options.clear()
    if isinstance(config, str):
        given["url"] = config
    elif isinstance(config, RequestConfig):
        given = {**config.given(), **given}
    elif isinstance(config, Mapping):
        given = {**config, **given}
    elif config is not UNSET:
        kind = type(config).__name__
        return TypeError(f"a request takes a RequestConfig, a mapping or a URL, not {kind}")
    given |= {} if method is UNSET else {"method": method}
    given |= {} if data is UNSET else {"data": data}
    try:
        return RequestConfig(**given)
    except (TypeError, ValueError, RequestError) as error:
        return with_callers_frames(error)


def _accepted(asked: RequestConfig | Exception) -> RequestConfig:
    if isinstance(asked, Exception):
        raise asked
    return asked


def _as_form(asked: RequestConfig | Exception) -> RequestConfig | Exception:
    if isinstance(asked, RequestConfig):
        asked.headers["Content-Type"] = "multipart/form-data"
    return asked
