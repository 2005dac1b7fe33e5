"""No name of an item leads out of the directory of a storage."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from zustax.store.storage import FileStorage
from zustax.store.storage.disk import file_name


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("", "is empty"),
        (".", "begins with a dot"),
        ("..", "begins with a dot"),
        (".hidden", "begins with a dot"),
        ("../x", "slash"),
        ("a/../../x", "slash"),
        ("/etc/passwd", "slash"),
        ("..\\x", "backslash"),
        ("C:\\x", "backslash"),
        ("a\0b", "NUL"),
        ("\ud800", "half of a surrogate pair"),
        ("x" * 10_000, "has 10000 bytes, and at most 180 fit"),
        ("é" * 91, "has 182 bytes"),
        ("?" * 61, "has 183 bytes"),
    ],
    ids=repr,
)
@pytest.mark.parametrize("method", ["get_item", "set_item", "remove_item", "lock", "subscribe"])
def test_a_name_that_is_not_good_for_a_file_is_refused(
    tmp_path: Path, method: str, name: str, problem: str
) -> None:
    arguments: dict[str, Any] = {"set_item": ["text"], "subscribe": [print]}
    with pytest.raises(ValueError, match="cannot be the name of a stored item") as caught:
        getattr(FileStorage(tmp_path), method)(name, *arguments.get(method, []))
    assert problem in str(caught.value)
    assert len(str(caught.value)) < 250
    assert list(tmp_path.iterdir()) == []


def test_a_name_is_a_str() -> None:
    with pytest.raises(TypeError, match="must be a str, not bytes"):
        file_name(b"name")  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["app", "my app", "naïve", "a.b-c_d", "x" * 180, "é" * 90])
def test_a_plain_name_is_the_name_of_the_file(name: str) -> None:
    assert file_name(name) == name


def test_what_some_systems_cannot_have_in_a_file_name_is_escaped() -> None:
    assert file_name('a:b|c<d>"e?f*g%h\n') == "a%3Ab%7Cc%3Cd%3E%22e%3Ff%2Ag%25h%0A"
    assert [file_name(name) for name in ("a.", "a..", "a ", " ", " a")] == [
        "a%2E",
        "a.%2E",
        "a%20",
        "%20",
        " a",
    ]


def test_what_windows_takes_for_a_device_is_escaped() -> None:
    devices = ("con", "NUL", "nul.txt", "Com1", "lpt¹.log")
    assert [file_name(name) for name in devices] == [
        "%63on",
        "%4EUL",
        "%6Eul.txt",
        "%43om1",
        "%6Cpt¹.log",
    ]
    for name in ("contacts", "com", "com10", "nul-1"):
        assert file_name(name) == name


names = st.text() | st.text(st.sampled_from("conNUL1. %63\n"), max_size=5)


@settings(deadline=None)
@given(names, names)
def test_two_names_have_two_files_in_the_directory(one: str, other: str) -> None:
    files = []
    for name in (one, other):
        try:
            files.append(file_name(name))
        except ValueError:
            return
    assert (files[0] == files[1]) == (one == other)
    for file in files:
        assert (Path("/directory") / file).parent == Path("/directory")
