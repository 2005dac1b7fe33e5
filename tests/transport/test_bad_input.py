"""What cannot be used is refused with its name, before anything is sent or changed."""

from __future__ import annotations

import json
import math
import string
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from zustax.store import create_store
from zustax.transport import (
    Headers,
    InvalidURLError,
    RequestConfig,
    RequestError,
    Signal,
    SyncInstance,
    create,
    create_sync,
    login_required,
)

from ..support.clients import Client
from ..support.server import AuthServer
from .conftest import only_sync


async def an_async_function(*_arguments: object) -> None: ...


class AnAsyncObject:
    async def __call__(self, *_arguments: object) -> None: ...


either_async = pytest.mark.parametrize(
    "function", [an_async_function, AnAsyncObject()], ids=["function", "object"]
)


def endless() -> dict[str, Any]:
    value: dict[str, Any] = {}
    value["self"] = value
    return value


def deep(levels: int) -> dict[str, Any]:
    value: dict[str, Any] = {"leaf": 1}
    for _ in range(levels):
        value = {"inner": value}
    return value


def refusal(client: Client, **options: Any) -> Exception:
    """The error of a call with ``options``, which must be raised before a request is sent."""
    failure = client.start(
        lambda api: api({"url": "/items", "params": {"a": 1}, **options})
    ).failure()
    assert isinstance(failure, (RequestError, TypeError, ValueError)), repr(failure)
    return failure


def refusal_of_default(kind: type[Client], server: AuthServer, **defaults: Any) -> Exception:
    """The same for an option that is a default of the instance, refused there or by its calls."""
    try:
        client = kind.create(**({"base_url": server.url} | defaults))
    except (RequestError, TypeError, ValueError) as error:
        return error
    try:
        return refusal(client)
    finally:
        client.close()


# --- names of options ---

MISSPELLED = {
    "baseURL": "base_url",
    "baseUrl": "base_url",
    "base_ulr": "base_url",
    "allowAbsoluteUrls": "allow_absolute_urls",
    "header": "headers",
    "param": "params",
    "paramsSerializer": "params_serializer",
    "body_data": "data",
    "time_out": "timeout",
    "timeoutErrorMessage": "timeout_error_message",
    "responseType": "response_type",
    "validateStatus": "validate_status",
    "transformRequest": "transform_request",
    "transformResponse": "transform_response",
    "maxContentLength": "max_content_length",
    "maxBodyLength": "max_body_length",
    "maxRedirects": "max_redirects",
    "beforeRedirect": "before_redirect",
    "onUploadProgress": "on_upload_progress",
    "xsrfCookieName": "xsrf_cookie_name",
    "withXSRFToken": "with_xsrf_token",
}

#: Every way in which options are given.
GIVEN: dict[str, Callable[[SyncInstance, dict[str, Any]], object]] = {
    "a config": lambda _api, options: RequestConfig(**options),
    "a new instance": lambda _api, options: create(**options),
    "a new synchronous instance": lambda _api, options: create_sync(**options),
    "a derived instance": lambda api, options: api.create(**options),
    "a call": lambda api, options: api("/items", **options),
    "a call with a mapping": lambda api, options: api({"url": "/items", **options}),
    "a call with a config": lambda api, options: api(RequestConfig(url="/items"), **options),
    "a request": lambda api, options: api.request("/items", **options),
    "get": lambda api, options: api.get("/items", **options),
    "post": lambda api, options: api.post("/items", {"a": 1}, **options),
    "put_form": lambda api, options: api.put_form("/items", {"a": 1}, **options),
    "get_uri": lambda api, options: api.get_uri("/items", **options),
}


@pytest.mark.parametrize(("misspelled", "meant"), MISSPELLED.items(), ids=MISSPELLED)
def test_an_unknown_option_is_refused_with_the_nearest_name(misspelled: str, meant: str) -> None:
    options: dict[str, Any] = {misspelled: 1}
    with pytest.raises(TypeError) as caught:
        RequestConfig(**options)
    assert repr(misspelled) in str(caught.value)
    assert f"did you mean {meant!r}?" in str(caught.value)


def test_an_unknown_option_that_is_near_to_none_is_refused_with_all_names() -> None:
    with pytest.raises(TypeError, match=r"'zzz'.*'adapter'.*'xsrf_header_name'"):
        RequestConfig(zzz=1)  # type: ignore[call-arg]


@only_sync
@pytest.mark.parametrize("give", GIVEN.values(), ids=GIVEN)
def test_an_unknown_option_is_refused_wherever_it_is_given(
    client: Client, server: AuthServer, give: Callable[[SyncInstance, dict[str, Any]], object]
) -> None:
    assert isinstance(client.api, SyncInstance)
    with pytest.raises(TypeError, match="did you mean 'base_url'"):
        give(client.api, {"baseURL": server.url})
    assert server.count() == 0


def test_an_unknown_option_in_what_an_interceptor_returns_is_refused(
    client: Client, server: AuthServer
) -> None:
    client.api.interceptors.request.use(lambda _config: {"url": "/items", "baseURL": "/"})
    assert isinstance(refusal(client), TypeError)
    assert server.count() == 0


# --- values of options ---

#: An option, a value that means nothing, and what of the value the error has to name: the value
#: itself, or its type where it might be a secret.
BAD_VALUES: list[tuple[str, object, str]] = [
    ("url", 5, "int"),
    ("url", b"/items", "bytes"),
    ("method", 5, "int"),
    ("method", b"get", "bytes"),
    ("method", "ge t", "'ge t'"),
    ("method", "get\r\nX-Evil: 1", r"'get\r\nX-Evil: 1'"),
    ("method", "gét", "'gét'"),
    ("base_url", 5, "int"),
    ("headers", 5, "int"),
    ("headers", "Accept: text/plain", "str"),
    ("headers", {5: "a"}, "5"),
    ("params", 5, "int"),
    ("params", "a=1", "str"),
    ("params_serializer", 5, "int"),
    ("params_serializer", {"encode": 5}, "int"),
    ("params_serializer", {"serialize": 5}, "int"),
    ("timeout", "1", "str"),
    ("timeout", True, "bool"),
    ("timeout", [1], "list"),
    ("timeout", -0.5, "-0.5"),
    ("timeout", math.nan, "nan"),
    ("timeout", -math.inf, "-inf"),
    ("auth", 5, "int"),
    ("auth", "ada:lovelace", "str"),
    ("auth", ("ada",), "tuple"),
    ("auth", ("ada", "lovelace", "x"), "tuple"),
    ("auth", ("ada", 5), "int"),
    ("response_type", 5, "5"),
    ("response_type", "xml", "'xml'"),
    ("response_type", ["json"], "['json']"),
    ("validate_status", 200, "int"),
    ("transform_request", 5, "int"),
    ("transform_request", [5], "int"),
    ("transform_response", 5, "int"),
    ("transform_response", "strip", "str"),
    ("transform_response", [5], "int"),
    ("max_content_length", "1", "str"),
    ("max_content_length", 1.5, "float"),
    ("max_body_length", True, "bool"),
    ("max_redirects", "1", "str"),
    ("before_redirect", 5, "int"),
    ("signal", 5, "int"),
    ("adapter", 5, "int"),
    ("redact", 5, "int"),
    ("redact", "password", "str"),
    ("extra", 5, "int"),
]

every_bad_value = pytest.mark.parametrize(
    ("option", "value", "named"),
    [pytest.param(*row, id=f"{row[0]}-{row[1]!r}") for row in BAD_VALUES],
)


def assert_names(error: Exception, option: str, named: str) -> None:
    """The error names the option, at least by its first word, and what was wrong with its value."""
    assert option.partition("_")[0].removesuffix("s") in str(error)
    assert named in str(error)


@every_bad_value
def test_a_value_that_means_nothing_is_refused_by_name(
    client: Client, server: AuthServer, option: str, value: object, named: str
) -> None:
    error = refusal(client, **{option: value})
    assert server.count() == 0
    assert_names(error, option, named)


@every_bad_value
def test_a_default_that_means_nothing_is_refused_by_name(
    kind: type[Client], server: AuthServer, option: str, value: object, named: str
) -> None:
    if option == "url":
        pytest.skip("the url of a request is never a default")
    error = refusal_of_default(kind, server, **{option: value})
    assert server.count() == 0
    assert_names(error, option, named)


# --- addresses ---

NO_BASE_URL = ("localhost:3001", "host/api", "//host/api", "/api", "ftp://host", "http://")


@pytest.mark.parametrize("base_url", NO_BASE_URL)
def test_a_base_url_that_cannot_be_requested_is_refused_when_the_instance_is_made(
    kind: type[Client], base_url: str
) -> None:
    with pytest.raises(InvalidURLError, match="needs a scheme and a host") as caught:
        kind.create(base_url=base_url)
    assert json.dumps(base_url) in str(caught.value)
    assert caught.value.code == RequestError.ERR_INVALID_URL


@pytest.mark.parametrize("base_url", NO_BASE_URL)
def test_a_base_url_that_cannot_be_requested_is_refused_when_an_instance_is_derived(
    client: Client, base_url: str
) -> None:
    with pytest.raises(InvalidURLError, match="needs a scheme and a host"):
        client.api.create(base_url=base_url)


@pytest.mark.parametrize("base_url", NO_BASE_URL)
def test_a_base_url_of_one_call_that_cannot_be_requested_is_refused(
    client: Client, server: AuthServer, base_url: str
) -> None:
    error = refusal(client, base_url=base_url)
    assert isinstance(error, RequestError)
    assert not error.request_was_sent
    assert server.count() == 0


@pytest.mark.parametrize("url", ["/items", "items", "localhost/items", "?a=1", ""])
def test_a_relative_url_without_base_url_is_refused(kind: type[Client], url: str) -> None:
    client = kind.create()
    error = client.start(lambda api: api.get(url)).error()
    client.close()
    assert error.code == RequestError.ERR_INVALID_URL
    assert "base_url" in str(error)
    assert not error.request_was_sent


IMPOSSIBLE_URLS = {
    "a port that is none": "http://127.0.0.1:99999/",
    "half a character": "/items\ud800",
    "a domain name that is none": "http://xn--a/",
    "a label that is too long": f"http://{'a' * 64}.example/",
    "a label that is empty": "http://a..example/",
    "a line end": "/items\r\nX-Evil: 1",
}


@pytest.mark.parametrize("url", IMPOSSIBLE_URLS.values(), ids=IMPOSSIBLE_URLS)
def test_a_url_that_cannot_be_requested_is_refused(
    client: Client, server: AuthServer, url: str
) -> None:
    error = refusal(client, url=url)
    assert isinstance(error, InvalidURLError)
    assert error.code == RequestError.ERR_INVALID_URL
    assert not error.request_was_sent
    assert server.count() == 0


HALF = "secret\ud800"


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("data", HALF),
        ("data", {"a": HALF}),
        ("params", {"a": HALF}),
        ("params", {HALF: "a"}),
        ("auth", ("ada", HALF)),
        ("auth", {"username": HALF, "password": ""}),
    ],
)
def test_half_a_character_is_refused_without_showing_the_text(
    client: Client, server: AuthServer, option: str, value: Any
) -> None:
    error = refusal(client, **{"method": "post", option: value})
    assert type(error) is ValueError
    assert str(error) == f"{option}: it holds half a character (a lone surrogate), which is no text"
    assert error.__context__ is None
    assert server.count() == 0


# --- headers ---


@pytest.mark.parametrize(
    ("value", "arrives"),
    [
        ("a\r\nX-Evil: 1", "aX-Evil: 1"),
        ("a\nX-Evil: 1", "aX-Evil: 1"),
        ("a\r\n\r\nGET /evil HTTP/1.1", "aGET /evil HTTP/1.1"),
        ("a\0b\x7f", "ab"),
        (["a\r\nX-Evil: 1", "b"], "aX-Evil: 1, b"),
    ],
)
def test_nothing_is_injected_by_the_value_of_a_header(
    client: Client, server: AuthServer, value: Any, arrives: str
) -> None:
    client.call(lambda api: api.get("/items", headers={"X-Name": value}, validate_status=None))
    (seen,) = server.seen()
    assert seen.headers["x-name"] == arrives
    assert "x-evil" not in seen.headers


@pytest.mark.parametrize("name", ["", "X Name", "X-Name:", "X-Näme", "X\r\nX-Evil", "X\n", "\0"])
def test_a_name_that_is_no_header_name_is_refused(
    client: Client, server: AuthServer, name: str
) -> None:
    error = refusal(client, headers={name: "1"})
    assert isinstance(error, RequestError)
    assert error.code == RequestError.ERR_BAD_OPTION_VALUE
    assert repr(name) in str(error)
    assert server.count() == 0


def test_a_name_of_a_header_that_is_no_text_is_refused_and_nothing_is_set() -> None:
    headers = Headers({"Accept": "text/plain"})
    with pytest.raises(TypeError, match="must be a str, not 5"):
        headers[5] = "1"  # type: ignore[index]
    assert dict(headers) == {"Accept": "text/plain"}


# --- data and params ---


NO_JSON: dict[str, Any] = {
    "object": {"a": object()},
    "set": {"a": {1, 2}},
    "bytes": {"a": [b"bytes"]},
    "key that is no text": {("a", "b"): 1},
    "nan": {"a": math.nan},
    "infinity": [math.inf],
    "mapping that contains itself": endless(),
    "list that contains itself": [endless()],
    "too many levels": deep(100_000),
    "half a character": {"a": "\ud800"},
}


@pytest.mark.parametrize("data", NO_JSON.values(), ids=NO_JSON)
def test_data_that_is_no_json_is_refused(client: Client, server: AuthServer, data: Any) -> None:
    error = refusal(client, method="post", data=data)
    assert server.count() == 0
    assert "data" in str(error)


@pytest.mark.parametrize("data", [object(), 1.5, True, {1, 2}.union], ids=type)
def test_data_that_is_no_body_is_refused(client: Client, server: AuthServer, data: Any) -> None:
    error = refusal(client, method="post", data=data)
    assert isinstance(error, RequestError)
    assert error.code == RequestError.ERR_BAD_REQUEST
    assert not error.request_was_sent
    assert server.count() == 0


@pytest.mark.parametrize("form", ["post_form", "put_form", "patch_form"])
@pytest.mark.parametrize("data", [5, object(), endless()], ids=["int", "object", "endless"])
def test_a_form_of_something_else_is_refused(
    client: Client, server: AuthServer, form: str, data: Any
) -> None:
    failure = client.start(lambda api: getattr(api, form)("/items", data)).failure()
    assert isinstance(failure, (RequestError, ValueError))
    assert "data" in str(failure).lower()
    assert server.count() == 0


@pytest.mark.parametrize("params", [endless(), {"a": [endless()]}], ids=["mapping", "list"])
def test_params_that_contain_themselves_are_refused(
    client: Client, server: AuthServer, params: Any
) -> None:
    error = refusal(client, params=params)
    assert "params" in str(error)
    assert "itself" in str(error)
    assert server.count() == 0


def test_params_that_are_nested_too_deeply_are_refused(client: Client, server: AuthServer) -> None:
    error = refusal(client, params=deep(101))
    assert isinstance(error, RequestError)
    assert error.code == RequestError.ERR_FORM_DATA_DEPTH_EXCEEDED
    assert "params" in str(error)
    assert server.count() == 0


@only_sync
def test_an_async_body_is_refused_by_a_synchronous_instance(
    client: Client, server: AuthServer
) -> None:
    async def pieces() -> Any:
        yield b"a"

    error = refusal(client, method="post", data=pieces())
    assert isinstance(error, TypeError)
    assert "async" in str(error)
    assert "synchronous" in str(error)
    assert server.count() == 0


# --- handlers ---

Use = Callable[[Any, Any], object]

HANDLERS: dict[str, Use] = {
    "on_fulfilled": lambda api, handler: api.interceptors.request.use(handler),
    "on_rejected": lambda api, handler: api.interceptors.response.use(None, handler),
    "run_when": lambda api, handler: api.interceptors.request.use(run_when=handler),
    "around": lambda api, handler: api.interceptors.network.use(handler),
}

every_handler = pytest.mark.parametrize(("argument", "use"), HANDLERS.items(), ids=HANDLERS)


def number_of_handlers(api: Any) -> int:
    chains = api.interceptors
    return len(chains.request) + len(chains.response) + len(chains.network)


@every_handler
@pytest.mark.parametrize("handler", [5, "unwrap", {}])
def test_a_handler_that_cannot_be_called_is_refused(
    client: Client, argument: str, use: Use, handler: object
) -> None:
    with pytest.raises(TypeError) as caught:
        use(client.api, handler)
    assert str(caught.value) == f"{argument} must be callable, not {handler!r}"
    assert number_of_handlers(client.api) == 0


@only_sync
@every_handler
@either_async
def test_an_async_handler_is_refused_by_a_synchronous_instance(
    client: Client, argument: str, use: Use, function: object
) -> None:
    with pytest.raises(TypeError, match=r"is async.*plain function.*create\(\)") as caught:
        use(client.api, function)
    assert str(caught.value).startswith(argument)
    assert number_of_handlers(client.api) == 0


@pytest.mark.parametrize("receiver", [5, "show_login", None])
def test_a_receiver_that_cannot_be_called_is_refused(receiver: Any) -> None:
    signal = Signal()
    with pytest.raises(TypeError, match="receiver must be callable, not"):
        signal.connect(receiver)
    assert not signal.receivers


@only_sync
@either_async
def test_an_async_receiver_is_refused_for_a_synchronous_instance(
    client: Client, function: Any
) -> None:
    with pytest.raises(TypeError, match="is a synchronous instance: give it a plain function"):
        login_required.connect(function, client.api)
    assert not list(login_required.receivers_for(client.api))


# --- how instances are made and called ---


NO_CLIENT: dict[str, Callable[[], Any]] = {
    "object": object,
    "class": lambda: httpx.Client,
    "URL": lambda: "http://host",
}


@pytest.mark.parametrize("make", [*NO_CLIENT.values(), httpx.Client], ids=[*NO_CLIENT, "sync"])
def test_an_asynchronous_instance_takes_only_an_asynchronous_client(
    make: Callable[[], Any],
) -> None:
    with pytest.raises(TypeError, match="client must be an asynchronous HTTP client, not"):
        create(client=make())


@pytest.mark.parametrize(
    "make", [*NO_CLIENT.values(), httpx.AsyncClient], ids=[*NO_CLIENT, "async"]
)
def test_a_synchronous_instance_takes_only_a_synchronous_client(make: Callable[[], Any]) -> None:
    with pytest.raises(TypeError, match="client must be a synchronous HTTP client, not"):
        create_sync(client=make())


@pytest.mark.parametrize("config", [5, None, b"/items", ["/items"]])
def test_a_request_is_a_config_a_mapping_or_a_url(
    client: Client, server: AuthServer, config: Any
) -> None:
    failure = client.start(lambda api: api(config)).failure()
    assert isinstance(failure, TypeError)
    assert type(config).__name__ in str(failure)
    assert server.count() == 0


# --- whatever it is ---

#: What a call may raise because of what it was given.
REFUSALS = (RequestError, TypeError, ValueError)

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)

many = settings(max_examples=60, deadline=None)


@pytest.fixture(scope="module")
def one_server() -> Iterator[AuthServer]:
    with AuthServer() as server:
        yield server


@pytest.fixture(scope="module")
def api(one_server: AuthServer) -> Iterator[SyncInstance]:
    with create_sync(base_url=one_server.url, validate_status=None, timeout=10) as api:
        yield api


@many
@given(name=st.text() | st.text(string.ascii_letters, min_size=1), value=st.text())
def test_no_header_brings_another_one_or_another_request(
    api: SyncInstance, one_server: AuthServer, name: str, value: str
) -> None:
    before = one_server.count()
    try:
        api.get("/items", headers={name: value})
    except REFUSALS:
        assert one_server.count() == before
        return
    (seen,) = one_server.seen()[before:]
    usual = {"host", "accept", "accept-encoding", "connection", "user-agent"}
    assert set(seen.headers) - usual <= {name.lower()}


@many
@given(url=st.text())
def test_every_url_is_requested_or_refused(api: SyncInstance, url: str) -> None:
    try:
        response = api.get(url, allow_absolute_urls=False)
    except REFUSALS:
        return
    assert response.status == 401


@many
@given(params=json_values)
def test_all_params_are_sent_or_refused(api: SyncInstance, params: Any) -> None:
    try:
        response = api.get("/items", params=params)
    except REFUSALS:
        return
    assert response.status == 401


@many
@given(data=st.dictionaries(st.text(), json_values) | st.lists(json_values))
def test_all_json_arrives_as_it_was_or_is_refused(
    api: SyncInstance, one_server: AuthServer, data: Any
) -> None:
    try:
        api.post("/items", data)
    except REFUSALS:
        return
    assert one_server.seen()[-1].json() == data


def test_a_listener_that_cannot_be_called_is_refused() -> None:
    with pytest.raises(TypeError, match="listener must be a function, not int"):
        create_store({}).subscribe(5)  # type: ignore[call-overload]
