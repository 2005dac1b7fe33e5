"""`redux`, where the vectors do not look: attrs states, the names it uses, wrapped dispatch."""

from typing import Any

import attrs
import pytest
from zustax.store import create_store, redux

Action = dict[str, Any]


@attrs.frozen
class Counter:
    count: int = 0


@attrs.frozen
class Add:
    by: int


def add_to_dict(state: dict[str, Any], action: Action) -> dict[str, Any]:
    return {"count": state["count"] + action["by"]} if action["type"] == "add" else state


def add(state: Counter, action: Add) -> Counter:
    return Counter(state.count + action.by)


def test_an_attrs_state_is_reduced_and_has_no_dispatch_of_its_own() -> None:
    store = create_store(redux(add, Counter()))
    assert store.dispatch(Add(2)) == Add(2)
    assert store.get_state() == Counter(2)
    assert store.get_initial_state() == Counter(0)


def test_a_partial_of_a_reducer_is_evolved_into_an_attrs_state() -> None:
    def reducer(state: Counter, action: Add) -> dict[str, Any]:
        return {"count": state.count + action.by}

    store = create_store(redux(reducer, Counter(1)))
    store.dispatch(Add(2))
    assert store.get_state() == Counter(3)


def test_the_initial_state_is_left_alone() -> None:
    initial: dict[str, Any] = {"count": 0}
    create_store(redux(add_to_dict, initial)).dispatch({"type": "add", "by": 1})
    assert initial == {"count": 0}


def test_a_dispatch_of_the_state_itself_is_kept() -> None:
    store = create_store(redux(add_to_dict, {"count": 0, "dispatch": "mine"}))
    assert store.get_state()["dispatch"] == "mine"


def test_the_dispatch_in_the_state_follows_that_of_the_store() -> None:
    store = create_store(redux(add_to_dict, {"count": 0}))
    dispatched = list[Action]()

    def dispatch(action: Action) -> Action:
        dispatched.append(action)
        return action

    store.dispatch = dispatch
    store.get_state()["dispatch"]({"type": "add", "by": 1})
    assert dispatched == [{"type": "add", "by": 1}]
    assert store.get_state()["count"] == 0


def test_an_error_of_the_reducer_changes_nothing() -> None:
    def reducer(state: Counter, action: Add) -> Counter:
        raise LookupError("not today")

    store = create_store(redux(reducer, Counter(1)))
    with pytest.raises(LookupError, match="not today"):
        store.dispatch(Add(2))
    assert store.get_state() == Counter(1)
