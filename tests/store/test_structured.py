"""States with fields, whichever kind of class they are of."""

from __future__ import annotations

import dataclasses
from typing import Any, NamedTuple

import attrs
import msgspec
import pydantic
import pytest
from zustax.store import create_store, devtools, immer, shallow


@attrs.frozen
class Attrs:
    name: str = "ada"
    score: int = 0


@dataclasses.dataclass(frozen=True)
class Dataclass:
    name: str = "ada"
    score: int = 0


@dataclasses.dataclass(slots=True, kw_only=True)
class Slotted:
    name: str = "ada"
    score: int = 0


class Tuple(NamedTuple):
    name: str = "ada"
    score: int = 0


class Model(pydantic.BaseModel):
    name: str = "ada"
    score: int = pydantic.Field(default=0, ge=0)


class FrozenModel(pydantic.BaseModel, frozen=True):
    name: str = pydantic.Field(default="ada", alias="Name")
    score: int = pydantic.Field(default=0, validation_alias="points")


class Struct(msgspec.Struct, frozen=True):
    name: str = "ada"
    score: int = 0


STATES: list[Any] = [
    Attrs(),
    Dataclass(),
    Slotted(),
    Tuple(),
    Model(),
    FrozenModel(),
    Struct(),
]


def name_of(state: object) -> str:
    return type(state).__name__


each_kind = pytest.mark.parametrize("state", STATES, ids=name_of)


@each_kind
@pytest.mark.parametrize("change", [{"score": 1}, lambda state: {"score": state.score + 1}])
def test_a_dict_changes_the_fields_that_it_names(state: Any, change: Any) -> None:
    store = create_store(state)
    store.set_state(change)
    after = store.get_state()
    assert type(after) is type(state)
    assert (after.name, after.score) == ("ada", 1)
    assert (state.name, state.score) == ("ada", 0)


@each_kind
def test_an_empty_dict_makes_a_new_state(state: Any) -> None:
    store, calls = create_store(state), list[Any]()
    store.subscribe(calls.append)
    store.set_state({})
    assert calls == [state]


@each_kind
def test_a_field_that_is_not_there_is_refused_and_nothing_has_changed(state: Any) -> None:
    store = create_store(state)
    with pytest.raises(TypeError, match=f"{name_of(state)} has no field 'scroe'; .* 'score'"):
        store.set_state({"name": "bob", "scroe": 1})
    assert store.get_state() is state


@each_kind
def test_a_whole_instance_is_taken_as_it_is(state: Any) -> None:
    store = create_store(state)
    other = type(state)()
    store.set_state(other)
    assert store.get_state() is other


@each_kind
def test_it_is_compared_field_by_field(state: Any) -> None:
    store = create_store(state)
    assert shallow(state, type(state)())
    store.set_state({"score": 1})
    assert not shallow(state, store.get_state())


@each_kind
def test_devtools_shows_its_fields(state: Any) -> None:
    store = create_store(devtools(lambda: state))
    store.set_state({"score": 1}, None, "scored")
    assert store.devtools.history[0].after == {"name": "ada", "score": 1}
    store.devtools.jump_to(0)
    assert store.get_state() is state
    store.devtools.import_json(store.devtools.export_json())
    assert type(store.get_state()) is type(state)


@pytest.mark.parametrize("state", [s for s in STATES if not isinstance(s, tuple)], ids=name_of)
def test_a_draft_of_it_can_be_changed(state: Any) -> None:
    store = create_store(immer(lambda: {"player": state}))

    def score(draft: Any) -> None:
        draft["player"].score += 1

    store.set_state(score)
    after: Any = store.get_state()["player"]
    assert (type(after), after.name, after.score) == (type(state), "ada", 1)
    assert state.score == 0


@each_kind
def test_the_repr_of_a_store_names_the_fields_and_shows_no_value(state: Any) -> None:
    assert repr(create_store(state)) == f"<Store of {name_of(state)}: name, score>"


def test_the_repr_of_a_store_of_another_state_shows_its_type_and_keys() -> None:
    assert repr(create_store({"token": "s3cret"})) == "<Store of dict: token>"
    assert repr(create_store("s3cret")) == "<Store of str>"
    many = repr(create_store(dict.fromkeys(map(str, range(1000)))))
    assert many.endswith(", 11, ...>")


@pytest.mark.parametrize("cls", [Model, FrozenModel])
def test_a_model_validates_what_is_changed(cls: Any) -> None:
    store = create_store(cls())
    with pytest.raises(pydantic.ValidationError):
        store.set_state({"score": "many"})
    assert store.get_state() == cls()
    store.set_state({"score": "5"})
    assert store.get_state().score == 5


def test_what_is_not_changed_in_a_model_stays_the_same_object() -> None:
    class Basket(pydantic.BaseModel):
        items: list[str]
        count: int = 0

    store = create_store(Basket(items=["milk"]))
    before = store.get_state()
    store.set_state({"count": 1})
    assert store.get_state().items is before.items


def test_a_dataclass_field_that_init_does_not_take_cannot_be_set() -> None:
    @dataclasses.dataclass
    class Derived:
        first: int = 1
        double: int = dataclasses.field(init=False)

        def __post_init__(self) -> None:
            self.double = 2 * self.first

    store = create_store(Derived())
    store.set_state({"first": 5})
    assert store.get_state().double == 10
    with pytest.raises(TypeError, match="'double' of Derived cannot be set"):
        store.set_state({"double": 5})


def test_a_dataclass_field_may_be_a_secret() -> None:
    @dataclasses.dataclass(frozen=True)
    class Card:
        number: str = dataclasses.field(default="", metadata={"secret": True})

    store = create_store(devtools(lambda: Card()))
    store.set_state({"number": "1234"})
    assert "1234" not in repr(store.devtools.history[0].after)


def test_an_instance_that_can_be_called_is_a_state() -> None:
    @dataclasses.dataclass(frozen=True)
    class Callable:
        count: int = 0

        def __call__(self, *_: object) -> None:
            raise AssertionError("it is not a function")

    store = create_store(Callable())
    store.set_state(Callable(1))
    assert store.get_state() == Callable(1)
