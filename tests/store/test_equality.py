"""`object_is` and `shallow`, where Python has more to compare than JavaScript."""

import math
from collections import OrderedDict, deque
from dataclasses import dataclass
from enum import Enum, IntEnum
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from zustax.store import object_is, shallow


class Colour(Enum):
    RED = 1


class Level(IntEnum):
    ONE = 1


class Metres(float):
    pass


@attrs.frozen
class Point:
    x: Any
    y: Any = 0


@dataclass
class Pair:
    a: Any
    b: Any = 0


scalars = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.binary(max_size=3)
)
shapes = st.recursive(
    scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=5
)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (1, 1.0),
        (10**400, 10**400),
        (2**53, float(2**53)),
        (math.nan, -math.nan),
        (-0.0, -0.0),
        (0, 0.0),
        ("a" * 1000, "".join(["a"] * 1000)),
        (b"ab", bytes(bytearray(b"ab"))),
        (None, None),
        (Colour.RED, Colour(1)),
        (Metres(1.5), Metres(1.5)),
    ],
)
def test_object_is_compares_numbers_texts_and_none_by_value(a: Any, b: Any) -> None:
    assert object_is(a, b)
    assert object_is(b, a)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (True, 1),
        (False, 0.0),
        (0, -0.0),
        (0.0, -0.0),
        ("", None),
        ("a", b"a"),
        (10**400, math.inf),
        (Level.ONE, 1),
        ([], []),
        ((1, 2), tuple(range(1, 3))),
        (Point(1), Point(1)),
    ],
)
def test_object_is_tells_apart_what_equality_would_unite(a: Any, b: Any) -> None:
    assert not object_is(a, b)
    assert not object_is(b, a)


@settings(deadline=None)
@given(shapes)
def test_every_value_is_itself(value: Any) -> None:
    assert object_is(value, value)
    assert shallow(value, value)


@settings(deadline=None)
@given(scalars, scalars)
def test_object_is_never_unites_what_differs(a: Any, b: Any) -> None:
    if object_is(a, b):
        assert a == b or (math.isnan(a) and math.isnan(b))


@settings(deadline=None)
@given(shapes, shapes)
def test_shallow_is_symmetric_and_includes_object_is(a: Any, b: Any) -> None:
    assert shallow(a, b) == shallow(b, a)
    assert shallow(a, b) or not object_is(a, b)


@pytest.mark.parametrize("container", [list, tuple, deque])
def test_shallow_compares_sequences_by_position(container: Any) -> None:
    inner = [0]
    assert shallow(container([1, inner]), container([1, inner]))
    assert not shallow(container([1, inner]), container([inner, 1]))
    assert not shallow(container([1, inner]), container([1, inner, 2]))
    assert not shallow(container([[0]]), container([[0]]))


def test_shallow_compares_mappings_by_key_in_any_order() -> None:
    assert shallow({"a": 1, (1, 2): 2}, {(1, 2): 2, "a": 1})
    assert not shallow({"a": None}, {"b": None})
    assert not shallow({"a": 1}, {"a": 1, "b": 2})
    assert not shallow({"a": 1}, {"a": True})


def test_shallow_keeps_the_keys_true_and_one_apart_and_unites_nan() -> None:
    assert not shallow({True: "x"}, {1: "x"})
    assert shallow({float("nan"): "x"}, {float("nan"): "x"})


@pytest.mark.parametrize("container", [set, frozenset])
def test_shallow_compares_sets_by_member(container: Any) -> None:
    assert shallow(container([1, "a", float("nan")]), container(["a", float("nan"), 1.0]))
    assert not shallow(container([1]), container([True]))
    assert not shallow(container([1]), container([1, 2]))


@pytest.mark.parametrize("cls", [Point, Pair])
def test_shallow_compares_attrs_instances_and_dataclasses_by_field(cls: Any) -> None:
    inner = [0]
    assert shallow(cls(inner, 1), cls(inner, 1.0))
    assert not shallow(cls(inner, 1), cls(inner, True))
    assert not shallow(cls([0]), cls([0]))


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ([1], (1,)),
        ([], {}),
        (set(), frozenset()),
        ({"a": 1}, OrderedDict(a=1)),
        (Point(1), Pair(1)),
        (object(), object()),
        (len, print),
        (Point, Pair),
        ("ab", "ac"),
    ],
)
def test_shallow_refuses_different_types_and_values_without_parts(a: Any, b: Any) -> None:
    assert not shallow(a, b)
