"""What type checkers infer from uses of the store, and which uses they must refuse.

Nothing here runs. mypy and pyright read it: `assert_type` states what they must infer, and a
`type: ignore` marks an error that both must find, since one that is not needed is an error itself.
"""

# pyright: reportUnnecessaryTypeIgnoreComment=true

from collections.abc import Callable
from typing import Any, TypedDict, assert_type

import attrs
from zustax.store import (
    Initializer,
    SetState,
    Store,
    UserState,
    UserStore,
    create_store,
    object_is,
    shallow,
)


class Bears(TypedDict):
    bears: int
    honey: str


@attrs.frozen
class Counter:
    count: int = 0
    label: str = ""


def bears(set_state: SetState[Bears], get_state: Callable[[], Bears], store: Store[Bears]) -> Bears:
    set_state({"bears": get_state()["bears"] + 1})
    assert_type(store.get_state(), Bears)
    return {"bears": 0, "honey": "lots"}


# create_store

numbers = create_store({"count": 0})
counters = create_store(Counter())
forest = create_store(bears)

assert_type(numbers, Store[dict[str, int]])
assert_type(counters, Store[Counter])
assert_type(forest, Store[Bears])
assert_type(create_store(1), Store[int])
assert_type(create_store([1, 2]), Store[list[int]])
assert_type(Store(Counter()), Store[Counter])
assert_type(Store(bears), Store[Bears])

from_lambda: Store[Counter] = create_store(lambda set_state, get_state, store: Counter())
initializer: Initializer[Bears] = bears
wrong_initializer: Initializer[Counter] = bears  # type: ignore[assignment]
optional: Store[int | None] = create_store(None)

# get_state, get_initial_state

assert_type(numbers.get_state()["count"], int)
assert_type(counters.get_state(), Counter)
assert_type(counters.get_initial_state().label, str)
assert_type(counters.getState(), Counter)
assert_type(counters.getInitialState(), Counter)

count: str = counters.get_state().count  # type: ignore[assignment]

# set_state

counters.set_state({"count": 1})
counters.set_state(Counter(1))
counters.set_state(Counter(1), replace=True)
counters.set_state(lambda state: {"count": state.count + 1})
counters.set_state(lambda state: Counter(state.count + 1))
counters.setState(lambda state: attrs.evolve(state, count=state.count + 1), replace=True)
numbers.set_state(lambda state: {"count": state["count"] + 1})
forest.set_state({"bears": 1})
optional.set_state(None)
optional.set_state(lambda state: 1 if state is None else state + 1)

counters.set_state(1)  # type: ignore[arg-type]
counters.set_state(Bears(bears=1, honey=""))  # type: ignore[arg-type]
counters.set_state(lambda state: state.cuont)  # type: ignore[attr-defined]
counters.set_state(lambda state: state.count)  # type: ignore[arg-type, return-value]
counters.set_state(Counter(), replace="yes")  # type: ignore[arg-type]
counters.setState(1)  # type: ignore[arg-type]

# subscribe


def on_counter(state: Counter, previous: Counter) -> None: ...


def on_count(count: int, previous: int) -> None: ...


def on_text(text: str, previous: str) -> None: ...


def close(a: int, b: int) -> bool:
    return abs(a - b) < 2


assert_type(counters.subscribe(on_counter), Callable[[], None])
counters.subscribe(lambda state, previous: state.count - previous.count)
counters.subscribe(lambda state: state.count, on_count)
counters.subscribe(lambda state: state.count, on_count, equality_fn=close)
counters.subscribe(lambda state: [state.count], lambda new, old: new.index(old[0]))
counters.subscribe(lambda state: state.label, on_text, equality_fn=shallow, fire_immediately=True)
counters.subscribe(lambda state: state.label, on_text, equality_fn=object_is)

counters.subscribe(on_count)  # type: ignore[arg-type]
counters.subscribe(lambda state, previous: state.cuont)  # type: ignore[attr-defined]
counters.subscribe(lambda state: state.count, on_text)  # type: ignore[misc]
counters.subscribe(lambda state: state.count, lambda new, old: new.upper())  # type: ignore[attr-defined]
counters.subscribe(lambda state: state.cuont, on_count)  # type: ignore[attr-defined]
counters.subscribe(on_counter, fire_immediately=True)  # type: ignore[call-overload]
counters.subscribe(lambda state: state.label, on_text, equality_fn=close)  # type: ignore[misc]

# object_is, shallow

assert_type(object_is(1, "one"), bool)
assert_type(shallow([1], [1]), bool)

# UserStore

users = UserStore(UserState("access", "refresh"))
plain: Store[UserState] = users

assert_type(users.get_state(), UserState)
assert_type(users.get_state().access_token, str | None)
assert_type(users.get_state().expires_at, float | None)
assert_type(users.login("access", "refresh", expires_at=1), None)
assert_type(users.logout(), None)
users.login("access", None)
users.set_state({"access_token": "access"})

users.login("access")  # type: ignore[call-arg]
users.login(None, "refresh")  # type: ignore[arg-type]
users.login("access", "refresh", 1)  # type: ignore[call-arg]
UserStore({"access_token": "access"})  # type: ignore[arg-type]
users.get_state().access_token = "other"  # type: ignore[misc]


def anything(store: Store[Any]) -> None:
    assert_type(store.get_state(), Any)
