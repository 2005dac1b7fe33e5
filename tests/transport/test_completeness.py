"""Nothing was forgotten: each option has a check, a merge rule, a default, a unit, and words."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import attrs
import pytest
from zustax.transport import RequestConfig, RequestError, merge_config

from ..support.clients import Client
from ..support.server import AuthServer
from .test_config import DEFAULTS, MERGED, NEVER_A_DEFAULT, OPTIONS, documented, every_option

PAGE = Path(__file__).parents[2] / "docs" / "transport.md"

#: What the numbers among the options count.
UNITS = {
    "timeout": "seconds",
    "max_content_length": "bytes",
    "max_body_length": "bytes",
    "max_redirects": "redirects",
}

#: What the page has where there is nothing to say.
NOTHING = "\N{EN DASH}"

#: The names in axios that are not this one in camel case; ``None``: axios has no such option.
AXIOS_NAMES = {
    "base_url": "baseURL",
    "with_xsrf_token": "withXSRFToken",
    "extra": None,
    "cookies": None,
}


@attrs.frozen
class Row:
    """What the table of options on the page says of one."""

    axios: str
    meaning: str
    unit: str
    default: str
    merged: str


def table() -> dict[str, Row]:
    text = (
        PAGE.read_text(encoding="utf-8").partition("\n| option | axios |")[2].partition("\n\n")[0]
    )
    lines = re.findall(r"^\| `(\w+)` \| (.+) \|$", text, re.MULTILINE)
    return {option: Row(*cells.split(" | ")) for option, cells in lines}


ROWS = table()


def axios_name(option: str) -> str | None:
    camel = re.sub(r"_(.)", lambda found: found[1].upper(), option)
    return AXIOS_NAMES.get(option, camel)


def merge_rule(option: str) -> str:
    if option in NEVER_A_DEFAULT:
        return "request"
    return "both" if option in MERGED else "call"


# --- the page ---


def test_the_page_has_a_line_for_every_option_and_no_other() -> None:
    assert list(ROWS) == OPTIONS


@every_option
def test_the_page_says_what_an_option_is_in_axios(option: str) -> None:
    name = axios_name(option)
    assert ROWS[option].axios.startswith(NOTHING if name is None else f"`{name}`")


@every_option
def test_the_page_says_in_which_unit_a_number_is(option: str) -> None:
    assert ROWS[option].unit == UNITS.get(option, NOTHING)


@every_option
def test_the_page_says_what_the_default_is(option: str) -> None:
    default = DEFAULTS.get(option)
    assert ROWS[option].default
    if isinstance(default, (int, str)):
        assert str(default) in ROWS[option].default


@every_option
def test_the_page_says_how_an_option_is_merged(option: str) -> None:
    assert ROWS[option].merged == merge_rule(option)


# --- the docstrings ---


@every_option
def test_the_docstring_of_an_option_says_its_default(option: str) -> None:
    assert re.search(r"Default: .+\.$", documented()[option])


@pytest.mark.parametrize(("option", "unit"), UNITS.items(), ids=UNITS)
def test_the_docstring_of_a_number_says_its_unit(option: str, unit: str) -> None:
    assert unit in documented()[option].lower()


def test_the_docstring_of_the_merge_names_every_option_with_a_rule_of_its_own() -> None:
    said = (merge_config.__doc__ or "").partition("Raises:")[0]
    named = set(re.findall(r"``(\w+)``", said)) & {*OPTIONS}
    assert named == {*MERGED, *NEVER_A_DEFAULT}
    assert "Every other option" in said


# --- the code ---


@every_option
def test_what_cannot_be_an_option_is_refused_by_its_name_before_anything_is_sent(
    client: Client, server: AuthServer, option: str
) -> None:
    asked: dict[str, Any] = {"url": "/items", "method": "post", option: object()}
    failure = client.start(lambda api: api(asked)).failure()
    assert isinstance(failure, (TypeError, RequestError)), repr(failure)
    assert option in str(failure).lower()
    assert server.count() == 0


@every_option
def test_an_option_may_be_none(client: Client, server: AuthServer, option: str) -> None:
    server.answer("/items")
    asked: dict[str, Any] = {"url": f"{server.url}/items", "method": "get"}
    if option != "url":
        asked[option] = None
    client.call(lambda api: api(asked))
    assert server.count() == 1


def test_every_option_that_is_a_number_has_a_unit() -> None:
    numbers = {
        name
        for name, kind in RequestConfig.__annotations__.items()
        if kind in ("int", "float | None")
    }
    assert numbers == set(UNITS)
