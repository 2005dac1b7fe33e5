"""The test kit as fixtures of pytest; needs pytest, which nothing else of zustax does.

Import those that you use into your ``conftest.py``, or name this module in ``pytest_plugins``:

    from zustax.transport.testing.fixtures import misbehaving_server, record_signals  # noqa: F401
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import TypeAlias

import pytest

from ..instance import Instance, SyncInstance
from .authority import TokenAuthority
from .clock import Clock
from .recorder import SignalRecorder
from .server import USERS, MisbehavingServer

RecordSignals: TypeAlias = Callable[[Instance | SyncInstance | None], SignalRecorder]


@pytest.fixture
def clock() -> Iterator[Clock]:
    """A clock that stands at the present, and that every silent refresh goes by in this test."""
    with Clock() as clock:
        yield clock


@pytest.fixture
def authority(clock: Clock) -> TokenAuthority:
    """An authority that knows `USERS`, and goes by ``clock``."""
    return TokenAuthority(users=USERS, clock=clock)


@pytest.fixture
def misbehaving_server(authority: TokenAuthority) -> Iterator[MisbehavingServer]:
    """A running `MisbehavingServer` in front of ``authority``."""
    with MisbehavingServer(authority) as server:
        yield server


@pytest.fixture
def record_signals() -> Iterator[RecordSignals]:
    """Makes a `SignalRecorder` of an instance that is connected until the test ends."""
    with ExitStack() as recorders:
        yield lambda sender: recorders.enter_context(SignalRecorder(sender))
