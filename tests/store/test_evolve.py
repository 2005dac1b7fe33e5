"""A dict over an attrs state makes what calling the class would make, whatever the class is."""

import functools
from collections.abc import Callable
from typing import Any, Generic, TypeVar

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from zustax.store import create_store

from .test_store_secrets import our_frames

T = TypeVar("T")


@attrs.frozen
class Frozen:
    first: Any = 1
    second: Any = 2


@attrs.define
class Mutable:
    first: Any = 1
    second: Any = 2


@attrs.frozen(slots=False)
class WithoutSlots:
    first: Any = 1
    second: Any = 2


@attrs.frozen(kw_only=True)
class ByKeyword:
    first: Any = 1
    second: Any = 2


@attrs.frozen
class Child(Frozen):
    third: Any = 3


@attrs.frozen
class Typed(Generic[T]):
    first: T
    second: T


@attrs.frozen(weakref_slot=False)
class WithoutWeakReferences:
    first: Any = 1
    second: Any = 2


@attrs.frozen
class SlotsOverDict(WithoutSlots):
    third: Any = 3


class Plain(Frozen):
    """Inherits the fields, and has a `__dict__` that attrs knows nothing of."""


@attrs.define
class FailedError(Exception):
    first: Any = 1
    second: Any = 2


@attrs.frozen
class Converted:
    first: int = attrs.field(default=1, converter=int)
    second: Any = 2


@attrs.frozen
class Prepared:
    first: Any = 1
    second: Any = 2

    def __attrs_pre_init__(self) -> None:
        INITIALIZED.append("prepared")


@attrs.frozen
class Finished:
    first: Any = 1
    second: Any = 2

    def __attrs_post_init__(self) -> None:
        INITIALIZED.append("finished")


@attrs.frozen
class Derived:
    first: Any = 1
    second: Any = 2
    both: Any = attrs.field(init=False)

    @both.default
    def _add(self) -> Any:
        return (self.first, self.second)


@attrs.frozen
class Private:
    first: Any = 1
    second: Any = 2
    _hidden: Any = 3


@attrs.define
class OwnInit:
    first: Any = 1
    second: Any = 2

    def __init__(self, second: Any = 2, first: Any = 1) -> None:
        INITIALIZED.append("own")
        self.first, self.second = first, second


@attrs.frozen
class OwnNew:
    first: Any = 1
    second: Any = 2

    def __new__(cls, *arguments: Any, **named: Any) -> "OwnNew":
        INITIALIZED.append("new")
        return super().__new__(cls)


@attrs.define
class OwnSetattr:
    first: Any = 1
    second: Any = 2

    def __setattr__(self, name: str, value: Any) -> None:
        INITIALIZED.append(f"{name}={value}")
        super().__setattr__(name, value)


class Counting(type):
    def __call__(cls, *arguments: Any, **named: Any) -> Any:
        INITIALIZED.append("metaclass")
        return super().__call__(*arguments, **named)


@attrs.frozen
class OwnMetaclass(metaclass=Counting):
    first: Any = 1
    second: Any = 2


@attrs.frozen
class Decorated:
    first: Any = 1
    second: Any = 2


def noting(init: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(init)
    def noted(*arguments: Any, **named: Any) -> None:
        INITIALIZED.append("decorated")
        init(*arguments, **named)

    return noted


INITIALIZED = list[str]()
Decorated.__init__ = noting(Decorated.__init__)  # type: ignore[method-assign]

STATES: list[Any] = [
    Frozen(),
    Mutable(),
    WithoutSlots(),
    ByKeyword(),
    Child(),
    Typed(1, 2),
    WithoutWeakReferences(),
    SlotsOverDict(),
    Plain(),
    FailedError(),
    Converted(),
    Prepared(),
    Finished(),
    Derived(),
    Private(),
    OwnInit(),
    OwnNew(),
    OwnSetattr(),
    OwnMetaclass(),
    Decorated(),
]


def name_of(state: object) -> str:
    return type(state).__name__


def changed_by_a_store(state: Any, changes: dict[str, Any]) -> Any:
    store = create_store(state)
    store.set_state(changes)
    return store.get_state()


@pytest.mark.parametrize("state", STATES, ids=name_of)
@settings(deadline=None)
@given(changes=st.dictionaries(st.sampled_from(["first", "second"]), st.integers()))
def test_a_change_makes_what_calling_the_class_makes(state: Any, changes: dict[str, int]) -> None:
    before = attrs.asdict(state)
    changed = changed_by_a_store(state, changes)
    expected = attrs.evolve(state, **changes)
    assert type(changed) is type(expected)
    assert attrs.asdict(changed) == attrs.asdict(expected)
    assert changed is not state
    assert attrs.asdict(state) == before


@pytest.mark.parametrize("state", STATES, ids=name_of)
def test_what_a_class_does_when_it_is_called_is_done(state: Any) -> None:
    INITIALIZED.clear()
    attrs.evolve(state, first=5)
    when_called = list(INITIALIZED)
    INITIALIZED.clear()
    changed_by_a_store(state, {"first": 5})
    assert when_called == INITIALIZED


@pytest.mark.parametrize("state", STATES, ids=name_of)
def test_an_unknown_field_is_refused_whatever_the_class_is(state: Any) -> None:
    store = create_store(state)
    with pytest.raises(TypeError, match=f"{name_of(state)} has no field 'frist'; .* 'first'?"):
        store.set_state({"frist": 5})
    assert store.get_state() is state


def test_a_value_is_converted_as_in_a_call() -> None:
    assert changed_by_a_store(Converted(), {"first": "7"}) == Converted(7)


def test_a_field_that_init_does_not_take_is_made_anew_and_cannot_be_set() -> None:
    store = create_store(Derived())
    store.set_state({"second": 5})
    assert store.get_state().both == (1, 5)
    with pytest.raises(TypeError, match="'both' of Derived cannot be set"):
        store.set_state({"both": 5})


@pytest.mark.parametrize("slots", [True, False])
def test_what_was_computed_from_the_former_fields_is_not_kept(slots: bool) -> None:
    frozen: Any = functools.partial(attrs.frozen, slots=slots)

    @frozen(cache_hash=True)
    class Hashed:
        first: Any = 1

    @frozen
    class Doubling:
        first: Any = 1

        @functools.cached_property
        def double(self) -> Any:
            return 2 * self.first

    hashed, changed, doubling = Hashed(), Hashed(), Doubling()
    object.__setattr__(changed, "first", 2)
    assert (hash(hashed), doubling.double) == (hash(Hashed()), 2)
    assert hash(changed_by_a_store(hashed, {"first": 2})) == hash(changed)
    assert changed_by_a_store(doubling, {"first": 2}).double == 4


# No token is shown


def assert_shows_no(error: BaseException, *values: str) -> None:
    assert not any(value in f"{error!r} {error.args!r}" for value in values)
    assert list(our_frames(error)) == []


@pytest.mark.parametrize("state", STATES, ids=name_of)
def test_the_error_of_an_unknown_field_shows_no_value(state: Any) -> None:
    store = create_store(attrs.evolve(state, first="56781234"))
    with pytest.raises(TypeError) as caught:
        store.set_state({"second": "87654321", "third_and_last": "12344321"})
    assert_shows_no(caught.value, "56781234", "87654321", "12344321")


@pytest.mark.parametrize("cls", [Mutable, WithoutSlots, Private])
def test_the_error_of_a_state_that_lacks_a_field_shows_no_value(cls: Any) -> None:
    state = cls("56781234")
    object.__delattr__(state, "second")
    store = create_store(state)
    with pytest.raises(AttributeError) as caught:
        store.set_state({"first": "87654321"})
    assert_shows_no(caught.value, "56781234", "87654321")
    assert store.get_state() is state
