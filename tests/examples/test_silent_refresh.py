from __future__ import annotations

import asyncio
import contextlib
import http.server
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import attrs
import pytest
import silent_refresh as example
from backend import running_backend
from zustax.store import UserStore
from zustax.transport import create, silent_refresh
from zustax.transport.testing import until

SCRIPT = Path(example.__file__)
COMMAND = [sys.executable, "-W", "error", str(SCRIPT)]
TIMEOUT = 100.0
COLUMNS = 80
#: Seconds after which a test gives up waiting for a condition.
BOUND = 10.0
SECONDS = r"\d+\.\d\d"


@attrs.frozen
class Ended:
    """What a process leaves."""

    code: int
    stdout: str
    stderr: str

    @property
    def result(self) -> str:
        """The last line."""
        return self.stdout.splitlines()[-1]


def run(*arguments: str, **variables: str) -> Ended:
    ended = subprocess.run(
        [*COMMAND, *arguments],
        env=os.environ | variables,
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )
    return Ended(ended.returncode, ended.stdout, ended.stderr)


def story(requests: int) -> str:
    """What the result says, as a pattern, if all is as it must be."""
    return (
        f"ok: {requests} x 401, 1 refresh, {requests} x 200 in {SECONDS} s; "
        "then 20 x 401, 1 login_required"
    )


@pytest.fixture(scope="module")
def shown() -> Ended:
    """What the example shows when it is run as the README says, into a pipe."""
    return run(FORCE_COLOR="1")


class TestEmbedded:
    def test_ends_well(self, shown: Ended) -> None:
        assert (shown.code, shown.stderr) == (0, "")
        assert re.fullmatch(story(100), shown.result)

    def test_tells_what_happens(self, shown: Ended) -> None:
        assert [line.split(None, 1)[0] for line in shown.stdout.splitlines()[:2]] == [
            "backend",
            "logged",
        ]
        for step in (
            r"backend +http://127\.0\.0\.1:\d+/api \(embedded\)",
            r"logged in +as ada; the access token lives \d+\.?\d* s",
            r"expired +100 requests leave at once, with the expired token",
            r" +100 sent: 401 +=+",
            r" +100 waited +\.+",
            r" +1 refresh: 200 +=+",
            r" +100 sent again: 200 +=+",
            r" +\d+\.\d ms +(\d+)  started refresh 1",
            r" +\d+\.\d ms +(\d+)  sent again GET /api/\w+",
            r"revoked +on the server alone; 20 requests leave",
            r" +1 refresh: 401 +=+",
        ):
            assert re.search(f"^{step}$", shown.stdout, re.MULTILINE)

    @pytest.mark.parametrize(
        ("what", "count"),
        [
            ("requests answered 200", 100),
            ("401s met", 100),
            ("requests sent again", 100),
            ("refreshes, as the client counts", 1),
            ("refreshes, in the authority's journal", 1),
            ("401s, in the authority's journal", 100),
            ("requests that raised their own 401", 20),
            ("refreshes, refused", 1),
            ("login_required fired", 1),
        ],
    )
    def test_counts(self, shown: Ended, what: str, count: int) -> None:
        assert re.search(f"^  {what} +{count}  ok$", shown.stdout, re.MULTILINE)

    def test_says_how_many_waited_and_how_long_it_took(self, shown: Ended) -> None:
        waited = re.search(
            r"^  requests that waited for the refresh +(\d+)$", shown.stdout, re.MULTILINE
        )
        assert waited is not None
        assert 1 <= int(waited[1]) <= 100
        assert re.search(
            rf"^  seconds until all were answered +{SECONDS}$", shown.stdout, re.MULTILINE
        )

    def test_writes_plain_text_where_there_is_no_terminal(self, shown: Ended) -> None:
        assert shown.stdout.isascii()
        assert all(character.isprintable() or character == "\n" for character in shown.stdout)
        assert max(map(len, shown.stdout.splitlines())) <= COLUMNS

    def test_shows_no_token(self, shown: Ended) -> None:
        # Those of the authority have 43 characters, without a space or a point.
        assert not re.search(r"[\w-]{30,}", shown.stdout)

    @pytest.mark.slow
    @pytest.mark.timeout(TIMEOUT + 10.0)
    def test_serves_500_requests_with_one_refresh(self) -> None:
        ended = run("--requests", "500", "--quiet")
        assert (ended.code, ended.stderr) == (0, "")
        assert re.fullmatch(story(500), ended.result)

    @pytest.mark.slow
    def test_can_be_quiet(self) -> None:
        ended = run("--requests", "1", "--quiet")
        assert (ended.code, ended.stderr) == (0, "")
        assert re.fullmatch(story(1) + "\n", ended.stdout)


@pytest.mark.slow
class TestWithABackendThatRuns:
    def test_uses_it(self) -> None:
        with running_backend(access_ttl=1.0) as backend:
            ended = run("--requests", "10", "--base-url", backend.base_url)
            journal = backend.authority.journal
        assert (ended.code, ended.stderr) == (0, "")
        assert re.fullmatch(story(10), ended.result)
        assert "journal" not in ended.stdout
        assert (journal.count("refresh"), journal.count("access_expired")) == (1, 10)

    def test_logs_out_behind_the_back_of_the_client(self) -> None:
        with running_backend(access_ttl=1.0) as backend:
            run("--requests", "1", "--quiet", "--base-url", backend.base_url)
            events = [entry.event for entry in backend.authority.journal]
        # 20 access tokens and 1 refresh token are refused after the end.
        assert events == ["login", "access_expired", "refresh", "logout"] + ["rejected"] * 21

    def test_says_which_counts_are_wrong(self) -> None:
        with running_backend(access_ttl=0.0) as backend:
            ended = run("--requests", "3", "--base-url", backend.base_url)
        assert (ended.code, ended.stderr) == (1, "")
        assert re.search(r"^  requests answered 200 +0  WRONG$", ended.stdout, re.MULTILINE)
        assert re.search(r"^  login_required fired +1  ok$", ended.stdout, re.MULTILINE)
        assert ended.result.startswith("WRONG: requests answered 200: 0, must be 3; ")
        assert "login_required" not in ended.result
        assert ended.result.endswith(
            "; the requests took longer than an access token lives: send fewer"
        )

    def test_says_that_nobody_listens(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
        url = f"http://127.0.0.1:{port}/api"
        ended = run("--base-url", url, "--quiet")
        assert (ended.code, ended.stdout) == (1, "")
        assert ended.stderr.startswith(f"the backend ({url}) cannot be used: ")
        assert len(ended.stderr.splitlines()) == 1

    def test_says_that_the_url_leads_elsewhere(self) -> None:
        with running_backend() as backend:
            url = f"{backend.base_url}/nothing"
            ended = run("--base-url", url, "--quiet")
        assert (ended.code, ended.stdout, ended.stderr) == (
            1,
            "",
            f"the backend ({url}) cannot be used: Request failed with status code 404\n",
        )

    @pytest.mark.parametrize(
        "answer", [b"{}", b"[]", b'"ok"', b"<html>", b'{"expires_in": "soon"}']
    )
    def test_says_that_it_is_no_such_backend(
        self, answer: bytes, capsys: pytest.CaptureFixture[str]
    ) -> None:
        with answering(answer) as url:
            assert example.main(["--base-url", url, "--quiet"]) == 1
        complaint = "the login was not answered as backend.py answers it"
        assert capsys.readouterr() == ("", f"the backend ({url}) cannot be used: {complaint}\n")


@contextlib.contextmanager
def answering(answer: bytes) -> Iterator[str]:
    """The URL of a server that answers every POST with 200 and this."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *_: object) -> None:  # noqa: A002 - its name
            pass

    with (
        ThreadPoolExecutor(1) as threads,
        http.server.HTTPServer(("127.0.0.1", 0), Handler) as server,
    ):
        threads.submit(server.serve_forever, 0.01)
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


class TestArguments:
    @pytest.mark.parametrize(
        ("arguments", "complaint"),
        [
            (("--requests", "0"), "0 is not enough; send 1 request or more"),
            (("--requests", "-5"), "-5 is not enough; send 1 request or more"),
            (("--requests", "many"), "invalid number value: 'many'"),
            (("--base-url", "localhost:3001/api"), "it needs a scheme and a host"),
            (("--base-url", "ftp://localhost/api"), "it needs a scheme and a host"),
            (("--base-url", "http://"), "it needs a scheme and a host"),
            (("--base-url", ""), "give a URL without a user's name"),
        ],
    )
    def test_are_refused_with_a_reason(
        self, arguments: tuple[str, str], complaint: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        with pytest.raises(SystemExit) as caught:
            example.main(arguments)
        stdout, stderr = capsys.readouterr()
        assert (caught.value.code, stdout) == (2, "")
        assert f"argument {arguments[0]}: " in stderr
        assert complaint in stderr

    def test_do_not_show_a_password(self, capsys: pytest.CaptureFixture[str]) -> None:
        with pytest.raises(SystemExit):
            example.main(["--base-url", "http://ada:lovelace@localhost/api"])
        assert "lovelace" not in capsys.readouterr().err

    def test_have_a_help(self) -> None:
        ended = run("--help")
        assert (ended.code, ended.stderr) == (0, "")
        for option in ("--requests", "--quiet", "--base-url"):
            assert option in ended.stdout


class TestBatch:
    async def test_takes_no_request_for_wrong_that_waits_before_it_leaves(self) -> None:
        store = UserStore()
        with running_backend(refresh_delay=0.2) as backend:
            async with create(base_url=backend.base_url) as api:
                handle = silent_refresh(api, store)
                await example.log_in(api, store)
                backend.authority.expire_access_tokens()
                batch = example.Batch(api, handle, 5)
                first = asyncio.ensure_future(api.get("/me"))
                await until(lambda: handle.stats.refreshes == 1, BOUND)
                await batch.run()
                await first
        counts = example.counts_of_served(batch, None)
        assert all(count.is_right for count in counts)
        assert (batch.spared, batch.unauthorized, batch.waited) == (5, 0, 6)
        assert batch.answered == 5


@attrs.define
class Running:
    """The example as a process, and what it has shown up to now."""

    popen: subprocess.Popen[bytes]
    output: int
    shown: bytes = b""

    def read_until(self, text: str) -> None:
        while text.encode() not in self.shown:
            assert self._read(), f"{text!r} was never shown, but {self.shown.decode()!r}"

    def read_all(self) -> tuple[int, str]:
        """Its exit code, and all that it has shown."""
        while self._read():
            pass
        return self.popen.wait(TIMEOUT), self.shown.decode().replace("\r\n", "\n")

    def interrupt(self) -> None:
        self.popen.send_signal(signal.SIGINT)

    def _read(self) -> bool:
        try:
            piece = os.read(self.output, 65_536)
        except OSError:  # so says Linux that the other end of a terminal is closed
            return False
        self.shown += piece
        return bool(piece)


@contextlib.contextmanager
def running(*arguments: str, in_terminal: bool, **variables: str) -> Iterator[Running]:
    """Run the example; what it shows goes into a pipe, or to a terminal of 80 columns."""
    output, theirs = _terminal() if in_terminal else os.pipe()
    unwanted = ("NO_COLOR", "COLUMNS", "LINES")
    inherited = {name: value for name, value in os.environ.items() if name not in unwanted}
    popen = subprocess.Popen(
        [*COMMAND, *arguments],
        env=inherited | {"TERM": "xterm-256color", "PYTHONIOENCODING": "utf-8"} | variables,
        stdout=theirs,
        stderr=theirs,
        # What runs in the background ignores Ctrl-C, and so would its children.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    os.close(theirs)
    # Whatever waits for the process goes on when it is killed.
    watchdog = threading.Timer(40.0, popen.kill)
    watchdog.start()
    try:
        yield Running(popen, output)
    finally:
        watchdog.cancel()
        watchdog.join()
        popen.kill()
        popen.wait(TIMEOUT)
        os.close(output)


def _terminal() -> tuple[int, int]:
    import fcntl
    import pty
    import termios

    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, COLUMNS, 0, 0))
    return ours, theirs


CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def seen_in_terminal(*arguments: str, **variables: str) -> str:
    """All that a terminal is sent by a run that ends well."""
    with running("--requests", "20", *arguments, in_terminal=True, **variables) as process:
        code, shown = process.read_all()
    assert code == 0
    return shown


@pytest.fixture(scope="module")
def screen() -> str:
    return seen_in_terminal()


def lines_of(screen: str) -> list[str]:
    """What has stood in its lines, one after the other."""
    return CONTROL.sub("", screen).splitlines()


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="there is no pty")
class TestInATerminal:
    def test_shows_what_happens_while_it_happens(self, screen: str) -> None:
        shown = set(lines_of(screen))
        assert sum(line.startswith("expires in ") for line in shown) > 1
        for what in ("waited", "refresh: ..."):  # "sent: ..." may be over before it can be drawn
            assert any(re.match(f" *\\d+ {re.escape(what)} +[━┅]", line) for line in shown)
        for what in ("20 sent: 401", "1 refresh: 200", "20 sent again: 200", "1 refresh: 401"):
            assert any(re.fullmatch(f" *{what} +━+", line) for line in shown)

    def test_ends_with_the_counts_and_the_result(self, screen: str) -> None:
        lines = lines_of(screen)
        for what in ("requests answered 200", "requests that raised their own 401"):
            assert any(re.fullmatch(f" *{what} +20  ok", line) for line in lines)
        assert re.fullmatch(story(20), lines[-1])

    def test_fits_into_80_columns(self, screen: str) -> None:
        assert max(map(len, lines_of(screen))) <= COLUMNS

    def test_has_colours_unless_they_are_not_wanted(self, screen: str) -> None:
        assert "\x1b[32mok:\x1b[0m" in screen
        assert not COLOUR.search(seen_in_terminal(NO_COLOR="1"))

    def test_moves_nothing_where_nothing_can_move(self) -> None:
        assert "\x1b" not in seen_in_terminal(TERM="dumb")

    def test_says_in_red_what_is_wrong(self) -> None:
        with (
            running_backend(access_ttl=0.0) as backend,
            running("--base-url", backend.base_url, in_terminal=True) as process,
        ):
            code, shown = process.read_all()
        assert code == 1
        assert "\x1b[31mWRONG:\x1b[0m " in shown
        assert "\x1b[31mWRONG\x1b[0m" in shown


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGINT to send")
class TestCtrlC:
    @pytest.mark.parametrize("in_terminal", [False, True])
    @pytest.mark.parametrize("moment", ["logged in", "expired "])
    def test_ends_cleanly(self, in_terminal: bool, moment: str) -> None:
        with running("--requests", "20", in_terminal=in_terminal) as process:
            process.read_until(moment)
            process.interrupt()
            code, shown = process.read_all()
        assert code == 130
        assert shown.endswith("interrupted\n")
        assert "Traceback" not in shown
