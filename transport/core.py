"""What happens to a request, from the merged config to what the caller receives.

This is the one implementation behind the asynchronous and the synchronous instance; `Runtime`
says how they differ.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from attrs import define, field

from .body import to_body
from .client import ClientHolder
from .config import Adapter, LeavingConfig, RequestConfig, merge_config
from .errors import CanceledError, RequestError, describe, with_callers_frames
from .interceptors import Interceptor, Interceptors
from .options import check_options, checked_method, refuse_unsupported
from .response import Response
from .runtime import Runtime
from .transforms import in_order, transform_request, transform_response
from .unset import UNSET

_WITH_BODY = frozenset(("post", "put", "patch"))


@define(repr=False)
class Outcome:
    """What a chain has come to so far: a value, or the exception that it raised."""

    value: Any = field(repr=False)
    failed: bool = False


class Core:
    """Runs requests through the chains of one instance."""

    def __init__(self, runtime: Runtime, client: ClientHolder, adapter: Adapter) -> None:
        self.runtime = runtime
        self.adapter = adapter
        self._client = client
        self.interceptors = Interceptors(takes_async=runtime.is_async)
        self._attempt = runtime.adapt(self._send)
        self._sending = runtime.adapt(self._dispatch)

    async def call(self, defaults: RequestConfig, options: RequestConfig) -> Any:
        """Carry out a request and return what the response interceptors make of it."""
        try:
            outcome = await self._outcome(defaults, options)
        except BaseException as error:
            with_callers_frames(error)  # a cancellation comes from deep inside the client
            raise
        if outcome.failed:
            raise outcome.value
        return outcome.value

    async def _outcome(self, defaults: RequestConfig, options: RequestConfig) -> Outcome:
        self.runtime.bind()
        config = prepared(defaults, options)
        interceptors = self.interceptors
        before = [
            interceptor
            for interceptor in reversed(interceptors.request.snapshot())
            if interceptor.run_when is None or interceptor.run_when(config) is not False
        ]
        after = interceptors.response.snapshot()
        around = interceptors.network.snapshot()
        outcome = Outcome(config)
        if all(interceptor.synchronous for interceptor in before):
            await self._run_synchronous(before, outcome)
        else:
            await self._run(before, outcome)
        if not outcome.failed:
            await self._step(lambda config: self._sending(config, around), outcome)
        await self._run(after, outcome)
        return outcome

    # --- the chains of request and response interceptors ---

    async def _run(self, chain: Sequence[Interceptor], outcome: Outcome) -> None:
        """As promises do: a value goes to the next fulfilled, an exception to the next rejected."""
        for interceptor in chain:
            handler = interceptor.on_rejected if outcome.failed else interceptor.on_fulfilled
            if handler is not None:
                await self._step(handler, outcome)

    async def _run_synchronous(self, chain: Sequence[Interceptor], outcome: Outcome) -> None:
        """As axios does where all say ``synchronous``: an exception goes to its own pair."""
        for interceptor in chain:
            if interceptor.on_fulfilled is None:
                continue
            config = outcome.value
            await self._step(interceptor.on_fulfilled, outcome)
            if outcome.failed:
                if interceptor.on_rejected is not None:
                    await self._step(interceptor.on_rejected, outcome)
                if not outcome.failed:
                    outcome.value = config
                return

    async def _step(self, handler: Callable[[Any], Any], outcome: Outcome) -> None:
        # The value stays in the outcome and out of this frame's locals: a crash report prints
        # those, and the value may be the answer to a login.
        try:
            outcome.value = await self.runtime.settle(handler(outcome.value))
            outcome.failed = False
        except Exception as error:
            outcome.value, outcome.failed = with_callers_frames(error), True

    # --- the request itself ---

    async def _dispatch(self, config: Any, around: Sequence[Any]) -> Response:
        config = _as_config(config)
        check_options(config)
        try:
            return await self._exchange(config, around)
        except RequestError as error:
            if error.config is None:
                error.config = config
            raise

    async def _exchange(self, config: RequestConfig, around: Sequence[Any]) -> Response:
        _raise_if_aborted(config)
        leaving = _as_it_leaves(config, self._client.closings)
        async with self._abortable(config):
            response = await self.runtime.settle(self._network(around)(leaving))
        if not isinstance(response, Response):
            raise TypeError(
                f"the network chain must return a Response, not {type(response).__name__}: "
                "an interceptor on api.interceptors.network has to return what proceed() gave"
            )
        response.config = config
        _transform(response, config)
        if _is_accepted(response.status, config.validate_status):
            return response
        raise _refused(response, config)

    def _network(self, around: Sequence[Any]) -> Callable[[RequestConfig], Any]:
        proceed: Callable[[RequestConfig], Any] = self._attempt
        for function in reversed(around):
            proceed = _link(function, proceed)
        return proceed

    async def _send(self, leaving: RequestConfig) -> Response:
        _raise_if_aborted(leaving)
        self._raise_if_closed(leaving)
        started = time.perf_counter()
        adapter = leaving.adapter or self.adapter
        try:
            response: Response = await self.runtime.settle(adapter(leaving))
        except RequestError:
            self._raise_if_closed(leaving)
            raise
        response.duration = time.perf_counter() - started
        return response

    def _raise_if_closed(self, leaving: RequestConfig) -> None:
        """Say what has happened, instead of opening connections that nobody would close."""
        if isinstance(leaving, LeavingConfig) and leaving.closings != self._client.closings:
            raise CanceledError("the instance was closed while the request was under way")

    def _abortable(self, config: RequestConfig) -> contextlib.AbstractAsyncContextManager[Any]:
        if config.signal:
            return self.runtime.abortable(config.signal)
        return _NOTHING


class _Nothing(contextlib.AbstractAsyncContextManager[None]):
    async def __aexit__(self, *_: object) -> None:
        return None


_NOTHING = _Nothing()


def prepared(defaults: RequestConfig, options: RequestConfig) -> RequestConfig:
    """The config of one call, as the first interceptor sees it."""
    config = merge_config(defaults, options)
    config.method = checked_method(config.method or defaults.method or "get")
    if config.allow_absolute_urls is UNSET:
        config.allow_absolute_urls = True
    config.headers = config.headers.for_method(config.method)
    refuse_unsupported(config)
    return config


def _link(
    function: Callable[..., Any], proceed: Callable[[RequestConfig], Any]
) -> Callable[[RequestConfig], Any]:
    return lambda config: function(config, proceed)


def _as_config(value: Any) -> RequestConfig:
    if isinstance(value, RequestConfig):
        return value
    if isinstance(value, Mapping):
        return RequestConfig(**value)
    raise TypeError(
        f"a request interceptor must return the config, not {describe(value)}: "
        "did a handler forget its return?"
    )


def _as_it_leaves(config: RequestConfig, closings: int) -> LeavingConfig:
    """A copy with the transformed body; ``config.data`` keeps what the caller gave.

    Headers that a transform sets are seen by everyone, those that the network chain adds are not.
    """
    leaving = LeavingConfig.of(config, closings)
    if leaving.data is UNSET:
        leaving.data = None
    for transform in in_order(config.transform_request):
        if transform is transform_request and leaving.data is None and config.data is UNSET:
            continue  # as in axios, what was not given does not become the JSON null
        leaving.data = transform(leaving.data, config.headers)
    leaving.data = to_body(leaving.data)
    if config.method in _WITH_BODY and "content-type" not in config.headers:
        config.headers["Content-Type"] = "application/x-www-form-urlencoded"
    leaving.headers = config.headers.copy()
    return leaving


def _transform(response: Response, config: RequestConfig) -> None:
    kind = config.response_type
    if kind != "bytes" and isinstance(response.data, bytes):
        response.data = response.data.decode("utf-8-sig", errors="replace")
    for transform in in_order(config.transform_response):
        if kind == "text" and transform is transform_response:
            continue
        response.data = transform(response.data, response.headers, response.status)


def _is_accepted(status: int, validate: Callable[[int], bool] | None) -> bool:
    return not validate or bool(validate(status))


def _refused(response: Response, config: RequestConfig) -> RequestError:
    is_client_error = 400 <= response.status < 500
    error = RequestError(
        f"Request failed with status code {response.status}",
        RequestError.ERR_BAD_REQUEST if is_client_error else RequestError.ERR_BAD_RESPONSE,
        config,
        response.request,
        response,
    )
    error.__cause__ = response.cause
    for note in response.notes:
        error.add_note(note)
    return error


def _raise_if_aborted(config: RequestConfig) -> None:
    if config.signal and config.signal.aborted:
        raise CanceledError(config=config, request_was_sent=False)
