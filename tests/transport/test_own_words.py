"""What a client of HTTP quotes in its errors, a token maybe, is nowhere in ours."""

from __future__ import annotations

import asyncio
import functools
import json
import logging
import traceback
from collections.abc import Iterator
from typing import Any

import pytest
from zustax.transport import RequestError
from zustax.transport.testing import Fault, MisbehavingServer, faults

from ..support.clients import AiohttpClient, AsyncClient, Client, Httpx2Client, SyncClient
from .conftest import leave_nothing_behind

SECRET = "se" + "kret"
COOKIE = f"refresh_token={SECRET}".encode()


def garbled(head: bytes) -> Fault:
    return faults.garbage(head)


ANSWERS = {
    "a blank before the colon": garbled(b"HTTP/1.1 200 OK\r\nSet-Cookie : %b\r\n\r\n" % COOKIE),
    "a control character": garbled(b"HTTP/1.1 200 OK\r\nSet-Cookie: \x00%b\r\n\r\n" % COOKIE),
    "no colon": garbled(b"HTTP/1.1 200 OK\r\n%b\r\n\r\n" % COOKIE),
    "a status of letters": garbled(b"HTTP/1.1 %b\r\n\r\n" % COOKIE),
    "no status line": garbled(b"%b\r\n\r\n" % COOKIE),
    "a length of letters": garbled(b"HTTP/1.1 200 OK\r\nContent-Length: %b\r\n\r\n" % COOKIE),
    "a coding of letters": garbled(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: %b\r\n\r\n" % COOKIE),
    "a chunk of letters": garbled(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%b\r\n" % COOKIE
    ),
    "a broken trailer": garbled(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX : %b\r\n\r\n" % COOKIE
    ),
    "a long line": garbled(b"HTTP/1.1 200 OK\r\nSet-Cookie: %b\r\n\r\n" % (COOKIE * 10_000)),
    "a redirect nowhere": garbled(
        b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: http://xn--/?%b\r\n\r\n" % COOKIE
    ),
}


@pytest.fixture(
    params=[AsyncClient, SyncClient, AiohttpClient, Httpx2Client],
    ids=["async", "sync", "aiohttp", "httpx2"],
)
def client(request: pytest.FixtureRequest, server: MisbehavingServer) -> Iterator[Client]:
    client: Client = request.param.create(base_url=server.url)
    yield client
    leave_nothing_behind(client)


def words_of(error: BaseException) -> str:
    """All that a log or a tracker of errors would have of it."""
    words = traceback.format_exception(error)
    pending: list[BaseException | None] = [error]
    while pending:
        one = pending.pop()
        if one is not None:
            words += [repr(one), str(one), repr(vars(one)), repr(one.args)]
            pending += [one.__cause__, one.__context__]
    if isinstance(error, RequestError):
        words.append(json.dumps(error.to_json()))
    return "\n".join(words)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("fault", ANSWERS.values(), ids=ANSWERS)
def test_a_garbled_answer_is_not_quoted(
    client: Client,
    server: MisbehavingServer,
    caplog: pytest.LogCaptureFixture,
    fault: Fault,
    stream: bool,
) -> None:
    caplog.set_level(logging.INFO)
    server.fail("/items", fault)
    if stream and client.is_async:

        async def get(api: object) -> None:
            response = await api.get("/items", response_type="stream", timeout=5)  # type: ignore[attr-defined]
            await asyncio.wait_for(response.data.read(), 1)

        error: BaseException = client.start(get).failure(20)
    else:
        error = client.start(lambda api: api.get("/items", timeout=1)).error(20)
    assert SECRET not in words_of(error)
    assert SECRET not in caplog.text


def send(options: dict[str, Any], api: Any) -> Any:
    return api.get("/items", **options)


def test_an_illegal_header_of_ours_is_not_quoted(client: Client, server: MisbehavingServer) -> None:
    for value in (f"{SECRET} \u200b", f"{SECRET}\r\nX: y", f"\x00{SECRET}", f"{SECRET}\u2028"):
        options = {"headers": {"Authorization": value}}
        call = client.start(functools.partial(send, options))
        try:
            call.result(20)
        except Exception as error:
            assert SECRET not in words_of(error)  # noqa: PT017
    assert all("\n" not in (seen.authorization or "") for seen in server.seen())


def test_the_class_of_the_cause_stays(client: Client, server: MisbehavingServer) -> None:
    server.fail("/items", ANSWERS["no colon"])
    error = client.start(lambda api: api.get("/items", timeout=5)).error(20)
    assert error.code == "ERR_NETWORK"
    assert type(error.__cause__).__name__ in ("RemoteProtocolError", "ClientResponseError")
    assert "not valid HTTP" in str(error)
    assert "not valid HTTP" in str(error.__cause__)
