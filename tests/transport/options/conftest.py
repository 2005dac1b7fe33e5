from __future__ import annotations

import pytest

from ...support.clients import AiohttpClient, AsyncClient, Client, SyncClient

#: For what only an instance over httpx has.
only_httpx = pytest.mark.parametrize("kind", [AsyncClient, SyncClient], ids=["async", "sync"])


@pytest.fixture(params=[AsyncClient, SyncClient, AiohttpClient], ids=["async", "sync", "aiohttp"])
def kind(request: pytest.FixtureRequest) -> type[Client]:
    """Options mean the same whichever library sends."""
    kind: type[Client] = request.param
    return kind
