"""A request goes through the proxy that its options or the environment name, or through none."""

from __future__ import annotations

import base64
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from zustax.transport import RequestConfig, RequestError
from zustax.transport.adapters import pools, tls
from zustax.transport.adapters.proxy import environment_proxy, proxy_of

from ...support.clients import Client
from ...support.relays import ForwardProxy, TlsFront
from ...support.server import AuthServer
from ...support.waiting import wait_until
from ..conftest import leave_nothing_behind
from ..leaks import Secrets, leaks
from .conftest import only_httpx

PASSWORD = "pa:ss/w@rd"
BASIC = f"Basic {base64.b64encode(f'ada:{PASSWORD}'.encode()).decode()}"

IN_THE_ENVIRONMENT = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")


@pytest.fixture(autouse=True)
def _environment_without_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in IN_THE_ENVIRONMENT:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
def proxy() -> Iterator[ForwardProxy]:
    with ForwardProxy() as proxy:
        yield proxy


@pytest.fixture
def guarded() -> Iterator[ForwardProxy]:
    """A proxy that asks for credentials."""
    with ForwardProxy(credentials=("ada", PASSWORD)) as proxy:
        yield proxy


@pytest.fixture
def front(
    server: AuthServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[TlsFront]:
    """The server behind TLS, with a certificate that new instances trust."""
    with TlsFront(server.url) as front:
        trusted = ssl.create_default_context()
        front.authority.configure_trust(trusted)
        monkeypatch.setattr(httpx, "create_ssl_context", lambda: trusted)
        tls.ssl_context.cache_clear()
        yield front
    tls.ssl_context.cache_clear()


def address(proxy: ForwardProxy, **more: Any) -> dict[str, Any]:
    """A proxy as axios's mapping."""
    return {"host": "127.0.0.1", "port": proxy.port, **more}


def url_with_credentials(proxy: ForwardProxy) -> str:
    return f"http://ada:pa%3Ass%2Fw%40rd@127.0.0.1:{proxy.port}"


# --- plain HTTP: the proxy is asked for an absolute URL ---


def test_a_request_goes_through_the_proxy(
    client: Client, server: AuthServer, proxy: ForwardProxy
) -> None:
    server.answer("/items", body={"user": "ada"})
    response = client.call(
        lambda api: api.post("/items?a=1", {"b": 2}, proxy=address(proxy, protocol="http"))
    )
    assert response.data == {"user": "ada"}
    [asked] = proxy.seen
    assert (asked.method, asked.target) == ("POST", f"{server.url}/items?a=1")
    assert server.seen("/items")[0].json() == {"b": 2}


@pytest.mark.parametrize("form", ["{}", "http://{}", "http://{}/", "HTTP://{}"])
def test_a_proxy_may_be_a_url(
    client: Client, server: AuthServer, proxy: ForwardProxy, form: str
) -> None:
    server.answer("/items")
    url = form.format(f"127.0.0.1:{proxy.port}")
    client.call(lambda api: api.get("/items", proxy=url))
    assert len(proxy.seen) == 1


def test_a_proxy_may_be_a_default_of_the_instance(
    kind: type[Client], server: AuthServer, proxy: ForwardProxy
) -> None:
    server.answer("/items")
    client = kind.create(base_url=server.url, proxy=address(proxy))
    client.call(lambda api: api.get("/items"))
    client.call(lambda api: api.create().get("/items"))
    client.call(lambda api: api.get("/items", proxy=False))
    client.close()
    assert len(proxy.seen) == 2
    assert server.count() == 3


def test_a_proxy_of_a_call_is_merged_into_that_of_the_instance(
    kind: type[Client], server: AuthServer, guarded: ForwardProxy
) -> None:
    server.answer("/items")
    client = kind.create(base_url=server.url, proxy=address(guarded, port=1))
    changes: Any = {"port": guarded.port, "auth": ("ada", PASSWORD)}
    assert client.call(lambda api: api.get("/items", proxy=changes)).status == 200
    client.close()


def test_requests_through_one_proxy_share_its_connection(
    client: Client, server: AuthServer, proxy: ForwardProxy
) -> None:
    server.answer("/items", headers={"Connection": "keep-alive"})
    for _ in range(3):
        client.call(lambda api: api.get("/items", proxy=address(proxy)))
    assert (len(proxy.seen), proxy.connections) == (3, 1)


def test_cookies_are_those_of_the_instance_whatever_the_proxy(
    client: Client, server: AuthServer, proxy: ForwardProxy
) -> None:
    server.answer("/login", headers={"Set-Cookie": "session=1; Path=/"})
    server.answer("/items")
    client.call(lambda api: api.get("/login", proxy=address(proxy)))
    client.call(lambda api: api.get("/items"))
    client.call(lambda api: api.get("/items", proxy=False))
    assert [seen.headers.get("cookie") for seen in server.seen("/items")] == ["session=1"] * 2


def test_a_redirect_goes_through_the_proxy_too(
    client: Client, server: AuthServer, proxy: ForwardProxy
) -> None:
    server.redirect("/old", "/new")
    server.answer("/new")
    client.call(lambda api: api.get("/old", proxy=address(proxy)))
    assert [asked.target for asked in proxy.seen] == [f"{server.url}/old", f"{server.url}/new"]


def test_a_stream_through_a_proxy(client: Client, server: AuthServer, proxy: ForwardProxy) -> None:
    server.answer("/items", body=b"12345")
    assert client.call(lambda api: read_stream(api, proxy, client.is_async)) == b"12345"


def read_stream(api: Any, proxy: ForwardProxy, is_async: bool) -> Any:
    options = {"proxy": address(proxy), "response_type": "stream"}

    async def read() -> Any:
        return await (await api.get("/items", **options)).data.read()

    return read() if is_async else api.get("/items", **options).data.read()


# --- TLS: the proxy makes a tunnel ---


def test_a_request_over_tls_goes_through_a_tunnel(
    kind: type[Client], server: AuthServer, front: TlsFront, guarded: ForwardProxy
) -> None:
    server.answer("/items", body={"user": "ada"})
    client = kind.create(base_url=front.url)
    response = client.call(
        lambda api: api.get("/items", proxy=address(guarded, auth=("ada", PASSWORD)))
    )
    leave_nothing_behind(client)
    assert response.data == {"user": "ada"}
    [asked] = guarded.seen
    assert (asked.method, asked.target) == ("CONNECT", f"127.0.0.1:{front.port}")
    assert asked.headers["proxy-authorization"] == BASIC
    assert "proxy-authorization" not in server.seen("/items")[0].headers


def test_a_tunnel_that_is_refused_is_an_error_before_anything_was_sent(
    kind: type[Client], server: AuthServer, front: TlsFront, guarded: ForwardProxy
) -> None:
    client = kind.create(base_url=front.url)
    error = client.start(lambda api: api.get("/items", proxy=address(guarded))).error()
    leave_nothing_behind(client)
    assert error.code == "ERR_NETWORK"
    assert "407" in str(error)
    assert type(error.__cause__).__name__ in ("ProxyError", "ClientHttpProxyError")
    assert not error.request_was_sent
    assert server.count() == 0


# --- credentials ---


@pytest.mark.parametrize("form", ["pair", "mapping", "url"])
def test_credentials_go_to_the_proxy_and_not_to_the_server(
    client: Client, server: AuthServer, guarded: ForwardProxy, form: str
) -> None:
    server.answer("/items")
    given: dict[str, Any] = {
        "pair": address(guarded, auth=("ada", PASSWORD)),
        "mapping": address(guarded, auth={"username": "ada", "password": PASSWORD}),
        "url": url_with_credentials(guarded),
    }
    response = client.call(lambda api: api.get("/items", proxy=given[form]))
    assert response.status == 200
    assert guarded.seen[0].headers["proxy-authorization"] == BASIC
    assert "proxy-authorization" not in server.seen("/items")[0].headers
    assert "proxy-authorization" not in response.request.headers
    assert "proxy-authorization" not in response.config.headers


def test_a_proxy_that_wants_other_credentials_answers_407(
    client: Client, server: AuthServer, guarded: ForwardProxy
) -> None:
    wrong = address(guarded, auth=("ada", "wrong"))
    error = client.start(lambda api: api.get("/items", proxy=wrong)).error()
    assert (error.code, error.status) == ("ERR_BAD_REQUEST", 407)
    assert server.count() == 0


@pytest.mark.parametrize(
    "proxy",
    [
        {"host": "proxy.local", "auth": ("ada", PASSWORD)},
        {"host": "proxy.local", "auth": ["ada", PASSWORD]},
        {"host": "proxy.local", "auth": {"username": "ada", "password": PASSWORD}},
        f"http://ada:{PASSWORD}@proxy.local:1",
        f"ada:{PASSWORD}@proxy.local",
        f"ada:{PASSWORD.replace('/', '%2F')}@proxy.local",
    ],
    ids=str,
)
def test_credentials_are_not_shown(proxy: Any) -> None:
    try:
        config = RequestConfig(proxy=proxy)
    except RequestError as error:
        shown = f"{error} {error!r} {error.to_json()}"
    else:
        shown = f"{config!r} {config.to_json()}"
        assert "proxy.local" in shown
        assert "[REDACTED ****]" in shown
    assert "pa:ss" not in shown


def test_a_url_without_credentials_is_shown_as_it_is() -> None:
    assert RequestConfig(proxy="proxy.local:3128").to_json() == {"proxy": "proxy.local:3128"}


FAILING: dict[str, Callable[[ForwardProxy, str], Any]] = {
    "refused credentials": lambda proxy, secret: address(proxy, auth=("ada", secret)),
    "refused credentials of a URL": lambda proxy, secret: (
        f"http://ada:{secret}@127.0.0.1:{proxy.port}"
    ),
    "a proxy that is down": lambda _proxy, secret: {
        "host": "127.0.0.1",
        "port": 1,
        "auth": ("a", secret),
    },
    "a port that is none": lambda _proxy, secret: f"http://ada:{secret}@127.0.0.1:port",
    "a host that is none": lambda _proxy, secret: {"host": f"ada:{secret}@127.0.0.1"},
    "a mapping with a part too many": lambda proxy, secret: address(
        proxy, auth=("ada", secret), name="proxy"
    ),
}


@pytest.mark.parametrize("over_tls", [False, True], ids=["plain", "tls"])
@pytest.mark.parametrize("make", FAILING.values(), ids=FAILING)
def test_an_error_shows_no_credentials_of_a_proxy(
    kind: type[Client],
    guarded: ForwardProxy,
    make: Callable[[ForwardProxy, str], Any],
    over_tls: bool,
) -> None:
    secrets = Secrets()
    password = secrets.new()
    secrets.note_basic("ada", password)
    client = kind.create(base_url=f"{'https' if over_tls else 'http'}://api.invalid")
    failure = client.start(lambda api: api.get("/items", proxy=make(guarded, password))).failure()
    leave_nothing_behind(client)
    assert leaks(secrets, error=failure) == []


# --- the environment ---


def test_the_environment_names_a_proxy(
    kind: type[Client],
    server: AuthServer,
    guarded: ForwardProxy,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server.answer("/items")
    monkeypatch.setenv("HTTP_PROXY", url_with_credentials(guarded))
    client = kind.create(base_url=server.url)
    client.call(lambda api: api.get("/items"))
    client.call(lambda api: api.get("/items", proxy=None))
    client.close()
    assert len(guarded.seen) == 2
    assert "proxy-authorization" not in server.seen("/items")[0].headers


def test_the_environment_names_hosts_without_a_proxy(
    kind: type[Client], server: AuthServer, proxy: ForwardProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.answer("/items")
    monkeypatch.setenv("HTTP_PROXY", proxy.url)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    client = kind.create(base_url=server.url)
    client.call(lambda api: api.get("/items"))
    assert proxy.seen == []
    client.call(lambda api: api.get("/items", proxy=address(proxy)))
    client.close()
    assert len(proxy.seen) == 1


def test_false_switches_the_proxies_of_the_environment_off(
    kind: type[Client], server: AuthServer, proxy: ForwardProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.answer("/items")
    monkeypatch.setenv("HTTP_PROXY", proxy.url)
    client = kind.create(base_url=server.url, proxy=False)
    client.call(lambda api: api.get("/items"))
    client.close()
    assert proxy.seen == []
    assert server.count() == 1


@pytest.mark.parametrize("url", ["ftp://ada:pa%3Ass%2Fw%40rd@host:1080", "http://ada:pa%3Ass@:x"])
def test_a_proxy_of_the_environment_that_cannot_be_used_is_named_without_its_password(
    kind: type[Client], server: AuthServer, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", url)
    client = kind.create(base_url=server.url)
    error = client.start(lambda api: api.get("/items")).error()
    client.close()
    assert error.code == "ERR_BAD_OPTION_VALUE"
    assert "HTTP_PROXY" in error.message
    assert "pa%3A" not in error.message
    assert PASSWORD not in error.message
    assert not error.request_was_sent


def test_a_socks_proxy_of_the_environment_is_left_to_clients_that_speak_socks() -> None:
    proxies = {"all": "socks5://ada:pa%3Ass%2Fw%40rd@host"}
    proxy = environment_proxy("https://api.invalid", proxies, takes_socks=True)
    assert proxy is not None
    assert (proxy.url, proxy.auth) == ("socks5://host:1080", ("ada", PASSWORD))


# --- what goes wrong ---


def test_a_proxy_that_is_down_refuses_the_connection(client: Client, server: AuthServer) -> None:
    with ForwardProxy() as proxy:
        down = address(proxy)
        proxy.stop_listening()
        error = client.start(lambda api: api.get("/items", proxy=down)).error()
    assert error.code == "ECONNREFUSED"
    assert not error.request_was_sent
    assert server.count() == 0


BAD_PROXIES: list[tuple[Any, str]] = [
    (5, "int"),
    (True, "bool"),
    ("", "URL"),
    ("http://", "URL"),
    ("http://proxy.local:99999", "URL"),
    ("http://proxy\r\n.local", "URL"),
    ("socks5://proxy.local", "protocol"),
    ({"protocol": "ftp", "host": "proxy.local"}, "protocol"),
    ({"protocol": 5, "host": "proxy.local"}, "int"),
    ({"host": 5}, "int"),
    ({"host": ""}, "host"),
    ({"host": "proxy.local:3128"}, "host"),
    ({"host": "ada@proxy.local"}, "host"),
    ({"host": "proxy.local\r\nX-Evil: 1"}, "host"),
    ({"host": "proxy.local", "port": 0}, "0"),
    ({"host": "proxy.local", "port": 65536}, "65536"),
    ({"host": "proxy.local", "port": "http"}, "'http'"),
    ({"host": "proxy.local", "port": 1.5}, "float"),
    ({"host": "proxy.local", "auth": "ada:lovelace"}, "str"),
    ({"host": "proxy.local", "auth": ("ada", 5)}, "int"),
    ({"host": "proxy.local", "prot": 1}, "'prot'"),
    ({"port": 3128}, "host"),
    ({}, "host"),
    ({"host": "proxy.local", "auth": {}}, "auth"),
    ({"host": "proxy.local", "auth": ("", "")}, "auth"),
]


@pytest.mark.parametrize(("value", "named"), BAD_PROXIES, ids=repr)
def test_a_proxy_that_means_nothing_is_refused_before_anything_is_sent(
    client: Client, server: AuthServer, value: Any, named: str
) -> None:
    failure = client.start(lambda api: api.get("/items", proxy=value)).failure()
    assert isinstance(failure, (RequestError, TypeError)), repr(failure)
    if isinstance(failure, RequestError):
        assert failure.code in ("ERR_BAD_OPTION_VALUE", "ERR_BAD_OPTION")
        assert not failure.request_was_sent
    assert "proxy" in str(failure)
    assert named in str(failure)
    assert server.count() == 0


@pytest.mark.parametrize("host", ["::1", "[::1]"])
def test_the_address_of_a_proxy_may_be_ipv6(host: str) -> None:
    proxy = proxy_of({"host": host, "protocol": "https:"})
    assert proxy
    assert proxy.url == "https://[::1]:443"


@only_httpx
@pytest.mark.parametrize("option", [{"host": "127.0.0.1", "port": 1}, "http://127.0.0.1:1", False])
def test_a_client_of_ones_own_has_its_own_proxy(
    kind: type[Client], server: AuthServer, option: Any
) -> None:
    theirs: Any = httpx.AsyncClient() if kind.is_async else httpx.Client()
    client = kind.create(client=theirs, base_url=server.url)
    error = client.start(lambda api: api.get("/items", proxy=option)).error()
    client.close()
    assert error.code == "ERR_NOT_SUPPORT"
    assert "give the proxy to that client" in str(error)
    assert not error.request_was_sent
    assert server.count() == 0


# --- what is left behind ---


def test_an_instance_closes_its_connections_to_proxies(
    kind: type[Client], server: AuthServer, proxy: ForwardProxy
) -> None:
    server.answer("/items")
    client = kind.create(base_url=server.url)
    client.call(lambda api: api.get("/items", proxy=address(proxy)))
    assert proxy.open_connections == 1
    client.close()
    wait_until(lambda: proxy.open_connections == 0)


@only_httpx
def test_a_connection_that_has_been_idle_is_closed_by_a_later_request(
    client: Client, server: AuthServer, proxy: ForwardProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.answer("/items")
    get_items(client, proxy=address(proxy, auth=("ada", PASSWORD)))
    monkeypatch.setattr(pools, "KEPT", 0.0)
    get_items(client, proxy=address(proxy, auth=("bob", PASSWORD)))
    wait_until(lambda: proxy.open_connections == 1)
    assert proxy.connections == 2


@only_httpx
def test_only_so_many_idle_connections_are_kept(
    client: Client, server: AuthServer, proxy: ForwardProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.answer("/items")
    monkeypatch.setattr(pools, "MOST", 3)
    for number in range(5):
        get_items(client, proxy=address(proxy, auth=(f"user {number}", "password")))
    wait_until(lambda: proxy.open_connections == 3)
    assert proxy.connections == 5


def get_items(client: Client, **options: Any) -> None:
    client.call(lambda api: api.get("/items", **options))
