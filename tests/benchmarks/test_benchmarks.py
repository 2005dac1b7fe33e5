"""Every benchmark runs, in sizes that say nothing about speed."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]

#: The sizes of each, by name.
SIZES: dict[str, dict[str, Any]] = {
    "attrs_state": {"SIZES": (2,), "CALLS_PER_BLOCK": 3},
    "burst": {"ROUNDS": 1, "BURST": 4, "SHAPES": {"one by one": (2, 1), "4 at once": (4, 4)}},
    "client_auth": {"BLOCKS": 1, "REQUESTS_PER_BLOCK": 2},
    "guard": {"BLOCKS": 1, "REQUESTS_PER_BLOCK": 2},
    "instance": {"ROUNDS": 1, "REQUESTS_PER_BLOCK": 4, "AT_ONCE": 2},
    "memory": {"REQUESTS": 20, "REFRESHES": 5},
    "persisted": {"CHANGES": 3, "ROUNDS": 1, "LARGE": 100_000},
    "set_state": {"COUNTS": (1,), "CALLS_PER_BLOCK": 8},
    "storm": {"ROUNDS": 1, "AT_ONCE": 5, "MANY": 20, "WAITING": 5},
    "subscriptions": {"COUNTS": (10,), "ROUNDS": 1},
    "textual_binding": {"SECONDS": 0.2, "PER_SECOND": 100, "WIDGETS": 2},
    "throughput": {"ROUNDS": 1, "AT_ONCE": 5},
    "trace": {"BLOCKS": 1, "CALLS_PER_BLOCK": 2, "QUESTIONS": 10},
}

#: Modules that the benchmarks share.
SHARED = {"answers", "axios", "blocks", "contenders", "zustand"}


def test_every_benchmark_is_tried() -> None:
    modules = {path.stem for path in Path(__file__).parent.glob("*.py")}
    assert modules - SHARED - {Path(__file__).stem, "__init__"} == set(SIZES)


@pytest.mark.slow
@pytest.mark.parametrize("name", SIZES)
def test_it_runs(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    module: Any = import_module(f".{name}", __package__)
    for size, value in SIZES[name].items():
        assert hasattr(module, size)
        monkeypatch.setattr(module, size, value)
    monkeypatch.setattr(sys, "argv", [name])
    monkeypatch.syspath_prepend(ROOT)  # where the process of the server finds its module
    monkeypatch.setenv("PATH", "")  # without Node, which would install packages
    module.main()
    assert capsys.readouterr().out
