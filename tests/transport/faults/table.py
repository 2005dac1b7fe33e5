"""What can go wrong with an answer, and axios's code for it."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import frozen
from zustax.transport.testing import Fault, faults

#: Bytes that a body may have. Faults that have an end send less, the others get there.
LIMIT = 100_000

#: Seconds that a request gets which has to run into its time-out, and one which must not.
SHORT, LONG = 0.2, 20.0


@frozen
class Case:
    """A fault.

    Args:
        fault: What the server does.
        code: What the request fails with.
        causes: Class names of exceptions one of which is its cause; empty: it has none.
    """

    fault: Fault
    code: str
    causes: tuple[str, ...] = ()

    @property
    def options(self) -> dict[str, Any]:
        """The options of a request that meets it."""
        timeout = SHORT if self.code == "ECONNABORTED" else LONG
        return {"timeout": timeout, "max_content_length": LIMIT}


_READING = ("ReadError", "RemoteProtocolError")
_TIME_OUT = ("TimeoutError", "ReadTimeout")

CASES: dict[str, Case] = {
    # instead of an answer
    "closes": Case(faults.hang_up(), "ERR_NETWORK", _READING),
    "resets": Case(faults.reset(), "ERR_NETWORK", _READING),
    "stalls": Case(faults.stall(), "ECONNABORTED", _TIME_OUT),
    "is no HTTP": Case(faults.garbage(), "ERR_NETWORK", _READING),
    "garbage status line": Case(
        faults.garbage(b"HTTP/1.1 two hundred\r\n\r\n"), "ERR_NETWORK", _READING
    ),
    # in the headers
    "endless headers": Case(faults.endless_headers(), "ERR_NETWORK", _READING),
    "trickling headers": Case(faults.trickling_headers(), "ECONNABORTED", _TIME_OUT),
    "header without a colon": Case(
        faults.garbage(b"HTTP/1.1 200 OK\r\nno header\r\n\r\n"), "ERR_NETWORK", _READING
    ),
    "content-length that is no number": Case(
        faults.garbage(b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n"), "ERR_NETWORK", _READING
    ),
    "two content-lengths": Case(
        faults.garbage(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{}"),
        "ERR_NETWORK",
        _READING,
    ),
    "content-length too long": Case(faults.content_length(10), "ECONNABORTED", _TIME_OUT),
    # in the body
    "half a body": Case(faults.half_a_body(), "ERR_NETWORK", _READING),
    "resets mid-body": Case(faults.reset_in_the_body(), "ERR_NETWORK", _READING),
    "stalls mid-body": Case(faults.stall_in_the_body(), "ECONNABORTED", _TIME_OUT),
    "trickles the body": Case(faults.trickle(), "ECONNABORTED", _TIME_OUT),
    "endless body": Case(faults.endless_body(), "ERR_BAD_RESPONSE"),
    "chunk without a size": Case(faults.broken_chunks(), "ERR_NETWORK", _READING),
    "body that is no gzip": Case(faults.broken_gzip(), "ERR_BAD_RESPONSE", ("DecodingError",)),
    "gzip bomb": Case(faults.gzip_bomb(1 << 21), "ERR_BAD_RESPONSE"),
    "gzip bomb in a gzip bomb": Case(faults.gzip_bomb(1 << 21, layers=2), "ERR_BAD_RESPONSE"),
}

every_case = pytest.mark.parametrize("case", CASES.values(), ids=CASES)
