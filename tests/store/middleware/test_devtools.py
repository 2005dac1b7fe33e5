"""`devtools`: what is recorded, and going back in time."""

import gc
import json
import weakref
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import attrs
import pytest
from zustax.store import (
    RecordedAction,
    create_store,
    devtools,
    persist,
    redux,
)


@attrs.frozen
class Counter:
    count: int = attrs.field(default=0, validator=attrs.validators.instance_of(int))
    label: str = ""


@attrs.frozen
class Add:
    by: int


def initial(state: Any) -> Any:
    return lambda set_state, get_state, store: state


def a_store(state: Any = None, **options: Any) -> Any:
    return create_store(devtools(initial({"count": 0} if state is None else state), **options))


def recorded(store: Any) -> list[tuple[Any, Any, Any]]:
    return [(entry.action, entry.before, entry.after) for entry in store.devtools.history]


def types(store: Any) -> list[str]:
    return [entry.action["type"] for entry in store.devtools.history]


def increment(state: dict[str, Any]) -> dict[str, Any]:
    return {"count": state["count"] + 1}


# What is recorded


def test_an_action_is_recorded_with_the_states_before_and_after() -> None:
    store = a_store()
    store.set_state({"count": 1}, None, "one")
    store.set_state(increment, None, {"type": "increment", "by": 1})
    assert recorded(store) == [
        ({"type": "one"}, {"count": 0}, {"count": 1}),
        ({"type": "increment", "by": 1}, {"count": 1}, {"count": 2}),
    ]
    first, second = store.devtools.history
    assert isinstance(first, RecordedAction)
    assert (first.id, second.id) == (1, 2)
    assert 0 < first.timestamp <= second.timestamp


def test_an_attrs_state_is_recorded_as_plain_data() -> None:
    store = a_store(Counter())
    store.set_state({"count": 1}, None, "one")
    assert recorded(store) == [
        ({"type": "one"}, {"count": 0, "label": ""}, {"count": 1, "label": ""})
    ]


def test_every_way_to_set_the_state_is_recorded() -> None:
    def initializer(set_state: Any, get_state: Any, store: Any) -> dict[str, Any]:
        set_state({"count": 7}, None, "too early to be recorded")
        return {"count": 0, "increment": lambda: set_state(increment, None, "by an action")}

    store = create_store(devtools(initializer))
    store.get_state()["increment"]()
    store.setState({"count": 5}, None, "by the alias")
    store.set_state({"count": 0}, True, "replacing")
    assert types(store) == ["by an action", "by the alias", "replacing"]


def test_an_action_that_changes_nothing_is_recorded() -> None:
    store = a_store()
    store.set_state(lambda state: state, None, "nothing")
    assert recorded(store) == [({"type": "nothing"}, {"count": 0}, {"count": 0})]


def test_actions_of_redux_are_recorded_by_themselves() -> None:
    def reducer(state: Any, action: Any) -> Any:
        return {"count": state["count"] + action["by"]}

    store = create_store(devtools(redux(reducer, {"count": 0})))
    store.dispatch({"type": "add", "by": 2})
    assert recorded(store) == [({"type": "add", "by": 2}, {"count": 0}, {"count": 2})]


def test_an_action_that_is_an_object_is_recorded_by_its_class() -> None:
    def reducer(state: Counter, action: Add) -> Counter:
        return Counter(state.count + action.by)

    store = create_store(devtools(redux(reducer, Counter())))
    store.dispatch(Add(2))
    assert [entry.action for entry in store.devtools.history] == [{"type": "Add", "by": 2}]


def test_an_action_without_a_name_is_called_after_the_function_that_set_the_state() -> None:
    store = a_store()

    def finish() -> None:
        store.set_state({"count": 1})

    finish()
    (lambda: store.set_state({"count": 2}))()
    assert types(store) == ["finish", "anonymous"]


async def test_a_change_that_the_event_loop_makes_is_anonymous() -> None:
    store = create_store(devtools(persist(initial({"count": 0}), name="a", storage=Slow())))
    await store.persist.rehydrate()
    assert types(store) == ["anonymous"]


class Slow:
    """A storage with something in it."""

    async def get_item(self, name: str) -> str | None:
        return '{"state": {"count": 5}, "version": 0}'

    async def set_item(self, name: str, value: str) -> None:
        raise AssertionError("nothing is to be written")

    async def remove_item(self, name: str) -> None:
        raise AssertionError("nothing is to be removed")


def test_actions_without_a_name_may_have_one_in_common() -> None:
    store = a_store(anonymous_action_type="unknown")
    store.set_state({"count": 1})
    assert types(store) == ["unknown"]


def test_what_a_listener_does_is_recorded_behind_what_it_heard_of() -> None:
    store = a_store({"count": 0, "double": 0})
    store.subscribe(
        lambda state: state["count"],
        lambda count, previous: store.set_state({"double": 2 * count}, None, "double"),
    )
    store.set_state({"count": 1}, None, "count")
    assert recorded(store) == [
        ({"type": "count"}, {"count": 0, "double": 0}, {"count": 1, "double": 0}),
        ({"type": "double"}, {"count": 1, "double": 0}, {"count": 1, "double": 2}),
    ]


def test_what_an_updater_does_is_recorded_before_its_own_action() -> None:
    store = a_store({"a": 0, "b": 0})

    def updater(state: Any) -> Any:
        store.set_state({"b": 1}, None, "inner")
        return {"a": 1}

    store.set_state(updater, None, "outer")
    assert recorded(store) == [
        ({"type": "inner"}, {"a": 0, "b": 0}, {"a": 0, "b": 1}),
        ({"type": "outer"}, {"a": 0, "b": 1}, {"a": 1, "b": 1}),
    ]


def test_actions_of_many_threads_are_recorded_in_the_order_of_their_changes() -> None:
    store = a_store(max_age=1000)

    def increment_often(_: int) -> None:
        for _ in range(50):
            store.set_state(increment, None, "increment")

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(increment_often, range(8)))
    steps = [(before["count"], after["count"]) for _, before, after in recorded(store)]
    assert steps == [(count, count + 1) for count in range(400)]


def raise_lookup_error(*arguments: object) -> Any:
    raise LookupError("not today")


def test_an_updater_that_raises_is_not_recorded() -> None:
    store = a_store()
    store.set_state({"count": 1}, None, "one")
    with pytest.raises(LookupError, match="not today"):
        store.set_state(raise_lookup_error, None, "failing")
    assert types(store) == ["one"]


@pytest.mark.parametrize("partial", [{"cuont": 1}, {"count": "one"}])
def test_a_change_that_is_refused_is_not_recorded(partial: Any) -> None:
    store = a_store(Counter())
    store.set_state({"count": 1}, None, "one")
    with pytest.raises(TypeError):
        store.set_state(partial, None, "refused")
    assert types(store) == ["one"]
    store.devtools.jump_to(1)
    assert store.get_state() == Counter(1)


def test_a_change_whose_listener_raises_is_recorded() -> None:
    store = a_store()
    store.subscribe(raise_lookup_error)
    with pytest.raises(LookupError, match="not today"):
        store.set_state({"count": 1}, None, "one")
    assert recorded(store) == [({"type": "one"}, {"count": 0}, {"count": 1})]


def test_a_batch_is_recorded_action_by_action() -> None:
    store = a_store()
    with store.batch():
        store.set_state(increment, None, "first")
        store.set_state(increment, None, "second")
    assert recorded(store) == [
        ({"type": "first"}, {"count": 0}, {"count": 1}),
        ({"type": "second"}, {"count": 1}, {"count": 2}),
    ]


# A bound


def test_the_oldest_actions_are_dropped() -> None:
    store = a_store(max_age=3)
    for number in range(1, 6):
        store.set_state({"count": number}, None, str(number))
    assert types(store) == ["4", "5"]
    assert [entry.id for entry in store.devtools.history] == [4, 5]
    store.devtools.jump_to(0)
    assert store.get_state() == {"count": 3}
    with pytest.raises(ValueError, match="no recorded action has the number 3; there are 0, 4, 5"):
        store.devtools.jump_to(3)


def test_fifty_states_are_kept_unless_said_otherwise() -> None:
    store = a_store()
    for number in range(100):
        store.set_state({"count": number})
    assert len(store.devtools.history) == 49


@pytest.mark.parametrize("max_age", [1, 0, -5, 2.5, "50", None])
def test_a_bound_that_leaves_no_room_for_an_action_is_refused(max_age: Any) -> None:
    with pytest.raises(ValueError, match=f"max_age must be an int of at least 2 .*{max_age!r}$"):
        a_store(max_age=max_age)


def test_a_state_that_was_dropped_is_released() -> None:
    class Value:
        pass

    store, value = a_store({"value": None}, max_age=2), Value()
    gone = weakref.ref(value)
    store.set_state({"value": value})
    del value
    store.set_state({"value": 1})
    assert gone() is not None
    store.set_state({"value": 2})
    gc.collect()
    assert gone() is None


# Time travel


def test_jumping_gives_the_very_state_back_and_tells_the_listeners() -> None:
    store = a_store()
    first = store.get_state()
    store.set_state({"count": 1})
    second = store.get_state()
    store.set_state({"count": 2})
    third = store.get_state()
    heard = list[Any]()
    store.subscribe(lambda state, previous: heard.append(state))
    store.devtools.jump_to(1)
    assert store.get_state() is second
    store.devtools.jump_to(0)
    assert store.get_state() is first
    store.devtools.jump_to(2)
    assert store.get_state() is third
    assert heard == [second, first, third]
    assert len(store.devtools.history) == 2


def test_a_key_that_came_later_is_gone_after_the_jump() -> None:
    store = a_store()
    store.set_state({"extra": 1})
    store.devtools.jump_to(0)
    assert store.get_state() == {"count": 0}


def test_what_is_done_after_a_jump_is_recorded_behind_the_newest_action() -> None:
    store = a_store()
    store.set_state({"count": 1}, None, "one")
    store.set_state({"count": 2}, None, "two")
    store.devtools.jump_to(1)
    store.set_state({"count": 10}, None, "ten")
    assert recorded(store)[1:] == [
        ({"type": "two"}, {"count": 1}, {"count": 2}),
        ({"type": "ten"}, {"count": 1}, {"count": 10}),
    ]
    store.devtools.jump_to(2)
    assert store.get_state() == {"count": 2}


def test_a_jump_to_the_newest_action_changes_nothing() -> None:
    store = a_store()
    store.set_state({"count": 1})
    heard = list[Any]()
    store.subscribe(lambda state, previous: heard.append(state))
    store.devtools.jump_to(1)
    assert heard == []


def test_a_jump_to_an_unknown_action_is_refused_and_changes_nothing() -> None:
    store = a_store()
    store.set_state({"count": 1})
    with pytest.raises(ValueError, match="no recorded action has the number 7; there are 0, 1"):
        store.devtools.jump_to(7)
    assert store.get_state() == {"count": 1}


@pytest.mark.parametrize(("max_age", "position"), [(50, 1), (3, 0)])
def test_a_change_that_is_refused_leaves_the_store_where_a_jump_has_led_it(
    max_age: int, position: int
) -> None:
    store = a_store(Counter(), max_age=max_age)
    store.set_state({"count": 1}, None, "one")
    store.set_state({"count": 2}, None, "two")
    store.devtools.jump_to(1)
    with pytest.raises(TypeError):
        store.set_state({"cuont": 3})
    assert json.loads(store.devtools.export_json())["currentStateIndex"] == position
    assert store.get_state() == Counter(1)


def test_a_reset_goes_back_to_the_initial_state_and_forgets_the_actions() -> None:
    store = a_store()
    store.set_state({"count": 1})
    store.devtools.commit()
    store.set_state({"count": 2, "extra": 1})
    store.devtools.reset()
    assert store.get_state() is store.get_initial_state()
    assert store.devtools.history == ()
    store.set_state({"count": 3})
    assert [entry.id for entry in store.devtools.history] == [1]


def test_a_commit_keeps_the_state_and_forgets_the_actions() -> None:
    store = a_store()
    store.set_state({"count": 1})
    store.devtools.commit()
    assert store.get_state() == {"count": 1}
    assert store.devtools.history == ()
    store.set_state({"count": 2})
    store.devtools.jump_to(0)
    assert store.get_state() == {"count": 1}


# Pausing


def test_nothing_is_recorded_while_it_is_paused() -> None:
    store = a_store()
    store.set_state({"count": 1}, None, "before")
    store.devtools.pause()
    assert not store.devtools.is_recording
    store.set_state({"count": 2}, None, "meanwhile")
    store.devtools.resume()
    assert store.devtools.is_recording
    store.set_state({"count": 3}, None, "after")
    assert recorded(store) == [
        ({"type": "before"}, {"count": 0}, {"count": 1}),
        ({"type": "after"}, {"count": 2}, {"count": 3}),
    ]


def test_recording_may_begin_later() -> None:
    store = a_store(enabled=False)
    store.set_state({"count": 1})
    assert store.devtools.history == ()
    store.devtools.resume()
    store.set_state({"count": 2}, None, "two")
    assert recorded(store) == [({"type": "two"}, {"count": 1}, {"count": 2})]


def test_while_it_is_paused_a_change_passes_through_untouched() -> None:
    passed = list[tuple[Any, ...]]()

    def spy(initializer: Any) -> Any:
        def wrapped(set_state: Any, get_state: Any, store: Any) -> Any:
            return initializer(lambda *change: passed.append(change), get_state, store)

        return wrapped

    store: Any = create_store(spy(devtools(initial({"count": 0}), enabled=False)))
    change = {"count": 1}
    store.set_state(change, True, "one")
    assert passed == [(change, True, "one")]
    assert passed[0][0] is change


# Names


def test_a_store_may_have_a_name() -> None:
    assert a_store(name="todos").devtools.name == "todos"
    assert a_store().devtools.name is None
