"""A body is decompressed as its ``Content-Encoding`` says (RFC 9110, section 8.4)."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable

import httpx
import pytest
from zustax.transport import create_sync
from zustax.transport.testing import Answer, MisbehavingServer

from ...support.clients import Client

TEXT = b"some text, " * 20_000


def raw_deflate(data: bytes) -> bytes:
    compressor = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return compressor.compress(data) + compressor.flush()


def encoded(encoding: str, body: bytes) -> Answer:
    return Answer(body=body, headers={"Content-Encoding": encoding})


ENCODED: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "gzip": ("gzip", gzip.compress),
    "gzip by its old name": ("x-gzip", gzip.compress),
    "gzip in capitals": ("GZIP", gzip.compress),
    "gzip that cannot be made smaller": ("gzip", lambda data: gzip.compress(data, 0)),
    "deflate": ("deflate", zlib.compress),
    "deflate without its header": ("deflate", raw_deflate),
    "deflate, then gzip": ("deflate, gzip", lambda data: gzip.compress(zlib.compress(data))),
    "nothing, by name": ("identity", bytes),
    "nothing, without a name": ("", bytes),
    "what nobody knows": ("smaller", bytes),
}


@pytest.mark.parametrize(("encoding", "compress"), ENCODED.values(), ids=ENCODED)
def test_a_body_is_decompressed(
    client: Client,
    server: MisbehavingServer,
    encoding: str,
    compress: Callable[[bytes], bytes],
) -> None:
    server.behave("/items", lambda _request: encoded(encoding, compress(TEXT)))
    response = client.call(lambda api: api.get("/items", response_type="bytes"))
    assert response.data == TEXT


def test_an_empty_body_may_be_compressed_by_name_alone(
    client: Client, server: MisbehavingServer
) -> None:
    server.behave("/items", lambda _request: encoded("gzip", b""))
    assert client.call(lambda api: api.get("/items", response_type="bytes")).data == b""
    assert client.call(lambda api: api.head("/items")).status == 200


@pytest.mark.parametrize(("layers", "is_taken"), [(5, True), (6, False)])
def test_a_body_that_was_compressed_too_often_is_refused(
    client: Client, server: MisbehavingServer, layers: int, is_taken: bool
) -> None:
    body = TEXT
    for _ in range(layers):
        body = gzip.compress(body)
    server.behave("/items", lambda _request: encoded(", ".join(["gzip"] * layers), body))
    call = client.start(lambda api: api.get("/items", response_type="bytes"))
    if is_taken:
        assert call.response().data == TEXT
    else:
        error = call.error()
        assert error.code == "ERR_BAD_RESPONSE"
        assert "compressed 6 times" in str(error)


def test_a_body_that_a_mock_has_decompressed_is_taken_as_it_is() -> None:
    answer = httpx.Response(200, headers={"Content-Encoding": "gzip"}, content=gzip.compress(TEXT))
    with httpx.Client(transport=httpx.MockTransport(lambda _request: answer)) as client:
        api = create_sync(client=client, base_url="http://host")
        assert api.get("/items", response_type="bytes").data == TEXT
