"""The table of types in the documentation says what is so."""

from __future__ import annotations

import dataclasses
import enum
import json
import re
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal, NamedTuple
from uuid import UUID

import attrs
import pytest
from zustax.store import MemoryStorage, create_store, persist

PAGE = Path(__file__).parents[3] / "docs" / "store.md"


class Color(enum.Enum):
    RED = "red"


class Odd(enum.Enum):
    FIRST = (1, 2)


class Point(NamedTuple):
    x: int
    y: int


@attrs.frozen
class Todo:
    title: str
    due: date | None = None


@dataclasses.dataclass(frozen=True)
class Cat:
    kind: Literal["cat"] = "cat"


@dataclasses.dataclass(frozen=True)
class Dog:
    kind: Literal["dog"] = "dog"


NAMES: dict[str, Any] = {
    each.__name__: each
    for each in (
        *(date, datetime, time, timedelta, Decimal, Fraction, Path, UUID),
        *(Color, Odd, Point, Todo, Cat, Dog),
    )
} | {"UTC": UTC, "Any": Any, "Literal": Literal}


def rows() -> list[tuple[str, str, str]]:
    """Return the annotation, the value and the JSON of each row."""
    table = PAGE.read_text(encoding="utf-8").partition("| annotation |")[2].partition("\n\n")[0]
    cells = [re.split(r"(?<!\\)\|", line)[1:4] for line in table.splitlines()[2:]]
    codes = [
        [re.findall("`([^`]+)`", cell)[0].replace(r"\|", "|") for cell in row] for row in cells
    ]
    return [(annotation, value, stored) for annotation, value, stored in codes]


@pytest.mark.parametrize("row", rows(), ids=lambda row: row[0])
def test_a_value_is_stored_as_the_table_says_and_comes_back(row: tuple[str, str, str]) -> None:
    annotation, value, stored = eval(row[0], NAMES), eval(row[1], NAMES), row[2]
    field = attrs.field(default=None, type=annotation)
    state: Any = attrs.make_class("State", {"value": field}, frozen=True)
    storage = MemoryStorage()

    def start() -> Any:
        return create_store(persist(lambda: state(), name="app", storage=storage))

    start().set_state({"value": value})
    assert json.loads(storage.get_item("app") or "")["state"]["value"] == json.loads(stored)
    assert start().get_state() == state(value)
    assert type(start().get_state().value) is type(value)


def test_the_table_is_there() -> None:
    assert len(rows()) > 20
