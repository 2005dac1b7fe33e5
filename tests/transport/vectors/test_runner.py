"""The runner itself: what it compares, what it leaves open, and that no program can hang it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from . import runner
from .echo import EchoServers
from .modes import MODES, Mode
from .values import Placeholders, comparable


@pytest.fixture
def servers() -> Iterator[EchoServers]:
    with EchoServers() as servers:
        yield servers


def program(**changes: Any) -> dict[str, Any]:
    call = {"form": "get", "url": "/x"}
    return {"family": "response", "create": {"base_url": "{origin}"}, "call": call, **changes}


@pytest.mark.parametrize(
    ("one", "other"), [(True, 1), (None, False), ("1", 1), ([1, 2], [2, 1]), ({"a": None}, {})]
)
def test_values_that_differ_are_told_apart(one: Any, other: Any) -> None:
    assert comparable(one) != comparable(other)


@pytest.mark.parametrize(("one", "other"), [(2.0, 2), ({"a": 1, "b": 2}, {"b": 2, "a": 1})])
def test_values_that_mean_the_same_are_equal(one: Any, other: Any) -> None:
    assert comparable(one) == comparable(other)


def test_addresses_are_put_in_and_back() -> None:
    placeholders = Placeholders({"origin": "127.0.0.1:50001", "other": "127.0.0.1:50002"})
    value = {"{origin}/a": ["{other_host}", "{unknown}", 1]}
    ready = placeholders.put_in(value)
    assert ready == {"http://127.0.0.1:50001/a": ["127.0.0.1:50002", "{unknown}", 1]}
    assert placeholders.put_back(ready) == value


@pytest.mark.parametrize("mode", MODES, ids=lambda mode: mode.name)
def test_only_what_is_expected_is_looked_at(mode: Mode, servers: EchoServers) -> None:
    refused = program(server=[{"status": 404}], expect={"outcome": {"error": {"status": 0}}})
    assert runner.observed(mode, refused, servers) == {"outcome": {"error": {"status": 404}}}


@pytest.mark.parametrize("mode", MODES, ids=lambda mode: mode.name)
def test_an_outcome_of_another_kind_is_shown_whole(mode: Mode, servers: EchoServers) -> None:
    served = program(expect={"outcome": {"error": {"status": 404}}})
    assert runner.observed(mode, served, servers) == {
        "outcome": {"response": {"status": 200, "data": {"ok": True}}}
    }


@pytest.mark.parametrize("mode", MODES, ids=lambda mode: mode.name)
def test_a_program_that_hangs_is_given_up(
    mode: Mode, servers: EchoServers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "BOUND", 0.2)
    endless = program(server=[{"delay": 3600}], expect={})
    with pytest.raises(TimeoutError):
        runner.observed(mode, endless, servers)
