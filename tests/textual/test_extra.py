"""Without the extra, what needs it says so, and nothing else does."""

from __future__ import annotations

import subprocess
import sys

import pytest

WITHOUT_TEXTUAL = "import sys; sys.modules['textual'] = None; "


def run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", WITHOUT_TEXTUAL + code],
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )


@pytest.mark.parametrize("module", ["zustax.store.textual", "zustax.transport.textual"])
def test_an_import_names_the_extra(module: str) -> None:
    ended = run(f"import {module}")
    assert ended.returncode == 1
    assert ended.stderr.splitlines()[-1] == (
        f"ImportError: {module} needs textual: install zustax[textual]"
    )


def test_the_packages_themselves_do_not_need_it() -> None:
    ended = run("import zustax.store, zustax.transport")
    assert (ended.returncode, ended.stderr) == (0, "")


def test_the_packages_themselves_do_not_import_it() -> None:
    code = "import sys, zustax.store, zustax.transport; sys.exit('textual' in sys.modules)"
    ended = subprocess.run([sys.executable, "-c", code], timeout=50, check=False)
    assert ended.returncode == 0
