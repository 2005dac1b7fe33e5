"""The blocks of Python on a page of the documentation satisfy mypy --strict and pyright."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from .test_snippets import ROOT, blocks_of

PAGES = ["docs/store.md"]

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

CHECKERS = {
    # Blocks of a page use one name for one thing after another.
    "mypy": ["--strict", "--allow-redefinition-new", "--local-partial-types", "--no-incremental"],
    "pyright": [],
}


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("checker", CHECKERS)
def test_the_snippets_of_a_page_have_the_types_they_need(
    page: str, checker: str, tmp_path: Path
) -> None:
    module = tmp_path / "page.py"
    module.write_text(code_of((ROOT / page).read_text(encoding="utf-8")), encoding="utf-8")
    checked = subprocess.run(
        [sys.executable, "-m", checker, *CHECKERS[checker], str(module)],
        cwd=ROOT,
        env=os.environ | {"MYPYPATH": ""},
        capture_output=True,
        text=True,
        timeout=250,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


def code_of(text: str) -> str:
    """Return the blocks as one module, in which each has its lines of the page."""
    lines = [""] * text.count("\n")
    for block in blocks_of(text):
        if not block.in_coroutine:
            code = block.code.splitlines()
            lines[block.line : block.line + len(code)] = code
    return "\n".join(lines) + "\n"
