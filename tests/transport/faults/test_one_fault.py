"""A server that misbehaves costs its request and its connection, and nothing else."""

from __future__ import annotations

import inspect

from zustax.transport import RequestError
from zustax.transport.testing import MisbehavingServer, faults, wait_until

from ...support.clients import Client
from .table import CASES, LONG, SHORT, Case, every_case

PATH = "/fault"


def get(client: Client, path: str = "/well") -> None:
    """A request that succeeds."""
    response = client.call(lambda api: api.get(path, timeout=LONG))
    assert (response.status, response.data) == (200, {"path": path})


def failure(client: Client, case: Case, path: str = PATH) -> RequestError:
    return client.start(lambda api: api.get(path, **case.options)).error(LONG)


@every_case
def test_it_fails_with_its_code(client: Client, server: MisbehavingServer, case: Case) -> None:
    server.fail(PATH, case.fault)
    error = failure(client, case)
    assert error.code == case.code
    assert type(error.__cause__).__name__ in (case.causes or ("NoneType",))
    assert error.request_was_sent
    assert error.config is not None
    assert error.config.url == PATH


@every_case
def test_its_connection_is_closed_and_the_next_request_is_fine(
    client: Client, server: MisbehavingServer, case: Case
) -> None:
    server.fail(PATH, case.fault)
    get(client)
    failure(client, case)
    wait_until(lambda: server.open_connections == 0)
    get(client)
    assert [seen.connection for seen in server.seen()] == [1, 1, 2]


def test_a_connection_is_used_again_where_nothing_went_wrong(
    client: Client, server: MisbehavingServer
) -> None:
    get(client)
    get(client)
    assert server.requests_by_connection == [2]


@every_case
def test_it_is_the_same_behind_a_redirect(
    client: Client, server: MisbehavingServer, case: Case
) -> None:
    server.redirect("/moved", PATH)
    server.fail(PATH, case.fault)
    assert failure(client, case, "/moved").code == case.code
    wait_until(lambda: server.open_connections == 0)
    get(client)


@every_case
def test_requests_beside_it_are_fine(client: Client, server: MisbehavingServer, case: Case) -> None:
    server.fail(PATH, case.fault)
    gate = server.hold("/well")
    beside = client.start(lambda api: api.get("/well", timeout=LONG))
    server.wait_for(1, "/well")
    failure(client, case)
    gate.open()
    assert beside.response().status == 200


def test_a_failure_while_connecting_is_known_to_have_sent_nothing(kind: type[Client]) -> None:
    with MisbehavingServer(listening=False) as server:
        client = kind.create(base_url=server.url)
        error = client.start(lambda api: api.get("/items")).error()
        server.listen()
        assert client.call(lambda api: api.get("/items", validate_status=None)).status == 401
        client.close()
    assert error.code == "ECONNREFUSED"
    assert not error.request_was_sent


def test_a_connection_that_is_closed_before_anything_is_read(
    client: Client, server: MisbehavingServer
) -> None:
    server.hang_up_on_connect()
    error = client.start(lambda api: api.get("/items", timeout=LONG)).error()
    assert error.code == "ERR_NETWORK"
    server.recover()
    get(client)


def test_an_answer_that_comes_late_is_in_time_if_the_timeout_allows_it(
    client: Client, server: MisbehavingServer
) -> None:
    server.delay("/well", SHORT)
    get(client)


def test_a_body_that_trickles_to_its_end_in_time_is_whole(
    client: Client, server: MisbehavingServer
) -> None:
    server.fail(PATH, faults.trickle(b'{"a": 1}', pause=0.001))
    assert client.call(lambda api: api.get(PATH, timeout=LONG)).data == {"a": 1}


def test_every_fault_that_there_is_has_a_case() -> None:
    in_the_table = {case.fault.__qualname__.partition(".")[0] for case in CASES.values()}
    functions = inspect.getmembers(faults, inspect.isfunction)
    public = {name for name, function in functions if function.__module__ == faults.__name__}
    assert in_the_table == {name for name in public if not name.startswith("_")}
