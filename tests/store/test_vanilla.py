"""What the vectors of Zustand cannot show: attrs states, errors, listeners as Python has them."""

import asyncio
import dataclasses
import functools
import gc
import weakref
from collections import OrderedDict
from collections.abc import Callable
from typing import Any
from unittest.mock import AsyncMock

import attrs
import pytest
import zustax.store
from zustax.store import Store, create_store, shallow


@attrs.frozen
class Counter:
    count: int = attrs.field(default=0, validator=attrs.validators.instance_of(int))
    limit: int = 10


@attrs.frozen
class Account:
    name: str
    _pin: int = 0
    balance: int = attrs.field(default=0, alias="opening_balance")
    label: str = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        object.__setattr__(self, "label", f"{self.name}: {self.balance}")


class Recorder:
    """A listener that keeps what it was called with."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, Any]] = []

    def __call__(self, state: Any, previous: Any) -> None:
        self.calls.append((state, previous))


def recorded(store: Store[Any], **options: Any) -> list[tuple[Any, Any]]:
    recorder = Recorder()
    store.subscribe(recorder, **options)
    return recorder.calls


# The first state


def test_an_initializer_is_given_set_state_get_state_and_the_store() -> None:
    def counter(set_state: Any, get_state: Any, store: Any) -> dict[str, Any]:
        assert get_state() is None
        assert store.get_initial_state() is None
        return {
            "count": 0,
            "increment": lambda: set_state(lambda state: {"count": state["count"] + 1}),
            "doubled": lambda: 2 * get_state()["count"],
            "store": store,
        }

    store = create_store(counter)
    store.get_state()["increment"]()
    assert store.get_state()["count"] == 1
    assert store.get_state()["doubled"]() == 2
    assert store.get_state()["store"] is store
    assert store.get_initial_state()["count"] == 0


def test_an_error_of_the_initializer_comes_out() -> None:
    def initializer(set_state: Any, get_state: Any, store: Any) -> Any:
        raise LookupError("no state today")

    with pytest.raises(LookupError, match="no state today"):
        create_store(initializer)


@pytest.mark.parametrize("state", [{"a": 1}, Counter(), 7, "text", None, [1], (1, 2)])
def test_any_other_value_is_the_first_state_itself(state: Any) -> None:
    store = create_store(state)
    assert store.get_state() is state
    assert store.get_initial_state() is state


# Merging


def test_merging_makes_a_plain_dict_and_leaves_both_dicts_alone() -> None:
    state, partial = OrderedDict(a=1, b=2), OrderedDict(b=3)
    store: Store[Any] = create_store(state)
    store.set_state(partial)
    assert store.get_state() == {"a": 1, "b": 3}
    assert type(store.get_state()) is dict
    assert (state, partial) == (OrderedDict(a=1, b=2), OrderedDict(b=3))


@pytest.mark.parametrize("state", [None, 5, "text", [1, 2]])
def test_a_dict_over_something_else_becomes_a_new_dict(state: Any) -> None:
    store, partial = create_store(state), {"a": 1}
    store.set_state(partial)
    assert store.get_state() == partial
    assert store.get_state() is not partial


def test_a_dict_is_evolved_into_a_new_attrs_instance() -> None:
    store = create_store(Counter())
    calls = recorded(store)
    store.set_state({"count": 3})
    store.set_state(lambda state: {"count": state.count + 1})
    assert store.get_state() == Counter(4, 10)
    assert calls == [(Counter(3), Counter(0)), (Counter(4), Counter(3))]
    assert store.get_initial_state() == Counter()


def test_an_empty_dict_over_an_attrs_state_makes_an_equal_one_and_notifies() -> None:
    store = create_store(Counter())
    calls = recorded(store)
    store.set_state({})
    [(state, previous)] = calls
    assert state == previous
    assert state is not previous


def test_a_whole_attrs_instance_is_taken_as_it_is() -> None:
    store, state = create_store(Counter()), Counter(5)
    store.set_state(state)
    assert store.get_state() is state


def test_an_attrs_instance_that_can_be_called_is_a_state() -> None:
    @attrs.frozen
    class Greeter:
        name: str

        def __call__(self, *arguments: object) -> None:
            raise AssertionError("a state is not called")

    store = create_store(Greeter("Ada"))
    store.set_state(Greeter("Grace"))
    assert store.get_state() == Greeter("Grace")


def test_a_field_is_known_by_its_name_and_by_its_alias() -> None:
    make_account: Any = Account
    store = create_store(Account("Ada"))
    store.set_state({"_pin": 1, "balance": 2})
    assert store.get_state() == make_account("Ada", pin=1, opening_balance=2)
    store.set_state({"pin": 3, "opening_balance": 4})
    assert store.get_state() == make_account("Ada", pin=3, opening_balance=4)
    assert store.get_state().label == "Ada: 4"


@pytest.mark.parametrize(
    ("partial", "message"),
    [
        ({"cuont": 1}, "Counter has no field 'cuont'; did you mean 'count'?"),
        ({"limit": 1, "zzz": 1}, "Counter has no field 'zzz'"),
        ({1: 1}, "Counter has no field 1"),
    ],
)
def test_an_unknown_field_is_refused_and_nothing_changes(
    partial: dict[Any, Any], message: str
) -> None:
    store = create_store(Counter())
    calls = recorded(store)
    with pytest.raises(TypeError) as caught:
        store.set_state(partial)
    assert str(caught.value) == message
    assert store.get_state() is store.get_initial_state()
    assert calls == []


def test_a_field_outside_init_cannot_be_set() -> None:
    store = create_store(Account("Ada"))
    with pytest.raises(TypeError, match=r"'label' of Account cannot be set: .* init=False"):
        store.set_state({"label": "mine"})
    assert store.get_state() is store.get_initial_state()


def test_a_value_that_a_validator_rejects_changes_nothing() -> None:
    store = create_store(Counter())
    calls = recorded(store)
    with pytest.raises(TypeError, match="'count' must be <class 'int'>"):
        store.set_state({"limit": 5, "count": "many"})
    assert store.get_state() is store.get_initial_state()
    assert calls == []


def test_an_updater_that_raises_changes_nothing_and_leaves_the_store_usable() -> None:
    store = create_store({"a": 1})
    calls = recorded(store)
    with pytest.raises(ZeroDivisionError):
        store.set_state(lambda state: {"a": 1 // 0})
    assert store.get_state() is store.get_initial_state()
    store.set_state({"a": 2})
    assert calls == [({"a": 2}, {"a": 1})]


# Zustand's names


def test_zustands_names_follow_a_method_that_was_replaced() -> None:
    store = create_store({"a": 1})
    partials: list[Any] = []
    original = store.set_state

    def set_state(partial: Any, replace: bool | None = None, action: object = None) -> None:
        partials.append(partial)
        original(partial, replace, action)

    store.set_state = set_state  # type: ignore[method-assign]
    store.get_state = lambda: {"a": 10}  # type: ignore[method-assign]
    store.get_initial_state = lambda: {"a": 20}  # type: ignore[method-assign]

    store.setState({"a": 2}, replace=True)
    assert partials == [{"a": 2}]
    assert store.getState() == {"a": 10}
    assert store.getInitialState() == {"a": 20}


def test_public_objects_carry_the_name_they_are_imported_by() -> None:
    for name in zustax.store.__all__:
        exported = getattr(zustax.store, name)
        assert (exported.__module__, exported.__name__) == ("zustax.store", name)


# Which listeners are the same


def test_a_bound_method_is_the_same_listener_each_time_it_is_looked_up() -> None:
    class View:
        calls = 0

        def show(self, state: Any, previous: Any) -> None:
            self.calls += 1

    view, other, store = View(), View(), create_store(0)
    store.subscribe(view.show)
    unsubscribe = store.subscribe(view.show)
    store.subscribe(other.show)
    store.set_state(1)
    assert (view.calls, other.calls) == (1, 1)
    unsubscribe()
    store.set_state(2)
    assert (view.calls, other.calls) == (1, 2)


def test_listeners_that_cannot_be_hashed_are_told_apart_by_identity() -> None:
    class Greedy(Recorder):
        def __eq__(self, other: object) -> bool:
            return True

        __hash__ = None  # type: ignore[assignment]

    first, second, store = Greedy(), Greedy(), create_store(0)
    unsubscribe_first = store.subscribe(first)
    store.subscribe(first)
    store.subscribe(second)
    store.set_state(1)
    unsubscribe_first()
    store.set_state(2)
    assert first.calls == [(1, 0)]
    assert second.calls == [(1, 0), (2, 1)]


def test_subscribing_again_keeps_the_place() -> None:
    store, order = create_store(0), list[str]()

    def first(state: int, previous: int) -> None:
        order.append("first")

    def second(state: int, previous: int) -> None:
        order.append("second")

    store.subscribe(first)
    store.subscribe(second)
    store.subscribe(first)
    store.set_state(1)
    assert order == ["first", "second"]


def test_with_a_selector_each_subscription_is_its_own() -> None:
    store, recorder = create_store({"a": 0}), Recorder()
    unsubscribe = store.subscribe(lambda state: state["a"], recorder)
    store.subscribe(lambda state: state["a"], recorder)
    store.set_state({"a": 1})
    unsubscribe()
    unsubscribe()
    store.set_state({"a": 2})
    assert recorder.calls == [(1, 0), (1, 0), (2, 1)]


def test_a_listener_that_has_left_is_released() -> None:
    store, recorder = create_store(0), Recorder()
    released = weakref.ref(recorder)
    leave_at_once: list[Callable[[], None]] = []

    def leave(state: int, previous: int) -> None:
        for unsubscribe in leave_at_once:
            unsubscribe()

    store.subscribe(leave)
    leave_at_once.append(store.subscribe(recorder))
    store.set_state(1)
    leave_at_once.clear()
    del recorder
    gc.collect()
    assert released() is None


# What is refused


@pytest.mark.parametrize("wrong", [None, 5, "listener", {"a": 1}])
def test_what_is_no_function_is_refused_by_name(wrong: Any) -> None:
    store, recorder = create_store({"a": 0}), Recorder()
    for role, arguments, options in (
        ("listener", [wrong], {}),
        ("selector", [wrong, recorder], {}),
        ("listener", [lambda state: state, wrong], {}),
        ("equality_fn", [lambda state: state, recorder], {"equality_fn": wrong}),
    ):
        with pytest.raises(TypeError) as caught:
            store.subscribe(*arguments, **options)
        assert str(caught.value) == f"{role} must be a function, not {type(wrong).__name__}"
    store.set_state({"a": 1})
    assert recorder.calls == []


async def coroutine_function(state: Any, previous: Any) -> None:
    raise AssertionError("never awaited")


class AsyncCallable:
    async def __call__(self, state: Any, previous: Any) -> None:
        raise AssertionError("never awaited")

    async def method(self, state: Any, previous: Any) -> None:
        raise AssertionError("never awaited")


@pytest.mark.parametrize(
    "listener",
    [
        coroutine_function,
        AsyncCallable(),
        AsyncCallable().method,
        functools.partial(coroutine_function),
        functools.partial(functools.partial(AsyncCallable()), previous=None),
        AsyncMock(),
    ],
)
def test_a_coroutine_function_is_refused_as_a_listener_with_the_recipe(listener: Any) -> None:
    store = create_store({"a": 0})
    recipe = r"lambda state, previous: asyncio\.create_task\(listener\(state, previous\)\)"
    with pytest.raises(TypeError, match=recipe):
        store.subscribe(listener)
    with pytest.raises(TypeError, match=recipe):
        store.subscribe(lambda state: state["a"], listener, fire_immediately=True)
    store.set_state({"a": 1})


async def test_the_recipe_for_a_coroutine_function_works() -> None:
    store, done = create_store(0), asyncio.Event()

    async def listener(state: int, previous: int) -> None:
        done.set()

    store.subscribe(lambda state, previous: asyncio.create_task(listener(state, previous)))
    store.set_state(1)
    await asyncio.wait_for(done.wait(), 5)


@pytest.mark.parametrize("options", [{"equality_fn": shallow}, {"fire_immediately": True}])
def test_an_option_without_a_selector_is_refused(options: Any) -> None:
    store, recorder = create_store(0), Recorder()
    subscribe: Any = store.subscribe
    with pytest.raises(TypeError, match="need a selector"):
        subscribe(recorder, **options)
    store.set_state(1)
    assert recorder.calls == []


def test_a_selector_subscription_whose_first_slice_fails_is_none() -> None:
    store, recorder = create_store({"a": 0}), Recorder()
    with pytest.raises(KeyError):
        store.subscribe(lambda state: state["b"], recorder)
    store.set_state({"b": 1})
    assert recorder.calls == []


async def set_later(state: Any) -> Any:
    return {"a": 1}


def test_an_async_updater_is_refused_with_the_recipe() -> None:
    store, recorder = create_store({"a": 0}), Recorder()
    store.subscribe(recorder)
    for partial in (set_later, set_later({})):
        with pytest.raises(TypeError, match=r"set_later cannot be a state.*await first"):
            store.set_state(partial)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    assert store.get_state() == {"a": 0}
    assert recorder.calls == []


def test_an_async_initializer_is_refused_with_the_recipe() -> None:
    async def initialize(*_: object) -> Any:
        return {"a": 0}

    with pytest.raises(TypeError, match=r"initialize cannot be a state.*await first"):
        create_store(initialize)


def test_a_class_where_a_state_was_meant_is_refused() -> None:
    for cls in (dict, Point):
        with pytest.raises(TypeError, match=f"{cls.__name__} is a class: pass an instance"):
            create_store(cls)


@dataclasses.dataclass(frozen=True)
class Point:
    x: int = 0


def test_a_dict_becomes_the_state_of_a_dataclass_if_it_is_to_replace_it() -> None:
    store: Store[Any] = create_store(Point())
    store.set_state({"x": 2}, replace=True)
    assert store.get_state() == {"x": 2}
