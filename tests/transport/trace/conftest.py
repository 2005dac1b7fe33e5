from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from ...support.app import App
from ...support.clients import Client
from ...support.server import AuthServer

NewApp = Callable[..., App]


@pytest.fixture
def new_app(server: AuthServer, kind: type[Client]) -> Iterator[NewApp]:
    """Makes programs on the server: with ``defaults`` for the instance, and what `App` takes."""
    with ExitStack() as programs:

        def make(
            defaults: dict[str, Any] | None = None, beside: App | None = None, **options: Any
        ) -> App:
            create = beside.client.beside if beside else kind.create
            client = create(**{"base_url": server.url, **(defaults or {})})
            return programs.enter_context(App(server, client, **options))

        yield make


@pytest.fixture
def app(new_app: NewApp) -> App:
    """A program in which ada is logged in."""
    return new_app().login()
