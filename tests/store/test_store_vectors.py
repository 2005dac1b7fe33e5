"""Programs that were run on Zustand: here they leave the same trace.

`tests/vectors/store.json` holds the programs. An op is `{"op": name, ...}`; it is run by the method
of `Program` with that name. A program marked as fixed runs a second time with an attrs state.
"""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import pytest
from zustax.store import Store, create_store, object_is, shallow

Json = Any
Function = Callable[..., Any]

VECTORS = Path(__file__).parent.parent / "vectors" / "store.json"
PROGRAMS: list[Json] = json.loads(VECTORS.read_text(encoding="utf-8"))["programs"]
PAIRS = {"object_is": object_is, "shallow": shallow}


def of_families(*names: str) -> list[Json]:
    return [program for program in PROGRAMS if program["family"] in names]


def name_of(program: Json) -> str:
    return str(program["id"])


stores = of_families("vanilla", "primitive", "reentrant", "selector")


@pytest.mark.parametrize("program", stores, ids=name_of)
def test_a_program_leaves_the_trace_that_it_leaves_on_zustand(program: Json) -> None:
    assert_same_trace(Program(program), program["trace"])


@pytest.mark.parametrize("program", [p for p in stores if p.get("fixed")], ids=name_of)
def test_a_program_leaves_that_trace_with_an_attrs_state(program: Json) -> None:
    assert_same_trace(AttrsProgram(program), program["trace"])


@pytest.mark.parametrize("program", of_families(*PAIRS), ids=name_of)
def test_two_values_compare_as_in_javascript(program: Json) -> None:
    compare = PAIRS[program["family"]]
    shared = [decode(value) for value in program["shared"]]
    pairs = [[decode(value, shared) for value in pair] for pair in program["pairs"]]
    assert [compare(a, b) for a, b in pairs] == program["results"]


class VectorError(Exception):
    """What a program raises on purpose."""


class Program:
    """Runs one program and writes its trace."""

    def __init__(self, program: Json) -> None:
        self.program = program
        self.trace: list[list[Any]] = []
        self.named: dict[str, Any] = {}
        self.unsubscribers: dict[str, Function] = {}
        self.listeners: dict[str, Function] = {}
        self.store: Store[Any]

    def run(self) -> None:
        self.store = self.make_store()
        for op in self.program["ops"]:
            self.run_op(op, catches=True)

    def make_store(self) -> Store[Any]:
        if self.program.get("direct"):
            return create_store(self.state(self.program["initial"]))

        def initializer(set_state: Function, get_state: Function, store: Store[Any]) -> Any:
            for value in self.program.get("init_sets", []):
                set_state(decode(value))
            return self.state(self.program["initial"])

        return create_store(initializer)

    def state(self, value: Json) -> Any:
        """Make a whole state."""
        return decode(value)

    def changed(self, state: Any, changes: dict[str, Any]) -> Any:
        """Copy a whole state with some changes."""
        return {**state, **changes}

    def run_op(self, op: Json, *, catches: bool = False) -> None:
        try:
            getattr(self, f"op_{op['op']}")(op)
        except VectorError as error:
            if not (catches or op.get("try")):
                raise
            self.trace.append(["threw", str(error)])

    def run_ops(self, ops: list[Json]) -> None:
        for op in ops:
            self.run_op(op)

    def op_set(self, op: Json) -> None:
        set_state = self.store.setState if op.get("alias") else self.store.set_state
        if "replace" in op:
            set_state(self.partial(op), op["replace"])
        else:
            set_state(self.partial(op))

    def op_get(self, op: Json) -> None:
        get_state = self.store.getState if op.get("alias") else self.store.get_state
        self.trace.append(["state", get_state()])

    def op_get_initial(self, op: Json) -> None:
        store = self.store
        get_initial_state = store.getInitialState if op.get("alias") else store.get_initial_state
        self.trace.append(["initial", get_initial_state()])

    def op_remember(self, op: Json) -> None:
        self.named[op["as"]] = self.store.get_state()

    def op_same(self, op: Json) -> None:
        ours, theirs = self.store.get_state(), self.recall(op["with"])
        for key in op.get("path", []):
            ours, theirs = entry(ours, key), entry(theirs, key)
        self.trace.append(["same", op["with"], ours is theirs])

    def op_subscribe(self, op: Json) -> None:
        arguments = [self.listener(op["listener"])]
        options: dict[str, Any] = {}
        if "selector" in op:
            arguments.insert(0, make_selector(op["selector"]))
        if "equality" in op:
            options["equality_fn"] = make_equality(op["equality"])
        if "fire_immediately" in op:
            options["fire_immediately"] = op["fire_immediately"]
        self.unsubscribers[op["as"]] = self.store.subscribe(*arguments, **options)

    def op_unsubscribe(self, op: Json) -> None:
        self.unsubscribers.get(op["sub"], lambda: None)()

    def op_throw(self, op: Json) -> None:
        raise VectorError(op["message"])

    def recall(self, name: str) -> Any:
        if name == "state":
            return self.store.get_state()
        if name == "initial":
            return self.store.get_initial_state()
        return self.named[name]

    def partial(self, op: Json) -> Any:
        if "fn" in op:
            return lambda state: self.apply(op["fn"], state, op)
        if "recall" in op:
            return self.recall(op["recall"])
        self.named["given"] = self.value(op["value"], op)
        return self.named["given"]

    def value(self, value: Json, op: Json) -> Any:
        return decode(value)

    def apply(self, fn: Json, state: Any, op: Json) -> Any:
        """Compute what an updater returns."""
        match fn:
            case {"inc": key, "by": by}:
                return {key: whole(number(entry(state, key)) + by)}
            case {"identity": True}:
                return state
            case {"const": value}:
                return self.value(value, op)
            case {"spread": changes}:
                return self.changed(state, decode(changes))
            case {"copy": True}:
                return self.changed(state, {})
            case {"drop": key}:
                return {name: value for name, value in state.items() if name != key}
            case {"add": by}:
                return whole(number(state) + by)
            case {"throw": message}:
                raise VectorError(message)
            case {"first": ops, "then": then}:
                self.run_ops(ops)
                return self.apply(then, state, op)
        raise AssertionError(f"unknown function {fn}")

    def listener(self, name: str) -> Function:
        if name not in self.listeners:
            scripts = self.program.get("listeners", {}).get(name, {})
            calls = iter(range(1, 1000))

            def listener(new: Any, previous: Any) -> None:
                self.trace.append(["call", name, new, previous])
                self.run_ops(scripts.get(str(next(calls)), []))

            self.listeners[name] = listener
        return self.listeners[name]


class AttrsProgram(Program):
    """Runs a program whose state always has the same keys, as the fields of an attrs class."""

    def __init__(self, program: Json) -> None:
        super().__init__(program)
        self.cls = attrs.make_class("State", list(program["initial"]), frozen=True)

    def state(self, value: Json) -> Any:
        return self.cls(**decode(value))

    def changed(self, state: Any, changes: dict[str, Any]) -> Any:
        return attrs.evolve(state, **changes)

    def value(self, value: Json, op: Json) -> Any:
        return self.state(value) if op.get("replace") else decode(value)


def decode(value: Json, shared: list[Any] | None = None) -> Any:
    """Make a fresh Python value."""
    match value:
        case {"$": "NaN"}:
            return math.nan
        case {"$": "-0"}:
            return -0.0
        case {"$": "map", "entries": entries}:
            return {key: decode(item, shared) for key, item in entries}
        case {"$": "set", "items": items}:
            return {decode(item, shared) for item in items}
        case {"$": "ref", "n": n}:
            assert shared is not None
            return shared[n]
        case dict():
            return {key: decode(item, shared) for key, item in value.items()}
        case list():
            return [decode(item, shared) for item in value]
    return value


def entry(state: Any, key: str) -> Any:
    """Take one entry, None where there is none."""
    if attrs.has(type(state)):
        return getattr(state, key, None)
    return state.get(key) if isinstance(state, dict) else None


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def number(value: Any) -> Any:
    return value if is_number(value) else 0


def whole(result: Any) -> Any:
    """Make an int of a whole result, except of -0.0."""
    is_whole = math.isfinite(result) and result == int(result)
    return int(result) if is_whole and not is_minus_zero(result) else result


def is_minus_zero(value: Any) -> bool:
    return bool(value == 0) and math.copysign(1, value) < 0


def make_selector(selector: Json) -> Function:
    match selector:
        case {"key": key}:
            return lambda state: entry(state, key)
        case {"path": path}:
            return lambda state: walk(state, path)
        case {"whole": True}:
            return lambda state: state
        case {"sum": keys}:
            return lambda state: whole(sum(number(entry(state, key)) for key in keys))
        case {"above": [key, limit]}:
            return lambda state: number(entry(state, key)) > limit
        case {"pick": keys}:
            return lambda state: {key: entry(state, key) for key in keys}
        case {"list": keys}:
            return lambda state: [entry(state, key) for key in keys]
        case {"throws_at": [key, at], "of": inner}:
            return failing_selector(key, at, make_selector(inner))
    raise AssertionError(f"unknown selector {selector}")


def walk(state: Any, path: list[str]) -> Any:
    for key in path:
        state = entry(state, key)
    return state


def failing_selector(key: str, at: Any, inner: Function) -> Function:
    def selector(state: Any) -> Any:
        if object_is(number(entry(state, key)), at):
            raise VectorError("selector failed")
        return inner(state)

    return selector


def make_equality(equality: Json) -> Function:
    match equality:
        case "object_is":
            return object_is
        case "shallow":
            return shallow
        case "always":
            return lambda old, new: True
        case "never":
            return lambda old, new: False
        case "no_increase":
            return numbers_or_object_is(lambda old, new: new <= old)
        case {"within": limit}:
            return numbers_or_object_is(lambda old, new: abs(old - new) <= limit)
    raise AssertionError(f"unknown equality {equality}")


def numbers_or_object_is(compare: Function) -> Function:
    def equality(old: Any, new: Any) -> bool:
        if is_number(old) and is_number(new):
            return bool(compare(old, new))
        return object_is(old, new)

    return equality


def assert_same_trace(program: Program, expected: list[Json]) -> None:
    program.run()
    assert list(map(plain, program.trace)) == list(map(plain, map(decode, expected)))


def plain(value: Any) -> Any:
    """Spell a traced value so that `==` tells apart what JavaScript tells apart."""
    if attrs.has(type(value)):
        value = attrs.asdict(value, recurse=False)
    match value:
        case dict():
            return {key: plain(item) for key, item in value.items() if not callable(item)}
        case list():
            return [plain(item) for item in value]
        case bool():
            return ("bool", value)
        case float() if math.isnan(value):
            return ("NaN",)
        case int() | float():
            return ("number", float(value), is_minus_zero(value))
    return value
