"""A store, and the ops of a program that are done to it."""

import inspect
from collections.abc import Callable
from typing import Any

from zustax.store import Store, combine, create_store, immer, redux

from .functions import Function, edit, make_equality, make_selector
from .values import Json, VectorError, decode, entry, fields_of, number, whole


class Program:
    """Runs one program and writes its trace.

    An op is `{"op": name, ...}`; it is run by the method of that name. Some of those at the top of
    a program have to be awaited.
    """

    def __init__(self, program: Json) -> None:
        self.program = program
        self.trace: list[list[Any]] = []
        self.storage_trace: list[list[Any]] = []  # asynchronous storages have one of their own
        self.needs_a_loop = False
        self.named: dict[str, Any] = {}
        self.unsubscribers: dict[str, Function] = {}
        self.functions: dict[str, Function] = {}
        self.calls: dict[str, int] = {}
        self.store: Any

    async def run(self) -> None:
        self.make_store()
        for op in self.program["ops"]:
            waiting = self.run_op(op, catches=True)
            if inspect.isawaitable(waiting):
                await waiting

    def make_store(self) -> None:
        if self.program.get("direct"):
            self.store = create_store(self.state(self.program["initial"]))
            return
        initializer: Any = self.initial
        for name in reversed(self.program.get("middleware", [])):
            initializer = getattr(self, f"wrap_in_{name}")(initializer)

        def begin(set_state: Function, get_state: Function, store: Store[Any]) -> Any:
            self.store = store  # a hydration runs scripts before `create_store` returns
            return initializer(set_state, get_state, store)

        create_store(begin)

    def initial(self, set_state: Function, get_state: Function, store: Store[Any]) -> Any:
        for value in self.program.get("init_sets", []):
            set_state(decode(value))
        return self.state(self.program["initial"])

    def wrap_in_immer(self, initializer: Any) -> Any:
        return immer(initializer)

    def wrap_in_combine(self, _: Any) -> Any:
        values = self.program["combine"]

        def create(set_state: Function, get_state: Function, store: Store[Any]) -> Any:
            actions = {
                name: self.make_action(ops, set_state) for name, ops in values["actions"].items()
            }
            return decode(values.get("extra", {})) | actions

        return combine(self.state(self.program["initial"]), create)

    def wrap_in_redux(self, _: Any) -> Any:
        cases = self.program["redux"]["cases"]

        def reducer(state: Any, action: Any) -> Any:
            case = cases.get(action["type"])
            return state if case is None else self.apply(case, state, {}, action)

        return redux(reducer, self.state(self.program["initial"]))

    def make_action(self, ops: list[Json], set_state: Function) -> Function:
        return lambda: self.run_ops([op | {"set_state": set_state} for op in ops])

    def state(self, value: Json) -> Any:
        """Make a whole state."""
        return decode(value)

    def changed(self, state: Any, changes: dict[str, Any]) -> Any:
        """Copy a whole state with some changes."""
        return {**state, **changes}

    def run_op(self, op: Json, *, catches: bool = False) -> Any:
        try:
            return getattr(self, f"op_{op['op']}")(op)
        except VectorError as error:
            if not (catches or op.get("try")):
                raise
            self.trace.append(["threw", str(error)])

    def run_ops(self, ops: list[Json]) -> None:
        for op in ops:
            self.run_op(op)

    def run_script(self, name: str) -> None:
        """Run the ops that a function of that name runs on this call of it."""
        self.calls[name] = self.calls.get(name, 0) + 1
        scripts = self.program.get("listeners", {}).get(name, {})
        self.run_ops(scripts.get(str(self.calls[name]), []))

    def op_set(self, op: Json) -> None:
        set_state = self.store.setState if op.get("alias") else self.store.set_state
        set_state = op.get("set_state", set_state)  # in an action, the one that it was given
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

    def op_action(self, op: Json) -> None:
        self.store.get_state()[op["name"]]()

    def op_dispatch(self, op: Json) -> None:
        owner = self.store.get_state()["dispatch"] if op.get("via") == "state" else None
        dispatch = owner or self.store.dispatch
        action = decode(op["action"])
        self.trace.append(["dispatched", dispatch(action) is action])

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

    def apply(self, fn: Json, state: Any, op: Json, action: Json = None) -> Any:
        """Compute what an updater or a reducer returns."""
        match fn:
            case {"inc": key, "by": by}:
                return {key: whole(number(entry(state, key)) + by)}
            case {"inc_by": [key, name]}:
                return {key: whole(number(entry(state, key)) + number(action[name]))}
            case {"identity": True}:
                return state
            case {"const": value}:
                return self.value(value, op)
            case {"payload": key}:
                return action[key]
            case {"spread": changes}:
                return self.changed(state, decode(changes))
            case {"copy": True}:
                return self.changed(state, {})
            case {"drop": key}:
                return {name: value for name, value in state.items() if name != key}
            case {"add": by}:
                return whole(number(state) + by)
            case {"draft": commands}:
                for command in commands:
                    edit(state, command)
                return None
            case {"throw": message}:
                raise VectorError(message)
            case {"first": ops, "then": then}:
                self.run_ops(ops)
                return self.apply(then, state, op, action)
        raise AssertionError(f"unknown function {fn}")

    def listener(self, name: str) -> Function:
        if name not in self.functions:

            def listener(new: Any, previous: Any) -> None:
                self.trace.append(["call", name, new, previous])
                self.run_script(name)

            self.functions[name] = listener
        return self.functions[name]


class StructuredProgram(Program):
    """Runs a program whose state always has the same keys, as the fields of a class."""

    def __init__(self, program: Json, make_class: Callable[[list[str]], Any]) -> None:
        super().__init__(program)
        self.cls = make_class(list(program["initial"]))

    def state(self, value: Json) -> Any:
        return self.cls(**decode(value))

    def changed(self, state: Any, changes: dict[str, Any]) -> Any:
        return self.cls(**{**fields_of(state), **changes})

    def value(self, value: Json, op: Json) -> Any:
        return self.state(value) if op.get("replace") else decode(value)
