"""What is looked at in each family of programs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import attrs
from zustax.transport import RequestConfig, RequestError, merge_config

from .steps import Steps
from .values import encode
from .world import World


async def wire(world: World, program: dict[str, Any]) -> dict[str, Any]:
    """What a call puts on the wire; the call itself succeeds unless an outcome is expected."""
    world.open(program)
    outcome = await world.outcome(program["call"])
    if "outcome" not in program["expect"] and "response" not in outcome:
        raise AssertionError(f"the call did not return a response: {outcome}")
    return {"outcome": outcome}


async def response(world: World, program: dict[str, Any]) -> dict[str, Any]:
    """What comes of a call."""
    world.open(program)
    return {"outcome": await world.outcome(program["call"])}


async def merge(world: World, program: dict[str, Any]) -> dict[str, Any]:
    """The fields of a merged config that differ from an empty one's, and the expected ones."""
    first, second = (RequestConfig(**world.decode(program[name])) for name in ("a", "b"))
    config = merge_config(first, second)
    assert isinstance(config, RequestConfig)
    expected, empty = program["expect"]["merged"], _fields(RequestConfig())
    fields = _fields(config).items()
    return {"merged": {name: x for name, x in fields if name in expected or x != empty[name]}}


async def uri(world: World, program: dict[str, Any]) -> dict[str, Any]:
    """The address that a call would have."""
    world.open(program)
    return {"uri": world.api.get_uri(program["url"], **world.decode(program["config"]))}


async def error_json(world: World, program: dict[str, Any]) -> dict[str, Any]:
    """The parts of ``to_json()`` of a failed call that the program names."""
    world.open(program)
    try:
        result = await world.call(program["call"])
    except RequestError as error:
        return {"json": _seen(error.to_json(), program)}
    raise AssertionError(f"the call did not fail, but returned {result!r}")


async def interceptors(world: World, program: dict[str, Any]) -> dict[str, Any]:
    """Which handlers ran with what, and what came of the calls."""
    world.open(program)
    steps = Steps(world)
    await steps.run(program["steps"])
    return {"ids": steps.ids, "trace": steps.trace, "outcomes": steps.outcomes}


OBSERVERS: dict[str, Callable[[World, dict[str, Any]], Awaitable[dict[str, Any]]]] = {
    family.__name__: family for family in (wire, response, merge, uri, error_json, interceptors)
}


def _fields(config: RequestConfig) -> dict[str, Any]:
    names = [field.name for field in attrs.fields(RequestConfig)]
    fields = {name: encode(getattr(config, name)) for name in names}
    return {**fields, "headers": _headers(fields["headers"])}


def _headers(headers: dict[str, Any]) -> dict[str, Any]:
    """Headers with their names in lower case, and without empty sets of them."""
    return {
        name.lower(): _headers(value) if isinstance(value, dict) else value
        for name, value in headers.items()
        if value != {}
    }


def _seen(shown: dict[str, Any], program: dict[str, Any]) -> dict[str, Any]:
    config = {name: shown["config"].get(name) for name in program["see_config"]}
    if "see_config_headers" in program:
        headers = _headers(shown["config"].get("headers", {}))
        config["headers"] = {name: headers.get(name) for name in program["see_config_headers"]}
    error = {name: shown[name] for name in ("message", "code", "status")}
    return {**error, "config": encode(config)}
