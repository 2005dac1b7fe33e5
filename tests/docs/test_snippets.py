"""Every block of Python in the documentation runs, and prints what is shown below it.

The blocks of a page run one after the other in one namespace, in a process of their own. A block of
text right behind one is what that prints. Instead of the documented server, they talk to the
example backend.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest
from backend import running_backend

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
RUNNER = Path(__file__).with_name("run_blocks.py")
DOCUMENTED_URL = "http://localhost:3001/api"

BLOCKS = re.compile(
    r"^```python\n(?P<code>.*?)^```\n(?:\s*^```text\n(?P<output>.*?)^```\n)?",
    re.MULTILINE | re.DOTALL,
)


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


@attrs.frozen
class Block:
    """A block of code.

    Args:
        line: How many lines of the page are above it.
        code: The code.
        output: What it is said to print, None if nothing is said.
    """

    line: int
    code: str
    output: str | None


def blocks_of(text: str) -> Iterator[Block]:
    for found in BLOCKS.finditer(text):
        line = text.count("\n", 0, found.start("code"))
        yield Block(line, found["code"], found["output"])


@pytest.fixture(scope="module")
def server_url() -> Iterator[str]:
    with running_backend() as backend:
        yield backend.base_url


def outputs_of(page: Path, blocks: list[Block], server_url: str, directory: Path) -> list[str]:
    """Run the blocks of a page, and give what each has printed."""
    codes = ["\n" * block.line + block.code.replace(DOCUMENTED_URL, server_url) for block in blocks]
    environment = {
        "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",  # not that of who runs the tests
        "XDG_DATA_HOME": str(directory),
    }
    run = subprocess.run(
        [sys.executable, "-W", "error", RUNNER],
        input=json.dumps([name_of(page), codes]),
        cwd=directory,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    outputs: list[str] = json.loads(run.stdout)
    return outputs


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_the_snippets_of_a_page_run_and_print_what_it_shows(
    page: Path, server_url: str, tmp_path: Path
) -> None:
    blocks = list(blocks_of(page.read_text(encoding="utf-8")))
    outputs = outputs_of(page, blocks, server_url, tmp_path)
    for block, output in zip(blocks, outputs, strict=True):
        if block.output is not None:
            assert output == block.output, f"{name_of(page)}, the block at line {block.line}"


def test_a_block_knows_its_line_and_its_output() -> None:
    page = "# Page\n\n```python\nprint(1)\n```\n\n```text\n1\n```\n\n```python\nx = 2\n```\n"
    assert list(blocks_of(page)) == [Block(3, "print(1)\n", "1\n"), Block(11, "x = 2\n", None)]


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_a_link_within_a_page_leads_to_a_heading(page: Path) -> None:
    text = BLOCKS.sub("", page.read_text(encoding="utf-8"))
    headings = {anchor(heading) for heading in re.findall(r"^#+ (.+)$", text, re.MULTILINE)}
    assert set(re.findall(r"\]\(#([^)]+)\)", text)) <= headings


def anchor(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
