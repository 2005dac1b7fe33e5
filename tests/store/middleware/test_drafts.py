"""What a draft can do: all that a dict, list, set, tuple and attrs instance can, and no more.

What Immer does with plain objects and arrays is shown by the vectors.
"""

import copy
import json
import operator
from collections import OrderedDict, defaultdict
from collections.abc import Callable
from typing import Any, NamedTuple

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from zustax.store.middleware.drafts import produce


@attrs.define
class Item:
    title: str
    done: bool = False
    tags: list[str] = attrs.field(factory=list)

    @property
    def shout(self) -> str:
        return self.title.upper()

    def finish(self) -> None:
        self.done = True

    @classmethod
    def empty(cls) -> "Item":
        return cls("")

    @staticmethod
    def kind() -> str:
        return "item"


@attrs.frozen
class Todos:
    items: list[Item] = attrs.field(factory=list)
    by_name: dict[str, Item] = attrs.field(factory=dict)
    count: int = attrs.field(default=0, validator=attrs.validators.instance_of(int))
    _hidden: int = attrs.field(default=0, eq=False)
    label: str = attrs.field(init=False, default="todos")


@attrs.frozen(order=True)
class Ranked:
    rank: int


@attrs.frozen(eq=False)
class Unequal:
    """Equal to nothing but itself."""


class Point(NamedTuple):
    x: Any
    y: Any


def changed(base: Any, recipe: Callable[[Any], Any]) -> Any:
    """Run a recipe, and make sure that the original stays as it is."""
    before = copy.deepcopy(base)
    result = produce(base, recipe)
    assert base == before
    return result


# Dicts


DICT_CHANGES: dict[str, Callable[[Any], Any]] = {
    "setitem": lambda d: operator.setitem(d, "x", {"new": 1}),
    "delitem": lambda d: operator.delitem(d, "a"),
    "update": lambda d: d.update({"a": 2}, z=3),
    "pop": lambda d: d.pop("a") and None,
    "pop with a default": lambda d: d.pop("none", None),
    "popitem": lambda d: d.popitem() and None,
    "setdefault": lambda d: d.setdefault("x", []).append(1),
    "setdefault of what is there": lambda d: d.setdefault("l", []).append(1),
    "clear": lambda d: d.clear(),
    "ior": lambda d: d.__ior__({"z": 3}) and None,
    "nested": lambda d: d["n"].update(x=2),
    "in a loop": lambda d: [v.extend([5]) for v in lists_in(d.values())] and None,
    "by items": lambda d: [v.clear() for k, v in d.items() if k == "n"] and None,
    "by get": lambda d: d.get("l").append(1),
}


@pytest.mark.parametrize("name", DICT_CHANGES)
def test_a_draft_of_a_dict_changes_as_the_dict_would(name: str) -> None:
    base: dict[str, Any] = {"a": 1, "n": {"x": 1}, "l": [1, 2], "last": 0}
    expected = copy.deepcopy(base)
    DICT_CHANGES[name](expected)
    assert changed(base, DICT_CHANGES[name]) == expected


DICT_READS: dict[str, Callable[[Any], Any]] = {
    "getitem": lambda d: d["a"],
    "get": lambda d: d.get("none", 7),
    "in": lambda d: ("a" in d, "none" in d),
    "len": len,
    "list": list,
    "reversed": lambda d: list(reversed(d)),
    "items": lambda d: [(k, v) for k, v in d.items() if k == "a"],
    "or": lambda d: (d | {"z": 3})["z"],
    "ror": lambda d: ({"z": 3} | d)["z"],
    "unpacked": lambda d: {**d, "n": 0},
    "copy": lambda d: d.copy() == d,
    "equal": lambda d: d == {"a": 1, "n": {"x": 1}},
    "unequal": lambda d: d == {"a": 2},
    "is a dict": lambda d: isinstance(d, dict),
    "matched": lambda d: matched(d),
    "bool": bool,
}


def lists_in(values: Any) -> Any:
    return [value for value in values if isinstance(value, list)]


def matched(value: Any) -> Any:
    match value:
        case {"a": a, "n": {"x": x}}:
            return a, x
        case [first, *_]:
            return first
    return None


@pytest.mark.parametrize("name", DICT_READS)
def test_a_draft_of_a_dict_is_read_as_the_dict_is(name: str) -> None:
    base = {"a": 1, "n": {"x": 1}}
    read = DICT_READS[name]

    def recipe(draft: Any) -> None:
        assert read(draft) == read(base)

    assert produce(base, recipe) is base


def test_an_empty_draft_of_a_dict_has_nothing_to_pop() -> None:
    with pytest.raises(KeyError, match="empty"):
        produce({}, lambda draft: draft.popitem())


@pytest.mark.parametrize("key", ["none", ("a", "b")])
def test_a_key_that_is_not_there_is_a_key_error_and_no_change(key: Any) -> None:
    def recipe(draft: Any) -> None:
        with pytest.raises(KeyError):
            draft[key]
        with pytest.raises(KeyError):
            del draft[key]

    base = {"a": 1}
    assert produce(base, recipe) is base


def test_a_subclass_of_dict_stays_what_it_is() -> None:
    base = {"d": defaultdict(int, a=1), "o": OrderedDict(a=1)}

    def recipe(draft: Any) -> None:
        draft["d"]["new"] += 2
        draft["o"]["b"] = 2

    result = changed(base, recipe)
    assert type(result["d"]) is defaultdict
    assert result["d"]["new"] == 2
    assert type(result["o"]) is OrderedDict


# Lists


LIST_CHANGES: dict[str, Callable[[Any], Any]] = {
    "setitem": lambda draft: operator.setitem(draft, 0, 9),
    "setitem from the end": lambda draft: operator.setitem(draft, -1, 9),
    "set a slice": lambda draft: operator.setitem(draft, slice(1, 2), [7, 8, 9]),
    "delitem": lambda draft: operator.delitem(draft, 1),
    "delete a slice": lambda draft: operator.delitem(draft, slice(0, 2)),
    "append": lambda draft: draft.append({"id": 3}),
    "extend": lambda draft: draft.extend([4, 5]),
    "insert": lambda draft: draft.insert(1, 4),
    "insert far out": lambda draft: draft.insert(99, 4),
    "pop": lambda draft: draft.pop() and None,
    "pop the first": lambda draft: draft.pop(0) and None,
    "remove": lambda draft: draft.remove({"id": 1}),
    "clear": lambda draft: draft.clear(),
    "reverse": lambda draft: draft.reverse(),
    "sort": lambda draft: draft.sort(key=lambda item: item["id"], reverse=True),
    "iadd": lambda draft: draft.__iadd__([4]) and None,
    "imul": lambda draft: draft.__imul__(2) and None,
    "imul by nothing": lambda draft: draft.__imul__(0) and None,
    "in a loop": lambda draft: [item.update(seen=True) for item in draft] and None,
    "in a slice": lambda draft: [item.update(seen=True) for item in draft[1:]] and None,
    "from the end": lambda draft: draft[-1].update(seen=True),
}


@pytest.mark.parametrize("name", LIST_CHANGES)
def test_a_draft_of_a_list_changes_as_the_list_would(name: str) -> None:
    base = [{"id": 0}, {"id": 1}, {"id": 2}]
    expected = copy.deepcopy(base)
    LIST_CHANGES[name](expected)
    assert changed(base, LIST_CHANGES[name]) == expected


LIST_READS: dict[str, Callable[[Any], Any]] = {
    "getitem": lambda draft: draft[0],
    "slice": lambda draft: draft[::2],
    "len": len,
    "in": lambda draft: (1 in draft, 9 in draft, {"x": 1} in draft),
    "index": lambda draft: draft.index({"x": 1}),
    "count": lambda draft: draft.count(1),
    "reversed": lambda draft: list(reversed(draft))[1:],
    "add": lambda draft: operator.add(draft, [4])[-1],
    "radd": lambda draft: operator.add([4], draft)[0],
    "mul": lambda draft: operator.mul(draft, 2)[3],
    "rmul": lambda draft: draft.__rmul__(2)[3],
    "copy": lambda draft: draft.copy() == draft,
    "equal": lambda draft: draft == [1, 2, {"x": 1}],
    "unequal": lambda draft: draft == [1],
    "is a list": lambda draft: isinstance(draft, list),
    "matched": lambda draft: matched(draft),
    "sorted": lambda draft: sorted(draft[:2], reverse=True),
}


@pytest.mark.parametrize("name", LIST_READS)
def test_a_draft_of_a_list_is_read_as_the_list_is(name: str) -> None:
    base = [1, 2, {"x": 1}]
    read = LIST_READS[name]

    def recipe(draft: Any) -> None:
        assert read(draft) == read(base)

    assert produce(base, recipe) is base


@pytest.mark.parametrize("index", [3, -4])
def test_an_index_that_is_not_there_is_an_index_error_and_no_change(index: int) -> None:
    def recipe(draft: Any) -> None:
        with pytest.raises(IndexError):
            draft[index]
        with pytest.raises(IndexError):
            draft[index] = 0
        with pytest.raises(IndexError):
            del draft[index]

    base = [1, 2, 3]
    assert produce(base, recipe) is base


def test_an_item_keeps_its_changes_wherever_it_moves() -> None:
    def recipe(draft: Any) -> None:
        first = draft[0]
        draft.insert(0, {"id": 9})
        first["id"] = 5
        draft.reverse()

    assert changed([{"id": 0}, {"id": 1}], recipe) == [{"id": 1}, {"id": 5}, {"id": 9}]


# Sets


def test_a_draft_of_a_set_is_a_set_of_its_own() -> None:
    def recipe(draft: Any) -> None:
        draft["tags"].add("b")
        draft["tags"] |= {"c"}
        draft["tags"].update(["d"])
        draft["more"].discard("none")

    base = {"tags": {"a"}, "more": {"x"}}
    result = changed(base, recipe)
    assert result == {"tags": {"a", "b", "c", "d"}, "more": {"x"}}
    assert type(result["tags"]) is set
    assert result["more"] is base["more"]


def test_a_set_that_has_the_same_members_again_is_no_change() -> None:
    def recipe(draft: Any) -> None:
        draft["tags"].add("b")
        draft["tags"].remove("b")

    base = {"tags": {"a"}}
    assert produce(base, recipe) is base


# attrs instances


def test_what_is_in_a_tuple_is_a_draft() -> None:
    def recipe(draft: Any) -> None:
        draft["t"][0]["x"] = 2
        first, (item, _) = draft["t"]
        item.finish()
        draft["t"] += (first,)

    base: Any = {"t": ({"x": 1}, (Item("bread"), "text")), "u": ({}, 1)}
    result = changed(base, recipe)
    assert result["t"] == ({"x": 2}, (Item("bread", done=True), "text"), {"x": 2})
    assert type(result["t"]) is tuple
    assert result["u"] is base["u"]


def test_a_tuple_in_which_nothing_was_changed_stays_the_same() -> None:
    def recipe(draft: Any) -> None:
        assert draft["t"] == ({"x": 1}, (1, 2))
        assert isinstance(draft["t"], tuple)
        draft["t"][0]["x"] = 1

    base = {"t": ({"x": 1}, (1, 2))}
    assert produce(base, recipe) is base


def test_a_state_may_be_a_tuple() -> None:
    base: Any = ({"x": 1}, {"y": 1})
    result = changed(base, lambda draft: draft[0].update(x=2))
    assert result == ({"x": 2}, {"y": 1})
    assert result[1] is base[1]


def test_a_draft_of_an_attrs_instance_has_its_fields() -> None:
    def recipe(draft: Any) -> None:
        draft.count += 1
        draft.items[0].done = True
        draft.items[0].tags.append("urgent")
        draft.by_name["milk"] = draft.items[1]
        draft._hidden = 3

    base = Todos(items=[Item("bread"), Item("milk")])
    result = changed(base, recipe)
    assert result == Todos(
        items=[Item("bread", True, ["urgent"]), Item("milk")],
        by_name={"milk": Item("milk")},
        count=1,
    )
    assert result._hidden == 3
    assert result.by_name["milk"] is result.items[1] is base.items[1]


def test_methods_and_properties_of_an_attrs_instance_work_on_the_draft() -> None:
    def recipe(draft: Any) -> None:
        draft.title = "cheese"
        assert draft.shout == "CHEESE"
        draft.finish()
        assert draft.empty() == Item("")
        assert draft.kind() == "item"

    assert changed(Item("bread"), recipe) == Item("cheese", done=True)


def test_a_draft_of_an_attrs_instance_passes_for_one() -> None:
    def recipe(draft: Any) -> Any:
        assert isinstance(draft, Item)
        assert draft == Item("bread")
        assert Item("bread") == draft
        assert draft != Item("milk")
        return attrs.evolve(draft, title="milk")

    base = Item("bread")
    result = produce(base, recipe)
    assert result == Item("milk")
    assert result.tags is base.tags


def test_an_attrs_instance_is_compared_as_its_class_says() -> None:
    def recipe(draft: Any) -> None:
        for item, equal in ((draft[0], Ranked(2)), (draft[0], draft[0]), (draft[2], draft[2])):
            assert item == equal
            assert equal == item
        for item, other in ((draft[0], draft[1]), (draft[0], 2), (draft[2], Unequal())):
            assert item != other
            assert other != item
        assert draft[1] < draft[0]

    base = [Ranked(2), Ranked(1), Unequal()]
    assert produce(base, recipe) is base


def test_attrs_instances_are_found_and_sorted_in_a_list() -> None:
    def recipe(draft: Any) -> None:
        draft.remove("behind them")
        draft.sort()

    assert changed([Ranked(2), Ranked(1), "behind them"], recipe) == [Ranked(1), Ranked(2)]


def test_attrs_instances_without_an_order_cannot_be_sorted() -> None:
    with pytest.raises(TypeError, match="'<' not supported"):
        produce([Item("b"), Item("a")], lambda draft: draft.sort())


def test_an_attribute_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="Item has no attribute 'titel'"):
        produce(Item("bread"), lambda draft: draft.titel)


def test_a_field_that_is_not_there_cannot_be_set() -> None:
    with pytest.raises(TypeError, match="Item has no field 'titel'; did you mean 'title'"):
        produce(Item("bread"), lambda draft: setattr(draft, "titel", "milk"))


def test_a_value_that_a_validator_rejects_is_refused() -> None:
    with pytest.raises(TypeError, match="count"):
        produce(Todos(), lambda draft: setattr(draft, "count", "one"))


# What is no container


@pytest.mark.parametrize(
    "base", [7, "text", None, (1, ("x",)), Point(1, {}), frozenset({1}), object()]
)
def test_what_has_no_draft_is_given_as_it_is(base: Any) -> None:
    given = list[Any]()
    assert produce(base, given.append) is base
    assert given[0] is base


def test_a_recipe_of_a_number_returns_the_next() -> None:
    assert produce(7, lambda number: number + 1) == 8


# What a recipe returns


def test_a_recipe_may_return_its_draft() -> None:
    def recipe(draft: Any) -> Any:
        draft["a"] = 2
        return draft

    assert changed({"a": 1}, recipe) == {"a": 2}


def test_what_a_recipe_returns_may_hold_drafts_at_any_depth() -> None:
    base: dict[str, Any] = {"n": {"x": 1}, "l": [1], "item": Item("bread"), "tags": {"a"}}
    result = produce(
        base,
        lambda draft: {
            "list": [draft["n"], {"deep": draft["l"]}],
            "tuple": (draft["n"], 1),
            "point": Point(draft["n"], 2),
            "item": Item("milk", tags=draft["l"]),
            "tags": draft["tags"],
        },
    )
    assert result["list"][0] is base["n"]
    assert result["list"][1]["deep"] is base["l"]
    assert result["tuple"][0] is base["n"]
    assert result["point"] == Point(base["n"], 2)
    assert type(result["point"]) is Point
    assert result["item"].tags is base["l"]
    assert result["tags"] is base["tags"]


def test_what_a_recipe_puts_in_may_hold_drafts_at_any_depth() -> None:
    def recipe(draft: Any) -> None:
        new: dict[str, Any] = {"items": [draft["n"]]}
        draft["new"] = new
        new["late"] = draft["n"]
        draft["n"]["x"] = 2

    result = changed({"n": {"x": 1}}, recipe)
    assert result == {"n": {"x": 2}, "new": {"items": [{"x": 2}], "late": {"x": 2}}}
    assert result["new"]["items"][0] is result["new"]["late"] is result["n"]


PLACES: dict[str, Callable[[Any], Any]] = {
    "an entry": lambda draft: draft["new"],
    "an item": lambda draft: draft["items"][-1],
    "a slice": lambda draft: draft["items"][0],
}


@pytest.mark.parametrize("place", PLACES)
def test_what_a_recipe_puts_in_and_changes_then_may_hold_drafts(place: str) -> None:
    def recipe(draft: Any) -> None:
        new = [{"deep": (draft["n"],)}, draft["n"]]
        match place:
            case "an entry":
                draft["new"] = new
            case "an item":
                draft["items"].append(new)
            case "a slice":
                draft["items"][:] = [new]
        PLACES[place](draft).append(1)
        PLACES[place](draft)[0]["more"] = draft["n"]
        draft["n"]["x"] = 2

    result = changed({"n": {"x": 1}, "items": []}, recipe)
    after = {"x": 2}
    assert PLACES[place](result) == [{"deep": (after,), "more": after}, after, 1]
    assert_no_drafts(result)


def assert_no_drafts(value: Any) -> None:
    assert type(value) in (dict, list, tuple, int)
    if not isinstance(value, int):
        for part in value.values() if isinstance(value, dict) else value:
            assert_no_drafts(part)


def test_to_change_the_draft_and_return_another_value_is_refused() -> None:
    def recipe(draft: Any) -> Any:
        draft["a"] = 2
        return {"b": 1}

    with pytest.raises(RuntimeError, match="change the draft and return nothing"):
        produce({"a": 1}, recipe)


# The life of a draft


def test_a_draft_that_was_taken_out_goes_on_by_itself() -> None:
    drafts = list[Any]()

    def recipe(draft: Any) -> None:
        drafts.append(draft["n"])
        del draft["n"]

    assert produce({"n": {"x": 1}}, recipe) == {}
    drafts[0]["x"] = 2
    assert drafts[0] == {"x": 2}


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy])
@pytest.mark.parametrize("base", [{"a": 1}, [1], Item("bread"), {1}, ({"a": 1},)])
def test_a_copy_of_a_draft_changes_on_its_own(base: Any, duplicate: Callable[[Any], Any]) -> None:
    def recipe(draft: Any) -> None:
        twin = duplicate(draft["base"])
        match base:
            case dict():
                twin["b"] = 2
            case list():
                twin.append(2)
            case set():
                twin.add(2)
            case tuple():
                twin = (*twin, 2)
            case Item():
                twin.title = "milk"
        draft["twin"] = twin

    result = changed({"base": base}, recipe)
    assert result["base"] is base
    assert result["twin"] in (
        {"a": 1, "b": 2},
        [1, 2],
        Item("milk"),
        {1, 2},
        ({"a": 1}, 2),
    )
    assert type(result["twin"]) is type(base)


def test_what_is_done_to_a_draft_after_its_recipe_has_no_effect() -> None:
    drafts = list[Any]()

    def recipe(draft: Any) -> None:
        draft["n"]["x"] = 2
        drafts.append(draft)

    base: dict[str, Any] = {"n": {"x": 1}, "items": [Item("bread")]}
    result = changed(base, recipe)
    drafts[0]["n"]["x"] = 3
    drafts[0]["items"][0].title = "milk"
    drafts[0]["items"].clear()
    assert result == {"n": {"x": 2}, "items": [Item("bread")]}


def test_a_draft_of_an_attrs_instance_does_not_show_its_content() -> None:
    shown = list[str]()
    produce(Item("s3cret"), lambda draft: shown.append(repr(draft) + str(draft)))
    assert shown == ["<draft of Item>" * 2]


def test_a_draft_can_be_written_as_json() -> None:
    texts = list[str]()
    base = {"n": {"x": [1, (2,)]}}
    produce(base, lambda draft: texts.append(json.dumps(draft)))
    assert texts == [json.dumps(base)]


def test_only_the_order_of_entries_may_change() -> None:
    base = OrderedDict(a=1, b=2)
    result = produce(base, lambda draft: draft.move_to_end("a"))
    assert list(result) == ["b", "a"]
    assert list(base) == ["a", "b"]


# Nothing is lost, and nothing is touched


scalars = st.none() | st.booleans() | st.integers(0, 3) | st.sampled_from(["a", "b"])
trees = st.recursive(
    scalars,
    lambda children: (
        st.lists(children, max_size=3)
        | st.dictionaries(st.sampled_from("xyz"), children, max_size=3)
    ),
    max_leaves=12,
)


def paths(tree: Any) -> list[list[Any]]:
    """Find the containers in a tree."""
    if isinstance(tree, dict):
        return [[], *([key, *path] for key in tree for path in paths(tree[key]))]
    if isinstance(tree, list):
        return [[], *([index, *path] for index, item in enumerate(tree) for path in paths(item))]
    return []


@settings(deadline=None)
@given(st.data(), st.dictionaries(st.sampled_from("xyz"), trees, max_size=3))
def test_a_draft_ends_as_what_the_same_changes_make_of_a_deep_copy(
    data: st.DataObject, base: dict[str, Any]
) -> None:
    model = copy.deepcopy(base)
    changes = list[tuple[list[Any], Any, Any]]()
    for _ in range(data.draw(st.integers(0, 4))):
        path = data.draw(st.sampled_from(paths(model)))
        container = at(model, path)
        if isinstance(container, dict):
            key: Any = data.draw(st.sampled_from("xyz"))
        elif container:
            key = data.draw(st.integers(0, len(container) - 1))
        else:
            continue
        value = data.draw(trees)
        changes.append((path, key, value))
        container[key] = copy.deepcopy(value)

    def recipe(draft: Any) -> None:
        for path, key, value in changes:
            at(draft, path)[key] = value

    assert changed(base, recipe) == model


def at(tree: Any, path: list[Any]) -> Any:
    for key in path:
        tree = tree[key]
    return tree
