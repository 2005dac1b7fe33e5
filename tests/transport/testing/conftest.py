"""The fixtures of the test kit, taken as its users take them."""

from zustax.transport.testing.fixtures import (
    authority,
    clock,
    misbehaving_server,
    record_signals,
)

__all__ = ["authority", "clock", "misbehaving_server", "record_signals"]
