"""What a middleware can be wrapped around, and that each can be wrapped around each."""

from collections.abc import Callable
from itertools import permutations
from typing import Any

import attrs
import pytest
from zustax.store import MemoryStorage, combine, create_store, devtools, immer, persist, redux


def persisted(initializer: Any) -> Any:
    return persist(initializer, name="counter", storage=MemoryStorage())


WRAPS: dict[str, Callable[[Any], Any]] = {
    "persist": persisted,
    "immer": immer,
    "devtools": devtools,
}


# What is no initializer


@attrs.frozen
class Triple:
    """A class that could be called with what an initializer is given."""

    a: Any = 1
    b: Any = 2
    c: Any = 3


@pytest.mark.parametrize("wrap", WRAPS.values(), ids=WRAPS.keys())
@pytest.mark.parametrize("state", [{"access_token": "s3cret"}, Triple("s3cret"), "s3cret", None])
def test_a_state_is_refused_without_being_shown(wrap: Callable[[Any], Any], state: object) -> None:
    with pytest.raises(TypeError, match="initializer must be a function") as caught:
        wrap(state)
    assert f"an instance of {type(state).__name__}; wrap a state in one" in str(caught.value)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("wrap", WRAPS.values(), ids=WRAPS.keys())
@pytest.mark.parametrize("cls", [dict, Triple])
def test_a_class_is_refused(wrap: Callable[[Any], Any], cls: type) -> None:
    with pytest.raises(TypeError, match=f"{cls.__name__} is a class: pass an instance of it"):
        wrap(cls)


def test_combine_and_redux_refuse_what_is_no_function() -> None:
    with pytest.raises(TypeError, match="create must be a function"):
        combine({"count": 0}, {})  # type: ignore[call-overload]
    with pytest.raises(TypeError, match="reducer must be a function"):
        redux({}, {"count": 0})  # type: ignore[call-overload]


# In any order


def plain(set_state: Any, get_state: Any, store: Any) -> dict[str, Any]:
    return {"count": 0, "add": adding(set_state)}


def adding(set_state: Any) -> Callable[[], None]:
    return lambda: set_state(lambda state: {"count": state["count"] + 1}, None, "by an action")


def reducer(state: dict[str, Any], action: dict[str, Any]) -> dict[str, Any]:
    return {"count": state["count"] + action["by"]}


INNERMOST: dict[str, Callable[[], Any]] = {
    "plain": lambda: plain,
    "combine": lambda: combine({"count": 0}, lambda *given: {"add": adding(given[0])}),
    "redux": lambda: redux(reducer, {"count": 0, "add": None}),
}
ORDERS = [order for length in (1, 2, 3) for order in permutations(WRAPS, length)]


def stacked(order: tuple[str, ...], innermost: str) -> Any:
    initializer = INNERMOST[innermost]()
    for name in reversed(order):
        initializer = WRAPS[name](initializer)
    return create_store(initializer)


@pytest.mark.parametrize("innermost", INNERMOST)
@pytest.mark.parametrize("order", ORDERS, ids="-".join)
def test_middlewares_nest_in_any_order(order: tuple[str, ...], innermost: str) -> None:
    store = stacked(order, innermost)
    heard: list[int] = []
    store.subscribe(lambda state, previous: heard.append(state["count"]))
    store.set_state({"count": 1}, None, "by a partial")
    store.set_state(lambda state: {"count": state["count"] + 1}, None, "by an updater")
    if innermost == "redux":
        action: Any = {"type": "by an action", "by": 1}
        assert store.dispatch(action) is action
    else:
        store.get_state()["add"]()
    if "immer" in order:
        store.set_state(lambda draft: draft.update(count=draft["count"] + 1), None, "by a draft")
    last = 4 if "immer" in order else 3
    assert heard == [*range(1, last + 1)]
    if "devtools" in order:
        assert_recorded(store, last)
    if "persist" in order:
        assert_persisted(store)


def assert_recorded(store: Any, last: int) -> None:
    """What was done has been recorded, and time travel leads to each state and back."""
    history = store.devtools.history
    names = ["by a partial", "by an updater", "by an action", "by a draft"]
    assert [done.action["type"] for done in history] == names[:last]
    assert [(done.before["count"], done.after["count"]) for done in history] == [
        (count, count + 1) for count in range(last)
    ]
    for position in (0, 2, last):
        store.devtools.jump_to(position)
        assert store.get_state()["count"] == position
    store.set_state({"count": last}, None, "what was stored is the newest again")


def assert_persisted(store: Any) -> None:
    """The newest state has been written, and can be read again."""
    count = store.get_state()["count"]
    options = store.persist.get_options()
    assert f'"count":{count}' in options.storage.get_item(options.name)
    store.persist.set_options(merge=lambda stored, state: {**state, "read": stored["count"]})
    store.persist.rehydrate()
    assert store.get_state()["read"] == count
