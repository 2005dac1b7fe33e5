"""A body is decompressed as its ``Content-Encoding`` says (RFC 9110, section 8.4)."""

from __future__ import annotations

import gzip
import sys
import zlib
from collections.abc import Callable

import brotli  # type: ignore[import-untyped]
import httpx
import pytest
import zstandard
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
    "brotli": ("br", brotli.compress),
    "zstd": ("zstd", zstandard.compress),
    "zstd, then brotli": ("zstd, br", lambda data: brotli.compress(zstandard.compress(data))),
    "gzip of two members": (
        "gzip",
        lambda data: gzip.compress(data[:1000]) + gzip.compress(data[1000:]),
    ),
    "zstd of two frames": (
        "zstd",
        lambda data: zstandard.compress(data[:1000]) + zstandard.compress(data[1000:]),
    ),
    "nothing, by name": ("identity", bytes),
    "nothing, without a name": ("", bytes),
    "what nobody knows": ("smaller", bytes),
    "what nobody knows beside gzip": ("gzip, smaller", bytes),
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


BROKEN = {
    "gzip": b"no gzip at all",
    "br": b"\xff\xff\xff\xff",
    "zstd": b"no zstd at all",
}


@pytest.mark.parametrize(("encoding", "body"), BROKEN.items(), ids=BROKEN)
def test_a_body_that_is_not_compressed_as_it_says_is_an_error(
    client: Client, server: MisbehavingServer, encoding: str, body: bytes
) -> None:
    server.behave("/items", lambda _request: encoded(encoding, body))
    error = client.start(lambda api: api.get("/items")).error()
    assert error.code == "ERR_BAD_RESPONSE"
    assert isinstance(error.__cause__, httpx.DecodingError)


@pytest.mark.parametrize("package", ["brotli", "zstandard"])
def test_a_compression_whose_package_is_missing_is_refused_and_not_asked_for(
    client: Client,
    server: MisbehavingServer,
    monkeypatch: pytest.MonkeyPatch,
    package: str,
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    encoding = "br" if package == "brotli" else "zstd"
    server.behave("/items", lambda _request: encoded(encoding, b"something"))
    error = client.start(lambda api: api.get("/items")).error()
    assert error.code == "ERR_BAD_RESPONSE"
    assert f"compressed with {encoding}: install {package}" in str(error)
    assert encoding not in server.seen("/items")[0].headers["accept-encoding"]


@pytest.mark.parametrize("limit", [100, 1000])
def test_bytes_after_a_compressed_body_count_towards_its_limit(
    client: Client, server: MisbehavingServer, limit: int
) -> None:
    body = gzip.compress(b"x" * 60) + b"y" * (limit - 60)
    server.behave("/items", lambda request: encoded("gzip", body + b"y" * len(request.query)))
    taken = client.call(lambda api: api.get("/items", max_content_length=limit))
    assert taken.data == "x" * 60
    error = client.start(lambda api: api.get("/items?1", max_content_length=limit)).error()
    assert str(error) == f"maxContentLength size of {limit} exceeded"


def test_a_client_that_is_handed_in_asks_for_what_it_can_be_given() -> None:
    seen: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers["accept-encoding"])
        return httpx.Response(200)

    transport = httpx.MockTransport(answer)
    with httpx.Client(transport=transport) as client:
        create_sync(client=client, base_url="http://host").get("/")
    own = {"Accept-Encoding": "br, other"}
    with httpx.Client(transport=transport, headers=own) as client:
        create_sync(client=client, base_url="http://host").get("/")
        create_sync(client=client, base_url="http://host").get(
            "/", headers={"Accept-Encoding": "x"}
        )
    assert seen == ["gzip, deflate, br, zstd", "br, other", "x"]
