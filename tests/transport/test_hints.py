"""An option of another library is answered with what to do instead, in errors and on pages."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from zustax.transport import RequestConfig, create, create_sync
from zustax.transport.config import OPTIONS
from zustax.transport.hints import AXIOS, OTHERS

DOCS = Path(__file__).parents[2] / "docs"

NAMES = {name: hint for hint, names in (AXIOS | OTHERS).items() for name in names}


def rows(page: str, heading: str) -> dict[str, tuple[str, ...]]:
    """What the first table under a heading says: hints, and the names that they are for."""
    text = (DOCS / page).read_text(encoding="utf-8").partition(f"\n{heading}\n")[2]
    table = text.partition("\n| --- ")[2].partition("\n\n")[0].splitlines()[1:]
    cells = [line.strip("| ").split(" | ") for line in table]
    return {hint: tuple(re.findall(r"`(\w+)`", names)) for names, hint in cells}


@pytest.mark.parametrize("name", NAMES)
def test_the_error_says_what_to_do_instead(name: str) -> None:
    api = create_sync(base_url="http://host")
    expected = NAMES[name].replace("`", "")
    gives: list[Callable[..., object]] = [api.get_uri, create, RequestConfig]
    for give in gives:
        with pytest.raises(TypeError) as caught:
            give(**{name: True})
        assert str(caught.value) == f"unknown option {name!r}; {expected}"
    with pytest.raises(AttributeError, match=f"unknown option {name!r}; "):
        setattr(api.defaults, name, True)


@pytest.mark.parametrize("name", AXIOS[next(iter(AXIOS))])
def test_a_name_in_snake_case_is_the_same(name: str) -> None:
    snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
    with pytest.raises(TypeError, match="hand in a client"):
        create({snake: True})


def test_no_option_has_a_hint() -> None:
    assert not OPTIONS & set(NAMES)


def test_no_name_has_two_hints() -> None:
    names = [name for names in (*AXIOS.values(), *OTHERS.values()) for name in names]
    assert len(names) == len(set(names))


def test_the_page_of_the_transport_has_all_of_them() -> None:
    assert rows("transport.md", "### Options of axios that are not ported") == AXIOS
    assert rows("transport.md", "### Options of other libraries") == OTHERS
