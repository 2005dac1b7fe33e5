"""The columns of docs/comparison.md that need nothing installed are what happens."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .peers import LOCAL, PEERS
from .program import Program
from .scenarios import SCENARIOS
from .table import NOT_RUN, PAGE, column, play, shown_table

#: Seconds: whoever hangs is looked at in vain for so long.
PATIENCE = 1.0


def shown_rows() -> list[list[str]]:
    lines = shown_table(PAGE.read_text(encoding="utf-8")).splitlines()
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(name, marks=() if name == "**zustax**" else pytest.mark.slow) for name in LOCAL
    ],
)
def program(request: pytest.FixtureRequest) -> Iterator[Program]:
    with LOCAL[request.param]() as program:
        yield program


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=pytest.mark.slow if "stopped" in name else ()) for name in SCENARIOS],
)
def test_the_page_says_what_happens(name: str, program: Program) -> None:
    headings, _, *rows = shown_rows()
    shown = {row[0]: row[headings.index(program.name)] for row in rows}
    assert shown[name] == play(SCENARIOS[name], program, PATIENCE)


def test_the_page_shows_every_scenario_and_every_contender_in_order() -> None:
    headings, _, *rows = shown_rows()
    assert [row[0] for row in rows] == list(SCENARIOS)
    assert len(headings) == 1 + len(PEERS)
    for heading, name in zip(headings[1:], PEERS, strict=True):
        assert heading.startswith(name.partition(",")[0])


def test_the_page_is_written_from_a_run_of_all() -> None:
    assert NOT_RUN not in shown_table(PAGE.read_text(encoding="utf-8"))


def test_a_contender_that_is_missing_keeps_no_figures() -> None:
    assert column("nobody", lambda: Program(["no such program"])) == [
        "nobody",
        *([NOT_RUN] * len(SCENARIOS)),
    ]
