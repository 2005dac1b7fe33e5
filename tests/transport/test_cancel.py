"""Aborting a request through its signal, and cancelling the task that makes it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from typing import Any, NoReturn

import httpx
import pytest
from zustax.transport import (
    AbortController,
    AbortSignal,
    CanceledError,
    Instance,
    RequestError,
    create,
    create_sync,
)

from ..support.clients import TLS, Call, Client, TaskCall, ThreadCall
from ..support.server import AuthServer
from ..support.waiting import BOUND, until, wait_until
from .conftest import leave_nothing_behind, only_async

#: Nothing takes that long: it stands for "until it is cancelled".
FOR_EVER = 3600.0


class MistakeError(Exception):
    """What a function of the caller's own raises."""


def mistaken(*_arguments: object) -> NoReturn:
    raise MistakeError


def aborted(call: Call) -> CanceledError:
    error = call.error()
    assert isinstance(error, CanceledError), repr(error)
    assert error.code == RequestError.ERR_CANCELED
    return error


# --- the signal ---


def test_a_signal_is_aborted_once_and_for_all() -> None:
    controller = AbortController()
    assert not controller.signal.aborted
    for _ in range(2):
        controller.abort()
        assert controller.signal.aborted
    assert repr(controller.signal) == "<AbortSignal aborted=True>"


def test_a_listener_is_called_once() -> None:
    controller, calls = AbortController(), list[str]()
    controller.signal.add_listener(lambda: calls.append("aborted"))
    assert calls == []
    controller.abort()
    controller.abort()
    assert calls == ["aborted"]


def test_a_listener_of_an_aborted_signal_is_called_at_once() -> None:
    controller, calls = AbortController(), list[str]()
    controller.abort()
    controller.signal.add_listener(lambda: calls.append("aborted"))
    assert calls == ["aborted"]


def test_a_listener_that_was_removed_is_not_called() -> None:
    controller, calls = AbortController(), list[str]()
    forget = controller.signal.add_listener(lambda: calls.append("aborted"))
    forget()
    forget()
    controller.abort()
    assert calls == []


def test_a_listener_that_raises_does_not_keep_others_from_being_aborted() -> None:
    controller, calls = AbortController(), list[str]()
    controller.signal.add_listener(mistaken)
    controller.signal.add_listener(lambda: calls.append("aborted"))
    with pytest.raises(MistakeError):
        controller.abort()
    assert calls == ["aborted"]


# --- before, during and after a request ---


def test_a_request_with_an_aborted_signal_is_not_sent(client: Client, server: AuthServer) -> None:
    controller = AbortController()
    controller.abort()
    error = aborted(client.start(lambda api: api.get("/items", signal=controller.signal)))
    assert error.config is not None
    assert error.config.url == "/items"
    assert not error.request_was_sent
    assert server.count() == 0


def test_a_request_that_is_aborted_by_its_interceptor_is_not_sent(
    client: Client, server: AuthServer
) -> None:
    controller = AbortController()

    def abort(config: Any) -> Any:
        controller.abort()
        return config

    client.api.interceptors.request.use(abort)
    aborted(client.start(lambda api: api.get("/items", signal=controller.signal)))
    assert server.count() == 0


@only_async
def test_a_request_under_way_is_aborted_at_once(client: Client, server: AuthServer) -> None:
    controller = AbortController()
    server.hold("/items")
    call = client.start(lambda api: api.get("/items", signal=controller.signal))
    server.wait_for(1)
    controller.abort()
    aborted(call)


def test_a_request_that_is_aborted_meanwhile_brings_no_answer(
    client: Client, server: AuthServer
) -> None:
    controller = AbortController()
    server.answer("/items")
    gate = server.hold("/items")
    call = client.start(lambda api: api.get("/items", signal=controller.signal))
    server.wait_for(1)
    controller.abort()
    gate.open()
    aborted(call)


@only_async
def test_a_request_is_aborted_in_the_middle_of_a_body(client: Client, server: AuthServer) -> None:
    controller = AbortController()
    server.answer("/items", body=b"half", headers={"Content-Length": "100"})
    call = client.start(lambda api: api.get("/items", signal=controller.signal))
    server.wait_for(1)
    controller.abort()
    aborted(call)


def test_one_signal_aborts_all_requests_that_carry_it_and_no_other(
    client: Client, server: AuthServer
) -> None:
    controller = AbortController()
    server.answer("/items")
    gate = server.hold("/items")
    calls = [
        client.start(lambda api: api.get("/items", signal=controller.signal)) for _ in range(5)
    ]
    other = client.start(lambda api: api.get("/items", signal=AbortController().signal))
    server.wait_for(6)
    controller.abort()
    gate.open()
    for call in calls:
        aborted(call)
    assert other.response().status == 200


def test_aborting_after_the_answer_changes_nothing(client: Client, server: AuthServer) -> None:
    controller = AbortController()
    server.answer("/items")
    response = client.call(lambda api: api.get("/items", signal=controller.signal))
    controller.abort()
    assert response.status == 200


def test_aborting_in_a_response_interceptor_comes_too_late(
    client: Client, server: AuthServer
) -> None:
    controller = AbortController()

    def abort(response: Any) -> Any:
        controller.abort()
        return response

    client.api.interceptors.response.use(abort)
    server.answer("/items")
    response = client.call(lambda api: api.get("/items", signal=controller.signal))
    assert response.status == 200


def test_aborting_before_the_answer_has_passed_the_network_chain_is_in_time(
    client: Client, server: AuthServer
) -> None:
    controller = AbortController()

    def abort(response: Any) -> Any:
        controller.abort()
        return response

    async def async_around(config: Any, proceed: Any) -> Any:
        return abort(await proceed(config))

    def plain_around(config: Any, proceed: Any) -> Any:
        return abort(proceed(config))

    client.api.interceptors.network.use(async_around if client.is_async else plain_around)
    server.answer("/items")
    aborted(client.start(lambda api: api.get("/items", signal=controller.signal)))


class CountingSignal(AbortSignal):
    """Knows how many listeners it has."""

    def __init__(self) -> None:
        super().__init__()
        self.listeners = 0

    def add_listener(self, listener: Callable[[], Any]) -> Callable[[], None]:
        self.listeners += 1
        forget = super().add_listener(listener)

        def forget_and_count() -> None:
            self.listeners -= 1
            forget()

        return forget_and_count


@pytest.mark.parametrize("status", [200, 404])
def test_a_request_that_has_ended_leaves_no_listener_on_its_signal(
    client: Client, server: AuthServer, status: int
) -> None:
    signal = CountingSignal()
    server.answer("/items", status=status)
    for _ in range(3):
        client.start(lambda api: api.get("/items", signal=signal)).outcome.exception(BOUND)
    assert signal.listeners == 0


# --- the connection ---


@pytest.fixture
def narrow(kind: type[Client], server: AuthServer) -> Iterator[Client]:
    """A client with one connection, for which requests wait as long as it takes."""
    make = httpx.AsyncClient if kind.is_async else httpx.Client
    theirs: Any = make(limits=httpx.Limits(max_connections=1), timeout=None, verify=TLS)
    client = kind.create(client=theirs, base_url=server.url)
    yield client
    server.open_gates()
    client.call(lambda _api: theirs.aclose() if kind.is_async else theirs.close())
    leave_nothing_behind(client)


def assert_the_connection_is_free(client: Client, server: AuthServer) -> None:
    server.answer("/next")
    assert client.start(lambda api: api.get("/next")).response().status == 200


#: How a request ends, as options for it.
ENDS: dict[str, dict[str, Any]] = {
    "well": {"validate_status": None},
    "with a status": {},
    "with a body that is too long": {"max_content_length": 3},
    "with a transform that raises": {"transform_response": mistaken},
    "with a validation that raises": {"validate_status": mistaken},
    "with too many redirects": {"url": "/circle", "max_redirects": 1},
    "with a redirect that is refused": {"url": "/circle", "before_redirect": mistaken},
    "with no answer": {"url": "/dropped"},
    "with a body that breaks off": {"url": "/broken"},
    "with a body that is encoded badly": {"url": "/encoded"},
    "with a body that raises": {"method": "post", "data": map(mistaken, [1])},
}


@pytest.mark.parametrize("options", ENDS.values(), ids=ENDS)
def test_a_request_releases_its_connection_however_it_ends(
    narrow: Client, server: AuthServer, options: dict[str, Any]
) -> None:
    server.redirect("/circle", "/circle")
    server.hang_up("/dropped")
    server.answer("/broken", body=b"half of it", cut=-3)
    server.answer("/encoded", body=b"not gzip", headers={"Content-Encoding": "gzip"})
    narrow.start(lambda api: api({"url": "/items", **options})).outcome.exception(BOUND)
    assert_the_connection_is_free(narrow, server)


def test_a_timeout_releases_the_connection(narrow: Client, server: AuthServer) -> None:
    server.hold("/items")
    error = narrow.start(lambda api: api.get("/items", timeout=0.05)).error()
    assert error.code == RequestError.ECONNABORTED
    assert_the_connection_is_free(narrow, server)


def test_a_timeout_in_the_middle_of_a_body_releases_the_connection(
    narrow: Client, server: AuthServer
) -> None:
    server.answer("/items", body=b"half", headers={"Content-Length": "100"})
    error = narrow.start(lambda api: api.get("/items", timeout=0.2)).error()
    assert error.code == RequestError.ECONNABORTED
    assert_the_connection_is_free(narrow, server)


@only_async
@pytest.mark.parametrize("path", ["/items", "/half"])
def test_aborting_releases_the_connection(narrow: Client, server: AuthServer, path: str) -> None:
    controller = AbortController()
    server.hold("/items")
    server.answer("/half", body=b"half", headers={"Content-Length": "100"})
    call = narrow.start(lambda api: api.get(path, signal=controller.signal))
    server.wait_for(1)
    controller.abort()
    aborted(call)
    assert_the_connection_is_free(narrow, server)


@only_async
@pytest.mark.parametrize("path", ["/items", "/half"])
def test_cancelling_the_task_releases_the_connection(
    narrow: Client, server: AuthServer, path: str
) -> None:
    server.hold("/items")
    server.answer("/half", body=b"half", headers={"Content-Length": "100"})
    call = narrow.start(lambda api: api.get(path))
    assert isinstance(call, TaskCall)
    server.wait_for(1)
    call.cancel()
    assert isinstance(call.failure(), asyncio.CancelledError)
    assert_the_connection_is_free(narrow, server)


@only_async
@pytest.mark.parametrize("how", ["abort", "cancel"])
def test_who_waits_for_a_connection_can_be_cancelled_too(
    narrow: Client, server: AuthServer, how: str
) -> None:
    server.answer("/items")
    gate = server.hold("/items")
    first = narrow.start(lambda api: api.get("/items"))
    server.wait_for(1)
    controller, has_begun = AbortController(), threading.Event()

    def begin(*_arguments: object) -> None:
        has_begun.set()

    second = narrow.start(
        lambda api: api.get("/items", signal=controller.signal, transform_request=begin)
    )
    assert isinstance(second, TaskCall)
    assert has_begun.wait(BOUND)
    if how == "abort":
        controller.abort()
        aborted(second)
    else:
        second.cancel()
        assert isinstance(second.failure(), asyncio.CancelledError)
    gate.open()
    assert first.response().status == 200
    assert_the_connection_is_free(narrow, server)
    assert server.count("/items") == 1


# --- an aborted request is not a cancelled task ---


@pytest.fixture
async def api(server: AuthServer) -> AsyncIterator[Instance]:
    async with create(base_url=server.url) as api:
        yield api
    server.open_gates()


async def arrived(server: AuthServer, count: int = 1) -> None:
    await until(lambda: server.count() >= count)


class Request:
    """A request to a server that does not answer, made by a task that goes on afterwards."""

    def __init__(self, api: Instance, server: AuthServer) -> None:
        server.hold("/items")
        self.controller = AbortController()
        self.went_on = False
        self._api = api
        self._server = server
        self.task = asyncio.create_task(self._make())

    async def _make(self) -> None:
        try:
            await self._api.get("/items", signal=self.controller.signal)
        finally:
            task = asyncio.current_task()
            if task is not None and not task.cancelling():
                await asyncio.sleep(0)
                self.went_on = True

    async def arrived(self) -> None:
        await arrived(self._server)


async def test_the_task_of_an_aborted_request_goes_on(api: Instance, server: AuthServer) -> None:
    request = Request(api, server)
    await request.arrived()
    request.controller.abort()
    with pytest.raises(CanceledError):
        await request.task
    assert request.went_on
    assert not request.task.cancelled()
    assert request.task.cancelling() == 0


async def test_a_cancelled_task_is_cancelled_though_its_request_has_a_signal(
    api: Instance, server: AuthServer
) -> None:
    request = Request(api, server)
    await request.arrived()
    request.task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await request.task
    assert request.task.cancelled()
    assert not request.went_on


@pytest.mark.parametrize("order", ["abort first", "cancel first"])
async def test_a_task_that_is_cancelled_while_its_request_is_aborted_is_cancelled(
    api: Instance, server: AuthServer, order: str
) -> None:
    request = Request(api, server)
    await request.arrived()
    actions: list[Callable[[], object]] = [request.controller.abort, request.task.cancel]
    for action in actions if order == "abort first" else reversed(actions):
        action()
    with pytest.raises(asyncio.CancelledError):
        await request.task
    assert request.task.cancelled()
    assert not request.went_on


async def test_a_task_that_was_cancelled_before_and_goes_on_can_still_abort(
    api: Instance, server: AuthServer
) -> None:
    """Whoever swallows a cancellation without `uncancel` has a count that never ends."""
    server.hold("/items")
    controller = AbortController()

    async def stubborn() -> None:
        try:
            await asyncio.sleep(FOR_EVER)
        except asyncio.CancelledError:
            await api.get("/items", signal=controller.signal)

    task = asyncio.create_task(stubborn())
    await asyncio.sleep(0)
    task.cancel()
    await arrived(server)
    controller.abort()
    with pytest.raises(CanceledError):
        await task
    assert task.cancelling() == 1


async def test_a_timeout_around_a_request_with_a_signal_is_a_timeout(
    api: Instance, server: AuthServer
) -> None:
    server.hold("/items")
    with pytest.raises(TimeoutError) as caught:
        async with asyncio.timeout(0.05):
            await api.get("/items", signal=AbortController().signal)
    assert not isinstance(caught.value, RequestError)
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0


async def test_an_abort_within_a_timeout_is_an_abort(api: Instance, server: AuthServer) -> None:
    server.hold("/items")
    controller = AbortController()
    asyncio.get_running_loop().call_later(0.05, controller.abort)
    with pytest.raises(CanceledError):
        async with asyncio.timeout(FOR_EVER):
            await api.get("/items", signal=controller.signal)
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0


async def get_within(api: Instance, signal: AbortSignal, scope: asyncio.Timeout) -> None:
    async with scope:
        await api.get("/items", signal=signal)


@pytest.mark.parametrize("order", ["abort first", "timeout first"])
async def test_a_timeout_in_the_moment_of_an_abort_is_a_timeout(
    api: Instance, server: AuthServer, order: str
) -> None:
    server.hold("/items")
    now = asyncio.get_running_loop().time()
    scope, controller = asyncio.timeout(None), AbortController()
    task = asyncio.create_task(get_within(api, controller.signal, scope))
    await arrived(server)
    actions: list[Callable[[], object]] = [controller.abort, lambda: scope.reschedule(now)]
    for action in actions if order == "abort first" else reversed(actions):
        action()
    with pytest.raises(TimeoutError):
        await task
    assert task.cancelling() == 0


async def in_a_group(*coroutines: Coroutine[Any, Any, None]) -> None:
    async with asyncio.TaskGroup() as group:
        for coroutine in coroutines:
            group.create_task(coroutine)


async def test_an_abort_in_a_task_group_is_an_error_like_any_other(
    api: Instance, server: AuthServer
) -> None:
    server.hold("/items")
    controller, sibling_was_cancelled = AbortController(), asyncio.Event()

    async def sibling() -> None:
        try:
            await asyncio.sleep(FOR_EVER)
        except asyncio.CancelledError:
            sibling_was_cancelled.set()
            raise

    async def abort() -> None:
        await arrived(server)
        controller.abort()

    with pytest.raises(ExceptionGroup) as caught:
        await in_a_group(sibling(), get(api, controller.signal), abort())
    assert [type(error) for error in caught.value.exceptions] == [CanceledError]
    assert sibling_was_cancelled.is_set()


async def get(api: Instance, signal: AbortSignal) -> None:
    await api.get("/items", signal=signal)


async def test_an_abort_that_comes_after_the_answer_does_not_reach_the_task(
    api: Instance, server: AuthServer
) -> None:
    """Another thread aborts: what it leaves for the loop is met by a task that is long past it."""
    server.answer("/items")
    controller = AbortController()

    def abort(response: Any) -> Any:
        thread = threading.Thread(target=controller.abort)
        thread.start()
        thread.join()
        return response

    api.interceptors.response.use(abort)
    await api.get("/items", signal=controller.signal)
    for _ in range(5):
        await asyncio.sleep(0)
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0


async def test_an_aborted_request_may_be_followed_by_another_in_the_same_task(
    api: Instance, server: AuthServer
) -> None:
    server.answer("/next")
    server.hold("/items")
    controller = AbortController()
    asyncio.get_running_loop().call_later(0.05, controller.abort)
    with pytest.raises(CanceledError):
        await api.get("/items", signal=controller.signal)
    assert (await api.get("/next")).status == 200


def test_a_request_that_is_aborted_while_it_reads_leaves_no_connection_behind_a_closing(
    server: AuthServer,
) -> None:
    controller, api = AbortController(), create_sync(base_url=server.url)
    with server.hold("/items"):
        call = ThreadCall(lambda: api.get("/items", signal=controller.signal))
        server.wait_for(1, "/items")
        controller.abort()
        aborted(call)
        api.close()  # the thread that reads cannot be interrupted
    wait_until(lambda: server.open_connections == 0)
