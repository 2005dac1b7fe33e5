"""Programs that were run on Zustand: here they leave the same trace.

`tests/vectors/store.json` holds the programs; `vectors` runs them. A program marked as fixed runs a
second time with a state of fields.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

import attrs
import pytest
from zustax.store import object_is, shallow

from .vectors.persistence import PersistProgram
from .vectors.program import Program, StructuredProgram
from .vectors.runner import assert_same_trace, name_of, of_families
from .vectors.values import Json, decode

CLASSES: dict[str, Callable[[list[str]], Any]] = {
    "attrs": lambda names: attrs.make_class("State", names, frozen=True),
    "dataclass": lambda names: dataclasses.make_dataclass("State", names, frozen=True),
}
PAIRS = {"object_is": object_is, "shallow": shallow}

stores = of_families("vanilla", "primitive", "reentrant", "selector", "combine", "redux", "immer")
stacks = of_families("stack")
persisted = of_families("persist_sync", "persist_async")


@pytest.mark.parametrize("program", stores, ids=name_of)
def test_a_program_leaves_the_trace_that_it_leaves_on_zustand(program: Json) -> None:
    assert_same_trace(Program(program))


@pytest.mark.parametrize("kind", CLASSES)
@pytest.mark.parametrize("program", [p for p in stores if p.get("fixed")], ids=name_of)
def test_a_program_leaves_that_trace_with_a_state_of_fields(program: Json, kind: str) -> None:
    assert_same_trace(StructuredProgram(program, CLASSES[kind]))


@pytest.mark.parametrize("program", stacks, ids=name_of)
def test_several_middlewares_leave_the_trace_that_they_leave_on_zustand(program: Json) -> None:
    assert_same_trace(PersistProgram(program))


@pytest.mark.parametrize("program", persisted, ids=name_of)
def test_a_persisted_store_leaves_the_trace_that_it_leaves_on_zustand(program: Json) -> None:
    assert_same_trace(PersistProgram(program))


@pytest.mark.parametrize("program", of_families(*PAIRS), ids=name_of)
def test_two_values_compare_as_in_javascript(program: Json) -> None:
    compare = PAIRS[program["family"]]
    shared = [decode(value) for value in program["shared"]]
    pairs = [[decode(value, shared) for value in pair] for pair in program["pairs"]]
    assert [compare(a, b) for a, b in pairs] == program["results"]
