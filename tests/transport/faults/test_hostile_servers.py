"""Whatever a server sends, a call ends soon after its timeout, in little memory, and alone.

The matrix of servers and clients runs with ``--slow``; every day some of each kind do.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from zustax.transport import RequestError, Response
from zustax.transport.testing import MisbehavingServer

from ...support.clients import AiohttpClient, AsyncClient, Client, SyncClient
from ..conftest import leave_nothing_behind
from .hostile import QUICK, SERVERS, Compressed

PATH = "/fault"

#: Seconds that a call has, and seconds after which it must have ended on a busy machine.
TIMEOUT, AT_MOST = 1.0, 5.0

#: Bytes that a body may have, and that a call may take while it lasts.
LIMIT, MOST_MEMORY = 10_000_000, 100 << 20

STATUS, PEAK = Path("/proc/self/status"), Path("/proc/self/clear_refs")

every_server = pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[] if name in QUICK else pytest.mark.slow) for name in SERVERS],
)


@pytest.fixture(params=[AsyncClient, SyncClient, AiohttpClient], ids=["async", "sync", "aiohttp"])
def client(request: pytest.FixtureRequest, server: MisbehavingServer) -> Iterator[Client]:
    client: Client = request.param.create(base_url=server.url)
    yield client
    leave_nothing_behind(client)


def memory(field: str) -> int:
    """What the system says of this process, in bytes."""
    found = re.search(rf"{field}:\s+(\d+)", STATUS.read_text())
    return int(found[1]) * 1024 if found else 0


@every_server
def test_a_call_is_bounded_in_time_and_memory_and_the_next_one_is_fine(
    client: Client, server: MisbehavingServer, name: str
) -> None:
    client.call(lambda api: api.get("/well"))
    fault = SERVERS[name]
    if isinstance(fault, Compressed):
        fault.body = fault.make()
    server.fail(PATH, fault)
    can_measure = STATUS.exists()
    before = memory("VmRSS") if can_measure else 0
    if can_measure:
        PEAK.write_text("5")  # the peak begins anew
    call = client.start(lambda api: api.get(PATH, timeout=TIMEOUT, max_content_length=LIMIT))
    failure = call.outcome.exception(AT_MOST)
    if failure is None:
        assert isinstance(call.result(), Response)
    else:
        assert isinstance(failure, RequestError)
        assert "Set-Cookie" not in str(failure)
    if can_measure:
        assert memory("VmHWM") - before < MOST_MEMORY
    assert client.call(lambda api: api.get("/well", timeout=20)).data == {"path": "/well"}
