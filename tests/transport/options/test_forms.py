"""Forms as they arrive: nested, with lists, and with files."""

from __future__ import annotations

import io
from collections.abc import Callable
from email import message_from_bytes
from email.message import Message
from pathlib import Path
from typing import Any

import pytest
from attrs import frozen
from zustax.transport import RequestError
from zustax.transport.testing import SeenRequest

from ...support.clients import Client
from ...support.server import AuthServer


@frozen
class Part:
    """A part of a ``multipart/form-data`` body."""

    name: str
    content: bytes
    file_name: str | None = None
    content_type: str | None = None


@pytest.fixture(autouse=True)
def _forms(server: AuthServer) -> None:
    server.answer("/forms")


def parts_of(seen: SeenRequest) -> list[Part]:
    head = f"Content-Type: {seen.headers['content-type']}\r\n\r\n".encode()
    message = message_from_bytes(head + seen.body)
    assert message.is_multipart()
    return [part_of(part) for part in message.get_payload() if isinstance(part, Message)]


def part_of(part: Message) -> Part:
    content = part.get_payload(decode=True)
    assert isinstance(content, bytes)
    return Part(
        str(part.get_param("name", header="content-disposition")),
        content,
        part.get_filename(),
        part.get_content_type() if "content-type" in part else None,
    )


def parts_sent(client: Client, server: AuthServer, data: Any) -> list[Part]:
    client.call(lambda api: api.post_form("/forms", data))
    return parts_of(server.seen("/forms")[-1])


FILE = b"\x00\xffcontent"


# --- files ---


@pytest.mark.parametrize("name", ["post_form", "put_form", "patch_form"])
def test_a_file_with_its_name_and_type_is_one_part(
    client: Client, server: AuthServer, name: str
) -> None:
    form = {"file": ("notes.txt", io.BytesIO(FILE), "text/plain"), "user": "ada"}
    client.call(lambda api: getattr(api, name)("/forms", form))
    seen = server.seen("/forms")[0]
    assert seen.method == name.removesuffix("_form").upper()
    assert parts_of(seen) == [
        Part("file", FILE, "notes.txt", "text/plain"),
        Part("user", b"ada"),
    ]


@pytest.mark.parametrize(
    ("file", "arrives"),
    [
        (("notes.txt", FILE), Part("file", FILE, "notes.txt", "text/plain")),
        (("notes.txt", FILE, None), Part("file", FILE, "notes.txt", "text/plain")),
        (("notes", FILE, "image/x"), Part("file", FILE, "notes", "image/x")),
        (("notes", bytearray(FILE)), Part("file", FILE, "notes", "application/octet-stream")),
        (("notes", memoryview(FILE)), Part("file", FILE, "notes", "application/octet-stream")),
        ((None, FILE, "image/x"), Part("file", FILE, None, "image/x")),
        (FILE, Part("file", FILE, None, "application/octet-stream")),
        (bytearray(FILE), Part("file", FILE, None, "application/octet-stream")),
        (memoryview(FILE), Part("file", FILE, None, "application/octet-stream")),
    ],
    ids=[
        "name",
        "name and None",
        "name and type",
        "name and bytearray",
        "name and memoryview",
        "no name",
        "bytes",
        "bytearray",
        "memoryview",
    ],
)
def test_a_file_may_be_bytes(client: Client, server: AuthServer, file: Any, arrives: Part) -> None:
    assert parts_sent(client, server, {"file": file}) == [arrives]


def test_an_open_file_has_the_name_it_has_on_disk(
    client: Client, server: AuthServer, tmp_path: Path
) -> None:
    path = tmp_path / "notes.txt"
    path.write_bytes(FILE)
    with path.open("rb") as file:
        sent = parts_sent(client, server, {"file": file})
    assert sent == [Part("file", FILE, "notes.txt", "text/plain")]


def test_files_may_stand_in_lists_and_in_nested_mappings(
    client: Client, server: AuthServer
) -> None:
    form = {
        "list": [("a.txt", b"a"), ("b.txt", io.BytesIO(b"b"))],
        "user": {"photo": ("c.png", b"c"), "names": ["ada", "lovelace"]},
    }
    assert parts_sent(client, server, form) == [
        Part("list[]", b"a", "a.txt", "text/plain"),
        Part("list[]", b"b", "b.txt", "text/plain"),
        Part("user[photo]", b"c", "c.png", "image/png"),
        Part("user[names][0]", b"ada"),
        Part("user[names][1]", b"lovelace"),
    ]


@pytest.mark.parametrize("value", [("a", "b"), ["a", "b"], ("a", "b", "text/plain")], ids=repr)
def test_a_tuple_without_bytes_or_a_file_is_a_list(
    client: Client, server: AuthServer, value: Any
) -> None:
    sent = parts_sent(client, server, {"names": value})
    assert sent == [Part("names[]", item.encode()) for item in value]


def test_a_list_of_a_name_and_bytes_is_a_list(client: Client, server: AuthServer) -> None:
    assert parts_sent(client, server, {"names": ["a", b"b"]}) == [
        Part("names[]", b"a"),
        Part("names[]", b"b", None, "application/octet-stream"),
    ]


def test_what_a_file_is_called_begins_no_other_part(client: Client, server: AuthServer) -> None:
    form = {'na"me\r\nX-Evil: 1': ('a"\r\nX-Evil: 1', b"a")}
    client.call(lambda api: api.post_form("/forms", form))
    assert b"\r\nX-Evil" not in server.seen("/forms")[0].body


def test_a_form_with_a_file_is_sent_again_after_a_redirect(
    client: Client, server: AuthServer
) -> None:
    server.redirect("/old", "/forms", status=307)
    form = {"file": ("notes.txt", io.BytesIO(FILE), "text/plain")}
    client.call(lambda api: api.post_form("/old", form))
    assert parts_of(server.seen("/old")[0]) == parts_of(server.seen("/forms")[0])


class OneShot(io.RawIOBase):
    """A file that cannot seek."""

    def __init__(self) -> None:
        self._content = io.BytesIO(FILE)

    def read(self, size: int = -1) -> bytes:
        return self._content.read(size)


def test_a_file_that_cannot_seek_is_sent_once(client: Client, server: AuthServer) -> None:
    form = {"file": ("notes.txt", OneShot(), "text/plain")}
    assert parts_sent(client, server, form) == [Part("file", FILE, "notes.txt", "text/plain")]


def test_a_file_that_cannot_seek_is_not_sent_again(client: Client, server: AuthServer) -> None:
    server.redirect("/old", "/forms", status=307)
    form = {"file": ("notes.txt", OneShot(), "text/plain")}
    error = client.start(lambda api: api.post_form("/old", form)).error()
    assert "can be read only once" in str(error)
    assert server.count("/forms") == 0


BAD_PARTS: list[tuple[Callable[[], Any], str]] = [
    (lambda: io.StringIO("text"), "mode 'rb'"),
    (lambda: ("a.txt", io.StringIO("text")), "mode 'rb'"),
    (lambda: ("a.txt", b"a", 5), "int"),
    (lambda: ("a.txt", b"a", "text/plain\r\nX-Evil: 1"), "control characters"),
]


@pytest.mark.parametrize(("make", "named"), BAD_PARTS)
def test_a_part_that_cannot_be_sent_is_refused_before_anything_is(
    client: Client, server: AuthServer, make: Callable[[], Any], named: str
) -> None:
    failure = client.start(lambda api: api.post_form("/forms", {"file": make()})).failure()
    assert isinstance(failure, (TypeError, ValueError))
    assert "data: " in str(failure)
    assert "'file'" in str(failure)
    assert named in str(failure)
    assert server.count() == 0


# --- what is no file ---


def test_a_form_holds_what_is_nested_in_it(client: Client, server: AuthServer) -> None:
    form = {"a": 1, "b": {"c": [True, {"d": 1.0}]}, "e": None, "f{}": {"g": [1]}}
    assert parts_sent(client, server, form) == [
        Part("a", b"1"),
        Part("b[c][0]", b"true"),
        Part("b[c][1][d]", b"1"),
        Part("f{}", b'{"g":[1]}'),
    ]


def test_a_content_type_makes_a_form_of_data(client: Client, server: AuthServer) -> None:
    form_type = {"Content-Type": "application/x-www-form-urlencoded"}
    client.call(lambda api: api.post("/forms", {"a": [1, 2], "b": {"c": "ä"}}, headers=form_type))
    [seen] = server.seen("/forms")
    assert seen.body == b"a%5B%5D=1&a%5B%5D=2&b%5Bc%5D=%C3%A4"


def test_a_form_that_is_longer_than_the_limit_is_not_sent(
    client: Client, server: AuthServer
) -> None:
    form = {"file": ("notes.txt", b"x" * 1000)}
    error = client.start(lambda api: api.post_form("/forms", form, max_body_length=1000)).error()
    assert isinstance(error, RequestError)
    assert error.code == "ERR_BAD_REQUEST"
    assert server.count() == 0
