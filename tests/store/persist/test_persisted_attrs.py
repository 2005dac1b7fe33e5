"""States of attrs classes come back as they were."""

import json
from typing import Any, Optional

import attrs
import pytest
from zustax.store import create_store
from zustax.store.middleware.persist import persist
from zustax.store.storage import MemoryStorage


@attrs.frozen
class Point:
    x: int = 0
    y: int = 0


@attrs.frozen
class Shape:
    name: str
    points: list[Point] = attrs.field(factory=list)
    center: Point | None = None


@attrs.frozen
class Drawing:
    title: str = ""
    main: Shape | None = None
    origin: Point = Point()
    shapes: tuple[Shape, ...] = ()
    pair: tuple[int, Point] = (0, Point())
    by_name: dict[str, Shape] = attrs.field(factory=dict)
    either: "str | Point" = ""
    old_style: Optional[Point] = None  # noqa: UP045
    numbers: list[int] = attrs.field(factory=list)
    plain: tuple = ()  # type: ignore[type-arg]
    anything: Any = None


@attrs.frozen
class Guarded:
    size: int = attrs.field(default=1, validator=attrs.validators.gt(0))
    _hidden: str = "h"
    derived: int = attrs.field(init=False, default=0)
    call: Any = None


def make(storage: Any, initial: Any) -> Any:
    return create_store(
        persist(lambda set_state, get_state, store: initial, name="app", storage=storage)
    )


def there_and_back(state: Any, initial: Any) -> Any:
    storage = MemoryStorage()
    make(storage, initial).set_state(state)
    return make(storage, initial).get_state()


TRIANGLE = Shape("triangle", [Point(0, 0), Point(1, 0), Point(0, 1)], Point(1, 1))


@pytest.mark.parametrize(
    "state",
    [
        Drawing("d", main=TRIANGLE),
        Drawing(origin=Point(3, 4)),
        Drawing(shapes=(TRIANGLE, Shape("empty"))),
        Drawing(pair=(7, Point(8, 9))),
        Drawing(by_name={"t": TRIANGLE}),
        Drawing(either="text"),
        Drawing(either=Point(1, 2)),
        Drawing(old_style=Point(1, 2)),
        Drawing(numbers=[1, 2], plain=(1, "two")),
        Drawing(anything={"a": [None]}),
    ],
)
def test_instances_tuples_lists_and_dicts_of_them_come_back(state: Drawing) -> None:
    assert there_and_back(state, Drawing("initial")) == state


def test_what_no_annotation_names_comes_back_as_json_has_it() -> None:
    assert there_and_back(Drawing(anything=(1, Point())), Drawing()).anything == [
        1,
        {"x": 0, "y": 0},
    ]


def test_a_subclass_comes_back_as_the_class_that_the_store_begins_with() -> None:
    @attrs.frozen
    class Titled(Point):
        title: str = ""

    assert there_and_back(Point(5, 6), Titled()) == Titled(5, 6)


def test_a_private_field_comes_back_and_a_derived_one_is_made_anew() -> None:
    storage = MemoryStorage()
    make(storage, Guarded()).set_state({"_hidden": "new", "call": print})
    assert json.loads(storage.get_item("app") or "")["state"] == {"size": 1, "_hidden": "new"}
    assert make(storage, Guarded()).get_state() == Guarded(1, "new")


def test_fields_that_the_class_no_longer_has_are_dropped_and_new_ones_have_their_default() -> None:
    storage = MemoryStorage({"app": '{"state":{"x":5,"gone":[1]},"version":0}'})
    assert make(storage, Point(1, 2)).get_state() == Point(5, 2)


def test_a_nested_instance_with_a_field_too_many_comes_back() -> None:
    text = '{"state":{"origin":{"x":1,"y":2,"z":3}},"version":0}'
    assert make(MemoryStorage({"app": text}), Drawing()).get_state().origin == Point(1, 2)


@pytest.mark.parametrize("stored", ["5", "[1]", "null", '"text"'])
def test_a_stored_state_that_is_no_object_changes_nothing(stored: str) -> None:
    storage = MemoryStorage({"app": f'{{"state":{stored},"version":0}}'})
    store = make(storage, Point(1, 2))
    assert store.get_state() == Point(1, 2)
    assert store.persist.has_hydrated()


@pytest.mark.parametrize(
    "text",
    ['{"state":{"size":-1},"version":0}', '{"state":{"size":"big"},"version":0}'],
)
def test_a_value_that_a_validator_rejects_is_not_taken(text: str) -> None:
    store = make(MemoryStorage({"app": text}), Guarded())
    assert store.get_state() == Guarded()
    assert not store.persist.has_hydrated()


def test_an_annotation_that_cannot_be_resolved_does_no_harm() -> None:
    @attrs.frozen
    class Odd:
        here: "NoSuchName" = 0  # type: ignore[name-defined]  # noqa: F821
        there: Point = Point()

    assert there_and_back(Odd(here=5), Odd()).here == 5


def test_partialize_may_return_an_instance_or_a_dict() -> None:
    for partialize in (lambda state: state.origin, lambda state: {"x": state.origin.x, "y": 2}):
        storage = MemoryStorage()
        store = create_store(
            persist(
                lambda set_state, get_state, store: Drawing(),
                name="app",
                storage=storage,
                partialize=partialize,
            )
        )
        store.set_state({"origin": Point(1, 2)})
        assert storage.get_item("app") == '{"state":{"x":1,"y":2},"version":0}'
