"""What a field holds comes back as what it was, or is refused when it is set."""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
import json
import subprocess
import sys
import textwrap
import types
import uuid
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from decimal import Decimal
from fractions import Fraction
from pathlib import Path, PurePosixPath
from typing import (
    Annotated,
    Any,
    Generic,
    Literal,
    NamedTuple,
    NewType,
    Optional,
    TypedDict,
    TypeVar,
)

import attrs
import msgspec
import pydantic
import pytest
from zustax.store import MemoryStorage, StoredStateError, create_store, persist

T = TypeVar("T")
Count = NewType("Count", int)


class Color(enum.StrEnum):
    RED = "red"
    BLUE = "blue"


class Level(enum.IntEnum):
    ONE = 1
    TWO = 2


class Odd(enum.Enum):
    FIRST = (1, 2)
    SECOND = (3, 4)


class Rights(enum.Flag):
    READ = 1
    WRITE = 2


class Point(NamedTuple):
    x: int = 0
    seen: dt.date | None = None


@attrs.frozen
class Todo:
    title: str = ""
    due: dt.datetime | None = None


@attrs.frozen
class Urgent(Todo):
    priority: int = 1


@attrs.frozen
class Circle:
    radius: float = 1.0


@attrs.frozen
class Disc:
    radius: float = 1.0


@attrs.frozen
class Square:
    side: float = 1.0


@dataclasses.dataclass(frozen=True)
class Cat:
    kind: Literal["cat"] = "cat"
    lives: int = 9


@dataclasses.dataclass(frozen=True)
class Dog:
    kind: Literal["dog"] = "dog"
    lives: int = 1


@attrs.frozen
class Node:
    name: str = ""
    children: tuple[Node, ...] = ()


@attrs.frozen
class Box(Generic[T]):
    content: T


class Model(pydantic.BaseModel):
    name: str = ""
    born: dt.date | None = None


class Struct(msgspec.Struct, frozen=True):
    count: int = 0
    when: dt.datetime | None = None


class Entry(TypedDict):
    day: dt.date
    text: str


UTC = dt.UTC
WHEN = dt.datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC)
DAY = dt.date(2026, 1, 2)

#: The annotation of a field, and a value that comes back.
SURVIVORS: list[tuple[Any, Any]] = [
    (str, "naïve"),
    (int, 10**30),
    (float, 0.1),
    (bool, True),
    (type(None), None),
    (Any, {"a": [1, None, "x", 1.5]}),
    (object, 5),
    (list, [1, {"a": 2}]),
    (dict, {"a": [1]}),
    (tuple, (1, "a")),
    (set, {1}),
    (list[int], [1, 2]),
    (tuple[int, ...], (1, 2)),
    (tuple[int, Todo], (1, Todo("milk"))),
    (set[uuid.UUID], {uuid.UUID(int=1)}),
    (frozenset[str], frozenset("ab")),
    (AbstractSet[int], frozenset({1})),
    (Sequence[Todo], (Todo("milk"),)),
    (Mapping[str, Todo], {"a": Todo("milk")}),
    (dict[int, Todo], {1: Todo("milk")}),
    (dict[Level, dt.date], {Level.TWO: DAY}),
    (dict[Color, int], {Color.BLUE: 1}),
    (dict[uuid.UUID, int], {uuid.UUID(int=1): 1}),
    (dict[dt.date, str], {DAY: "x"}),
    (dict[bool, int], {True: 1}),
    (dict[float, int], {1.5: 1}),
    (Color, Color.BLUE),
    (Level, Level.TWO),
    (Odd, Odd.SECOND),
    (Rights, Rights.READ | Rights.WRITE),
    (Point, Point(1, DAY)),
    (Todo, Todo("milk", WHEN)),
    (list[Todo], [Todo("milk", WHEN)]),
    (dt.datetime, WHEN),
    (dt.datetime, dt.datetime(2026, 1, 2, 3, 4)),
    (dt.date, DAY),
    (dt.time, dt.time(1, 2, 3, 4)),
    (dt.timedelta, dt.timedelta(days=300_000, microseconds=1)),
    (Decimal, Decimal("1.10")),
    (Fraction, Fraction(1, 3)),
    (complex, 1 + 2j),
    (uuid.UUID, uuid.UUID(int=7)),
    (Path, Path("/srv/orders")),
    (PurePosixPath, PurePosixPath("a/b")),
    (bytes, b"\x00\xff"),
    (Optional[dt.date], DAY),  # noqa: UP045
    (dt.date | None, None),
    (int | str | None, "5"),
    (int | float, 2.5),
    (Todo | str, "milk"),
    (Todo | str | None, Todo("milk")),
    (Todo | list[Todo], [Todo("milk")]),
    (Circle | Square, Square(2.0)),
    (Cat | Dog, Dog()),
    (list[Cat | Dog], [Dog(), Cat()]),
    (Node, Node("a", (Node("b"), Node("c", (Node("d"),))))),
    (Box[Todo], Box(Todo("milk"))),
    (Model, Model(name="ada", born=DAY)),
    (list[Model], [Model(name="ada")]),
    (Struct, Struct(1, WHEN)),
    (Entry, {"day": DAY, "text": "x"}),
    (Count, 5),
    (Annotated[dt.date, "a day"], DAY),
    (Literal["a", "b"], "b"),
    (str | dt.date, "no date"),
]

#: The annotation of a field, a value that could not come back, and what is said of it.
REFUSED: list[tuple[Any, Any, str]] = [
    (str | dt.date, DAY, "is a date"),
    (Circle | Disc, Disc(2.0), "is a Disc"),
    (list[Circle | Disc], [Disc(2.0)], "is a Disc"),
    (Todo, Urgent("milk"), "is a Urgent, which is not what its annotation says"),
    (list[Todo], [Urgent("milk")], "is a list, which is not what its annotation says"),
    (Any, DAY, "is a date"),
    (dict[str, Any], {"a": [DAY]}, r"\['value'\]\['a'\]\[0\] is a date"),
    (dict[tuple[int, int], int], {(1, 2): 1}, "a key of type tuple"),
    (bytearray, bytearray(b"x"), "is a bytearray"),
    (range, range(3), "is a range"),
    (dt.date, "tomorrow", "is a str, which is not what its annotation says"),
]


def state_class(hint: Any) -> Any:
    fields = {
        "value": attrs.field(default=None, type=hint),
        "other": attrs.field(default=0, type=int),
    }
    return attrs.make_class("State", fields, frozen=True)


def next_program(first: Any, change: Any, **options: Any) -> Any:
    """The state that the next program begins with, when this one has made a change to its own."""
    storage = MemoryStorage()

    def start() -> Any:
        return create_store(persist(lambda: first, name="app", storage=storage, **options))

    start().set_state(change)
    return start().get_state()


@pytest.mark.parametrize(
    ("hint", "value"), SURVIVORS, ids=[f"{i} {h}" for i, (h, _) in enumerate(SURVIVORS)]
)
def test_a_field_comes_back_as_what_it_was(hint: Any, value: Any) -> None:
    state = next_program(state_class(hint)(), {"value": value, "other": 1})
    assert state.value == value
    assert type(state.value) is type(value)
    assert state.other == 1


@pytest.mark.parametrize(
    ("hint", "value", "problem"), REFUSED, ids=[f"{i} {h}" for i, (h, *_) in enumerate(REFUSED)]
)
def test_what_could_not_come_back_is_refused_when_it_is_set(
    hint: Any, value: Any, problem: str
) -> None:
    with pytest.raises(TypeError, match=f"{problem}.*serialize=|{problem}") as caught:
        next_program(state_class(hint)(), {"value": value})
    assert "the state cannot be stored: state['value']" in str(caught.value)


@pytest.mark.parametrize(
    "value", [Color.RED, Level.ONE, Point(), Todo(), Cat(), Model(), Struct(), {1}, DAY, b""]
)
def test_a_dict_says_nothing_of_types_so_that_only_json_is_stored(value: Any) -> None:
    store = create_store(persist(lambda *_: {}, name="app", storage=MemoryStorage()))
    with pytest.raises(TypeError, match=r"state\['x'\] is a .*, which JSON cannot hold"):
        store.set_state({"x": value})


@pytest.mark.parametrize(("value", "after"), [((1, (2,)), [1, [2]]), (float("inf"), None)])
def test_in_a_dict_a_tuple_comes_back_as_a_list_and_infinity_as_none(
    value: Any, after: Any
) -> None:
    assert next_program({}, {"x": value}) == {"x": after}


# --- states of every kind of class ---


@dataclasses.dataclass(frozen=True)
class Settings:
    theme: str = "light"
    opened: dt.date | None = None
    todos: tuple[Todo, ...] = ()
    label: str = dataclasses.field(init=False, default="settings")


class Window(NamedTuple):
    size: tuple[int, int] = (80, 24)
    opened: dt.date | None = None


class Aliased(pydantic.BaseModel, frozen=True):
    name: str = pydantic.Field(default="", alias="Name")
    born: dt.date | None = None
    tags: frozenset[str] = frozenset()


class Renamed(msgspec.Struct, frozen=True, rename="camel", tag=True):
    first_name: str = ""
    born_on: dt.date | None = None


@pytest.mark.parametrize(
    ("first", "changes"),
    [
        (Settings(), {"theme": "dark", "opened": DAY, "todos": (Todo("milk"),)}),
        (Window(), {"size": (100, 40), "opened": DAY}),
        (Aliased(), {"name": "ada", "born": DAY, "tags": frozenset("ab")}),
        (Renamed(), {"first_name": "ada", "born_on": DAY}),
        (Todo(), {"title": "milk", "due": WHEN}),
    ],
    ids=["dataclass", "named tuple", "pydantic", "msgspec", "attrs"],
)
def test_a_state_of_fields_comes_back(first: Any, changes: dict[str, Any]) -> None:
    state = next_program(first, changes)
    assert type(state) is type(first)
    assert {name: getattr(state, name) for name in changes} == changes


def test_only_the_stored_fields_replace_those_of_the_present_state() -> None:
    storage = MemoryStorage({"app": '{"state":{"opened":"2026-01-02","gone":1},"version":0}'})
    store = create_store(persist(lambda: Settings("dark"), name="app", storage=storage))
    assert store.get_state() == Settings("dark", DAY)


def test_partialize_may_return_some_of_the_fields() -> None:
    settings = next_program(
        Settings(),
        {"theme": "dark", "opened": DAY},
        partialize=lambda state: {"opened": state.opened},
    )
    assert settings == Settings("light", DAY)


def test_a_state_can_be_stored_in_a_form_of_ones_own() -> None:
    storage = MemoryStorage()

    def start() -> Any:
        return create_store(
            persist(
                lambda: {"tags": set(), "size": 1},
                name="app",
                storage=storage,
                serialize=lambda state: {"tags": sorted(state["tags"])},
                deserialize=lambda stored: {"tags": set(stored["tags"])},
            )
        )

    start().set_state({"tags": {"b", "a"}})
    assert storage.get_item("app") == '{"state":{"tags":["a","b"]},"version":0}'
    assert start().get_state() == {"tags": {"a", "b"}, "size": 1}


def test_what_deserialize_returns_may_be_the_state_itself() -> None:
    state = next_program(
        Circle(),
        {"radius": 2.0},
        serialize=lambda state: state.radius,
        deserialize=lambda stored: Circle(stored),
    )
    assert state == Circle(2.0)


def test_what_is_migrated_is_deserialized_after_that() -> None:
    storage = MemoryStorage({"app": '{"state":"b,a","version":0}'})
    store: Any = create_store(
        persist(
            lambda: {"tags": set()},
            name="app",
            storage=storage,
            version=1,
            migrate=lambda old: old.split(","),
            serialize=lambda state: sorted(state["tags"]),
            deserialize=lambda stored: {"tags": set(stored)},
        )
    )
    assert store.get_state() == {"tags": {"a", "b"}}
    assert storage.get_item("app") == '{"state":["a","b"],"version":1}'


def test_what_serialize_returns_has_to_be_json() -> None:
    with pytest.raises(TypeError, match="the state cannot be stored: state is a set"):
        next_program({"a": 1}, {"a": 2}, serialize=lambda state: {1})


# --- annotations that cannot be resolved ---


def module(source: str) -> Any:
    """Make a module of a source, as if it had been imported."""
    made: Any = types.ModuleType("module_with_type_checking")
    sys.modules[made.__name__] = made
    exec(textwrap.dedent(source), made.__dict__)
    return made


HIDDEN = """
    from __future__ import annotations
    from typing import TYPE_CHECKING, Any
    import attrs
    import dataclasses
    if TYPE_CHECKING:
        from collections.abc import Callable

    @attrs.frozen
    class Todo:
        title: str = ""
        on_done: Callable[[], None] | None = None

    @dataclasses.dataclass(frozen=True)
    class Group:
        todos: tuple[Todo, ...] = ()
        hidden: NoSuchName = None

    @attrs.frozen
    class State:
        todos: tuple[Todo, ...] = ()
        group: Group = Group()
        on_done: Callable[[], None] | None = None
"""


LATE = """
    from __future__ import annotations
    import attrs
    from zustax.store import MemoryStorage, create_store, persist

    @attrs.frozen
    class State:
        later: Later | None = None

    storage = MemoryStorage()
    store = create_store(persist(lambda: State(), name="app", storage=storage))

    @attrs.frozen
    class Later:
        at: int = 0
"""


@attrs.frozen
class Pinned:
    point: Point | None = None


def test_an_import_for_type_checkers_alone_disturbs_no_other_field() -> None:
    made = module(HIDDEN)
    state = made.State((made.Todo("milk"),), made.Group((made.Todo("bread"),), "x"))
    assert next_program(made.State(), state) == state


def test_what_an_unknown_annotation_could_not_bring_back_is_refused() -> None:
    made = module(HIDDEN)
    with pytest.raises(TypeError, match=r"state\['group'\] is a Group"):
        next_program(made.State(), {"group": made.Group((), DAY)})
    with pytest.raises(TypeError, match=r"state\['on_done'\] is a date"):
        next_program(made.State(), {"on_done": DAY})


def test_a_plain_tuple_of_the_right_values_is_stored_where_a_named_one_belongs() -> None:
    plain: Any = (1, DAY)
    assert next_program(Pinned(), {"point": plain}) == Pinned(Point(1, DAY))


def test_a_class_below_the_store_is_known_once_a_state_is_set() -> None:
    made = module(LATE)
    made.store.set_state({"later": made.Later(3)})
    assert json.loads(made.storage.get_item("app"))["state"] == {"later": {"at": 3}}


def test_what_unsubscribes_is_a_function_in_a_state() -> None:
    off = create_store({"n": 0}).subscribe(print)
    store = create_store(persist(lambda: {"n": 0, "off": off}, name="app", storage=MemoryStorage()))
    store.set_state({"n": 1})
    assert store.get_state() == {"n": 1, "off": off}


def test_functions_are_left_out_and_stay() -> None:
    @attrs.frozen
    class WithAction:
        count: int = 0
        act: Callable[[], None] | None = None

    first = WithAction(act=print)
    assert next_program(first, {"count": 1}) == WithAction(1, print)


def test_actions_in_a_dict_of_their_own_survive_a_restart() -> None:
    storage = MemoryStorage()

    def start() -> Any:
        return create_store(
            persist(
                lambda set_state: {
                    "is_on": False,
                    "actions": {"on": lambda: set_state({"is_on": True}), "deep": {"f": print}},
                    "options": {"a": 1},
                },
                name="app",
                storage=storage,
            )
        )

    first = start()
    first.get_state()["actions"]["on"]()
    first.set_state({"options": {"b": 2}})
    second = start()
    assert second.get_state()["is_on"]
    assert second.get_state()["options"] == {"b": 2}
    assert second.get_state()["actions"]["deep"] == {"f": print}
    second.get_state()["actions"]["on"]()


def test_none_comes_back() -> None:
    assert next_program("ada", None) is None


def test_text_is_stored_as_it_reads() -> None:
    storage = MemoryStorage()
    create_store(persist(lambda: {"name": ""}, name="app", storage=storage)).set_state(
        {"name": '用户 "é" \u2028 \ud800'}
    )
    assert storage.get_item("app") == (
        '{"state":{"name":"用户 \\"é\\" \u2028 \\ud800"},"version":0}'
    )


# --- what goes wrong ---


@pytest.mark.parametrize(
    ("hint", "stored"),
    [
        (dt.date, '"s3cret"'),
        (uuid.UUID, '"s3cret"'),
        (Color, '"s3cret"'),
        (list[Todo], '[{"title":"s3cret","due":"s3cret"}]'),
        (Cat | Dog, '{"kind":"s3cret"}'),
        (Model, '{"born":"s3cret"}'),
        (Struct, '{"when":"s3cret"}'),
        (Node, '"s3cret"'),
    ],
    ids=str,
)
def test_a_value_that_cannot_be_read_as_its_annotation_says_is_not_taken(
    hint: Any, stored: str, caplog: pytest.LogCaptureFixture
) -> None:
    errors: list[Any] = []
    text = f'{{"state":{{"value":{stored},"other":5}},"version":0}}'
    store = create_store(
        persist(
            lambda: state_class(hint)(),
            name="app",
            storage=MemoryStorage({"app": text}),
            on_rehydrate_storage=lambda: lambda state, error: errors.append(error),
        )
    )
    (error,) = errors
    assert isinstance(error, StoredStateError)
    assert "what is stored of 'value' cannot be read" in str(error)
    assert store.get_state().other == 0
    assert (error.__cause__, error.__context__) == (None, None)
    assert "s3cret" not in caplog.text


def test_a_store_that_needs_cattrs_is_not_made_where_it_is_missing_and_others_are() -> None:
    program = """
        import sys
        sys.modules["cattrs"] = None
        import datetime
        import attrs
        from zustax.store import MemoryStorage, UserState, UserStore, create_store, persist

        @attrs.frozen
        class Plain:
            name: str = ""
            tags: list[str] | None = None
            more: dict[str, int | None] = attrs.field(factory=dict)

        @attrs.frozen
        class Dated:
            day: datetime.date | None = None

        storage = MemoryStorage()
        create_store(persist(lambda: Plain(), name="a", storage=storage)).set_state({"name": "x"})
        assert create_store(persist(lambda: Plain(), name="a", storage=storage)).get_state().name
        UserStore(storage=storage).login("access", "refresh")
        assert UserStore(storage=storage).get_state().is_login
        @attrs.frozen
        class Session(UserState):
            since: datetime.date | None = None

        def refused(make):
            try:
                make()
            except ImportError as error:
                print(error)

        refused(lambda: create_store(persist(lambda: Dated(), name="b", storage=storage)))
        refused(lambda: UserStore(Session(), storage=storage))
        UserStore(Session()).login("access", "refresh", since=datetime.date(2026, 1, 2))
        create_store(
            persist(lambda: Dated(), name="c", storage=storage, partialize=lambda state: {})
        ).set_state({})
    """
    run = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    problem = "a state with such fields needs cattrs: install zustax[persist]\n"
    assert run.stdout == problem * 2, run.stderr
    assert run.returncode == 0, run.stderr
