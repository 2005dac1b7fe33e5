"""Functions may take fewer arguments than they are offered, as in JavaScript, and not need more."""

from __future__ import annotations

import functools
import inspect
import json
from collections.abc import Callable
from typing import Any

import pytest
from attrs import define
from zustax.transport import ProgressEvent, RequestConfig, Response, create, create_sync

from ..support.clients import Client
from ..support.server import AuthServer


@pytest.fixture(autouse=True)
def _items(server: AuthServer) -> None:
    server.answer("/items", body=b"[1,2,3]")


# --- fewer ---


def test_a_transform_of_the_response_may_take_the_data_alone(client: Client) -> None:
    own = client.call(lambda api: api.get("/items", transform_response=lambda data: len(data)))
    builtin = client.call(lambda api: api.get("/items", transform_response=len))
    assert own.data == builtin.data == len("[1,2,3]")
    nothing = client.call(lambda api: api.get("/items", transform_response=[lambda: "nothing"]))
    assert nothing.data == "nothing"


def test_a_function_of_the_library_is_a_transform(client: Client) -> None:
    answer = client.call(lambda api: api.get("/items", transform_response=json.loads))
    assert answer.data == [1, 2, 3]


def test_a_transform_of_the_request_may_take_the_data_alone(
    client: Client, server: AuthServer
) -> None:
    client.call(lambda api: api.post("/items", "tea", transform_request=str.upper))
    client.call(lambda api: api.post("/items", "tea", transform_request=[lambda: b"nothing"]))
    assert [seen.body for seen in server.seen("/items")] == [b"TEA", b"nothing"]


def test_a_transform_that_was_added_to_the_list_later_may_take_less(client: Client) -> None:
    transforms: Any = client.api.defaults.transform_response
    transforms.append(lambda data: {"items": data})
    assert client.call(lambda api: api.get("/items")).data == {"items": [1, 2, 3]}


def test_what_judges_a_status_may_take_nothing(client: Client, server: AuthServer) -> None:
    server.answer("/missing", status=404)
    always: Any = lambda: True  # noqa: E731
    assert client.call(lambda api: api.get("/missing", validate_status=always)).status == 404


def test_what_is_called_on_the_way_may_take_nothing(client: Client, server: AuthServer) -> None:
    server.redirect("/old", "/items")
    server.answer("/session", headers={"Set-Cookie": "XSRF-TOKEN=t0ken; Path=/"})
    called: list[str] = []
    options: dict[str, Any] = {
        name: functools.partial(called.append, name)
        for name in ("before_redirect", "on_download_progress", "on_upload_progress")
    }
    client.call(lambda api: api.get("/session"))
    client.call(
        lambda api: api.post(
            "/old", "x", params_serializer=lambda: "a=1", with_xsrf_token=lambda: False, **options
        )
    )
    assert set(called) == set(options)
    assert server.seen("/old")[0].query == "a=1" or not server.seen("/old")[0].query
    assert "x-xsrf-token" not in server.seen("/items")[0].headers


def test_what_makes_a_query_may_take_nothing(client: Client) -> None:
    for serializer in (lambda: "a=1", {"serialize": lambda: "a=1"}):
        uri = client.api.get_uri("/items", params={"b": 2}, params_serializer=serializer)  # type: ignore[arg-type]
        assert uri.endswith("/items?a=1")


def test_an_adapter_may_take_nothing(client: Client, server: AuthServer) -> None:
    answer = Response(b"[4]", 200, "OK", {}, RequestConfig())
    assert client.call(lambda api: api.get("/items", adapter=lambda: answer)).data == [4]
    assert server.count() == 0


def test_an_interceptor_may_take_nothing(client: Client) -> None:
    client.api.interceptors.response.use(lambda: "nothing")  # type: ignore[misc, arg-type]
    client.api.interceptors.request.use(None, None, run_when=lambda: False)  # type: ignore[misc, arg-type]
    assert client.call(lambda api: api.get("/items")) == "nothing"


def test_a_network_interceptor_may_take_the_config_alone(
    client: Client, server: AuthServer
) -> None:
    def cached(config: RequestConfig) -> Response:
        return Response(b'"cached"', 200, "OK", {}, config)

    client.api.interceptors.network.use(cached)  # type: ignore[arg-type]
    assert client.call(lambda api: api.get("/items")).data == "cached"
    assert server.count() == 0


def test_optional_parameters_are_given_what_there_is(client: Client) -> None:
    def status_of(data: Any, headers: Any = None, status: Any = None, more: str = "none") -> Any:
        return [status, more]

    answer = client.call(lambda api: api.get("/items", transform_response=status_of))
    assert answer.data == [200, "none"]


@define
class Method:
    """Callable objects that cannot be hashed, and their methods."""

    factor: int

    def __call__(self, data: str) -> int:
        return len(data) * self.factor

    def method(self, data: str) -> int:
        return self(data)


@pytest.mark.parametrize("function", [Method(2), Method(2).method], ids=["object", "method"])
def test_objects_and_methods_are_functions_too(client: Client, function: Any) -> None:
    answer = client.call(lambda api: api.get("/items", transform_response=function))
    assert answer.data == 2 * len("[1,2,3]")


# --- the function stays what it is ---


def test_the_config_keeps_the_function_of_the_caller() -> None:
    def is_fine() -> bool:
        return True

    def parse(data: str) -> str:
        return data

    given: dict[str, Any] = {"validate_status": is_fine}
    config = RequestConfig(transform_response=[parse], **given)
    assert config.given()["validate_status"] is is_fine
    assert config.transform_response == [parse]


def test_a_function_is_looked_at_once(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at: list[object] = []
    look = inspect.signature

    def noting(function: Any, **options: Any) -> inspect.Signature:
        looked_at.append(function)
        return look(function, **options)

    def parse(data: str) -> str:
        return data

    monkeypatch.setattr(inspect, "signature", noting)
    for _ in range(3):
        client.call(lambda api: api.get("/items", transform_response=parse))
    assert looked_at == [parse]


# --- more ---


def needs_five(a: Any, b: Any, c: Any, d: Any, e: Any) -> Any: ...


def needs_a_keyword(*arguments: Any, named: Any) -> Any: ...


#: Where functions are given, and how many arguments they are offered.
PLACES: dict[str, tuple[Callable[[Any], object], int]] = {
    "transform_request": (lambda f: RequestConfig(transform_request=[f]), 2),
    "transform_response": (lambda f: RequestConfig(transform_response=f), 3),
    "validate_status": (lambda f: create(validate_status=f), 1),
    "params_serializer": (lambda f: create_sync(params_serializer=f), 1),
    "params_serializer['encode']": (lambda f: create(params_serializer={"encode": f}), 1),
    "params_serializer['serialize']": (lambda f: create(params_serializer={"serialize": f}), 1),
    "before_redirect": (lambda f: create(before_redirect=f), 1),
    "on_upload_progress": (lambda f: create(on_upload_progress=f), 1),
    "on_download_progress": (lambda f: create(on_download_progress=f), 1),
    "with_xsrf_token": (lambda f: create(with_xsrf_token=f), 1),
    "adapter": (lambda f: create(adapter=f), 1),
    "on_fulfilled": (lambda f: create().interceptors.request.use(f), 1),
    "on_rejected": (lambda f: create().interceptors.response.use(None, f), 1),
    "run_when": (lambda f: create().interceptors.request.use(run_when=f), 1),
    "around": (lambda f: create().interceptors.network.use(f), 2),
}


@pytest.mark.parametrize(("give", "offered"), PLACES.values(), ids=PLACES)
def test_a_function_that_needs_more_is_refused_where_it_is_given(
    request: pytest.FixtureRequest, give: Callable[[Any], object], offered: int
) -> None:
    name = request.node.callspec.id
    with pytest.raises(TypeError) as caught:
        give(needs_five)
    told = f"{name}: needs_five needs 5 arguments, and is given {offered} ("
    assert str(caught.value).startswith(told)
    with pytest.raises(TypeError, match="needs_a_keyword needs a keyword argument"):
        give(needs_a_keyword)


def test_a_default_value_is_not_shown_where_a_function_is_refused() -> None:
    def judge(status: int, more: Any, secret: str = "t0ken") -> bool:
        return False

    with pytest.raises(TypeError) as caught:
        RequestConfig(validate_status=judge)  # type: ignore[arg-type]
    assert "t0ken" not in str(caught.value)


def test_progress_is_told_to_a_function_with_one_parameter(client: Client) -> None:
    events: list[ProgressEvent] = []
    client.call(lambda api: api.get("/items", on_download_progress=lambda e: events.append(e)))
    assert events[-1].loaded == len("[1,2,3]")
