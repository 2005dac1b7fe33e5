"""The signals of a session, by name."""

from zustax.transport.testing.recorder import SIGNALS

__all__ = ["SIGNALS"]
