"""Lets all contenders play all scenarios, each against a real server, and prints the table.

    uv run python -m tests.comparison.table            # print it
    uv run python -m tests.comparison.table --write    # into docs/comparison.md, too

That takes a minute or two. It needs uv, for Authlib and google-auth in environments of their own,
and Node with npm, for axios-auth-refresh in a temporary directory. A contender that cannot be
started is said to be "not run", and then nothing is written.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from zustax.transport.testing import MisbehavingServer

from .peers import PEERS, Starter
from .program import NotRunError, Program
from .scenarios import SCENARIOS, Scenario
from .scene import Scene

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "comparison.md"
BEGIN, END = "<!-- comparison -->\n", "<!-- /comparison -->\n"
NOT_RUN = "not run"

#: Seconds after which a request is said to hang, if nothing happens meanwhile.
PATIENCE = 3.0

Column = list[str]


def play(scenario: Scenario, program: Program, patience: float) -> str:
    """What a contender does in a scenario, on a server of its own."""
    with MisbehavingServer() as server:
        try:
            return scenario(Scene(program, server, patience))
        finally:
            server.open_gates()


def column(name: str, starter: Starter) -> Column:
    """A contender's name, and what it does in each scenario."""
    try:
        with starter() as program:
            cells = [play(scenario, program, PATIENCE) for scenario in SCENARIOS.values()]
            return [program.name, *cells]
    except NotRunError as error:
        sys.stderr.write(f"{name}: {error}\n")
        return [name, *(NOT_RUN for _ in SCENARIOS)]


def table(columns: Sequence[Column]) -> str:
    """The columns in Markdown."""
    rows = list(zip(["", *SCENARIOS], *columns, strict=True))
    rows.insert(1, ("---",) * len(rows[0]))
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def shown_table(text: str) -> str:
    """The table in the text of the page."""
    return text.partition(BEGIN)[2].partition(END)[0]


def write(text: str) -> None:
    """Put a table into the page."""
    head, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    tail = rest.partition(END)[2]
    PAGE.write_text(f"{head}{BEGIN}{text}{END}{tail}", encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print.

    Args:
        arguments: The command line without the program's name; ``None`` takes the process's own.

    Returns:
        The exit code: 1 if something was to be written and is not, else 0.
    """
    parser = argparse.ArgumentParser(description="Compare silent refreshes.")
    parser.add_argument("--write", action="store_true", help="write the table into the page")
    options = parser.parse_args(arguments)
    columns = [column(name, starter) for name, starter in PEERS.items()]
    text = table(columns)
    sys.stdout.write(text)
    if options.write and any(NOT_RUN in cells for cells in columns):
        sys.stderr.write("nothing is written: some contenders were not run\n")
        return 1
    if options.write:
        write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
