"""What type checkers infer from uses of the transport, and which uses they must refuse.

Nothing here runs. mypy and pyright read it: `assert_type` states what they must infer, and a
`type: ignore` marks an error that both must find, since one that is not needed is an error itself.
"""

# pyright: reportUnnecessaryTypeIgnoreComment=true

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, assert_type

import httpx
from zustax.store import UserStore, create_store
from zustax.transport import (
    AbortController,
    AbortSignal,
    CanceledError,
    ClientRequest,
    Headers,
    Instance,
    InterceptorManager,
    InvalidURLError,
    NetworkManager,
    RefreshError,
    RefreshStats,
    RequestConfig,
    RequestError,
    RequestOptions,
    Response,
    SilentRefresh,
    SyncInstance,
    TokenPair,
    TokenStore,
    create,
    create_sync,
    login_required,
    merge_config,
    silent_refresh,
)

# create, create_sync

api = create(base_url="http://localhost:3001/api", timeout=5, headers={"X-App": "demo"})
sync_api = create_sync(base_url="http://localhost:3001/api", client=httpx.Client())

assert_type(api, Instance)
assert_type(sync_api, SyncInstance)
assert_type(create(client=httpx.AsyncClient()), Instance)
assert_type(api.create(base_url="http://other"), Instance)
assert_type(sync_api.create(timeout=1), SyncInstance)
assert_type(api.defaults, RequestConfig)

create(baseURL="http://localhost")  # type: ignore[call-arg]
create_sync(baseURL="http://localhost")  # type: ignore[call-arg]
create("http://localhost")  # type: ignore[arg-type]
create(base_url=5)  # type: ignore[arg-type]
api.create(time_out=1)  # type: ignore[call-arg]

# calls: an asynchronous instance gives an awaitable, a synchronous one the value

call: object = assert_type(api.get("/me"), Coroutine[Any, Any, Response[Any]])
call = assert_type(api.post("/me", {"a": 1}), Coroutine[Any, Any, Response[Any]])
call = assert_type(api(url="/me"), Coroutine[Any, Any, Response[Any]])
call = assert_type(api.request("/me"), Coroutine[Any, Any, Response[Any]])
assert_type(sync_api.get("/me"), Response[Any])
assert_type(sync_api.post("/me", {"a": 1}), Response[Any])
assert_type(sync_api("/me"), Response[Any])
assert_type(api.get_uri("/me", params={"a": 1}), str)
assert_type(sync_api.get_uri("/me"), str)

call = api(RequestConfig(url="/me"))
call = api({"url": "/me", "method": "post"})
call = api("/me", method="post", data={"a": 1})
call = api.request("/me", timeout=1)
sync_api.request({"url": "/me"})

call = api(5)  # type: ignore[arg-type]
call = api.get(5)  # type: ignore[arg-type]
call = api.get()  # type: ignore[call-arg]
call = api("/me", baseURL="/")  # type: ignore[call-arg]

# options in one argument, as axios takes them

create({"base_url": "http://localhost:3001/api", "timeout": 5})
create_sync(RequestConfig(timeout=5), base_url="http://localhost:3001/api")
call = api.get("/me", {"params": {"page": 1}})
call = api.get("/me", RequestConfig(timeout=1), timeout=2)
call = api.post("/me", {"a": 1}, {"headers": {"X-Name": "a"}})
call = api("/me", {"method": "post"})
sync_api.request("/me", {"timeout": 1})
sync_api.create({"timeout": 1})
assert_type(sync_api.get_uri({"url": "/me"}), str)

call = api.get("/me", 5)  # type: ignore[arg-type]
call = api.post("/me", {"a": 1}, "text")  # type: ignore[arg-type]

# instances whose interceptors return something else than a response


class Item:
    """What the interceptors of `items` return."""


items: Instance[Item] = create(base_url="http://localhost:3001/api")
sync_items: SyncInstance[Item] = create_sync()
anything: Instance[Any] = create()

call = assert_type(items.get("/me"), Coroutine[Any, Any, Item])
call = assert_type(anything.get("/me"), Coroutine[Any, Any, Any])
assert_type(sync_items.post("/me"), Item)
assert_type(items.create(), Instance[Response[Any]])
texts: SyncInstance[str] = sync_items.create()
number: int = sync_items.get("/me")  # type: ignore[assignment]

# functions that take fewer arguments than they are offered

call = api.get("/me", transform_response=lambda data: data, transform_request=lambda: b"")

# verbs and their options

call = api.get("/me", params={"page": 1}, headers={"X-Name": None}, timeout=None)
call = api.delete("/me", data={"a": 1}, auth=("ada", "lovelace"))
call = api.head("/me", validate_status=None, max_redirects=0)
call = api.options("/me", response_type="text", auth={"username": "ada", "password": "lovelace"})
call = api.post("/me", {"a": 1}, signal=AbortController().signal)
call = api.post("/me", transform_request=[lambda data, headers: data], redact=["pin"])
call = api.put("/me", b"bytes", validate_status=lambda status: status < 500)
call = api.patch("/me", "text", extra={"silent_refresh": False})
call = api.query("/me", {"a": 1}, params_serializer={"indexes": None})
call = api.post_form("/me", {"a": 1}, params_serializer=lambda params: "a=1")
sync_api.put_form("/me", {"a": 1}, base_url="http://other", allow_absolute_urls=False)
sync_api.patch_form("/me", {"a": 1}, adapter=lambda config: None)

call = api.get("/me", baseURL="/")  # type: ignore[call-arg]
call = api.get("/me", method="post")  # type: ignore[call-arg]
call = api.get("/me", timeout="1")  # type: ignore[arg-type]
call = api.get("/me", response_type="xml")  # type: ignore[arg-type]
call = api.get("/me", validate_status=200)  # type: ignore[arg-type]
call = api.get("/me", validate_status=lambda status: status.bit)  # type: ignore[attr-defined]
call = api.get("/me", auth="ada:lovelace")  # type: ignore[arg-type]
call = api.get("/me", headers="Accept: text/plain")  # type: ignore[arg-type]
call = api.get("/me", signal=AbortController())  # type: ignore[arg-type]
call = api.get("/me", redact=5)  # type: ignore[arg-type]
call = api.get("/me", extra=5)  # type: ignore[arg-type]
call = api.get("/me", max_redirects=1.5)  # type: ignore[arg-type]
call = api.post("/me", {"a": 1}, data={"a": 1})  # type: ignore[misc]
call = api.post("/me", {"a": 1}, url="/other")  # type: ignore[misc]
call = api.post_form("/me", {"a": 1}, baseURL="/")  # type: ignore[call-arg]
sync_api.get("/me", baseURL="/")  # type: ignore[call-arg]
sync_api.post("/me", {"a": 1}, timeout="1")  # type: ignore[arg-type]

options: RequestOptions = {"timeout": 1, "url": "/me"}
wrong_options: RequestOptions = {"time_out": 1}  # type: ignore[typeddict-unknown-key]
call = api(**options)

# blocks


async def use_async() -> None:
    async with create() as one:
        assert_type(one, Instance)
        assert_type(await one.get("/me"), Response[Any])
    assert_type(await api.aclose(), None)
    with create():  # type: ignore[attr-defined]
        pass


def use_sync() -> None:
    with create_sync() as one:
        assert_type(one, SyncInstance)
    assert_type(sync_api.close(), None)


# config

config = RequestConfig(url="/me", timeout=1, headers={"X-Name": "a"})

assert_type(config.url, str)
assert_type(config.timeout, float | None)
assert_type(config.headers, Headers)
assert_type(config.extra, dict[str, Any])
assert_type(merge_config(config, config), RequestConfig)
assert_type(config.to_json(), dict[str, Any])
config.timeout = None
config.transform_response = [*api.defaults.transform_response, lambda data: data]
config.headers["X-Name"] = None

RequestConfig(baseURL="/")  # type: ignore[call-arg]
config.timeout = "1"  # type: ignore[assignment]
config.time_out = 1  # type: ignore[attr-defined]
merge_config(config, {"url": "/me"})  # type: ignore[arg-type]

# interceptors


def on_request(config: RequestConfig) -> RequestConfig:
    return config


async def on_request_later(config: RequestConfig) -> RequestConfig:
    return config


def unwrap(response: Response) -> Any:
    return response.data


def recover(error: RequestError) -> Response:
    if error.response is None:
        raise error
    return error.response


async def around(
    config: RequestConfig, proceed: Callable[[RequestConfig], Awaitable[Response]]
) -> Response:
    return await proceed(config)


def plain_around(config: RequestConfig, proceed: Callable[[RequestConfig], Response]) -> Response:
    return proceed(config)


assert_type(api.interceptors.request, InterceptorManager)
assert_type(api.interceptors.network, NetworkManager)
assert_type(api.interceptors.request.use(on_request), int)
api.interceptors.request.use(on_request_later, synchronous=True, run_when=lambda config: False)
api.interceptors.response.use(unwrap, recover)
api.interceptors.response.use(None, recover)
api.interceptors.response.use(on_rejected=recover)
api.interceptors.network.use(around)
sync_api.interceptors.network.use(plain_around)
api.interceptors.request.eject(api.interceptors.request.use(on_request))
api.interceptors.request.clear()

api.interceptors.request.use("unwrap")  # type: ignore[arg-type]
api.interceptors.request.use(on_request, recover, True)  # type: ignore[call-arg]
api.interceptors.request.use(onFulfilled=on_request)  # type: ignore[call-arg]
api.interceptors.network.use(on_request)  # type: ignore[arg-type]
api.interceptors.request.eject("0")  # type: ignore[arg-type]

# response and errors


def read(response: Response, error: RequestError, refused: RefreshError) -> None:
    assert_type(response.status, int)
    assert_type(response.status_text, str)
    assert_type(response.data, Any)
    assert_type(response.headers, httpx.Headers)
    assert_type(response.config, RequestConfig)
    assert_type(response.request, ClientRequest | None)
    assert_type(response.duration, float)
    assert_type(error.message, str)
    assert_type(error.code, str | None)
    assert_type(error.status, int | None)
    assert_type(error.config, RequestConfig | None)
    assert_type(error.response, Response | None)
    assert_type(error.request, ClientRequest | None)
    assert_type(error.to_json(), dict[str, Any])
    assert_type(refused.rejected, bool)
    status: int = error.response.status  # type: ignore[union-attr]
    status = response.stauts  # type: ignore[attr-defined]
    del status
    if response.request is not None:
        assert_type(response.request.method, str)
        assert_type(response.request.headers["accept"], str)


aborted: RequestError = CanceledError()
invalid: ValueError = InvalidURLError("no URL")
RefreshError("refused", rejected=True)
RefreshError("refused", True)  # type: ignore[arg-type]

# silent_refresh


async def refresh(refresh_token: str | None) -> TokenPair:
    return TokenPair("access", refresh_token, expires_at=1)


def ask() -> TokenPair | None:
    return None


store = UserStore()
token_store: TokenStore = store
dict_store: TokenStore = create_store({"access_token": "", "refresh_token": ""})
handle = silent_refresh(api, store, url="/auth/refresh", timeout=5, statuses=(401, 419))

assert_type(handle, SilentRefresh)
assert_type(handle.stats, RefreshStats)
assert_type(handle.stats.refreshes, int)
assert_type(handle.eject(), None)
silent_refresh(sync_api, dict_store, refresh=lambda refresh_token: TokenPair("access"))
silent_refresh(api, store, refresh=refresh, reauthenticate=ask, origins=["http://other"])
silent_refresh(api, store, should_refresh=lambda response: response.status == 401)

silent_refresh(api)  # type: ignore[call-arg]
silent_refresh(api, {"access_token": ""})  # type: ignore[arg-type]
silent_refresh(api, store, "/auth/refresh")  # type: ignore[call-arg]
silent_refresh(api, store, timeout="5")  # type: ignore[arg-type]
silent_refresh(api, store, should_refresh=lambda response: response.sttaus)  # type: ignore[attr-defined]
silent_refresh(api, store, refresh=ask)  # type: ignore[arg-type]
TokenPair()  # type: ignore[call-arg]
TokenPair("access", 5)  # type: ignore[arg-type]
TokenPair("access").access_token = "other"  # type: ignore[misc]

# signals


@login_required.connect
def show_login(sender: Instance, reason: str, error: Exception, config: RequestConfig) -> None: ...


def hide_login(sender: object, **details: object) -> None: ...


shown: Callable[[Instance, str, Exception, RequestConfig], None] = show_login
hidden: Callable[[object], None] = login_required.connect(hide_login, api, weak=True)
login_required.connect("show")  # type: ignore[type-var]

# aborting

controller = AbortController()

assert_type(controller.signal, AbortSignal)
assert_type(controller.signal.aborted, bool)
assert_type(controller.abort(), None)
controller.signal.aborted = True  # type: ignore[misc]

# headers

headers = Headers({"Accept": "text/plain"})

assert_type(headers["accept"], Any)
assert_type(headers.common, Headers)
assert_type(headers.copy(), Headers)
headers[5] = "a"  # type: ignore[index]
