"""A small server to try interceptors on."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

from zustax.transport import Instance, create
from zustax.transport.testing import MisbehavingServer

ITEMS = ["tea", "milk"]


@contextlib.asynccontextmanager
async def shop() -> AsyncIterator[tuple[Instance, MisbehavingServer]]:
    """An instance, and a server on loopback that answers ``/items`` with `ITEMS`."""
    with MisbehavingServer() as server:
        async with create(base_url=server.url) as api:
            server.answer("/items", body=ITEMS)
            yield api, server


def noting(passed: list[str], name: str) -> Callable[[Any], Any]:
    """A handler that notes in ``passed`` that it has run, and is called ``name`` in a diagram."""

    def handler(value: Any) -> Any:
        passed.append(name)
        return value

    handler.__qualname__ = name
    return handler
