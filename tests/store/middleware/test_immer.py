"""`immer` on a store: what its updaters yield is set like any other change."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import attrs
import pytest
from zustax.store import Store, combine, create_store, immer, redux


@attrs.frozen
class Todos:
    items: tuple[str, ...] = ()
    done: dict[str, bool] = attrs.field(factory=dict)
    count: int = attrs.field(default=0, validator=attrs.validators.instance_of(int))


def a_store(initial: Any) -> Any:
    return create_store(immer(lambda set_state, get_state, store: initial))


def calls_of(store: Store[Any]) -> list[tuple[Any, Any]]:
    calls = list[tuple[Any, Any]]()
    store.subscribe(lambda state, previous: calls.append((state, previous)))
    return calls


def test_an_attrs_state_is_changed_by_attributes() -> None:
    initial = Todos()
    store = a_store(initial)
    calls = calls_of(store)

    def add(draft: Any) -> None:
        draft.items += ("milk",)
        draft.done["milk"] = False

    store.set_state(add)
    assert calls == [(Todos(("milk",), {"milk": False}), initial)]
    assert initial == Todos()


def test_a_value_that_a_validator_rejects_changes_nothing() -> None:
    store = a_store(Todos())
    calls = calls_of(store)
    with pytest.raises(TypeError, match="count"):
        store.set_state(lambda draft: setattr(draft, "count", "one"))
    assert store.get_state() is store.get_initial_state()
    assert calls == []


def test_an_updater_that_raises_half_way_changes_nothing() -> None:
    store = a_store({"a": 1})

    def recipe(draft: Any) -> None:
        draft["a"] = 2
        raise LookupError("half way")

    with pytest.raises(LookupError, match="half way"):
        store.set_state(recipe)
    assert store.get_state() == {"a": 1}


def test_an_updater_that_returns_and_changes_is_refused() -> None:
    store = a_store({"items": [1, 2]})
    with pytest.raises(RuntimeError, match="return nothing"):
        store.set_state(lambda draft: draft["items"].pop())
    assert store.get_state() == {"items": [1, 2]}


def test_what_is_no_function_is_set_as_without_immer() -> None:
    store = a_store({"a": 1, "b": 2})
    store.set_state({"a": 5})
    assert store.get_state() == {"a": 5, "b": 2}
    store.set_state({"a": 6}, replace=True)
    assert store.get_state() == {"a": 6}


def test_a_state_without_a_draft_is_given_to_the_updater_itself() -> None:
    store = a_store(1)
    store.set_state(lambda number: number + 1)
    assert store.get_state() == 2
    store.set_state(lambda number: None)
    assert store.get_state() == 2


def test_an_updater_may_itself_set_the_state() -> None:
    store = a_store({"a": 1, "b": 1})
    calls = calls_of(store)

    def recipe(draft: Any) -> None:
        store.set_state(lambda inner: inner.update(b=5))
        draft["a"] += 1

    store.set_state(recipe)
    assert calls == [({"a": 1, "b": 5}, {"a": 1, "b": 1}), ({"a": 2, "b": 1}, {"a": 1, "b": 5})]


def test_a_reducer_may_change_a_draft() -> None:
    def reducer(state: dict[str, Any], action: dict[str, Any]) -> Any:
        state["items"].append(action["item"])

    store = create_store(immer(redux(reducer, {"items": []})))
    store.dispatch({"type": "add", "item": "milk"})
    assert store.get_state()["items"] == ["milk"]


def test_actions_of_combine_get_drafts_too() -> None:
    store = create_store(
        immer(
            combine(
                {"items": []},
                lambda set_state, get_state, store: {
                    "add": lambda item: set_state(lambda draft: draft["items"].append(item))
                },
            )
        )
    )
    store.get_state()["add"]("milk")
    assert store.get_state()["items"] == ["milk"]


def test_changes_of_many_threads_are_all_counted() -> None:
    store = a_store({"n": {"count": 0}})

    def increment(draft: Any) -> None:
        draft["n"]["count"] += 1

    def increment_often(_: int) -> None:
        for _ in range(200):
            store.set_state(increment)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(increment_often, range(8)))
    assert store.get_state() == {"n": {"count": 1600}}
