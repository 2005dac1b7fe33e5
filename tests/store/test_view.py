"""`store.select`: one slice of a store, to be handed on."""

from typing import Any

import attrs
import pytest
from zustax.store import View, create_store, shallow


@attrs.frozen
class Counter:
    count: int = 0
    label: str = ""


def test_a_view_gives_the_slice_of_the_newest_state() -> None:
    store = create_store(Counter())
    count = store.select(lambda state: state.count)
    assert isinstance(count, View)
    assert count.get() == 0
    store.set_state({"count": 1})
    assert count.get() == 1


def test_a_view_tells_when_its_slice_changes() -> None:
    store, calls = create_store(Counter()), list[tuple[int, int]]()
    count = store.select(lambda state: state.count)
    unsubscribe = count.subscribe(lambda new, previous: calls.append((new, previous)))
    store.set_state({"label": "other"})
    store.set_state({"count": 1})
    unsubscribe()
    store.set_state({"count": 2})
    assert calls == [(1, 0)]


def test_a_view_tells_the_first_slice_if_asked_to() -> None:
    store, calls = create_store(Counter(5)), list[tuple[int, int]]()
    count = store.select(lambda state: state.count)
    count.subscribe(lambda new, previous: calls.append((new, previous)), fire_immediately=True)
    assert calls == [(5, 5)]


def test_a_view_may_have_its_own_idea_of_what_a_change_is() -> None:
    store, calls = create_store({"a": 1, "b": 2, "c": 3}), list[Any]()
    pair = store.select(lambda state: [state["a"], state["b"]], shallow)
    pair.subscribe(lambda new, previous: calls.append(new))
    store.set_state({"c": 4})
    store.set_state({"a": 5})
    assert calls == [[5, 2]]


def test_a_view_follows_a_middleware_that_replaces_get_state() -> None:
    store = create_store({"a": 1})
    view = store.select(lambda state: state["a"])
    store.get_state = lambda: {"a": 7}  # type: ignore[method-assign]
    assert view.get() == 7


def test_an_error_of_the_selector_comes_out() -> None:
    view = create_store({"a": 1}).select(lambda state: state["b"])
    with pytest.raises(KeyError):
        view.get()
    with pytest.raises(KeyError):
        view.subscribe(print)


@pytest.mark.parametrize("wrong", [None, 5, "count"])
def test_what_is_no_function_is_refused_by_name(wrong: Any) -> None:
    store = create_store({"a": 1})
    kind = type(wrong).__name__
    with pytest.raises(TypeError, match=f"selector must be a function, not {kind}"):
        store.select(wrong)
    with pytest.raises(TypeError, match=f"equality_fn must be a function, not {kind}"):
        store.select(lambda state: state["a"], wrong)
