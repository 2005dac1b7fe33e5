"""Programs that were run with axios do the same here, on every kind of instance."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from .vectors.echo import EchoServers
from .vectors.modes import MODES, Mode
from .vectors.runner import observed, programs, runs_under
from .vectors.values import comparable

FAMILIES = ("interceptors", "merge", "uri", "error_json", "wire", "response")

#: Where it counts what goes over the wire. The others run with all libraries only with ``--slow``.
NEAR_THE_WIRE = ("wire", "response")

#: The kinds of instance that every program is run with.
EVERY_DAY = ("async", "sync")


def case(mode: Mode, program: dict[str, Any]) -> Any:
    is_slow = mode.name not in EVERY_DAY and (
        mode.name != "aiohttp" or program["family"] not in NEAR_THE_WIRE
    )
    marks = [pytest.mark.slow] if is_slow else []
    return pytest.param(mode, program, id=f"{program['id']}-{mode.name}", marks=marks)


CASES = [
    case(mode, program)
    for program in programs(*FAMILIES)
    for mode in MODES
    if runs_under(mode, program)
]


@pytest.fixture(scope="session")
def servers() -> Iterator[EchoServers]:
    with EchoServers() as servers:
        yield servers


@pytest.mark.parametrize(("mode", "program"), CASES)
def test_a_program_does_what_it_does_with_axios(
    mode: Mode, program: dict[str, Any], servers: EchoServers
) -> None:
    assert comparable(observed(mode, program, servers)) == comparable(program["expect"])
