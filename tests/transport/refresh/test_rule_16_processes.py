"""Processes that share a storage refresh once between them, whatever becomes of one of them."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from attrs import frozen
from zustax.store import FileStorage, RedisStorage, UserStore
from zustax.transport.testing import TokenAuthority

from ...store.storage.redis_server import RedisServer
from ...support.server import REFRESH, USERS, AuthServer
from ...support.waiting import wait_until
from .worker import Orders, work

#: Seconds in which something has to happen on a machine that has much else to do.
BOUND = 40.0

#: Seconds after which Redis frees the lock of a holder that is to be killed.
SOON = 0.5

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def redis_server() -> Iterator[RedisServer]:
    server = RedisServer()
    server.start()
    yield server
    server.remove()


@frozen
class Place:
    """Where the session lies, what kind of instances share it, and this process's own storage."""

    storage: str
    path: str
    is_async: bool
    own: Any


@pytest.fixture(
    params=[
        "file async",
        pytest.param("file sync", marks=pytest.mark.slow),
        pytest.param("redis async", marks=pytest.mark.slow),
        "redis sync",
    ]
)
def place(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Place]:
    monkeypatch.syspath_prepend(ROOT)  # where a process finds what it is to run
    storage, kind = request.param.split()
    if storage == "file":
        own = FileStorage(tmp_path, poll_interval=0.02)
        yield Place(storage, str(tmp_path), kind == "async", own)
        return
    server: RedisServer = request.getfixturevalue("redis_server")
    with server.client() as client:
        client.flushall()
        yield Place(storage, server.socket, kind == "async", RedisStorage(client))


class Worker:
    """A process that runs `work`. A context manager, at whose end it is killed."""

    def __init__(self, orders: Orders) -> None:
        # Forked from a process that has imported everything already, and has one thread.
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload([work.__module__])
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=work, args=(orders, theirs), daemon=True)
        self._process.start()
        theirs.close()

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        self._connection.close()

    def tell(self, line: str) -> None:
        self._connection.send(line)

    def line(self) -> str:
        """The next line that it says."""
        assert self._connection.poll(BOUND), "it says nothing"
        line: str = self._connection.recv()
        return line

    def wait_for(self, line: str) -> None:
        assert self.line() == line

    def kill(self) -> None:
        """End it in the middle of whatever it does."""
        self._process.kill()
        self._process.join(BOUND)


class Workers:
    """Starts processes in which ada is logged in, and ends them."""

    def __init__(self, server: AuthServer, place: Place) -> None:
        self.server = server
        self.store = UserStore(storage=place.own)
        self._place = place
        self._started = ExitStack()

    def __enter__(self) -> Workers:
        tokens = self.server.login("ada")
        self.store.login(tokens.access_token, tokens.refresh_token)
        return self

    def __exit__(self, *_: object) -> None:
        self.server.open_gates()
        self._started.close()

    def start(self, count: int = 1, **options: Any) -> list[Worker]:
        place = self._place
        orders = Orders(self.server.url, place.is_async, place.storage, place.path, **options)
        started = [self._started.enter_context(Worker(orders)) for _ in range(count)]
        for worker in started:
            worker.wait_for("ready")
        return started


@pytest.fixture
def workers(server: AuthServer, place: Place) -> Iterator[Workers]:
    with Workers(server, place) as workers:
        yield workers


def reused(server: AuthServer) -> int:
    """How many refresh tokens the server has seen twice."""
    return server.authority.journal.count("reuse")


def test_rule_16_four_processes_refresh_once(workers: Workers, server: AuthServer) -> None:
    processes = workers.start(4)
    for refreshes in (1, 2):
        server.expire()
        gate = server.hold("/items")
        for process in processes:
            process.tell("get 5 /items")
        server.wait_for(40 * refreshes - 20, "/items", bound=BOUND)
        gate.open()
        said = [process.line() for process in processes for _ in range(5)]
        assert (said, server.count(REFRESH), reused(server)) == (["200"] * 20, refreshes, 0)


def test_rule_16_a_holder_that_is_killed_before_it_sends_costs_nothing(
    workers: Workers, server: AuthServer
) -> None:
    (holder,), (other,) = workers.start(hang_at="sending", lock_timeout=SOON), workers.start()
    server.expire()
    holder.tell("get 1 /items")
    holder.wait_for("sending")
    other.tell("get 3 /items")
    server.wait_for(4, "/items", bound=BOUND)
    holder.kill()
    assert [other.line() for _ in range(3)] == ["200"] * 3
    assert (server.count(REFRESH), reused(server)) == (1, 0)


@pytest.fixture
def lenient(server: AuthServer) -> None:
    """The server takes a refresh token more than once."""
    server.authority = TokenAuthority(users=USERS, rotate=False)


@pytest.mark.usefixtures("lenient")
def test_rule_16_if_a_holder_is_killed_while_the_server_works_the_others_go_on(
    server: AuthServer, place: Place
) -> None:
    with Workers(server, place) as workers:
        holder, other = workers.start(2, lock_timeout=SOON)
        server.expire()
        gate = server.hold(REFRESH)
        holder.tell("get 1 /items")
        server.wait_for(1, REFRESH, bound=BOUND)
        holder.kill()
        gate.open()
        other.tell("get 3 /items")
        assert [other.line() for _ in range(3)] == ["200"] * 3


#: Each place with a step, and each step in files and in Redis.
STEPS = [
    ("file async", "answered"),
    ("file sync", "writing"),
    ("file async", "written"),
    ("redis sync", "answered"),
    ("redis async", "writing"),
    ("redis sync", "written"),
]


@pytest.mark.usefixtures("lenient")
@pytest.mark.parametrize(("place", "step"), STEPS, indirect=["place"])
def test_rule_16_if_a_holder_is_killed_with_the_answer_the_others_go_on(
    server: AuthServer, place: Place, step: str
) -> None:
    with Workers(server, place) as workers:
        (holder,), (other,) = workers.start(hang_at=step, lock_timeout=SOON), workers.start()
        server.expire()
        holder.tell("get 1 /items")
        holder.wait_for(step)
        other.tell("get 3 /items")
        server.wait_for(2, "/items", bound=BOUND)
        holder.kill()
        assert [other.line() for _ in range(3)] == ["200"] * 3


def test_rule_16_what_a_killed_holder_has_written_is_used(
    workers: Workers, server: AuthServer
) -> None:
    (holder,), (other,) = workers.start(hang_at="written", lock_timeout=SOON), workers.start()
    server.expire()
    holder.tell("get 1 /items")
    holder.wait_for("written")
    holder.kill()
    other.tell("get 3 /items")
    assert [other.line() for _ in range(3)] == ["200"] * 3
    assert (server.count(REFRESH), reused(server)) == (1, 0)


def test_rule_16_a_rotation_that_was_lost_with_its_holder_ends_the_session_for_all(
    workers: Workers, server: AuthServer
) -> None:
    (holder,), (other,) = workers.start(hang_at="answered", lock_timeout=SOON), workers.start()
    server.expire()
    holder.tell("get 1 /items")
    holder.wait_for("answered")
    holder.kill()
    other.tell("get 3 /items")
    assert [other.line() for _ in range(3)] == ["failed 401 RefreshError"] * 3
    wait_until(lambda: not workers.store.get_state().is_login, BOUND)


def test_rule_16_a_holder_that_hangs_holds_up_the_others_for_no_longer_than_their_timeout(
    workers: Workers, server: AuthServer, place: Place
) -> None:
    if place.storage == "redis":
        pytest.skip("its lock expires")
    (holder,), (other,) = (
        workers.start(hang_at="sending", lock_timeout=SOON),
        workers.start(timeout=0.2),
    )
    server.expire()
    holder.tell("get 1 /items")
    holder.wait_for("sending")
    other.tell("get 3 /items")
    assert [other.line() for _ in range(3)] == ["failed 401 RefreshError"] * 3
    assert workers.store.get_state().is_login
    holder.kill()
    other.tell("get 1 /items")
    assert other.line() == "200"


def test_rule_16_a_logout_in_one_process_ends_the_session_in_the_others(
    workers: Workers, server: AuthServer
) -> None:
    one, other = workers.start(2)
    one.tell("logout")
    wait_until(lambda: who(other) == "nobody", BOUND)
    wait_until(lambda: not workers.store.get_state().is_login, BOUND)
    tokens = server.login("bob")
    other.tell(f"login {tokens.access_token} {tokens.refresh_token}")
    wait_until(lambda: who(one) == tokens.refresh_token, BOUND)


def who(process: Worker) -> str:
    process.tell("who")
    return process.line().split()[0]


@pytest.mark.parametrize("change", ["logout", "login"])
def test_rule_16_a_refresh_does_not_undo_what_another_process_did_meanwhile(
    workers: Workers, server: AuthServer, change: str
) -> None:
    (process,) = workers.start()
    server.expire()
    gate = server.hold(REFRESH)
    process.tell("get 1 /items")
    server.wait_for(1, REFRESH, bound=BOUND)
    if change == "logout":
        workers.store.logout()
    else:
        tokens = server.login("bob")
        workers.store.login(tokens.access_token, tokens.refresh_token)
    expected = workers.store.get_state()
    gate.open()
    assert process.line().startswith("failed 401")
    wait_until(lambda: who(process) == (expected.refresh_token or "nobody"), BOUND)
    assert workers.store.get_state() == expected
