"""The echo servers note what a socket sends, byte for byte, and answer as scripted."""

from __future__ import annotations

import gzip
import socket
from collections.abc import Iterator

import pytest

from .echo import EchoServers


@pytest.fixture(scope="module")
def servers() -> Iterator[EchoServers]:
    with EchoServers() as servers:
        yield servers


def send(servers: EchoServers, request: bytes, to: str = "origin") -> bytes:
    """Send bytes, and read until the server closes the connection."""
    host, port = servers.hosts[to].split(":")
    with socket.create_connection((host, int(port)), timeout=5) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        with connection.makefile("rb") as answer:
            return answer.read()


def get(path: str = "/") -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: h\r\n\r\n".encode("latin-1")


def post(content_type: str, body: bytes) -> bytes:
    head = f"POST / HTTP/1.1\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def test_method_and_target_are_noted_as_sent(servers: EchoServers) -> None:
    script = servers.play()
    send(servers, get("//a/../b%20c?q='[\xe9]'#f"))
    assert script.arrived[0].record() == {
        "to": "origin",
        "method": "GET",
        "target": "//a/../b%20c?q='[\xe9]'#f",
        "headers": {},
        "body": "",
    }


def test_headers_are_noted_in_lower_case_and_joined(servers: EchoServers) -> None:
    script = servers.play()
    send(servers, b"GET / HTTP/1.1\r\nHost: h\r\nX-A: \xe9 \r\nx-b:2\r\nx-a: 3\r\nTE: t\r\n\r\n")
    assert script.arrived[0].record()["headers"] == {"x-a": "\xe9, 3", "x-b": "2"}
    assert script.arrived[0].record(("te",))["headers"] == {"x-a": "\xe9, 3", "x-b": "2", "te": "t"}


def test_a_body_of_a_given_length_is_noted(servers: EchoServers) -> None:
    script = servers.play()
    send(servers, post("text/plain", "\u00e9\r\n".encode()))
    assert script.arrived[0].record()["body"] == "\u00e9\r\n"


def test_a_body_that_is_not_text_is_noted_as_bytes(servers: EchoServers) -> None:
    script = servers.play()
    send(servers, post("text/plain", b"\x00\xff"))
    assert script.arrived[0].record()["body"] == {"$bytes": "AP8="}


def test_a_chunked_body_is_put_together(servers: EchoServers) -> None:
    script = servers.play()
    head = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
    answer = send(
        servers, head + b"2;x=y\r\nab\r\nA\r\n0123456789\r\n0\r\nTrailer: t\r\n\r\n" + get()
    )
    assert [request.record()["body"] for request in script.arrived] == ["ab0123456789", ""]
    assert answer.count(b"HTTP/1.1 200 OK\r\n") == 2


def test_half_a_request_is_not_noted(servers: EchoServers) -> None:
    script = servers.play()
    assert send(servers, b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nhalf") == b""
    assert send(servers, b"GET / HTTP/1.1\r\nHo") == b""
    assert script.arrived == []


def test_multipart_becomes_its_parts(servers: EchoServers) -> None:
    script = servers.play()
    body = (
        b'--B-1\r\nContent-Disposition: form-data; name="a[b]"\r\n\r\n\xc3\xa9\r\n\r\n'
        b'--B-1\r\ncontent-disposition: form-data; name="f"; filename="x.bin"\r\n'
        b"Content-Type: application/octet-stream\r\n\r\n--B-\xff\r\n--B-1--\r\n"
    )
    send(servers, post("multipart/form-data; boundary=B-1", body))
    record = script.arrived[0].record()
    assert record["headers"]["content-type"] == "multipart/form-data; boundary={boundary}"
    assert "body" not in record
    assert record["parts"] == [
        {"name": "a[b]", "value": "\u00e9\r\n"},
        {
            "name": "f",
            "filename": "x.bin",
            "type": "application/octet-stream",
            "value": {"$bytes": "LS1CLf8="},
        },
    ]


def test_multipart_without_a_boundary_stays_a_body(servers: EchoServers) -> None:
    script = servers.play()
    send(servers, post("multipart/form-data", b"raw"))
    assert script.arrived[0].record()["body"] == "raw"


def test_multipart_that_does_not_end_is_an_error(servers: EchoServers) -> None:
    script = servers.play()
    send(servers, post("multipart/form-data; boundary=B", b"--B\r\n\r\n1\r\n"))
    with pytest.raises(ValueError, match="does not end with its boundary"):
        script.arrived[0].record()


def test_the_usual_reply_is_json(servers: EchoServers) -> None:
    assert send(servers, get()) == (
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 11\r\n\r\n"
        b'{"ok":true}'
    )


def test_a_reply_is_sent_as_scripted(servers: EchoServers) -> None:
    servers.play([{"status": 404, "reason": "No", "headers": [["X", "\xe9"]], "body": "\u20ac"}])
    assert send(servers, get()) == (
        b"HTTP/1.1 404 No\r\nX: \xe9\r\nContent-Length: 3\r\n\r\n\xe2\x82\xac"
    )


def test_a_reply_with_a_body_has_no_content_type_of_its_own(servers: EchoServers) -> None:
    servers.play([{"body": {"$bytes": "AP8="}}])
    assert send(servers, get()) == b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n\x00\xff"


@pytest.mark.parametrize("status", [204, 304])
def test_a_status_without_a_body_has_neither_body_nor_length(
    servers: EchoServers, status: int
) -> None:
    servers.play([{"status": status, "headers": [], "body": "x"}])
    assert send(servers, get()).endswith(b"\r\n\r\n")
    assert b"Content-Length" not in send(servers, get())


def test_head_gets_the_headers_alone(servers: EchoServers) -> None:
    servers.play([{"body": "four"}])
    assert (
        send(servers, b"HEAD / HTTP/1.1\r\n\r\n") == b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n"
    )


def test_a_chunked_reply_comes_in_two_chunks(servers: EchoServers) -> None:
    servers.play([{"chunked": True, "body": "12345"}])
    assert send(servers, get()) == (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n123\r\n2\r\n45\r\n0\r\n\r\n"
    )


def test_a_gzip_reply_is_compressed(servers: EchoServers) -> None:
    servers.play([{"gzip": True, "body": "aaaa"}])
    head, _, body = send(servers, get()).partition(b"\r\n\r\n")
    assert b"Content-Encoding: gzip" in head
    assert f"Content-Length: {len(body)}".encode() in head
    assert gzip.decompress(body) == b"aaaa"


def test_replies_go_round_both_servers_and_the_last_one_stays(servers: EchoServers) -> None:
    script = servers.play([{"body": "1"}, {"body": "2"}, {"body": "3"}])
    answers = [send(servers, get(), to) for to in ("origin", "other", "origin", "other")]
    assert [answer[-1:] for answer in answers] == [b"1", b"2", b"3", b"3"]
    assert [request.to for request in script.arrived] == ["origin", "other", "origin", "other"]


def test_a_dropped_request_is_noted_but_not_answered(servers: EchoServers) -> None:
    script = servers.play([{"drop": True}, {}])
    assert send(servers, get() + get()) == b""
    assert len(script.arrived) == 1


def test_a_connection_keeps_the_script_it_began_with(servers: EchoServers) -> None:
    first = servers.play([{"body": "first"}])
    host, port = servers.hosts["origin"].split(":")
    with socket.create_connection((host, int(port)), timeout=5) as connection:
        connection.sendall(get())
        assert connection.recv(1000).endswith(b"first")
        second = servers.play([{"body": "second"}])
        connection.sendall(get())
        assert connection.recv(1000).endswith(b"first")
    assert (len(first.arrived), len(second.arrived)) == (2, 0)


def test_nothing_listens_at_the_closed_address(servers: EchoServers) -> None:
    with pytest.raises(ConnectionRefusedError):
        send(servers, get(), "closed")


def test_stopping_does_not_wait_for_a_delayed_reply() -> None:
    with EchoServers() as servers:
        servers.play([{}, {"delay": 3600}])
        host, port = servers.hosts["origin"].split(":")
        connection = socket.create_connection((host, int(port)), timeout=5)
        connection.sendall(get())
        assert connection.recv(1000)
        connection.sendall(get())
    with connection:
        assert connection.recv(1) == b""
