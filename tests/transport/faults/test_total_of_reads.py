"""A connection is not read for longer than the timeout, whoever has opened it and however."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from zustax.transport.testing import Answer, MisbehavingServer, faults

from ...support.clients import Client
from ..conftest import only_sync
from .table import LONG, SHORT

PATH = "/fault"


def assert_times_out(client: Client, server: MisbehavingServer) -> None:
    server.fail(PATH, faults.trickling_headers())
    error = client.start(lambda api: api.get(PATH, timeout=SHORT)).error(LONG)
    assert error.code == "ECONNABORTED"


@pytest.mark.parametrize("timeout", [None, LONG], ids=["without a timeout", "with a longer one"])
def test_a_connection_that_an_earlier_request_has_opened(
    client: Client, server: MisbehavingServer, timeout: float | None
) -> None:
    client.call(lambda api: api.get("/well", timeout=timeout))
    assert_times_out(client, server)
    assert server.requests_by_connection == [2]


@only_sync
def test_a_connection_of_a_client_that_was_handed_in(
    kind: type[Client], server: MisbehavingServer
) -> None:
    theirs: Any = httpx.Client()
    theirs.get(f"{server.url}/well")
    client = kind.create(client=theirs, base_url=server.url)
    client.call(lambda api: api.get("/well"))
    assert_times_out(client, server)
    client.close()
    assert server.requests_by_connection == [3]


def test_the_time_of_one_request_is_not_that_of_the_next(
    client: Client, server: MisbehavingServer
) -> None:
    client.call(lambda api: api.get("/well", timeout=SHORT))
    server.behave(PATH, lambda _request: Answer(body={"a": 1}, delay=2 * SHORT))
    assert client.call(lambda api: api.get(PATH, timeout=LONG)).data == {"a": 1}
    assert client.call(lambda api: api.get(PATH)).data == {"a": 1}
    assert server.requests_by_connection == [3]
