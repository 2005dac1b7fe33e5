"""The adapters of an instance: by name, with a client of its own or yours, or a function."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from http.cookiejar import CookieJar
from typing import Any, Literal, TypeAlias

from ..arity import call
from ..config import Adapter
from ..runtime import Runtime
from .exchange import ClientAdapter
from .httpx import GivenHttpx, OwnHttpx

#: A function that takes a config and gives a response, or an awaitable of one.
Send: TypeAlias = Callable[[Any], Any]


class Adapters:
    """The adapters that an instance, and all instances derived from it, can send with."""

    def __init__(self, runtime: Runtime, given: Any = None) -> None:
        if given is not None:
            _check_kind(given, is_async=runtime.is_async)
        self._runtime = runtime
        self._given = given
        self._jar = CookieJar()
        self._backends: list[Any] = []
        self._by_name: dict[str, Send] = {}
        self.default: Literal["httpx", "aiohttp"] = "aiohttp" if _is_session(given) else "httpx"
        self.closings = 0
        self.find(self.default)
        runtime.on_lost = self._forget

    def find(self, adapter: Adapter | None) -> Send:
        """Return the function that sends."""
        if callable(adapter):
            return functools.partial(call, adapter)
        name = adapter or self.default
        return self._by_name.get(name) or self._made(name)

    def check(self, adapter: Adapter | None) -> None:
        """Refuse an adapter that cannot be the default of an instance."""
        is_named = adapter and not callable(adapter)
        if self._given is not None and is_named and adapter != self.default:
            raise TypeError(
                f"adapter={adapter!r} would not send with the {type(self._given).__name__} that "
                "client is: leave one of them out"
            )
        self.find(adapter)

    @property
    def authorizes(self) -> bool:
        """True if the client that was handed in sends an ``Authorization`` of its own."""
        given = self._given
        return given is not None and (given.auth is not None or "authorization" in given.headers)

    @property
    def cookies(self) -> Any:
        """The jar of the instance, or that of the client that was handed in."""
        if self._given is None:
            return self._jar
        return self._given.cookie_jar if self.default == "aiohttp" else self._given.cookies.jar

    async def close(self) -> None:
        """Close the connections that were made here; the next request opens others."""
        for backend in self._backends:
            await backend.close()

    def _forget(self) -> None:
        """Drop the connections without closing them."""
        for backend in self._backends:
            backend.forget()

    def _made(self, name: str) -> Send:
        if name == "aiohttp":
            backend = self._aiohttp()
        elif self._given is not None and self.default == "httpx":
            backend = GivenHttpx(self._runtime, self._given)
        else:
            backend = OwnHttpx(self._runtime, self._jar)
        send = self._runtime.adapt(ClientAdapter(backend, self._runtime).send)
        self._backends.append(backend)
        self._by_name[name] = send
        return send

    def _aiohttp(self) -> Any:
        if not self._runtime.is_async:
            raise TypeError(
                "adapter='aiohttp' serves asynchronous instances: make one with create(), "
                "or leave adapter out"
            )
        try:
            from .aiohttp import AiohttpBackend
        except ModuleNotFoundError as error:
            if error.name != "aiohttp":
                raise
            raise ImportError(
                "adapter='aiohttp' needs aiohttp: install zustax[aiohttp]", name=error.name
            ) from None
        return AiohttpBackend(self._given if self.default == "aiohttp" else None, self._jar)


def _check_kind(given: Any, *, is_async: bool) -> None:
    """Refuse what is no client of this kind; those of httpx and httpx2 share no class."""
    if _is_session(given) and is_async:
        return
    has_methods = all(callable(getattr(given, name, None)) for name in ("build_request", "send"))
    if isinstance(given, type) or not has_methods or hasattr(given, "aclose") is not is_async:
        wanted = "an asynchronous" if is_async else "a synchronous"
        maker = "create_sync()" if is_async else "create()"
        raise TypeError(
            f"client must be {wanted} HTTP client, not {type(given).__name__}; for that use {maker}"
        )


def _is_session(value: Any) -> bool:
    """Return True for a session of aiohttp, which has been imported if there is one."""
    aiohttp = sys.modules.get("aiohttp")
    return aiohttp is not None and isinstance(value, aiohttp.ClientSession)
