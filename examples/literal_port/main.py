# /// script
# requires-python = ">=3.11"
# dependencies = ["starlette", "uvicorn", "zustax"]
#
# [tool.uv.sources]
# zustax = { path = "../..", editable = true }
# ///
"""The port at work and, with --show-faults, where its design fails.

    uv run examples/literal_port/main.py
    uv run examples/literal_port/main.py --show-faults

The exit code is 0 if what happens is what the README says.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from unittest.mock import patch

from zustax.transport import RequestError
from zustax.transport.testing import InvalidGrantError

# Where backend.py is, and where this folder is a package.
sys.path.insert(0, str(Path(__file__).parents[1]))

from backend import DEMO_USERS, Backend, running_backend
from literal_port.api import config
from literal_port.store.user import use_user_store

USER = "ada"

#: Seconds that an access token lives.
ACCESS_TTL = 2.0

#: Seconds to wait beyond its end.
MARGIN = 0.2

#: Seconds that a refresh takes: time enough for all requests to meet a 401 meanwhile.
REFRESH_DELAY = 0.5

#: Seconds after which a request that is not settled is said to hang.
PATIENCE = 3.0

#: What becomes of 5 requests, by the status with which their refresh is refused.
FAULTS: Mapping[int, Mapping[str, int]] = {
    403: {"error 403 of /auth/refresh": 1, "hangs": 4},
    401: {"hangs": 5},
}


async def run(backend: Backend, *, shows_faults: bool) -> bool:
    """Show one or the other.

    Returns:
        Whether it was as expected.
    """
    config.instance.defaults.base_url = backend.base_url
    config.redirect = lambda path: print(f"the page is left for {path}", flush=True)
    async with config.instance:
        return await (show_faults(backend) if shows_faults else show_refresh(backend))


async def show_refresh(backend: Backend, size: int = 10) -> bool:
    """Requests meet an expired token together: one refresh, and all are answered."""
    lifetime = await log_in()
    print(
        f"logged in as {USER}; waiting {lifetime:g} s for the end of the access token", flush=True
    )
    await asyncio.sleep(lifetime + MARGIN)
    outcomes = await asyncio.gather(*(outcome_of("/items") for _ in range(size)))
    answered = outcomes.count("answered")
    refreshes = backend.authority.journal.count("refresh")
    print(f"{size} requests with an expired token: {answered} answered, {refreshes} refresh")
    return (answered, refreshes) == (size, 1)


async def show_faults(backend: Backend) -> bool:
    """The refresh is refused: whoever waits for it is never told."""
    is_as_expected = True
    for status, expected in FAULTS.items():
        outcomes = await outcomes_of_refusal(backend, status, sum(expected.values()))
        text = ", ".join(f"{times} x {outcome}" for outcome, times in sorted(outcomes.items()))
        print(f"refresh refused with {status}, {outcomes.total()} requests: {text}", flush=True)
        is_as_expected &= outcomes == expected
    return is_as_expected


async def outcomes_of_refusal(backend: Backend, status: int, size: int) -> Counter[str]:
    """What becomes of requests whose session has ended, if a refresh is refused with ``status``."""
    await log_in()
    backend.authority.revoke_session(USER)
    with patch.object(InvalidGrantError, "status", status):
        requests = [asyncio.create_task(outcome_of("/items")) for _ in range(size)]
        settled, hanging = await asyncio.wait(requests, timeout=PATIENCE)
        for request in hanging:
            request.cancel()
        await asyncio.wait(requests)
    return Counter([request.result() for request in settled] + ["hangs"] * len(hanging))


async def outcome_of(url: str) -> str:
    """What the caller of a request is given, in a few words."""
    try:
        await config.instance.get(url)
    except RequestError as error:
        asked = error.config.url if error.config else "?"
        return f"error {error.status} of {asked}"
    return "answered"


async def log_in() -> float:
    """Fill the store; gives the seconds that the access token lives."""
    tokens = await config.instance.post(
        "/auth/login", {"username": USER, "password": DEMO_USERS[USER]}
    )
    use_user_store.set_state(
        {
            "access_token": tokens["access_token"],
            "refresh_token": tokens["refresh_token"],
            "is_login": True,
        }
    )
    return float(tokens["expires_in"])


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the port against a backend of its own.

    Args:
        arguments: The command line without the program's name; ``None`` takes the process's own.

    Returns:
        The exit code.
    """
    parser = argparse.ArgumentParser(description="Two interceptors, a flag and a queue.")
    parser.add_argument("--show-faults", action="store_true", help="show where the design fails")
    options = parser.parse_args(arguments)
    with running_backend(access_ttl=ACCESS_TTL, refresh_delay=REFRESH_DELAY) as backend:
        return 0 if asyncio.run(run(backend, shows_faults=options.show_faults)) else 1


if __name__ == "__main__":
    sys.exit(main())
