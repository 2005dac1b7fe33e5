"""The blocks of Python on all pages of the documentation satisfy mypy --strict and pyright."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from .test_snippets import PAGES, ROOT, blocks_of, name_of

# Each block is an example of its own: one after another may use a name for something else.
CHECKERS = {
    "mypy": [
        "--strict",
        "--allow-redefinition-new",
        "--local-partial-types",
        "--disable-error-code=no-redef",
    ],
    "pyright": [],
}
FIRST_LINE = "# pyright: reportRedeclaration=false"


@pytest.mark.timeout(300)
@pytest.mark.parametrize("checker", CHECKERS)
def test_the_snippets_of_all_pages_have_the_types_they_need(
    checker: str, tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    for page in PAGES:
        module = tmp_path / module_of(page)
        module.write_text(code_of(page.read_text(encoding="utf-8")), encoding="utf-8")
    cache = tmp_path / "cache"
    if pytestconfig.cache and not pytestconfig.getoption("slow"):
        cache = pytestconfig.cache.mkdir("snippet_types")  # most of a run is the library
    checked = subprocess.run(
        [sys.executable, "-m", checker, *CHECKERS[checker], str(tmp_path)],
        cwd=ROOT,
        env=os.environ | {"MYPYPATH": "", "MYPY_CACHE_DIR": str(cache)},
        capture_output=True,
        text=True,
        timeout=250,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


def module_of(page: Path) -> str:
    """Return a file name that is no module of Python's, whatever the page is called."""
    return name_of(page).removesuffix(".md").replace("/", "_").replace("-", "_") + "_md.py"


def code_of(text: str) -> str:
    """Return the blocks as one module, in which each has its lines of the page."""
    lines = [FIRST_LINE] + [""] * text.count("\n")
    for block in blocks_of(text):
        if not block.in_coroutine:
            code = block.code.splitlines()
            lines[block.line : block.line + len(code)] = code
    return "\n".join(lines) + "\n"
