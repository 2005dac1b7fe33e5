from __future__ import annotations

import asyncio
import contextlib
import json
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import backend as backend_module
import httpx
import pytest
from backend import Backend, ServedRequest, running_backend
from zustax.transport.testing import Clock, wait_until

SCRIPT = Path(backend_module.__file__)
ADA = {"username": "ada", "password": "lovelace"}
BOB = {"username": "bob", "password": "builder"}
HOUR = 3_600.0
CONNECTIONS = 500
#: Seconds after which a test gives up waiting.
BOUND = 10.0
PROTECTED = [
    ("GET", "/me"),
    ("GET", "/items"),
    ("GET", "/reports"),
    ("GET", "/archive"),
    ("POST", "/echo"),
]


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    """A client of a backend that many tests share: none of them asks what the others did to it."""
    with running_backend(access_ttl=60.0) as backend, client_of(backend) as opened:
        yield opened


def client_of(running: Backend | Process) -> httpx.Client:
    return httpx.Client(base_url=running.base_url, timeout=10.0)


def login(client: httpx.Client, credentials: dict[str, str] = ADA) -> dict[str, Any]:
    response = client.post("/auth/login", json=credentials)
    assert response.status_code == 200
    tokens: dict[str, Any] = response.json()
    return tokens


def refresh(client: httpx.Client, tokens: dict[str, Any]) -> httpx.Response:
    return client.post("/auth/refresh", json={"refresh_token": tokens["refresh_token"]})


def bearer(tokens: dict[str, Any]) -> dict[str, str]:
    return {"Authorization": f"Bearer {tokens['access_token']}"}


@contextlib.contextmanager
def refresh_under_way(backend: Backend, rest: bytes | None = None) -> Iterator[socket.socket]:
    """A connection whose refresh has reached the application, and then was sent its body."""
    url = httpx.URL(backend.base_url)
    tokens = backend.authority.login("ada", "lovelace")
    body = json.dumps({"refresh_token": tokens.refresh_token}).encode()
    head = (
        "POST /api/auth/refresh HTTP/1.1\r\n"
        "Host: backend\r\n"
        "Expect: 100-continue\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection((url.host, url.port or 0), timeout=10.0) as connection:
        connection.sendall(head.encode())
        # The server says so once the application asks for the body.
        assert connection.recv(4096).startswith(b"HTTP/1.1 100 ")
        connection.sendall(body if rest is None else rest)
        yield connection


class TestLogin:
    @pytest.mark.parametrize("credentials", [ADA, BOB])
    def test_answers_with_tokens_and_the_user(
        self, client: httpx.Client, credentials: dict[str, str]
    ) -> None:
        tokens = login(client, credentials)
        assert tokens.keys() == {"access_token", "refresh_token", "expires_in", "user"}
        assert tokens["expires_in"] == 60.0
        assert tokens["user"] == credentials["username"]

    def test_answers_401_to_a_wrong_password(self, client: httpx.Client) -> None:
        response = client.post("/auth/login", json=ADA | {"password": "byron"})
        assert response.status_code == 401
        assert response.headers["WWW-Authenticate"] == 'Bearer realm="api"'
        assert response.json() == {
            "error": "invalid_grant",
            "error_description": "the user name or the password is wrong",
        }

    def test_keeps_tokens_out_of_caches(self, client: httpx.Client) -> None:
        response = client.post("/auth/login", json=ADA)
        assert response.headers["Cache-Control"] == "no-store"


class TestRefresh:
    def test_answers_with_a_new_pair(self, client: httpx.Client) -> None:
        tokens = login(client)
        response = refresh(client, tokens)
        assert response.status_code == 200
        assert response.headers["Cache-Control"] == "no-store"
        renewed = response.json()
        assert renewed.keys() == {"access_token", "refresh_token", "expires_in"}
        assert renewed["refresh_token"] != tokens["refresh_token"]
        assert client.get("/me", headers=bearer(renewed)).json() == {"user": "ada"}

    def test_answers_401_to_an_unknown_token(self, client: httpx.Client) -> None:
        response = refresh(client, {"refresh_token": "made-up"})
        assert response.status_code == 401
        assert response.json() == {
            "error": "invalid_grant",
            "error_description": "the token was not issued by this authority",
        }

    def test_answers_401_to_a_reused_token_and_revokes_its_family(
        self, client: httpx.Client
    ) -> None:
        tokens = login(client)
        renewed = refresh(client, tokens).json()
        assert refresh(client, tokens).status_code == 401
        assert refresh(client, renewed).status_code == 401
        assert client.get("/me", headers=bearer(renewed)).status_code == 401

    def test_keeps_the_refresh_token_without_rotation(self) -> None:
        with (
            running_backend(rotate=False) as backend,
            client_of(backend) as client,
        ):
            tokens = login(client)
            assert refresh(client, tokens).json()["refresh_token"] == tokens["refresh_token"]
            assert refresh(client, tokens).status_code == 200

    def test_with_a_delay_is_served_after_it(self) -> None:
        with (
            running_backend(refresh_delay=0.05) as backend,
            client_of(backend) as client,
        ):
            assert refresh(client, login(client)).status_code == 200


class TestLogout:
    def test_takes_the_access_token_as_a_bearer_token(self, client: httpx.Client) -> None:
        tokens = login(client)
        response = client.post("/auth/logout", headers=bearer(tokens))
        assert (response.status_code, response.content) == (204, b"")
        assert client.get("/me", headers=bearer(tokens)).status_code == 401
        assert refresh(client, tokens).status_code == 401

    def test_takes_the_refresh_token_as_json(self, client: httpx.Client) -> None:
        tokens = login(client)
        body = {"refresh_token": tokens["refresh_token"]}
        assert client.post("/auth/logout", json=body).status_code == 204
        assert client.get("/me", headers=bearer(tokens)).status_code == 401

    def test_of_a_session_that_is_over_is_no_error(self, client: httpx.Client) -> None:
        tokens = login(client)
        for _ in range(2):
            assert client.post("/auth/logout", headers=bearer(tokens)).status_code == 204

    def test_without_any_token_is_400(self, client: httpx.Client) -> None:
        response = client.post("/auth/logout", json={})
        assert response.status_code == 400
        assert "refresh_token" in response.json()["error_description"]


class TestProtectedResource:
    @pytest.mark.parametrize(("method", "path"), PROTECTED)
    def test_is_served_to_a_signed_in_user(
        self, client: httpx.Client, method: str, path: str
    ) -> None:
        body = b"{}" if method == "POST" else None
        response = client.request(method, path, headers=bearer(login(client)), content=body)
        assert response.status_code == 200

    @pytest.mark.parametrize(("method", "path"), PROTECTED)
    def test_asks_for_a_token_without_naming_an_error_if_none_was_sent(
        self, client: httpx.Client, method: str, path: str
    ) -> None:
        response = client.request(method, path)
        assert response.status_code == 401
        assert response.headers["WWW-Authenticate"] == 'Bearer realm="api"'
        assert response.json() == {
            "error": "unauthorized",
            "error_description": "an access token is missing",
        }

    @pytest.mark.parametrize(("method", "path"), PROTECTED)
    def test_refuses_a_token_that_is_not_valid(
        self, client: httpx.Client, method: str, path: str
    ) -> None:
        response = client.request(method, path, headers={"Authorization": "Bearer made-up"})
        assert response.status_code == 401
        assert response.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'
        assert response.json()["error"] == "invalid_token"

    def test_refuses_a_token_from_the_moment_it_expires(self) -> None:
        clock = Clock()
        with (
            running_backend(access_ttl=60.0, clock=clock) as backend,
            client_of(backend) as client,
        ):
            headers = bearer(login(client))
            clock.advance(59.0)
            assert client.get("/items", headers=headers).status_code == 200
            clock.advance(1.0)
            response = client.get("/items", headers=headers)
            assert response.status_code == 401
            assert response.json()["error_description"] == "the token has expired"

    @pytest.mark.parametrize("header", ["Bearer", "Basic YWRhOmxvdmVsYWNl", "made-up"])
    def test_takes_a_header_without_a_bearer_token_for_none(
        self, client: httpx.Client, header: str
    ) -> None:
        response = client.get("/items", headers={"Authorization": header})
        assert response.status_code == 401
        assert response.headers["WWW-Authenticate"] == 'Bearer realm="api"'

    def test_knows_the_scheme_in_any_case(self, client: httpx.Client) -> None:
        header = f"bearer {login(client)['access_token']}"
        assert client.get("/me", headers={"Authorization": header}).status_code == 200

    @pytest.mark.parametrize(
        "sent", [b'{"a": [1, 2.5, null, "\xc3\xa9"]}', b'"\\ud800"', b"1e999", b" [ ] "]
    )
    def test_echoes_the_json_it_was_sent(self, client: httpx.Client, sent: bytes) -> None:
        response = client.post("/echo", content=sent, headers=bearer(login(client)))
        assert response.content == sent
        assert response.headers["Content-Type"] == "application/json"


class TestBadRequest:
    @pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[" * 100_000, b"user=ada"])
    @pytest.mark.parametrize("path", ["/auth/login", "/auth/refresh", "/auth/logout", "/echo"])
    def test_without_json_is_400(self, client: httpx.Client, path: str, body: bytes) -> None:
        headers = bearer(login(client)) if path == "/echo" else {}
        response = client.post(path, content=body, headers=headers)
        assert response.status_code == 400
        assert response.json() == {
            "error": "invalid_request",
            "error_description": "the body is not JSON",
        }

    @pytest.mark.parametrize(
        ("path", "body", "missing"),
        [
            ("/auth/login", {}, "username, password"),
            ("/auth/login", {"username": "ada"}, "password"),
            ("/auth/login", {"username": None, "password": "s3cret"}, "username"),
            ("/auth/login", ["s3cret"], "username, password"),
            ("/auth/refresh", {}, "refresh_token"),
            ("/auth/refresh", {"refresh_token": 1}, "refresh_token"),
            ("/auth/refresh", "s3cret", "refresh_token"),
        ],
    )
    def test_without_a_field_is_400_and_says_which(
        self, client: httpx.Client, path: str, body: object, missing: str
    ) -> None:
        response = client.post(path, json=body)
        assert response.status_code == 400
        assert response.json() == {
            "error": "invalid_request",
            "error_description": f"the body must be a JSON object with a text for {missing}",
        }

    def test_for_what_does_not_exist_is_404_as_json(self, client: httpx.Client) -> None:
        response = client.get("/nothing")
        assert response.status_code == 404
        assert response.json()["error"] == "not_found"

    def test_with_a_wrong_method_is_405_as_json(self, client: httpx.Client) -> None:
        response = client.get("/auth/login")
        assert response.status_code == 405
        assert response.headers["Allow"] == "POST"
        assert response.json()["error"] == "method_not_allowed"


class TestEmbedded:
    def test_notes_what_it_met(self) -> None:
        with running_backend() as backend, client_of(backend) as client:
            renewed = refresh(client, login(client)).json()
            client.get("/items", headers=bearer(renewed), params={"page": "1"})
            client.get("/items")
        assert backend.requests == (
            ServedRequest("POST", "/api/auth/login", 200),
            ServedRequest("POST", "/api/auth/refresh", 200),
            ServedRequest("GET", "/api/items", 200),
            ServedRequest("GET", "/api/items", 401),
        )
        assert [entry.event for entry in backend.authority.journal] == ["login", "refresh"]

    def test_takes_connections_as_soon_as_the_block_begins_and_none_after_it(self) -> None:
        with running_backend() as backend:
            url = httpx.URL(backend.base_url)
            assert url.path == "/api"
            assert httpx.get(f"{backend.base_url}/me").status_code == 401
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((url.host, url.port or 0), timeout=10.0)

    def test_can_run_beside_another(self) -> None:
        with running_backend() as one, running_backend() as other:
            assert one.base_url != other.base_url
            with client_of(one) as client:
                headers = bearer(login(client))
            assert httpx.get(f"{one.base_url}/me", headers=headers).status_code == 200
            assert httpx.get(f"{other.base_url}/me", headers=headers).status_code == 401

    def test_leaves_no_thread_behind(self) -> None:
        before = set(threading.enumerate())
        with running_backend() as backend:
            httpx.get(f"{backend.base_url}/me")
        assert set(threading.enumerate()) == before

    def test_ends_when_the_block_raises(self) -> None:
        before = set(threading.enumerate())
        with pytest.raises(LookupError), running_backend():
            raise LookupError
        assert set(threading.enumerate()) == before

    def test_does_not_wait_for_connections_that_are_kept_alive(self) -> None:
        with contextlib.ExitStack() as clients, running_backend() as backend:
            for _ in range(3):
                client = clients.enter_context(client_of(backend))
                assert client.get("/me").status_code == 401

    def test_answers_503_to_a_refresh_that_is_under_way_when_it_ends(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        with contextlib.ExitStack() as connections:
            with running_backend(refresh_delay=HOUR) as backend:
                connection = connections.enter_context(refresh_under_way(backend))
            assert connection.recv(4096).startswith(b"HTTP/1.1 503 ")
        assert backend.authority.journal.count("refresh") == 0
        assert caplog.messages == []

    def test_rotates_the_token_of_a_client_that_has_left(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        with running_backend(refresh_delay=0.05) as backend:
            with refresh_under_way(backend):
                pass
            wait_until(lambda: backend.authority.journal.count("refresh") == 1, BOUND)
        assert caplog.messages == []

    def test_is_not_troubled_by_a_client_that_leaves_in_the_middle_of_its_body(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        with running_backend() as backend:
            with refresh_under_way(backend, rest=b"{"):
                pass
            refused = ServedRequest("POST", "/api/auth/refresh", 400)
            wait_until(lambda: refused in backend.requests, BOUND)
        assert caplog.messages == []

    @pytest.mark.slow
    def test_is_clean_under_python_with_every_check_on(self) -> None:
        program = (
            "import http.client, backend\n"
            "with backend.running_backend() as running:\n"
            "    host, port = running.base_url.split('/')[2].split(':')\n"
            "    connection = http.client.HTTPConnection(host, int(port), timeout=10)\n"
            "    connection.request('GET', '/api/me')\n"
            "    print(connection.getresponse().status)\n"
            "connection.close()\n"
        )
        ended = subprocess.run(
            [sys.executable, "-X", "dev", "-W", "error", "-c", program],
            cwd=SCRIPT.parent,
            capture_output=True,
            text=True,
            timeout=30.0,
            check=False,
        )
        assert (ended.returncode, ended.stdout, ended.stderr) == (0, "401\n", "")


@attrs.frozen
class Process:
    """``backend.py`` as a process of its own."""

    popen: subprocess.Popen[str]
    line: str

    @property
    def base_url(self) -> str:
        return self.line.split()[0]

    def interrupt(self) -> tuple[int, str, str]:
        """Press Ctrl-C; what the process leaves: its exit code and the rest of its output."""
        self.popen.send_signal(signal.SIGINT)
        stdout, stderr = self.popen.communicate(timeout=30.0)
        return self.popen.returncode, stdout, stderr


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-X", "dev", "-W", "error", str(SCRIPT), *arguments]


@contextlib.contextmanager
def running_process(*arguments: str) -> Iterator[Process]:
    with subprocess.Popen(
        command("--port", "0", *arguments),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as popen:
        # Whatever waits for the process goes on when it is killed.
        watchdog = threading.Timer(40.0, popen.kill)
        watchdog.start()
        try:
            assert popen.stdout is not None
            yield Process(popen, popen.stdout.readline())
        finally:
            watchdog.cancel()
            watchdog.join()
            popen.kill()


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*arguments), capture_output=True, text=True, timeout=30.0, check=False
    )


@pytest.mark.slow
class TestAlone:
    def test_says_where_it_is_and_how_to_log_in(self) -> None:
        with running_process() as process:
            assert re.fullmatch(
                r"http://127\.0\.0\.1:\d+/api \(log in as ada with the password lovelace\)\n",
                process.line,
            )
            with client_of(process) as client:
                assert client.get("/items", headers=bearer(login(client))).status_code == 200

    def test_takes_the_times_and_the_rotation_from_its_options(self) -> None:
        with (
            running_process("--access-ttl", "0", "--refresh-ttl", "600", "--no-rotate") as process,
            client_of(process) as client,
        ):
            tokens = login(client)
            assert tokens["expires_in"] == 0
            assert client.get("/me", headers=bearer(tokens)).status_code == 401
            assert refresh(client, tokens).json()["refresh_token"] == tokens["refresh_token"]

    @pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGINT to send")
    def test_ends_cleanly_at_ctrl_c(self) -> None:
        with (
            running_process("--refresh-delay", "0.05") as process,
            client_of(process) as client,
        ):
            assert refresh(client, login(client)).status_code == 200
            assert process.interrupt() == (0, "", "")

    def test_says_in_one_line_that_the_port_is_taken(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            ended = run("--port", str(port))
        assert (ended.returncode, ended.stdout) == (1, "")
        (line,) = ended.stderr.splitlines()
        assert line.startswith("cannot listen: ")
        assert str(port) in line
        assert line.endswith("; choose another --host or --port")

    @pytest.mark.parametrize(
        ("arguments", "complaint"),
        [
            (("--port", "65536"), "65536 is not a port; choose one from 0 to 65535"),
            (("--port", "http"), "invalid port value: 'http'"),
            (("--access-ttl", "-1"), "-1 is not a number of seconds from 0 up"),
            (("--refresh-ttl", "inf"), "inf is not a number of seconds from 0 up"),
            (("--refresh-delay", "soon"), "invalid seconds value: 'soon'"),
        ],
    )
    def test_says_what_is_wrong_with_an_option(
        self, arguments: tuple[str, ...], complaint: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        with pytest.raises(SystemExit) as caught:
            backend_module.main(arguments)
        assert caught.value.code == 2
        assert f"argument {arguments[0]}: {complaint}" in capsys.readouterr().err

    async def test_serves_500_connections_that_are_open_at_once(self) -> None:
        with running_process() as process:
            url = httpx.URL(process.base_url)
            async with httpx.AsyncClient(base_url=url, timeout=10.0) as client:
                tokens = (await client.post("/auth/login", json=ADA)).json()
            request = (
                "GET /api/archive HTTP/1.1\r\n"
                "Host: backend\r\n"
                f"Authorization: Bearer {tokens['access_token']}\r\n"
                "Connection: close\r\n\r\n"
            ).encode()
            async with asyncio.timeout(30.0):
                streams = await asyncio.gather(
                    *(asyncio.open_connection(url.host, url.port) for _ in range(CONNECTIONS))
                )
                for _, writer in streams:
                    writer.write(request)
                answers = await asyncio.gather(*(reader.read() for reader, _ in streams))
                for _, writer in streams:
                    writer.close()
                    await writer.wait_closed()
        assert len(answers) == CONNECTIONS
        assert {answer.splitlines()[0] for answer in answers} == {b"HTTP/1.1 200 OK"}
