"""What an experiment of the lab has shown."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias

import attrs
from zustax.transport import TraceEvent


@attrs.frozen
class Figure:
    """One experiment: what its page claims, and what was seen.

    Args:
        title: What was tried.
        claim: What is said to come of it, in lines.
        found: What came of it.
        events: What happened to the requests; none where no request was sent.
    """

    title: str
    claim: Sequence[str]
    found: Sequence[str]
    events: Sequence[TraceEvent] = ()

    @property
    def holds(self) -> bool:
        """Whether what was found is what is claimed."""
        return list(self.claim) == list(self.found)


#: Runs on loopback, and takes no arguments.
Experiment: TypeAlias = Callable[[], Awaitable[Figure]]
