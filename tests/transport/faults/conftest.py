from __future__ import annotations

from collections.abc import Iterator

import pytest
from zustax.transport.testing import Answer, MisbehavingServer


@pytest.fixture
def server() -> Iterator[MisbehavingServer]:
    """A server that answers, as long as it is told nothing else."""
    with MisbehavingServer(app=lambda request: Answer(body={"path": request.path})) as server:
        yield server
