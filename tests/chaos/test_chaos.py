"""A chaos run of a minute. Other runs are started by hand."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

SECONDS = 60.0


@pytest.mark.slow
@pytest.mark.timeout(SECONDS * 2 + 600)
def test_whatever_goes_wrong_the_invariants_hold() -> None:
    """It has a process of its own, as it counts the threads and tasks that are left over."""
    command = [sys.executable, "-m", "tests.chaos", "--seconds", f"{SECONDS}", "--seed", "1"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
