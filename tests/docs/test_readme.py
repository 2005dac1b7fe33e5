"""The front page: its example is short, and its table says in plain words what was measured."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ..comparison.table import PAGE, shown_table

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")

#: What the table calls a row and a column of the full comparison.
ROWS = {
    "The refresh is rejected while 5 requests wait": "refresh rejected (403), 5 waiting",
    "The login server answers 503": "refresh answers 503, 1 request",
    "A 401 arrives after the refresh": "late 401 (arrives after the refresh)",
    "The request that refreshes is cancelled": "leader cancelled, 3 others waiting",
    "The user logs out during a refresh": "logout during the refresh, 3 waiting",
}
COLUMNS = {"What people paste": "original", "Authlib": "Authlib", "zustax": "**zustax**"}

#: What a cell of the table stands for: a part of what was measured.
MEANING = {
    "4 of them hang": "4 × **hangs**",
    "5 refreshes, 5 errors": "5 × error OAuthError; **5 refreshes**",
    "1 refresh; each gets its own 401": "5 × error 401; 1 refresh",
    "the user is logged out": "**logs out wrongly**",
    "an error; stays logged in": "1 refresh; next request: ok",
    "a second refresh": "**2 refreshes**",
    "the 401 is returned": "2 × answer 401; 0 refreshes",
    "sent again with the new token": "2 × ok; 1 refresh",
    "the others hang": "3 × **hangs**",
    "the session is revoked": "family revoked",
    "the others are served": "3 × ok; 1 refresh",
    "logged in again": "**logged in again**",
    "stays logged out": "stays logged out",
}


def cells_of(table: str) -> list[list[str]]:
    return [
        [cell.strip() for cell in line.strip("|").split(" | ")]
        for line in table.splitlines()
        if line.startswith("|") and not line.startswith("| ---")
    ]


def test_the_example_is_short() -> None:
    blocks: list[str] = re.findall(r"^```python\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    (example,) = blocks
    lines = example.splitlines()
    assert len(lines) <= 12
    assert max(map(len, lines)) <= 72


def test_the_table_says_what_was_measured() -> None:
    headings, *measured = cells_of(shown_table(PAGE.read_text(encoding="utf-8")))
    titles, *rows = cells_of(README)
    assert [row[0] for row in rows] == list(ROWS)
    for name, *cells in rows:
        row = next(row for row in measured if row[0] == ROWS[name])
        for title, cell in zip(titles[1:], cells, strict=True):
            column = next(i for i, h in enumerate(headings) if h.startswith(COLUMNS[title]))
            assert MEANING[cell] in row[column], (name, title)


@pytest.mark.parametrize("name", ["README.md", "README.zh-CN.md"])
def test_the_table_is_small(name: str) -> None:
    rows = cells_of((ROOT / name).read_text(encoding="utf-8"))
    assert len(rows) <= 6
    assert {len(row) for row in rows} == {4}
