from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--all-clients",
        action="store_true",
        help="run every test of the refresh on httpx2, too, and not only those near the wire",
    )
