from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from ...support.app import App
from ...support.clients import AiohttpClient, AsyncClient, Client, Httpx2Client, SyncClient
from ...support.server import AuthServer

NewApp = Callable[..., App]

#: For what only an asynchronous instance has: tasks to cancel, loops to share.
only_async = pytest.mark.parametrize("kind", [AsyncClient], ids=["async"])

#: For what only a synchronous instance has.
only_sync = pytest.mark.parametrize("kind", [SyncClient], ids=["sync"])


@pytest.fixture
def server() -> Iterator[AuthServer]:
    with AuthServer() as server:
        yield server


#: Rules in which it counts what goes over the wire, and how that fails. The others are run with
#: httpx2 and aiohttp only where ``--slow`` asks for it.
NEAR_THE_WIRE = ("rule_01", "rule_02", "rule_09", "rule_10", "rule_12", "event_loops")


@pytest.fixture(
    params=[AsyncClient, SyncClient, AiohttpClient, Httpx2Client],
    ids=["async", "sync", "aiohttp", "httpx2"],
)
def kind(request: pytest.FixtureRequest) -> type[Client]:
    """Every kind of instance: what takes this fixture holds for each of them."""
    kind: type[Client] = request.param
    return kind


def pytest_itemcollected(item: pytest.Item) -> None:
    callspec = getattr(item, "callspec", None)
    kind = callspec and callspec.params.get("kind")
    name = item.path.name
    if kind in (AiohttpClient, Httpx2Client) and not any(one in name for one in NEAR_THE_WIRE):
        item.add_marker("slow")


@pytest.fixture
def new_app(server: AuthServer, kind: type[Client]) -> Iterator[NewApp]:
    """Makes programs on the server.

    It takes the ``kind`` of instance (default: that of this run), ``defaults`` for it, a program to
    share an event loop with (``beside``), and what `App` takes.
    """
    with ExitStack() as programs:

        def make(
            kind: type[Client] = kind,
            defaults: dict[str, Any] | None = None,
            beside: App | None = None,
            **options: Any,
        ) -> App:
            create = beside.client.beside if beside else kind.create
            client = create(**{"base_url": server.url, **(defaults or {})})
            return programs.enter_context(App(server, client, **options))

        yield make


@pytest.fixture
def app(new_app: NewApp) -> App:
    """A program in which ada is logged in."""
    return new_app().login()
