from __future__ import annotations

import socket
from collections.abc import Iterator

import httpx
import pytest

from .http1 import Answer
from .server import LOGIN, REFRESH, USERS, AuthServer
from .waiting import wait_until


@pytest.fixture
def server() -> Iterator[AuthServer]:
    with AuthServer() as server:
        yield server


@pytest.fixture
def client(server: AuthServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url) as client:
        yield client


def connected(server: AuthServer) -> socket.socket:
    address = httpx.URL(server.url)
    return socket.create_connection((address.host, address.port), timeout=5)


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def test_a_user_logs_in_asks_and_refreshes(client: httpx.Client) -> None:
    tokens = client.post(LOGIN, json={"username": "ada", "password": USERS["ada"]}).json()
    asked = client.get("/items", headers=bearer(tokens["access_token"]))
    assert (asked.status_code, asked.json()) == (200, {"user": "ada", "number": 1})
    renewed = client.post(REFRESH, json={"refresh_token": tokens["refresh_token"]}).json()
    assert client.get("/items", headers=bearer(renewed["access_token"])).json()["number"] == 2


def test_what_is_not_authorized_is_answered_401(server: AuthServer, client: httpx.Client) -> None:
    token = server.login("ada").access_token
    server.expire()
    assert client.get("/items").status_code == 401
    assert client.get("/items", headers=bearer(token)).status_code == 401
    assert client.post(REFRESH, json={"refresh_token": "unknown"}).status_code == 401


def test_requests_are_noted(server: AuthServer, client: httpx.Client) -> None:
    client.post("/items?page=1", headers=bearer("a"), content=b"body")
    client.post("/items", content=iter([b"bo", b"dy"]))
    first, second = server.wait_for(2, "/items")
    assert (first.method, first.path, first.body) == ("POST", "/items", b"body")
    assert (first.authorization, first.token) == ("Bearer a", "a")
    assert (second.token, second.body) == (None, b"body")
    assert server.count() == 2
    assert server.connections == 1


def test_waiting_for_requests_that_do_not_come_fails(server: AuthServer) -> None:
    with pytest.raises(AssertionError, match="0 requests for /items arrived"):
        server.wait_for(1, "/items", bound=0.01)


def test_answers_are_given_in_the_order_in_which_they_were_told(
    server: AuthServer, client: httpx.Client
) -> None:
    server.answer("/items", status=503, times=2)
    server.answer("/items", body={"a": 1}, times=1)
    statuses = [client.get("/items").status_code for _ in range(4)]
    assert statuses == [503, 503, 200, 401]


def test_a_behaviour_is_given_the_request(server: AuthServer, client: httpx.Client) -> None:
    server.behave("/echo", lambda seen: Answer(body=seen.body))
    assert client.post("/echo", content=b"body").content == b"body"


def test_a_redirect_leads_elsewhere(server: AuthServer, client: httpx.Client) -> None:
    server.redirect("/moved", "/items")
    assert client.get("/moved").headers["location"] == "/items"


def test_an_answer_may_be_cut(server: AuthServer, client: httpx.Client) -> None:
    server.answer("/items", body=b"0123456789", cut=-5)
    with pytest.raises(httpx.RemoteProtocolError):
        client.get("/items")


@pytest.mark.parametrize("when_done", [False, True])
def test_hanging_up_may_come_before_or_after_the_work(
    server: AuthServer, client: httpx.Client, when_done: bool
) -> None:
    server.hang_up(REFRESH, when_done=when_done, times=1)
    with pytest.raises(httpx.RemoteProtocolError):
        client.post(REFRESH, json={"refresh_token": server.login("ada").refresh_token})
    assert server.authority.journal.count("refresh") == when_done


def test_hanging_up_may_come_before_anything_is_read(
    server: AuthServer, client: httpx.Client
) -> None:
    server.hang_up_on_connect()
    with pytest.raises(httpx.TransportError):
        client.get("/items")
    assert (server.connections, server.count()) == (1, 0)


def test_a_gate_keeps_back_answers_that_were_made_when_the_requests_arrived(
    server: AuthServer,
) -> None:
    token = server.login("ada").access_token
    gate = server.hold("/items")
    with connected(server) as connection:
        connection.sendall(f"GET /items HTTP/1.1\r\nAuthorization: Bearer {token}\r\n\r\n".encode())
        server.wait_for(1, "/items")
        server.expire()
        connection.setblocking(False)
        with pytest.raises(BlockingIOError):
            connection.recv(1)
        gate.open()
        connection.settimeout(5)
        assert connection.recv(15) == b"HTTP/1.1 200 OK"


def test_a_server_may_refuse_connections_at_first() -> None:
    with AuthServer(listening=False) as server, httpx.Client(base_url=server.url) as client:
        with pytest.raises(httpx.ConnectError):
            client.get("/items")
        server.listen()
        assert client.get("/items").status_code == 401


def test_the_end_does_not_wait_for_answers_that_are_kept_back() -> None:
    with AuthServer() as server:
        server.hold("/items")
        connection = connected(server)
        connection.sendall(b"GET /items HTTP/1.1\r\n\r\n")
        server.wait_for(1)
    with connection:
        assert connection.recv(1) == b""


def test_waiting_for_what_does_not_come_true_fails() -> None:
    with pytest.raises(AssertionError, match="within 0"):
        wait_until(lambda: False, 0.01)
