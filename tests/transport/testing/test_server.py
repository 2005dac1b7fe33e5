"""The server of the kit does what it is told, and tells what it saw."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from zustax.transport.testing import (
    Answer,
    Endpoints,
    InvalidGrantError,
    SeenRequest,
    TokenAuthority,
    wait_until,
)

from ...support.clients import TLS
from ...support.server import LOGIN, REFRESH, USERS, AuthServer
from ...support.sockets import connected, request


@pytest.fixture
def server() -> Iterator[AuthServer]:
    with AuthServer() as server:
        yield server


@pytest.fixture
def client(server: AuthServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, verify=TLS) as client:
        yield client


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
    with pytest.raises(AssertionError, match=r"after 0.01 seconds 0 requests for /items have"):
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
    with pytest.raises(AssertionError, match=r"after 0.01 seconds the condition does not hold"):
        wait_until(lambda: False, 0.01)


# --- what the authority answers ---


def test_a_session_ends_by_logging_out(server: AuthServer, client: httpx.Client) -> None:
    tokens = server.login("ada")
    ended = client.post("/auth/logout", json={"refresh_token": tokens.refresh_token})
    assert (ended.status_code, ended.content) == (204, b"")
    assert client.get("/items", headers=bearer(tokens.access_token)).status_code == 401
    assert server.authority.journal.count("logout") == 1


def test_credentials_may_come_as_a_form(client: httpx.Client) -> None:
    tokens = client.post(LOGIN, data={"username": "ada", "password": USERS["ada"]}).json()
    renewed = client.post(REFRESH, data={"refresh_token": tokens["refresh_token"]})
    assert renewed.status_code == 200


@pytest.mark.parametrize("body", [b"", b"no json", b"[]", b"5", b'{"user": "ada"}'])
@pytest.mark.parametrize("path", [LOGIN, REFRESH, "/auth/logout"])
def test_what_is_no_set_of_credentials_is_a_bad_request(
    client: httpx.Client, path: str, body: bytes
) -> None:
    answer = client.post(path, content=body)
    assert (answer.status_code, answer.json()) == (400, {"error": "invalid_request"})


def test_the_authority_is_reached_where_it_is_told() -> None:
    endpoints = Endpoints(login="/in", refresh="/on", logout="/out")
    with AuthServer(endpoints=endpoints) as server, httpx.Client(base_url=server.url) as client:
        tokens = client.post("/in", json={"username": "ada", "password": USERS["ada"]}).json()
        renewed = client.post("/on", json={"refresh_token": tokens["refresh_token"]}).json()
        assert client.get(LOGIN, headers=bearer(renewed["access_token"])).status_code == 200
        assert client.post("/out", json=renewed).status_code == 204


def test_users_of_ones_own_log_in_with_their_passwords() -> None:
    with AuthServer(TokenAuthority(users={"eve": "secret"})) as server:
        assert server.login("eve", "secret").access_token
        with pytest.raises(InvalidGrantError):
            server.login("eve", "wrong")


def test_something_else_may_answer() -> None:
    app = AuthServer(app=lambda request: Answer(body=[request.method, request.query]))
    with app as server, httpx.Client(base_url=server.url) as client:
        assert client.put("/items?a=1&b").json() == ["PUT", "a=1&b"]


# --- more of what it is told ---


def test_what_is_told_for_every_path_stands_in_line(
    server: AuthServer, client: httpx.Client
) -> None:
    server.answer("*", status=503, times=1)
    server.answer("/items", status=429, times=1)
    statuses = [client.get(path).status_code for path in ("/other", "/items", "/items")]
    assert statuses == [503, 429, 401]


def test_a_server_recovers_for_one_path_or_for_all(
    server: AuthServer, client: httpx.Client
) -> None:
    for path in ("/a", "/b", "/c"):
        server.answer(path, status=503)
    server.recover("/a")
    assert [client.get(path).status_code for path in ("/a", "/b", "/c")] == [401, 503, 503]
    server.recover()
    assert [client.get(path).status_code for path in ("/a", "/b", "/c")] == [401, 401, 401]


def test_an_answer_that_is_delayed_was_made_in_time(
    server: AuthServer, client: httpx.Client
) -> None:
    token = server.login("ada").access_token
    server.delay("/items", 0.05, times=1)

    def expire() -> None:
        server.wait_for(1, "/items")
        server.expire()

    with ThreadPoolExecutor(1) as threads:
        threads.submit(expire)
        assert client.get("/items", headers=bearer(token)).status_code == 200
    assert client.get("/items", headers=bearer(token)).status_code == 401


@pytest.mark.parametrize("times", [0, -1])
def test_a_number_of_times_that_is_none_is_refused(server: AuthServer, times: int) -> None:
    with pytest.raises(ValueError, match=f"times must be a whole number from 1 up.*{times}"):
        server.answer("/items", times=times)


def test_an_answer_has_the_headers_that_it_is_given(
    server: AuthServer, client: httpx.Client
) -> None:
    server.answer(
        "/items",
        body=b"text",
        headers=[("Set-Cookie", "a=1"), ("Set-Cookie", "b=2"), ("content-type", "text/plain")],
    )
    answer = client.get("/items")
    assert answer.headers.get_list("set-cookie") == ["a=1", "b=2"]
    assert answer.headers.get_list("content-type") == ["text/plain"]
    assert answer.text == "text"


def test_an_answer_to_head_has_no_body(server: AuthServer, client: httpx.Client) -> None:
    server.answer("/items", body={"a": 1})
    head = client.head("/items")
    assert (head.headers["content-length"], head.content) == ("8", b"")
    assert client.get("/items").json() == {"a": 1}
    assert server.requests_by_connection == [2]


def test_a_gate_is_open_at_the_end_of_its_block(server: AuthServer, client: httpx.Client) -> None:
    with ThreadPoolExecutor(1) as threads:
        with server.hold("*"):
            answer = threads.submit(client.get, "/items")
            server.wait_for(1)
            assert not answer.done()
        assert answer.result(5).status_code == 401


def ask_mistaken_server(failure: Exception | None = None) -> None:
    """Use a server with a behaviour that raises, in a block that ends with ``failure``."""

    def mistaken(_request: SeenRequest) -> Answer:
        raise LookupError("a mistake in the test")

    with AuthServer() as server:
        server.behave("/items", mistaken)
        assert httpx.get(f"{server.url}/items").status_code == 500
        if failure is not None:
            raise failure


def test_a_behaviour_that_raises_is_answered_and_raised_at_the_end() -> None:
    with pytest.raises(LookupError, match="a mistake in the test"):
        ask_mistaken_server()


def test_the_error_of_a_test_is_not_replaced_by_that_of_a_behaviour() -> None:
    with pytest.raises(ZeroDivisionError):
        ask_mistaken_server(ZeroDivisionError())


# --- more of what it saw ---


def test_connections_are_counted(server: AuthServer, client: httpx.Client) -> None:
    client.get("/items")
    client.get("/items", headers={"Connection": "close"})
    wait_until(lambda: server.open_connections == 0)
    client.get("/items")
    assert (server.connections, server.open_connections) == (2, 1)
    assert server.requests_by_connection == [2, 1]
    assert [seen.connection for seen in server.seen()] == [1, 1, 2]


def test_a_client_that_leaves_while_its_answer_is_kept_back_is_no_connection_any_more(
    server: AuthServer,
) -> None:
    server.hold("/items")
    with connected(server) as connection:
        request(connection, "/items")
        server.wait_for(1)
    wait_until(lambda: server.open_connections == 0)


def test_the_repr_of_a_request_and_of_an_answer_shows_no_secret(
    server: AuthServer, client: httpx.Client
) -> None:
    client.post("/items?key=secret", headers=bearer("secret"), json={"password": "secret"})
    (seen,) = server.seen()
    assert repr(seen) == f"<SeenRequest POST /items, body of {len(seen.body)} bytes>"
    assert repr(Answer(body={"access_token": "secret"})) == "<Answer 200>"


def test_headers_of_one_name_are_joined(server: AuthServer) -> None:
    with connected(server) as connection:
        request(connection, "/items", "X-Name: a", "x-name:  b")
        (seen,) = server.wait_for(1)
    assert seen.headers["x-name"] == "a, b"


@pytest.mark.parametrize(
    "sent",
    [
        b"nonsense\r\n\r\n",
        b"GET / HTTP/1.1\r\nContent-Length: many\r\n\r\n",
        b"x" * (1 << 20) + b"too long",
    ],
)
def test_what_is_no_request_is_refused_and_not_noted(server: AuthServer, sent: bytes) -> None:
    with connected(server) as connection:
        connection.sendall(sent)
        assert connection.recv(15) == b"HTTP/1.1 400 Ba"
    assert server.count() == 0


async def test_waiting_for_requests_leaves_the_event_loop_free(server: AuthServer) -> None:
    async with httpx.AsyncClient(base_url=server.url) as client:
        asking = asyncio.create_task(client.get("/items"))
        (seen,) = await server.wait_for_async(1, "/items")
        assert (await asking).status_code == 401
    assert seen.path == "/items"
    with pytest.raises(AssertionError, match=r"after 0.01 seconds 1 requests for /items"):
        await server.wait_for_async(2, "/items", bound=0.01)


# --- its life ---


def test_a_server_that_was_not_started_says_how_to_start_it() -> None:
    with pytest.raises(RuntimeError, match="start it with `with MisbehavingServer"):
        AuthServer().url  # noqa: B018


def test_a_server_leaves_no_thread() -> None:
    def threads() -> int:
        return sum(thread.name == "zustax-testing" for thread in threading.enumerate())

    before = threads()
    with AuthServer() as server, httpx.Client(base_url=server.url) as client:
        client.get("/items")
        assert threads() == before + 1
    assert threads() == before


def test_a_connection_that_is_accepted_as_the_server_stops_is_closed() -> None:
    for _ in range(30):
        with AuthServer() as server, connected(server):
            pass
    gc.collect()  # a socket that is left open is a warning, and so an error
