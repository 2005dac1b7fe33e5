"""Selectors, equality functions and commands to a draft, as the file describes them."""

from collections.abc import Callable
from typing import Any

from zustax.store import object_is, shallow

from .values import Json, VectorError, decode, entry, is_number, number, whole

Function = Callable[..., Any]


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


def walk(state: Any, path: list[Any]) -> Any:
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


def edit(draft: Any, command: Json) -> None:
    """Do to a draft what a command says, with the operations of a dict and a list."""
    name, path, *arguments = command
    target = draft
    steps = path if name in ("append", "extend", "insert", "remove", "pop", "update") else path[:-1]
    for step in steps:
        target = target[step]
    match name, arguments:
        case "set", [value]:
            target[path[-1]] = decode(value)
        case "inc", [by]:
            target[path[-1]] += by
        case "delete", []:
            if path[-1] in target:
                del target[path[-1]]
        case "append", [value]:
            target.append(decode(value))
        case "extend", [values]:
            target.extend(decode(values))
        case "insert", [index, value]:
            target.insert(index, decode(value))
        case "remove", [index]:
            del target[index]
        case "pop", []:
            target.pop()
        case "update", [changes]:
            target.update(decode(changes))
        case "copy", [source]:
            target[path[-1]] = _at(draft, source)
        case _:
            raise AssertionError(f"unknown command {command}")


def _at(draft: Any, path: list[Any]) -> Any:
    for step in path:
        draft = draft[step]
    return draft
