"""`devtools`: export to Redux DevTools, and import from them."""

import json
import math
from datetime import date
from decimal import Decimal
from enum import Enum
from pathlib import PurePosixPath
from typing import Any
from uuid import UUID

import attrs
import pytest
from zustax.store import create_store, devtools


@attrs.frozen
class User:
    name: str = ""
    tags: list[str] = attrs.field(factory=list)


@attrs.frozen
class State:
    user: User = User()
    friends: tuple[User, ...] = ()
    count: int = attrs.field(default=0, validator=attrs.validators.instance_of(int))
    label: str = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        object.__setattr__(self, "label", f"{self.user.name}: {self.count}")


class Color(Enum):
    RED = 1


def a_store(state: Any = None, **options: Any) -> Any:
    first = {"count": 0} if state is None else state
    return create_store(devtools(lambda set_state, get_state, store: first, **options))


def exported(store: Any) -> Any:
    return json.loads(store.devtools.export_json())


# Export


def test_the_export_is_a_lifted_state() -> None:
    store = a_store()
    store.set_state({"count": 1}, None, "one")
    store.set_state({"count": 2}, None, {"type": "two", "by": 1})
    lifted = exported(store)
    times = [lifted["actionsById"][number].pop("timestamp") for number in ("0", "1", "2")]
    assert times == sorted(times)
    assert all(isinstance(time, int) for time in times)
    assert lifted == {
        "monitorState": {},
        "nextActionId": 3,
        "actionsById": {
            "0": {"type": "PERFORM_ACTION", "action": {"type": "@@INIT"}},
            "1": {"type": "PERFORM_ACTION", "action": {"type": "one"}},
            "2": {"type": "PERFORM_ACTION", "action": {"type": "two", "by": 1}},
        },
        "stagedActionIds": [0, 1, 2],
        "skippedActionIds": [],
        "committedState": {"count": 0},
        "currentStateIndex": 2,
        "computedStates": [
            {"state": {"count": 0}},
            {"state": {"count": 1}},
            {"state": {"count": 2}},
        ],
        "isLocked": False,
        "isPaused": False,
    }


def test_the_export_of_an_untouched_store_has_its_beginning() -> None:
    lifted = exported(a_store())
    assert lifted["stagedActionIds"] == [0]
    assert lifted["currentStateIndex"] == 0
    assert lifted["nextActionId"] == 1
    assert lifted["computedStates"] == [{"state": {"count": 0}}]


def test_actions_that_were_dropped_are_committed_in_the_export() -> None:
    store = a_store(max_age=3)
    for number in range(1, 6):
        store.set_state({"count": number}, None, str(number))
    lifted = exported(store)
    assert lifted["stagedActionIds"] == [0, 4, 5]
    assert sorted(lifted["actionsById"]) == ["0", "4", "5"]
    assert lifted["nextActionId"] == 6
    assert lifted["committedState"] == {"count": 3}
    assert [computed["state"]["count"] for computed in lifted["computedStates"]] == [3, 4, 5]


def test_the_export_says_where_the_store_stands() -> None:
    store = a_store(max_age=3)
    store.set_state({"count": 1})
    store.set_state({"count": 2})
    store.devtools.jump_to(1)
    assert exported(store)["currentStateIndex"] == 1
    store.devtools.jump_to(0)
    assert exported(store)["currentStateIndex"] == 0
    store.set_state({"count": 3})
    assert exported(store)["currentStateIndex"] == 2


def test_the_export_says_whether_it_is_paused() -> None:
    store = a_store()
    store.devtools.pause()
    assert exported(store)["isPaused"] is True


def test_the_export_can_be_indented() -> None:
    assert a_store().devtools.export_json(indent=2).startswith('{\n  "monitorState"')


VALUES: dict[str, tuple[Any, Any]] = {
    "text": ("naïve", "naïve"),
    "list": ([1, [2]], [1, [2]]),
    "tuple": ((1, 2), [1, 2]),
    "set": ({1}, [1]),
    "dict with other keys": ({1: "a", None: "b"}, {"1": "a", "None": "b"}),
    "attrs": (User("ada"), {"name": "ada", "tags": []}),
    "NaN": (math.nan, None),
    "infinity": (-math.inf, None),
    "date": (date(2024, 5, 1), "2024-05-01"),
    "decimal": (Decimal("1.50"), "1.50"),
    "uuid": (UUID(int=0), "00000000-0000-0000-0000-000000000000"),
    "path": (PurePosixPath("/tmp"), "/tmp"),
    "enum": (Color.RED, "Color.RED"),
    "bytes": (b"abc", "<bytes>"),
    "object": (object(), "<object>"),
    "function in a dict": ({"a": 1, "f": print}, {"a": 1}),
    "function in a list": ([print], ["<builtin_function_or_method>"]),
}


@pytest.mark.parametrize(("value", "shown"), VALUES.values(), ids=VALUES.keys())
def test_what_is_no_json_is_shown_by_its_text_or_its_type(value: Any, shown: Any) -> None:
    store = a_store({"value": value})
    assert exported(store)["committedState"] == {"value": shown}


def test_a_state_that_holds_itself_is_cut_off() -> None:
    state: dict[str, Any] = {"a": 1}
    state["self"] = state
    assert exported(a_store(state))["committedState"] == {"a": 1, "self": "<dict above>"}


# Import


def test_an_export_can_be_imported_into_another_store() -> None:
    store, other = a_store(), a_store()
    store.set_state({"count": 1}, None, "one")
    store.set_state({"count": 2, "items": [1]}, None, "two")
    store.devtools.jump_to(1)
    other.set_state({"count": 77, "left": "over"}, None, "forgotten")
    heard = list[Any]()
    other.subscribe(lambda state, previous: heard.append(state))
    other.devtools.import_json(store.devtools.export_json())
    assert other.get_state() == {"count": 1}
    assert heard == [{"count": 1}]
    assert other.devtools.history == store.devtools.history
    other.devtools.jump_to(2)
    assert other.get_state() == {"count": 2, "items": [1]}
    other.set_state({"count": 3}, None, "three")
    assert [entry.id for entry in other.devtools.history] == [1, 2, 3]


def test_a_longer_recording_is_cut_to_the_bound() -> None:
    store, other = a_store(), a_store(max_age=3)
    for number in range(1, 6):
        store.set_state({"count": number})
    other.devtools.import_json(store.devtools.export_json())
    assert [entry.id for entry in other.devtools.history] == [4, 5]
    other.devtools.jump_to(0)
    assert other.get_state() == {"count": 3}


def test_actions_that_redux_devtools_has_put_in_another_order_stay_in_that() -> None:
    store = a_store()
    store.devtools.import_json(having(stagedActionIds=[0, 2, 1]))
    store.set_state({"count": 3}, None, "three")
    assert [(entry.id, entry.action["type"]) for entry in store.devtools.history] == [
        (2, "two"),
        (1, "one"),
        (3, "three"),
    ]
    assert exported(store)["currentStateIndex"] == 3


def test_the_functions_of_a_dict_state_are_kept() -> None:
    def counter(set_state: Any, get_state: Any, store: Any) -> dict[str, Any]:
        return {
            "count": 0,
            "add": lambda: set_state(lambda state: {"count": state["count"] + 1}),
            "nested": {"f": print, "x": 1},
        }

    store = create_store(devtools(counter))
    store.get_state()["add"]()
    store.devtools.import_json(store.devtools.export_json())
    store.get_state()["add"]()
    assert store.get_state()["count"] == 2
    assert store.get_state()["nested"] == {"f": print, "x": 1}


def test_an_attrs_state_is_made_anew_with_the_attrs_instances_in_it() -> None:
    store = a_store(State())
    store.set_state({"count": 1, "user": User("ada", ["a"]), "friends": (User("bob"),)})
    text = store.devtools.export_json()
    other = a_store(State())
    other.devtools.import_json(text)
    assert other.get_state() == State(User("ada", ["a"]), (User("bob"),), 1)
    assert other.get_state().label == "ada: 1"


def test_a_file_of_the_extension_may_wrap_the_lifted_state() -> None:
    store = a_store()
    store.set_state({"count": 1})
    text = json.dumps({"payload": store.devtools.export_json(), "preloadedState": "{}"})
    other = a_store()
    other.devtools.import_json(text)
    assert other.get_state() == {"count": 1}


def without(name: str) -> str:
    store = a_store()
    store.set_state({"count": 1})
    lifted = exported(store)
    del lifted[name]
    return json.dumps(lifted)


def having(**parts: Any) -> str:
    """Give an export of two actions with some of its parts replaced."""
    store = a_store()
    store.set_state({"count": 1}, None, "one")
    store.set_state({"count": 2}, None, "two")
    return json.dumps(exported(store) | parts)


NO_EXPORTS = {
    "no JSON": "{",
    "empty": "",
    "number": "5",
    "list": "[]",
    "null": "null",
    "object": "{}",
    "a wrapped number": '{"payload": 5}',
    "no actions": without("actionsById"),
    "no order": without("stagedActionIds"),
    "no states": without("computedStates"),
    "no position": without("currentStateIndex"),
    "a position out of range": having(currentStateIndex=7),
    "a position before the first": having(currentStateIndex=-1),
    "an action that is staged twice": having(stagedActionIds=[0, 1, 1]),
    "the beginning as an action": having(stagedActionIds=[0, 1, 0]),
    "a number that never ends": having().replace('"timestamp": ', '"timestamp": 1e999, "is": ', 1),
    "nested too deeply": "[" * 100_000,
}


@pytest.mark.parametrize("text", NO_EXPORTS.values(), ids=NO_EXPORTS.keys())
def test_what_is_no_export_is_refused_and_changes_nothing(text: str) -> None:
    store = a_store()
    store.set_state({"count": 1}, None, "one")
    with pytest.raises(ValueError, match="no lifted state of Redux DevTools"):
        store.devtools.import_json(text)
    assert store.get_state() == {"count": 1}
    assert [entry.action["type"] for entry in store.devtools.history] == ["one"]


def test_a_field_that_the_class_does_not_have_is_left_out() -> None:
    store = a_store(State(count=1))
    store.devtools.import_json(store.devtools.export_json().replace('"friends"', '"foes"'))
    assert store.get_state() == State(count=1)


def test_states_that_the_class_refuses_change_nothing() -> None:
    store = a_store(State())
    store.set_state({"count": 1}, None, "one")
    text = store.devtools.export_json().replace('"count": 1', '"count": "one"')
    with pytest.raises(TypeError, match="count"):
        store.devtools.import_json(text)
    assert store.get_state() == State(count=1)
    assert [entry.action["type"] for entry in store.devtools.history] == ["one"]
