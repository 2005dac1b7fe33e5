from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

# Without bytecode, each process that a test starts compiles all modules anew. Keep it out of the
# source instead.
if os.environ.pop("PYTHONDONTWRITEBYTECODE", None):
    cache = Path(__file__).parents[1] / ".pytest_cache" / "bytecode"
    os.environ["PYTHONPYCACHEPREFIX"] = sys.pycache_prefix = str(cache)
    sys.dont_write_bytecode = False


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--all-clients",
        action="store_true",
        help="run every test of the refresh on httpx2, too, and not only those near the wire",
    )


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """Run a single test in the process of pytest: to start others would take longer."""
    return 0 if any("::" in argument for argument in config.args) else None
