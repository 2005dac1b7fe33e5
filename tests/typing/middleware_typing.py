"""What type checkers infer of stores with middlewares, and which uses they must refuse.

Nothing here runs. mypy and pyright read it: `assert_type` states what they must infer, and a
`type: ignore` marks an error that both must find, since one that is not needed is an error itself.
"""

# pyright: reportUnnecessaryTypeIgnoreComment=true

from collections.abc import Callable
from typing import Any, TypedDict, assert_type

import attrs
from zustax.store import (
    Absent,
    Changes,
    Devtools,
    DraftStore,
    EnhancedStore,
    MemoryStorage,
    Persistence,
    RecordedAction,
    SetDraftState,
    SetState,
    Store,
    View,
    combine,
    create_store,
    devtools,
    immer,
    persist,
    redux,
)


class Todos(TypedDict):
    items: list[str]
    done: int


@attrs.frozen
class Counter:
    count: int = 0


@attrs.frozen
class Add:
    by: int


def todos(set_state: SetState[Todos], get_state: Callable[[], Todos], store: Store[Todos]) -> Todos:
    return {"items": [], "done": 0}


def draft_todos(
    set_state: SetDraftState[Todos], get_state: Callable[[], Todos], store: Store[Todos]
) -> Todos:
    set_state(finish)
    return {"items": [], "done": 0}


def finish(draft: Todos) -> None:
    draft["done"] += 1


def reducer(state: Counter, action: Add) -> Counter:
    return Counter(state.count + action.by)


storage = MemoryStorage()

# immer

drafted = create_store(immer(todos))

assert_type(drafted, DraftStore[Todos, Absent, Absent, Absent])
assert_type(create_store(immer(draft_todos)), DraftStore[Todos, Absent, Absent, Absent])
assert_type(drafted.get_state(), Todos)
drafted.set_state(finish)
drafted.setState(finish)
drafted.set_state(lambda draft: draft["items"].append("milk"))
drafted.set_state({"done": 1}, None, "reset")

create_store(todos).set_state(finish)  # type: ignore[arg-type]
drafted.set_state(lambda draft: draft["itmes"].append("milk"))  # type: ignore[misc]

# redux

counter = create_store(redux(reducer, Counter()))

assert_type(counter, EnhancedStore[Counter, Absent, Absent, Callable[[Add], Add]])
assert_type(counter.dispatch(Add(1)), Add)
assert_type(counter.get_state(), Counter)

counter.dispatch(1)  # type: ignore[arg-type]
counter.devtools.history  # type: ignore[attr-defined]  # noqa: B018

# combine

combined = create_store(combine({"count": 0}, lambda set_state, get_state, store: {"reset": 1}))

assert_type(combined, Store[dict[str, Any]])

# devtools

recorded = create_store(devtools(todos, name="todos", secret=["pin"], max_age=10))

assert_type(recorded, EnhancedStore[Todos, Absent, Devtools[Todos], Absent])
assert_type(recorded.devtools.history, tuple[RecordedAction, ...])
assert_type(recorded.devtools.export_json(), str)
recorded.set_state({"done": 1}, None, {"type": "reset"})
recorded.devtools.jump_to(0)

recorded.devtools.jump_to("first")  # type: ignore[arg-type]
recorded.devtools.jump_too(1)  # type: ignore[attr-defined]
devtools(todos, secrets=["pin"])  # type: ignore[call-overload]

# Nested

one = create_store(devtools(persist(immer(todos), name="todos", storage=storage)))
two = create_store(persist(devtools(immer(todos)), name="todos", storage=storage))
three = create_store(immer(persist(devtools(todos), name="todos", storage=storage)))
four = create_store(immer(devtools(redux(reducer, Counter()))))
five = create_store(persist(redux(reducer, Counter()), name="counter", storage=storage))

assert_type(one, DraftStore[Todos, Persistence[Todos], Devtools[Todos], Absent])
assert_type(two, DraftStore[Todos, Persistence[Todos], Devtools[Todos], Absent])
assert_type(three, DraftStore[Todos, Persistence[Todos], Devtools[Todos], Absent])
assert_type(four, DraftStore[Counter, Absent, Devtools[Counter], Callable[[Add], Add]])
assert_type(five, EnhancedStore[Counter, Persistence[Counter], Absent, Callable[[Add], Add]])
one.set_state(finish)
assert_type(four.dispatch(Add(1)), Add)

# select, changes, batch

view = drafted.select(lambda state: state["done"])

assert_type(view, View[int])
assert_type(view.get(), int)
assert_type(view.changes(), Changes[int])
assert_type(drafted.changes(), Changes[Todos])
view.subscribe(lambda new, previous: new - previous)

view.subscribe(lambda new, previous: new.upper())  # type: ignore[attr-defined]
drafted.select(lambda state: state["none"])  # type: ignore[misc]


async def consume() -> None:
    async for state in drafted.changes():
        assert_type(state, Todos)
    async for done in view.changes():
        assert_type(done, int)


with drafted.batch() as nothing:
    assert_type(nothing, None)
