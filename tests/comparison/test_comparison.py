"""The column of zustax in the README is what happens."""

from __future__ import annotations

import pytest

from .scenarios import SCENARIOS
from .table import HEADINGS, OTHERS, README, measure, shown_table


def shown_rows() -> dict[str, list[str]]:
    lines = shown_table(README.read_text(encoding="utf-8")).splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]
    assert rows[0] == [heading.strip() for heading in HEADINGS]
    return {row[0]: row[1:] for row in rows[2:]}


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_readme_says_what_zustax_does(name: str) -> None:
    assert shown_rows()[name] == [*OTHERS[name], measure(SCENARIOS[name])]


def test_the_readme_shows_every_scenario_in_order() -> None:
    assert list(shown_rows()) == list(SCENARIOS) == list(OTHERS)
