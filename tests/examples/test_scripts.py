"""What `uv run` installs for an example stands in the example."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))

#: Under which name a module is imported that is installed under another.
DISTRIBUTIONS = {"markdown_it": "markdown-it-py"}

#: Comes with zustax or one of its extras.
BROUGHT_ALONG = {"attrs", "httpx", "redis", "textual"}

SCRIPTS = [path for path in EXAMPLES.rglob("*.py") if "__main__" in path.read_text("utf-8")]

every_script = pytest.mark.parametrize(
    "script", SCRIPTS, ids=lambda path: str(path.relative_to(EXAMPLES))
)


def metadata_of(script: Path) -> dict[str, Any]:
    """Read the metadata of a script, as PEP 723 has it read."""
    text = script.read_text("utf-8")
    block = re.search(r"^# /// script$\n((?:^#(?: .*)?$\n)+?)^# ///$", text, re.MULTILINE)
    assert block is not None
    return tomllib.loads(re.sub(r"^# ?", "", block[1], flags=re.MULTILINE))


def names_of(requirements: list[str]) -> set[str]:
    return {re.split(r"[\[<>=]", requirement)[0] for requirement in requirements}


def imported_by(script: Path) -> Iterator[str]:
    """Name the libraries that a script imports, or a module of its own that it imports."""
    found, left = {script}, [script]
    while left:
        importer = left.pop()
        for node in ast.walk(ast.parse(importer.read_text("utf-8"))):
            folder = EXAMPLES
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module or node.names[0].name]
                folder = importer.parents[node.level - 1] if node.level else EXAMPLES
            else:
                continue
            for name in names:
                path = folder.joinpath(*name.split(".")).with_suffix(".py")
                package = name.partition(".")[0]
                if path.exists():
                    left += {path} - found
                    found.add(path)
                elif folder == EXAMPLES and not (EXAMPLES / package).is_dir():
                    yield package


@every_script
def test_an_example_uses_this_project(script: Path) -> None:
    metadata = metadata_of(script)
    source = metadata["tool"]["uv"]["sources"]["zustax"]
    assert (script.parent / source["path"]).resolve() == ROOT
    assert metadata["requires-python"] == PROJECT["project"]["requires-python"]


@every_script
def test_an_example_names_the_libraries_that_it_imports(script: Path) -> None:
    libraries = set(imported_by(script)) - sys.stdlib_module_names - BROUGHT_ALONG
    named = names_of(metadata_of(script)["dependencies"])
    assert {DISTRIBUTIONS.get(name, name) for name in libraries} <= named


@every_script
def test_an_example_needs_nothing_that_the_tests_do_not_have(script: Path) -> None:
    named = names_of(metadata_of(script)["dependencies"]) - {"zustax"}
    assert named <= names_of(PROJECT["dependency-groups"]["examples"])
