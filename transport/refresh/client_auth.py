"""The session of a store for clients that are not ours: an ``httpx.Auth``, or one of httpx2.

Example:
    client = httpx.AsyncClient(base_url="https://host/api", auth=handle.auth())
    sdk = AsyncOpenAI(http_client=client, api_key="unused")

"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator
from functools import partial
from typing import Any

from ..body import can_be_sent_again
from ..config import RequestConfig
from ..errors import RequestError
from ..response import Response
from ..runtime import run_now
from ..urls import origin
from .guard import Guard, SentWith
from .pending import refresh_behind


class ClientAuth:
    """The methods of an ``httpx.Auth``; `auth_for` makes one of this and of a library's class."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        self._runtime = guard.runtime

    def sync_auth_flow(self, request: Any) -> Generator[Any, Any, None]:
        """Run the flow of a client that blocks its thread."""
        if self._runtime.is_async:
            raise TypeError(
                "this handle belongs to an asynchronous instance: for a synchronous client, give "
                "silent_refresh an instance of create_sync() (they may share the store)"
            )
        flow = self._flow(request, client_is_async=False)
        try:
            leaving = run_now(anext(flow))
            while True:
                response = yield leaving
                leaving = run_now(flow.asend(response))
        except StopAsyncIteration:
            return

    def async_auth_flow(self, request: Any) -> AsyncGenerator[Any, Any]:
        """Run the flow of a client that is awaited."""
        self._runtime.bind()
        return self._flow(request, client_is_async=True)

    async def _flow(self, request: Any, *, client_is_async: bool) -> AsyncGenerator[Any, Any]:
        async def run(work: Coroutine[Any, Any, SentWith | None]) -> SentWith | None:
            if client_is_async and not self._runtime.is_async:
                return await asyncio.to_thread(run_now, work)
            return await work

        async def read(response: Any) -> bytes:
            content: bytes = await response.aread() if client_is_async else response.read()
            return content

        guard = self._guard
        if not guard.is_own_url(str(request.url)):
            yield request
            return
        pending = refresh_behind(guard.session)
        if pending is not None:
            yield self._with_token(request, guard.for_refresh(pending))
            return
        rewind = _rewinder(request.stream)
        before = guard.session.credentials()
        body = None if rewind else iter(())  # one that cannot be sent again
        config = RequestConfig(url=str(request.url), method=request.method, data=body)
        try:
            sent_with = await run(guard.ready(config))
        except RequestError:
            yield self._with_token(request, before.access_token)  # which gives the client its 401
            return
        while sent_with is not None:
            response = yield self._with_token(request, sent_with.credentials.access_token)
            answer = _as_ours(response, await read(response) if guard.should_refresh else b"")
            if not await guard.is_refusal(answer):
                return
            if not sent_with.is_last:
                await read(response)  # which gives its connection back
            sent_with = await run(guard.replay(sent_with, answer, config))
            if sent_with is not None and rewind is not None:
                rewind()

    def _with_token(self, request: Any, token: str | None) -> Any:
        if token is not None:
            request.headers[self._guard.placement.header] = self._guard.placement.value(token)
        return request


def _as_ours(response: Any, data: bytes) -> Response:
    """Return a response of the client as one of ours."""
    way = {origin(str(one.request.url)) for one in (*response.history, response)}
    return Response(
        data,
        response.status_code,
        response.reason_phrase,
        response.headers,
        RequestConfig(),
        response.request,
        left_origin=len(way) > 1,
    )


def auth_for(library: Any, guard: Guard) -> Any:
    """Return an auth for clients of ``library``, httpx or httpx2."""
    if guard.placement.attach is not None or not guard.placement.is_authorization:
        raise TypeError(
            "handle.auth() sends the token in Authorization: other headers would go along "
            "when your client is redirected to another origin"
        )
    return type("SessionAuth", (ClientAuth, library.Auth), {})(guard)


def _rewinder(stream: Any) -> Callable[[], object] | None:
    """Return what makes a body ready to be sent again; ``None`` if sending uses it up (12)."""
    body: Any = getattr(stream, "_stream", None)  # what the caller gave
    files = [getattr(one, "file", None) for one in getattr(stream, "fields", ())]
    if hasattr(body, "read") and _can_seek(body):
        return partial(body.seek, body.tell())
    is_used_up = hasattr(body, "aread") or not can_be_sent_again(body)
    if is_used_up or any(hasattr(file, "read") and not _can_seek(file) for file in files):
        return None
    return lambda: None


def _can_seek(file: Any) -> bool:
    seekable = getattr(file, "seekable", None)
    return bool(seekable and seekable())
