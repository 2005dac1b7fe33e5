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

from .adapters.choice import Adapters
from .body import to_body
from .config import LeavingConfig, RequestConfig, merge_config
from .errors import CanceledError, RequestError, describe, with_callers_frames
from .interceptors import Interceptor, Interceptors, NetworkInterceptor
from .observers import Chains, Observer, observed
from .options import checked_method
from .response import Response
from .runtime import Runtime
from .streaming import discard
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

    def __init__(self, runtime: Runtime, adapters: Adapters) -> None:
        self.runtime = runtime
        self._adapters = adapters
        self.interceptors = Interceptors(takes_async=runtime.is_async)
        self.observers: list[Observer] = []
        self._attempt = runtime.adapt(self._send)
        self._sending = runtime.adapt(self._dispatch)

    async def call(self, defaults: RequestConfig, options: RequestConfig) -> Any:
        """Carry out a request and return what the response interceptors make of it."""
        try:
            self.runtime.bind()
            config = prepared(defaults, options)
            chains = self._chains(config)
            if self.observers:
                outcome = await observed(self._outcome, self.observers)(config, chains)
            else:
                outcome = await self._outcome(config, chains)
        except BaseException as error:
            with_callers_frames(error)  # a cancellation comes from deep inside the client
            raise
        if outcome.failed:
            try:
                raise outcome.value
            finally:
                del outcome  # or the error would hold itself, through its traceback
        return outcome.value

    def _chains(self, config: RequestConfig) -> Chains:
        interceptors = self.interceptors
        before = [
            interceptor
            for interceptor in reversed(interceptors.request.snapshot())
            if interceptor.run_when is None or interceptor.run_when(config) is not False
        ]
        return before, interceptors.network.snapshot(), interceptors.response.snapshot()

    async def _outcome(self, config: RequestConfig, chains: Chains) -> Outcome:
        before, around, after = chains
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

    async def _dispatch(self, config: Any, around: Sequence[NetworkInterceptor]) -> Response:
        config = _as_config(config)
        try:
            return await self._exchange(config, around)
        except RequestError as error:
            if error.config is None:
                error.config = config
            raise

    async def _exchange(
        self, config: RequestConfig, around: Sequence[NetworkInterceptor]
    ) -> Response:
        _raise_if_aborted(config)
        leaving = _as_it_leaves(config, self._adapters.closings)
        response = await self._answer(config, leaving, around)
        if not isinstance(response, Response):
            raise TypeError(
                f"the network chain must return a Response, not {type(response).__name__}: "
                "an interceptor on api.interceptors.network has to return what proceed() gave"
            )
        response.config = config
        try:
            _transform(response, config)
        except BaseException:
            await discard(response.data)
            raise
        if _is_accepted(response.status, config.validate_status):
            return response
        raise _refused(response, config)

    async def _answer(self, config: RequestConfig, leaving: LeavingConfig, around: Any) -> Any:
        """What the network chain gives, unless the signal is aborted meanwhile."""
        response = None
        try:
            async with self._abortable(config):
                response = await self.runtime.settle(self._network(around)(leaving))
        except CanceledError:
            await discard(getattr(response, "data", None))
            raise
        return response

    def _network(self, around: Sequence[NetworkInterceptor]) -> Callable[[RequestConfig], Any]:
        proceed: Callable[[RequestConfig], Any] = self._attempt
        for interceptor in reversed(around):
            proceed = _link(interceptor.around, proceed)
        return proceed

    async def _send(self, leaving: RequestConfig) -> Response:
        _raise_if_aborted(leaving)
        self._raise_if_closed(leaving)
        started = time.perf_counter()
        adapter = self._adapters.find(leaving.adapter)
        try:
            signal = leaving.signal or None
            response: Any = await self.runtime.send(adapter, leaving, signal)
        except RequestError:
            self._raise_if_closed(leaving)
            raise
        if not isinstance(response, Response):
            raise TypeError(f"an adapter must return a Response, not {type(response).__name__}")
        response.duration = time.perf_counter() - started
        return response

    def _raise_if_closed(self, leaving: RequestConfig) -> None:
        """Say what has happened, instead of opening connections that nobody would close."""
        if isinstance(leaving, LeavingConfig) and leaving.closings != self._adapters.closings:
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
    method = checked_method(config.method or defaults.method or "get")
    config.put(
        method=method,
        headers=config.headers.for_method(method),
        allow_absolute_urls=config.allow_absolute_urls is not False,
    )
    return config


def _link(
    function: Callable[..., Any], proceed: Callable[[RequestConfig], Any]
) -> Callable[[RequestConfig], Any]:
    return lambda config: function(config, proceed)


def _as_config(value: Any) -> RequestConfig:
    config = RequestConfig(**value) if isinstance(value, Mapping) else value
    if isinstance(config, RequestConfig):
        config.put(method=checked_method(config.method or "get"))
        return config
    raise TypeError(
        f"a request interceptor must return the config, not {describe(value)}: "
        "did a handler forget its return?"
    )


def _as_it_leaves(config: RequestConfig, closings: int) -> LeavingConfig:
    """A copy with the transformed body; ``config.data`` keeps what the caller gave.

    Headers that a transform sets are seen by everyone, those that the network chain adds are not.
    """
    leaving = LeavingConfig.of(config, closings)
    leaving.put(data=None if config.data is UNSET else config.data)
    for transform in in_order(config.transform_request):
        if transform is transform_request and leaving.data is None and config.data is UNSET:
            continue  # as in axios, what was not given does not become the JSON null
        leaving.put(data=transform(leaving.data, config.headers))
    leaving.put(data=to_body(leaving.data))
    if config.method in _WITH_BODY and "content-type" not in config.headers:
        config.headers["Content-Type"] = "application/x-www-form-urlencoded"
    leaving.put(headers=config.headers.copy())
    return leaving


def _transform(response: Response, config: RequestConfig) -> None:
    kind = config.response_type
    if kind not in ("bytes", "stream") and isinstance(response.data, bytes):
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
