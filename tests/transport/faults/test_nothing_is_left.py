"""A thousand faults leave no socket, no task and no thread."""

from __future__ import annotations

import asyncio
import os
import stat
import threading
from collections.abc import Sequence
from itertools import cycle, islice
from operator import methodcaller
from pathlib import Path

import pytest
from zustax.transport.testing import MisbehavingServer, wait_until

from ...support.clients import Client
from ..conftest import leave_nothing_behind
from .table import CASES, LIMIT, LONG

DESCRIPTORS = Path("/dev/fd")

#: Per kind of instance, and how many of them at once.
FAULTS, AT_ONCE = 500, 25

#: Seconds until the time-outs, and how many run at once: so few that none is still connecting then.
PATIENCE, SLOW_AT_ONCE = 2.0, 50

CODES = {f"/{number}": case.code for number, case in enumerate(CASES.values())}


def open_sockets() -> int:
    """How many sockets this process has."""
    return sum(_is_socket(int(path.name)) for path in list(DESCRIPTORS.iterdir()))


def _is_socket(descriptor: int) -> bool:
    try:
        return stat.S_ISSOCK(os.fstat(descriptor).st_mode)
    except OSError:  # it was the one that the list was read with
        return False


def meet(client: Client, paths: Sequence[str], timeout: float) -> list[str | None]:
    """Request paths at once, and give the codes of what that fails with."""
    options = {"timeout": timeout, "max_content_length": LIMIT}
    calls = [client.start(methodcaller("get", path, **options)) for path in paths]
    return [call.error(LONG).code for call in calls]


async def do_not_debug() -> None:
    """Let the loop be as fast as it is outside of tests: here it has much to do."""
    asyncio.get_running_loop().set_debug(False)


@pytest.mark.slow
@pytest.mark.skipif(not DESCRIPTORS.exists(), reason="the system does not list open files")
def test_hundreds_of_faults_leave_no_socket_and_no_thread(
    kind: type[Client], server: MisbehavingServer
) -> None:
    for path, case in zip(CODES, CASES.values(), strict=True):
        server.fail(path, case.fault)
    paths = list(islice(cycle(CODES), FAULTS))
    slow = [path for path in paths if CODES[path] == "ECONNABORTED"]
    quick = [path for path in paths if CODES[path] != "ECONNABORTED"]
    sockets, threads = open_sockets(), threading.active_count()
    client = kind.create(base_url=server.url)
    if kind.is_async:
        client.call(lambda _api: do_not_debug())
    for first in range(0, len(slow), SLOW_AT_ONCE):
        batch = slow[first : first + SLOW_AT_ONCE]
        assert set(meet(client, batch, PATIENCE)) == {"ECONNABORTED"}
    for first in range(0, len(quick), AT_ONCE):
        batch = quick[first : first + AT_ONCE]
        assert meet(client, batch, LONG) == [CODES[path] for path in batch]
    wait_until(
        lambda: server.open_connections == 0,
        missing=lambda: f"{server.open_connections} connections are still open",
    )
    assert client.call(lambda api: api.get("/well")).status == 200
    leave_nothing_behind(client)  # which fails if a task is left
    wait_until(lambda: open_sockets() <= sockets)
    wait_until(lambda: threading.active_count() <= threads)
