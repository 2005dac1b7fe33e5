"""Every block of Python in the documentation runs, and prints what is shown below it.

The blocks of a page run one after the other in one namespace, in a process of their own. A block of
text right behind one is what that prints. Between them run the rows of tables that are headed
TypeScript and Python: each is code that stands in a coroutine. Instead of the documented server,
all of it talks to the example backend.
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

#: The pages whose snippets run every day; those of the others run with ``--slow``.
EVERY_DAY = ("README", "getting-started", "silent-refresh", "store", "transport", "porting")
SNIPPETS = [
    pytest.param(page, marks=() if page.stem in EVERY_DAY else pytest.mark.slow) for page in PAGES
]
RUNNER = Path(__file__).with_name("run_blocks.py")
DOCUMENTED_URL = "http://localhost:3001/api"

BLOCKS = re.compile(
    r"^```python\n(?P<code>.*?)^```\n(?:\s*^```text\n(?P<output>.*?)^```\n)?",
    re.MULTILINE | re.DOTALL,
)
TABLES = re.compile(r"^\| TypeScript \| Python .*\n\| -.*\n(?P<rows>(?:\|.*\n)+)", re.MULTILINE)


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


@attrs.frozen
class Block:
    """A block of code.

    Args:
        line: How many lines of the page are above it.
        code: The code.
        output: What it is said to print, None if nothing is said.
        in_coroutine: Whether it stands in a coroutine, where it may await.
    """

    line: int
    code: str
    output: str | None = None
    in_coroutine: bool = False


def blocks_of(text: str) -> list[Block]:
    blocks = [
        Block(text.count("\n", 0, found.start("code")), found["code"], found["output"])
        for found in BLOCKS.finditer(text)
    ]
    return sorted([*blocks, *rows_of(text)], key=lambda block: block.line)


def rows_of(text: str) -> Iterator[Block]:
    for table in TABLES.finditer(text):
        first = text.count("\n", 0, table.start("rows"))
        for line, row in enumerate(table["rows"].splitlines(), first):
            cell = re.split(r"(?<!\\)\|", row)[2].replace(r"\|", "|")
            code = re.findall(r"`([^`]+)`", cell)
            assert code, f"there is no Python to run in: {row}"
            yield Block(line, "\n".join(code), in_coroutine=True)


@pytest.fixture(scope="module")
def server_url() -> Iterator[str]:
    with running_backend() as backend:
        yield backend.base_url


def outputs_of(page: Path, blocks: list[Block], server_url: str, directory: Path) -> list[str]:
    """Run the blocks of a page, and give what each has printed."""
    codes = [
        ("\n" * block.line + block.code.replace(DOCUMENTED_URL, server_url), block.in_coroutine)
        for block in blocks
    ]
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
    assert "was never awaited" not in run.stderr  # it does not end the process
    outputs: list[str] = json.loads(run.stdout)
    return outputs


@pytest.mark.parametrize("page", SNIPPETS, ids=name_of)
def test_the_snippets_of_a_page_run_and_print_what_it_shows(
    page: Path, server_url: str, tmp_path: Path
) -> None:
    blocks = blocks_of(page.read_text(encoding="utf-8"))
    outputs = outputs_of(page, blocks, server_url, tmp_path)
    for block, output in zip(blocks, outputs, strict=True):
        if block.output is not None:
            assert output == block.output, f"{name_of(page)}, the block at line {block.line}"


def test_a_block_knows_its_line_and_its_output() -> None:
    page = "# Page\n\n```python\nprint(1)\n```\n\n```text\n1\n```\n\n```python\nx = 2\n```\n"
    assert blocks_of(page) == [Block(3, "print(1)\n", "1\n"), Block(11, "x = 2\n")]


def test_a_row_of_typescript_and_python_is_a_block() -> None:
    page = (
        "| TypeScript | Python | |\n| --- | --- | --- |\n"
        "| `a \\|\\| b` | `a \\| b`, or `c` | `d` |\n| `f()` | `await f()` | |\n\n"
        "| Python | |\n| --- | --- |\n| `not run` | |\n"
    )
    assert blocks_of(page) == [
        Block(2, "a | b\nc", in_coroutine=True),
        Block(3, "await f()", in_coroutine=True),
    ]


def test_a_row_without_python_is_a_mistake() -> None:
    with pytest.raises(AssertionError, match="no Python to run in"):
        blocks_of("| TypeScript | Python |\n| --- | --- |\n| `a` | nothing |\n")


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_a_link_within_a_page_leads_to_a_heading(page: Path) -> None:
    assert set(re.findall(r"\]\(#([^)]+)\)", prose_of(page))) <= headings_of(page)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_a_link_to_another_page_leads_to_a_file_and_its_heading(page: Path) -> None:
    for path, heading in re.findall(r"\]\((?!\w+:|#)([^)#]+)#?([^)]*)\)", prose_of(page)):
        target = page.parent / path
        assert target.exists(), path
        assert not heading or heading in headings_of(target), f"{path}#{heading}"


def prose_of(page: Path) -> str:
    return BLOCKS.sub("", page.read_text(encoding="utf-8"))


def headings_of(page: Path) -> set[str]:
    return {anchor(heading) for heading in re.findall(r"^#+ (.+)$", prose_of(page), re.MULTILINE)}


def anchor(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
