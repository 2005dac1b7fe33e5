"""A short chaos run; a longer one is asked for with the variables below, or run by hand.

ZUSTAX_CHAOS_SECONDS=60 ZUSTAX_CHAOS_SEED=7 uv run pytest tests/chaos
"""

from __future__ import annotations

import os
import random

import pytest

from .run import verdicts

SECONDS = float(os.environ.get("ZUSTAX_CHAOS_SECONDS", "8"))
SEED = int(os.environ.get("ZUSTAX_CHAOS_SEED", random.randrange(1_000_000)))


@pytest.mark.timeout(SECONDS * 2 + 600)
def test_whatever_goes_wrong_the_invariants_hold() -> None:
    for verdict in verdicts(SEED, SECONDS):
        assert not verdict.violations, str(verdict)
        assert verdict.counts["rotated"]
        assert verdict.counts["calls 200"]
