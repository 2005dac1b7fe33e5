"""A chaos run of a minute, with a seed by chance; other runs are started by hand."""

from __future__ import annotations

import random

import pytest

from .run import run

SECONDS = 60.0


@pytest.mark.slow
@pytest.mark.timeout(SECONDS * 2 + 600)
def test_whatever_goes_wrong_the_invariants_hold() -> None:
    verdict = run(random.randrange(1_000_000), SECONDS)
    assert not verdict.violations, str(verdict)
    assert not verdict.missing, str(verdict)
    assert verdict.counts["rotated"]
    assert verdict.counts["calls 200"]
