"""What happens to a request, from the config of the call to what the caller gets.

Request interceptors → request transforms → network chain and adapter → response transforms →
``validate_status`` → response interceptors. One implementation serves the asynchronous and the
synchronous instance; `Runtime` says how they differ.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Container, Mapping, Sequence
from contextvars import ContextVar
from inspect import isawaitable
from typing import Any

from .adapters.registry import Adapters
from .adapters.streaming import discard
from .arity import call
from .body import in_order, to_body, transform_request, transform_response
from .cancel import AbortSignal
from .chain import (
    Chains,
    Handler,
    Interceptor,
    Interceptors,
    NetworkInterceptor,
    Observer,
    Outcome,
    Proceed,
    linked,
    not_a_response,
    observed,
)
from .config import UNSET, LeavingConfig, RequestConfig
from .errors import CanceledError, RequestError
from .options import KNOWN_METHODS, checked_method
from .response import Response
from .runtime import Runtime, SyncRuntime
from .secrecy import describe, with_callers_frames
from .urls import origin

_WITH_BODY = frozenset(("post", "put", "patch"))

#: The chains that requests do not pass: a refresh function sends with its instance alone (6).
bare_for: ContextVar[Container[object]] = ContextVar("bare_for", default=())


def is_success(status: int) -> bool:
    """Return True for a status of which no error is made by default."""
    return 200 <= status < 300


class Core:
    """Runs requests through the chains of one instance."""

    def __init__(self, runtime: Runtime, adapters: Adapters, defaults: RequestConfig) -> None:
        self.runtime = runtime
        self.defaults = defaults
        self._adapters = adapters
        self.interceptors = Interceptors(takes_async=runtime.is_async)
        self.observers: list[Observer] = []
        self.before_send: list[Callable[[RequestConfig], RequestConfig]] = []
        self._attempt: Proceed = runtime.adapt(self._send)
        self._network: tuple[Sequence[NetworkInterceptor], Proceed] = ((), self._attempt)

    async def call(self, config: RequestConfig) -> Any:
        """Carry out a request and return what the response interceptors make of it."""
        try:
            self.runtime.bind()
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
        if self.interceptors in bare_for.get():
            return (), (), ()
        interceptors = self.interceptors
        before = interceptors.request.entries[::-1]
        if before:
            before = tuple(
                interceptor
                for interceptor in before
                if interceptor.run_when is None or interceptor.run_when(config) is not False
            )
        return before, interceptors.network.entries, interceptors.response.entries

    async def _outcome(self, config: RequestConfig, chains: Chains) -> Outcome:
        before, around, after = chains
        outcome = Outcome(config)
        if before:
            if all(interceptor.synchronous for interceptor in before):
                await self._run_synchronous(before, outcome)
            else:
                await self._run(before, outcome)
        if not outcome.failed:
            try:
                outcome.value = await self._dispatch(outcome.value, around)
            except Exception as error:
                outcome.value, outcome.failed = with_callers_frames(error), True
        if after:
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
        """As axios does where all are ``synchronous``: an exception goes to its own pair."""
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

    async def _step(self, handler: Handler, outcome: Outcome) -> None:
        try:
            value = handler(outcome.value)
            if isawaitable(value):
                value = await self.runtime.awaited(value)
            outcome.value, outcome.failed = value, False
        except Exception as error:
            outcome.value, outcome.failed = with_callers_frames(error), True

    # --- the request itself ---

    async def _dispatch(self, value: Any, around: Sequence[NetworkInterceptor]) -> Response:
        config = _as_config(value)
        try:
            _raise_if_aborted(config)
            own_origin = origin(self.defaults.base_url or "")
            leaving = _as_it_leaves(config, (own_origin, self._adapters.closings))
            if config.signal:
                response = await self._until_aborted(config.signal, leaving, around)
            else:
                response = self._linked(around)(leaving)
                if isawaitable(response):
                    response = await self.runtime.awaited(response)
            if not isinstance(response, Response):
                raise not_a_response(response)
            response.config = config
            try:
                _transform(response, config)
            except BaseException:
                await discard(response.data)
                raise
        except RequestError as error:
            if error.config is None:
                error.config = config
            raise
        validate, status = config.validate_status, response.status
        is_valid = not response.is_refused and (
            not validate
            or (is_success(status) if validate is is_success else call(validate, status))
        )
        if is_valid:
            return response
        raise _refused(response, config)

    async def _until_aborted(
        self, signal: AbortSignal, leaving: LeavingConfig, around: Sequence[NetworkInterceptor]
    ) -> Any:
        response: Any = None
        try:
            async with self.runtime.abortable(signal):
                response = await self.runtime.maybe_await(self._linked(around)(leaving))
        except CanceledError:
            await discard(getattr(response, "data", None))
            raise
        return response

    def _linked(self, around: Sequence[NetworkInterceptor]) -> Proceed:
        linked_for, proceed = self._network
        if around is not linked_for:
            proceed = linked(around, self._attempt)
            self._network = around, proceed
        return proceed

    async def _send(self, leaving: RequestConfig) -> Response:
        signal = leaving.signal or None
        if signal is not None:
            _raise_if_aborted(leaving)
        self._raise_if_closed(leaving)
        for check in self.before_send:
            leaving = check(leaving)
        started = time.perf_counter()
        adapter = self._adapters.find(leaving.adapter or None)
        try:
            if signal is not None and isinstance(self.runtime, SyncRuntime):
                response = await self.runtime.send(adapter, leaving, signal)
            else:
                response = adapter(leaving)
                if isawaitable(response):
                    response = await self.runtime.awaited(response)
        except RequestError:
            self._raise_if_closed(leaving)
            raise
        if not isinstance(response, Response):
            raise TypeError(f"an adapter must return a Response, not {type(response).__name__}")
        response.duration = time.perf_counter() - started
        return response

    def _raise_if_closed(self, leaving: RequestConfig) -> None:
        """Raise instead of opening connections that nothing would close."""
        if isinstance(leaving, LeavingConfig) and leaving.instance[1] != self._adapters.closings:
            raise CanceledError("the instance was closed while the request was under way")


def _as_config(value: Any) -> RequestConfig:
    config = RequestConfig(**value) if isinstance(value, Mapping) else value
    if isinstance(config, RequestConfig):
        if config.method not in KNOWN_METHODS:
            config.put(method=checked_method(config.method or "get"))
        return config
    raise TypeError(
        f"a request interceptor must return the config, not {describe(value)}: "
        "did a handler forget its return?"
    )


def _as_it_leaves(config: RequestConfig, instance: tuple[str | None, int]) -> LeavingConfig:
    """Copy the config with the transformed body; ``config.data`` keeps what the caller gave.

    The caller sees headers that a transform sets, and not those that the network chain adds.
    """
    data, headers = config.data, config.headers
    was_given = data is not UNSET
    if not was_given:
        data = None
    for transform in in_order(config.transform_request):
        if transform is not transform_request:
            data = call(transform, data, headers)
        elif was_given or data is not None:  # as in axios, no data does not become the JSON null
            data = transform_request(data, headers)
    if config.method in _WITH_BODY and "content-type" not in headers:
        headers["Content-Type"] = "application/x-www-form-urlencoded"
    return LeavingConfig.of(config, instance, data=to_body(data), headers=headers.copy())


def _transform(response: Response, config: RequestConfig) -> None:
    kind, data = config.response_type, response.data
    if isinstance(data, bytes) and kind not in ("bytes", "stream"):
        data = data.decode("utf-8-sig", errors="replace")
    for transform in in_order(config.transform_response):
        if transform is not transform_response:
            data = call(transform, data, response.headers, response.status)
        elif kind not in ("text", "bytes"):
            data = transform_response(data)
    response.data = data


def _refused(response: Response, config: RequestConfig) -> RequestError:
    is_client_error = 400 <= response.status < 500
    problem = "The access token was refused" if response.is_refused else "Request failed"
    error = RequestError(
        f"{problem} with status code {response.status}",
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
