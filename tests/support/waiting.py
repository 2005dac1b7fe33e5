"""Waiting for a condition, never for a time to pass."""

from zustax.transport.testing import until, wait_until

__all__ = ["BOUND", "until", "wait_until"]

#: Seconds after which a test gives up waiting. Nothing is expected to come near it.
BOUND = 5.0
