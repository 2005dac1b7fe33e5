"""What has no end is left at a limit of time or size, and is not kept in memory meanwhile."""

from __future__ import annotations

import gzip
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from zustax.transport.testing import Answer, Fault, MisbehavingServer, faults, wait_until

from ...support.clients import Client
from ..conftest import only_async
from .table import LIMIT, LONG, SHORT

PATH = "/fault"

#: Bytes: some pieces of what the client reads at once, and far less than what the server sends.
BOUNDED = 16 << 20


class Peak:
    """The most memory that Python objects took inside a block, in bytes."""

    size = 0


@contextmanager
def traced() -> Iterator[Peak]:
    peak = Peak()
    tracemalloc.start()
    try:
        yield peak
        peak.size = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


ENDLESS = {
    "body": (faults.endless_body(), "ERR_BAD_RESPONSE"),
    "headers": (faults.endless_headers(), "ERR_NETWORK"),
    "gzip bomb": (faults.gzip_bomb(1 << 28), "ERR_BAD_RESPONSE"),
    "gzip bomb in a gzip bomb": (faults.gzip_bomb(1 << 28, layers=2), "ERR_BAD_RESPONSE"),
}


@pytest.mark.parametrize(("fault", "code"), ENDLESS.values(), ids=ENDLESS)
def test_what_is_endless_takes_little_memory(
    client: Client, server: MisbehavingServer, fault: Fault, code: str
) -> None:
    server.fail(PATH, fault)
    with traced() as peak:
        error = client.start(
            lambda api: api.get(PATH, max_content_length=LIMIT, timeout=LONG)
        ).error(LONG)
    assert error.code == code
    assert peak.size < BOUNDED


def compressed(size: int, layers: int) -> Answer:
    """Zeros that were compressed again and again."""
    body = bytes(size)
    for _ in range(layers):
        body = gzip.compress(body)
    return Answer(body=body, headers={"Content-Encoding": ", ".join(["gzip"] * layers)})


@pytest.mark.parametrize("layers", [1, 2])
def test_a_compressed_body_of_the_limit_is_read_and_one_byte_more_is_an_error(
    client: Client, server: MisbehavingServer, layers: int
) -> None:
    size = 1 << 20
    server.behave(PATH, lambda _request: compressed(size, layers))
    response = client.call(
        lambda api: api.get(PATH, max_content_length=size, response_type="bytes", timeout=LONG)
    )
    assert response.data == bytes(size)
    error = client.start(
        lambda api: api.get(PATH, max_content_length=size - 1, timeout=LONG)
    ).error(LONG)
    assert error.code == "ERR_BAD_RESPONSE"
    assert str(error) == f"maxContentLength size of {size - 1} exceeded"


TRICKLING = {"headers": faults.trickling_headers(), "body": faults.trickle()}


@pytest.mark.parametrize("fault", TRICKLING.values(), ids=TRICKLING)
def test_the_timeout_is_the_total_of_an_attempt_however_often_something_arrives(
    client: Client, server: MisbehavingServer, fault: Fault
) -> None:
    server.fail(PATH, fault)
    error = client.start(lambda api: api.get(PATH, timeout=SHORT)).error(LONG)
    assert error.code == "ECONNABORTED"
    assert str(error) == "timeout of 200ms exceeded"


def test_redirects_are_in_the_total(client: Client, server: MisbehavingServer) -> None:
    server.behave(PATH, lambda _request: Answer(307, headers={"Location": PATH}, delay=SHORT))
    error = client.start(lambda api: api.get(PATH, timeout=2 * SHORT, max_redirects=99)).error(LONG)
    assert error.code == "ECONNABORTED"
    assert server.count() < 99


@only_async
def test_a_timeout_that_is_noticed_late_still_closes_the_connection(
    client: Client, server: MisbehavingServer
) -> None:
    server.fail(PATH, faults.trickle())
    late = {"timeout": SHORT, "on_download_progress": lambda _progress: time.sleep(2 * SHORT)}
    error = client.start(lambda api: api.get(PATH, **late)).error(LONG)
    assert error.code == "ECONNABORTED"
    wait_until(lambda: server.open_connections == 0)
