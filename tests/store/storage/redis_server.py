"""A real Redis, on a socket of its own."""

import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

import pytest
import redis
import redis.asyncio
import redis.asyncio.retry
from redis.backoff import NoBackoff
from redis.retry import Retry

from ...support.waiting import wait_until


def binary() -> str:
    """Find the server; skip the test where there is none, but not in CI."""
    found = shutil.which("redis-server")
    if found is None:
        assert not os.environ.get("CI"), "redis-server is missing: run .ci/services"
        pytest.skip("redis-server is not on this machine: .ci/services installs it")
    return found


class RedisServer:
    """A server that a test may stop and start."""

    def __init__(self) -> None:
        self._binary = binary()
        self._directory = tempfile.TemporaryDirectory()  # a path that is short enough for a socket
        self.socket = str(Path(self._directory.name, "redis"))
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(
            [self._binary, "--port", "0", "--unixsocket", self.socket, "--save", ""],
            cwd=self._directory.name,
            stdout=subprocess.DEVNULL,
        )
        with self.client() as client:
            wait_until(lambda: answers(client))

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def stop_for_a_while(self) -> None:
        """Let it answer nothing, with its connections open."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)

    def remove(self) -> None:
        self.stop()
        self._directory.cleanup()

    def client(self, *, socket: str | None = None, decode_responses: bool = False) -> redis.Redis:
        return redis.Redis(
            unix_socket_path=socket or self.socket,
            decode_responses=decode_responses,
            retry=Retry(NoBackoff(), 0),
        )

    def async_client(self) -> redis.asyncio.Redis:
        return redis.asyncio.Redis(
            unix_socket_path=self.socket, retry=redis.asyncio.retry.Retry(NoBackoff(), 0)
        )


def answers(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.ConnectionError:
        return False
