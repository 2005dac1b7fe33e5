"""`combine`, where the vectors do not look."""

from typing import Any

import pytest
from zustax.store import combine, create_store


def bears(set_state: Any, get_state: Any, store: Any) -> dict[str, Any]:
    return {
        "feed": lambda: set_state(lambda state: {"bears": state["bears"] + 1}),
        "count": lambda: get_state()["bears"],
        "store": store,
    }


def test_the_actions_are_given_what_an_initializer_is_given() -> None:
    store = create_store(combine({"bears": 0}, bears))
    store.get_state()["feed"]()
    assert store.get_state()["count"]() == 1
    assert store.get_state()["store"] is store
    assert store.get_initial_state()["bears"] == 0


def test_the_values_are_left_alone_and_can_be_used_for_another_store() -> None:
    values = {"bears": 0}
    create_store(combine(values, bears)).get_state()["feed"]()
    assert values == {"bears": 0}
    assert create_store(combine(values, bears)).get_state()["bears"] == 0


def test_an_error_of_the_function_comes_out() -> None:
    def create(set_state: Any, get_state: Any, store: Any) -> dict[str, Any]:
        raise LookupError("no actions today")

    with pytest.raises(LookupError, match="no actions today"):
        create_store(combine({}, create))
