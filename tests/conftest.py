from __future__ import annotations

import gc
import logging
import os
import sys
from pathlib import Path

import pytest

from .support import loops

# Without bytecode, each process that a test starts compiles all modules anew. Keep it out of the
# source instead.
if os.environ.pop("PYTHONDONTWRITEBYTECODE", None):
    cache = Path(__file__).parents[1] / ".pytest_cache" / "bytecode"
    os.environ["PYTHONPYCACHEPREFIX"] = sys.pycache_prefix = str(cache)
    sys.dont_write_bytecode = False


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--slow",
        action="store_true",
        help="run all that .ci/run runs: the long tests too, every refresh test with every client, "
        "and event loops in debug mode",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "slow: a long test, which runs with --slow or by its name")
    if config.getoption("slow"):
        config.option.asyncio_debug = loops.debug = True
        logging.getLogger("asyncio").setLevel(logging.ERROR)  # not what is slow on a busy machine


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("slow") and not names_tests(config):
        slow = [item for item in items if item.get_closest_marker("slow")]
        config.hook.pytest_deselected(items=slow)
        items[:] = [item for item in items if not item.get_closest_marker("slow")]


def pytest_collection_finish() -> None:
    """Let the garbage collector pass over the thousands of tests."""
    gc.freeze()


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """Return how many processes run the tests: one more than processors, since many tests wait.

    A single test runs in the process of pytest: to start others would take longer.
    """
    return 0 if names_tests(config) else (os.cpu_count() or 1) + 1


def names_tests(config: pytest.Config) -> bool:
    return any("::" in argument for argument in config.args)
