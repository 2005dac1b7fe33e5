"""A store is one of a kind: what it says to those who would copy it."""

import copy
import pickle
from collections.abc import Callable
from typing import Any

import pytest
from zustax.store import Store, UserStore, create_store, immer


def pickled(value: Any) -> Any:
    return pickle.loads(pickle.dumps(value))


STORES: dict[str, Callable[[], Store[Any]]] = {
    "Store": lambda: create_store({"a": 1}),
    "UserStore": lambda: UserStore(),
    "Store with a middleware": lambda: create_store(immer(lambda *_: {"a": 1})),
}


@pytest.mark.parametrize("make", STORES.values(), ids=STORES.keys())
@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, pickled])
def test_a_store_refuses_to_be_copied_and_says_what_to_do(
    make: Callable[[], Store[Any]], duplicate: Callable[[Any], Any]
) -> None:
    store = make()
    with pytest.raises(TypeError) as caught:
        duplicate(store)
    assert str(caught.value) == (
        f"a {type(store).__name__} can be neither copied nor pickled: its listeners, its "
        "middlewares and the functions in its state belong to this very store; pass on what "
        "store.get_state() returns, without functions, and make a new store of it"
    )


def test_what_the_message_recommends_works() -> None:
    store = create_store({"a": [1]})
    twin = create_store(pickled(store.get_state()))
    twin.set_state({"b": 2})
    assert twin.get_state() == {"a": [1], "b": 2}
    assert store.get_state() == {"a": [1]}
