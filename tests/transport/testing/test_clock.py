from __future__ import annotations

import math
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from zustax.transport.refresh.expiry import now
from zustax.transport.testing import Clock


def test_a_clock_begins_at_the_present_and_stands_still() -> None:
    before = time.time()
    clock = Clock()
    assert before <= clock() <= time.time()
    assert clock() == clock()


def test_a_clock_begins_where_it_is_told() -> None:
    assert Clock(1_000.0)() == 1_000.0
    assert repr(Clock(1_000.0)) == "Clock(1000.0)"


def test_advancing_a_clock_gives_the_new_time() -> None:
    clock = Clock(1_000.0)
    assert clock.advance(61.5) == clock() == 1_061.5


@pytest.mark.parametrize("seconds", [-1.0, math.nan, math.inf])
def test_a_clock_does_not_run_backwards(seconds: float) -> None:
    clock = Clock(1_000.0)
    with pytest.raises(ValueError, match="seconds must be a finite number from 0 up, not"):
        clock.advance(seconds)
    assert clock() == 1_000.0


def test_a_clock_loses_no_second_that_another_thread_adds() -> None:
    clock = Clock(0.0)
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(clock.advance, [1.0] * 1_000))
    assert clock() == 1_000.0


def test_a_silent_refresh_goes_by_the_clock_inside_of_its_block() -> None:
    with Clock(1_000.0) as clock:
        clock.advance(1.0)
        assert now() == 1_001.0
    before = time.time()
    assert before <= now() <= time.time()
