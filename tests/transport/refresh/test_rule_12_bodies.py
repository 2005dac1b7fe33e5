"""A body that can be sent twice is; one that is used up by the first time is not."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ...support.app import App
from ...support.clients import Call
from ...support.http1 import Seen
from ...support.server import REFRESH, AuthServer
from .conftest import only_async

CONTENT = b"0123456789" * 20_000  # more than one piece of a file
FORM = {"headers": {"Content-Type": "application/x-www-form-urlencoded"}}
TEXT = {"headers": {"Content-Type": "text/plain"}}


class OneShot(io.RawIOBase):
    """A file that cannot seek, as a pipe or a socket."""

    def __init__(self) -> None:
        super().__init__()
        self._source = io.BytesIO(CONTENT)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self._source.readinto(buffer)


def file_at(position: int) -> io.BytesIO:
    file = io.BytesIO(CONTENT)
    file.seek(position)
    return file


class Lines:
    """An object that can be gone through as often as one likes."""

    def __iter__(self) -> Iterator[bytes]:
        return iter([b"one\n", b"two\n"])


def pieces() -> Iterator[bytes]:
    yield from (b"one", b"two")


async def async_pieces() -> AsyncIterator[bytes]:
    yield b"one"
    yield b"two"


#: A body that can be sent twice, the options that go with it, and what arrives.
REPEATABLE: dict[str, tuple[Callable[[], Any], dict[str, Any], bytes]] = {
    "nothing": (lambda: None, {}, b""),
    "bytes": (lambda: b"\x00\xff", {}, b"\x00\xff"),
    "bytearray": (lambda: bytearray(b"abc"), {}, b"abc"),
    "memoryview": (lambda: memoryview(b"abc"), {}, b"abc"),
    "str": (lambda: "grüße", TEXT, "grüße".encode()),
    "dict as JSON": (lambda: {"a": [1, None]}, {}, b'{"a":[1,null]}'),
    "lines": (Lines, TEXT, b"one\ntwo\n"),
    "list as JSON": (lambda: [1, 2], {}, b"[1,2]"),
    "dict as form": (lambda: {"a": 1, "b": "x y"}, FORM, b"a=1&b=x+y"),
    "file": (lambda: file_at(0), {}, CONTENT),
    "file that was read already": (lambda: file_at(7), {}, CONTENT[7:]),
    "file at its end": (lambda: file_at(len(CONTENT)), {}, b""),
    "text file": (lambda: io.StringIO("grüße"), {}, "grüße".encode()),
}

#: A form of several parts that can be sent twice.
REPEATABLE_FORMS: dict[str, Callable[[], dict[str, Any]]] = {
    "text": lambda: {"a": "1", "b": 2},
    "bytes": lambda: {"a": CONTENT},
    "file": lambda: {"a": file_at(0)},
    "file that was read already": lambda: {"a": file_at(7)},
    "two files": lambda: {"a": file_at(0), "b": file_at(0)},
}

ONE_SHOTS: dict[str, Callable[[], Any]] = {
    "generator": pieces,
    "iterator": lambda: iter([b"one", b"two"]),
    "map": lambda: map(str.encode, ["one", "two"]),
    "file that cannot seek": OneShot,
}


@pytest.fixture
def expired(app: App, server: AuthServer) -> App:
    """A program whose access token has expired."""
    server.expire()
    return app


@pytest.mark.parametrize(("body", "options", "arrives"), REPEATABLE.values(), ids=REPEATABLE)
def test_rule_12_a_body_that_can_be_sent_twice_is(
    expired: App,
    server: AuthServer,
    body: Callable[[], Any],
    options: dict[str, Any],
    arrives: bytes,
) -> None:
    assert expired.post("/items", body(), **options).response().status == 200
    assert [seen.body for seen in server.seen("/items")] == [arrives, arrives]
    first, second = (seen.headers.get("content-type") for seen in server.seen("/items"))
    assert first == second


@pytest.mark.parametrize("form", REPEATABLE_FORMS.values(), ids=REPEATABLE_FORMS)
def test_rule_12_a_form_of_parts_that_can_be_sent_twice_is(
    expired: App, server: AuthServer, form: Callable[[], dict[str, Any]]
) -> None:
    call = expired.client.start(lambda api: api.post_form("/items", form()))
    assert call.response().status == 200
    first, second = (without_boundary(seen) for seen in server.seen("/items"))
    assert first == second
    assert b'name="a"' in first


def test_rule_12_a_real_file_is_sent_from_where_it_stood(
    expired: App, server: AuthServer, tmp_path: Path
) -> None:
    path = tmp_path / "upload"
    path.write_bytes(CONTENT)
    with path.open("rb") as file:
        file.seek(3)
        assert expired.post("/items", file).response().status == 200
    assert [seen.body for seen in server.seen("/items")] == [CONTENT[3:]] * 2


@pytest.mark.parametrize("body", ONE_SHOTS.values(), ids=ONE_SHOTS)
def test_rule_12_a_one_shot_body_raises_the_original_401_with_a_note(
    expired: App, server: AuthServer, body: Callable[[], Any]
) -> None:
    assert_not_sent_again(expired.post("/items", body()), server)


@only_async
def test_rule_12_an_async_iterator_raises_the_original_401_with_a_note(
    expired: App, server: AuthServer
) -> None:
    assert_not_sent_again(expired.post("/items", async_pieces()), server)


def test_rule_12_a_form_with_a_file_that_cannot_seek_raises_the_original_401_with_a_note(
    expired: App, server: AuthServer
) -> None:
    call = expired.client.start(lambda api: api.post_form("/items", {"a": OneShot()}))
    assert_not_sent_again(call, server)


def test_rule_12_the_token_is_new_for_the_next_request_nevertheless(
    expired: App, server: AuthServer
) -> None:
    expired.post("/items", pieces()).error()
    assert expired.post("/items", pieces()).response().status == 200
    assert server.count(REFRESH) == 1
    assert expired.close() == ["token_refreshed"]


def test_rule_12_a_one_shot_body_that_waits_to_leave_is_sent(
    expired: App, server: AuthServer
) -> None:
    gate = server.hold(REFRESH)
    first = expired.get("/items")
    server.wait_for(1, REFRESH)
    second = expired.post("/upload", pieces())
    expired.wait_for_waiting(2)
    gate.open()
    assert first.response().status == second.response().status == 200
    assert [seen.body for seen in server.seen("/upload")] == [b"onetwo"]


def test_rule_12_the_config_keeps_what_the_caller_gave(expired: App) -> None:
    data = {"a": 1}
    response = expired.post("/items", data).response()
    assert response.config.data == data


def assert_not_sent_again(call: Call, server: AuthServer) -> None:
    error = call.error()
    assert error.status == 401
    assert error.__cause__ is None
    (note,) = error.__notes__
    assert "read only once" in note
    assert (server.count("/items"), server.count(REFRESH)) == (1, 1)


def without_boundary(seen: Seen) -> bytes:
    boundary = seen.headers["content-type"].partition("boundary=")[2]
    assert boundary
    return seen.body.replace(boundary.encode(), b"boundary")
