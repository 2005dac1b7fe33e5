"""Stores in several processes over one storage see one another's changes."""

from pathlib import Path
from typing import Any

import pytest
from zustax.store import UserStore
from zustax.store.storage import FileStorage, RedisStorage

from ...support.waiting import wait_until
from .processes import BOUND, Process, running
from .redis_server import RedisServer


@pytest.fixture(params=["file", "redis"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, str]:
    if request.param == "file":
        return "file", str(tmp_path)
    server: RedisServer = request.getfixturevalue("server")
    return "redis", server.socket


@pytest.fixture
def storage(place: tuple[str, str], request: pytest.FixtureRequest) -> Any:
    if place[0] == "file":
        return FileStorage(place[1], poll_interval=0.02)
    return RedisStorage(request.getfixturevalue("server").client())


def test_a_login_in_one_process_is_one_in_the_other(place: tuple[str, str], storage: Any) -> None:
    store = UserStore(storage=storage, sync=True)
    with Process("user", *place) as process:
        process.wait_for("nobody nowhere")
        store.login("access", "token-1")
        process.wait_for(f"token-1 {store.get_state().session_id}")
        process.tell("login token-2")
        wait_until(lambda: store.get_state().refresh_token == "token-2", BOUND)
        process.wait_for(f"token-2 {store.get_state().session_id}")
        process.tell("logout")
        wait_until(lambda: not store.get_state().is_login, BOUND)


def test_processes_that_log_in_at_once_come_to_one_session(place: tuple[str, str]) -> None:
    with running(3, "user", *place) as processes:
        for process in processes:
            process.wait_for("nobody nowhere")
        for number, process in enumerate(processes):
            process.tell(f"login token-{number}")
        for process in processes:
            process.wait_for("done")
        processes[0].tell("login last")
        for process in processes:
            while not process.line().startswith("last "):
                pass
