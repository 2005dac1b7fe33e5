from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest
from backend import running_backend
from literal_port import main as example
from literal_port.api import config
from zustax.transport.testing import InvalidGrantError, until

SCRIPT = Path(example.__file__)


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", str(SCRIPT), *arguments],
        capture_output=True,
        text=True,
        timeout=50.0,
        check=False,
    )


@pytest.mark.slow
def test_answers_all_requests_after_one_refresh() -> None:
    ended = run()
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.splitlines() == [
        "logged in as ada; waiting 2 s for the end of the access token",
        "10 requests with an expired token: 10 answered, 1 refresh",
    ]


@pytest.mark.slow
def test_shows_its_faults() -> None:
    ended = run("--show-faults")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.splitlines() == [
        "the page is left for /login",
        "refresh refused with 403, 5 requests: 1 x error 403 of /auth/refresh, 4 x hangs",
        "refresh refused with 401, 5 requests: 5 x hangs",
    ]


# One test, since the instance of the module serves one event loop.
async def test_leaves_those_who_wait_hanging_when_the_refresh_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    visited: list[str] = []
    monkeypatch.setattr(config, "redirect", visited.append)
    monkeypatch.setattr(InvalidGrantError, "status", 403)
    with running_backend(refresh_delay=0.5) as backend:
        config.instance.defaults.base_url = backend.base_url
        async with config.instance:
            await example.log_in()
            backend.authority.revoke_session(example.USER)
            leader = asyncio.create_task(example.outcome_of("/items"))
            await until(lambda: config.is_refreshing, bound=10.0)
            waiting = asyncio.create_task(example.outcome_of("/items"))
            async with asyncio.timeout(10.0):
                assert await leader == "error 403 of /auth/refresh"
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(waiting, 1.0)
    assert visited == ["/login"]
    assert len(config.request_queue) == 1
