"""For tests of code that signs in and out: nothing here is imported by the rest of zustax.

    TokenAuthority      issues, rotates and revokes double tokens, in memory
    MisbehavingServer   serves one over real sockets; waits and misbehaves as a test says
    faults              what can go wrong with an answer, from a reset to a gzip bomb
    SignalRecorder      what was signalled about an instance
    Clock               stands still until a test advances it
    wait_until, until   wait for a condition, not for a time

As fixtures of pytest: `zustax.transport.testing.fixtures`.
"""

from types import FunctionType

from . import faults
from .authority import (
    AuthorityError,
    Claims,
    Event,
    InvalidGrantError,
    InvalidTokenError,
    IssuedTokens,
    Journal,
    JournalEntry,
    Reason,
    TokenAuthority,
)
from .clock import Clock
from .endpoints import Endpoints
from .messages import Answer, SeenRequest
from .recorder import SentSignal, SignalRecorder
from .script import Behaviour, Gate
from .server import USERS, MisbehavingServer
from .waiting import until, wait_until
from .wire import Fault, Reply, Wire

__all__ = [
    "USERS",
    "Answer",
    "AuthorityError",
    "Behaviour",
    "Claims",
    "Clock",
    "Endpoints",
    "Event",
    "Fault",
    "Gate",
    "InvalidGrantError",
    "InvalidTokenError",
    "IssuedTokens",
    "Journal",
    "JournalEntry",
    "MisbehavingServer",
    "Reason",
    "Reply",
    "SeenRequest",
    "SentSignal",
    "SignalRecorder",
    "TokenAuthority",
    "Wire",
    "faults",
    "until",
    "wait_until",
]

for _public in (globals()[name] for name in __all__):
    if isinstance(_public, (type, FunctionType)):
        # What a user imports is what tracebacks and documentation show.
        _public.__module__ = __name__
