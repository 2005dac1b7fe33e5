from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator

import many_workers as example
import pytest

from ..store.storage.redis_server import RedisServer

#: A token lives for so long that a busy machine can send a request with it.
OPTIONS = ["--seconds", "6", "--access-ttl", "2"]
COMMAND = [sys.executable, "-W", "error", example.__file__, *OPTIONS]
TIMEOUT = 50.0

pytestmark = pytest.mark.slow


@pytest.fixture
def redis_server() -> Iterator[RedisServer]:
    server = RedisServer()
    server.start()
    yield server
    server.remove()


def ended(*arguments: str) -> str:
    """What the example shows when it has come to a good end."""
    process = subprocess.run(
        [*COMMAND, *arguments],
        env=os.environ,
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )
    assert (process.returncode, process.stderr) == (0, ""), process.stdout
    return process.stdout


def count(shown: str, name: str) -> float:
    found = re.search(rf"^  {name} +([\d.]+)$", shown, re.MULTILINE)
    assert found is not None
    return float(found[1])


def check(shown: str) -> None:
    assert count(shown, "refreshes per rotation") == 1.0
    assert count(shown, "failures") == 0
    assert count(shown, "refresh tokens used twice") == 0
    assert count(shown, "rotations") >= 1
    assert count(shown, "requests") > count(shown, "rotations")
    assert re.search(r"^ +\d+ s: +[1-9]\d* answers, +\d+ rotations", shown, re.MULTILINE)
    assert len(re.findall(r"^  worker \d: requests", shown, re.MULTILINE)) == example.WORKERS


def test_each_rotation_is_one_refresh_over_files() -> None:
    check(ended())


def test_each_rotation_is_one_refresh_over_redis(redis_server: RedisServer) -> None:
    check(ended("--redis", f"unix://{redis_server.socket}"))
