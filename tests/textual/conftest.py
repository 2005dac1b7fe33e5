from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ..support.server import AuthServer

# Where the example app is, and its backend.
sys.path.insert(0, str(Path(__file__).parents[2] / "examples"))


@pytest.fixture
def server() -> Iterator[AuthServer]:
    with AuthServer() as server:
        yield server


@pytest.fixture
async def without_debug_mode() -> None:
    """An app starts many tasks; to note where each was started takes longer than all the rest.

    What is about threads and event loops needs that mode: it finds what is called from a wrong one.
    """
    asyncio.get_running_loop().set_debug(False)
