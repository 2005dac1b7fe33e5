"""The two READMEs say the same, as far as can be compared without reading them.

They consist of the same headings, paragraphs, lists and tables, with the same code, numbers and
links. Prose is translated, and so are the labels of a diagram; what has been measured is not.
"""

import re
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).parents[2]
ENGLISH = "README.md"
CHINESE = "README.zh-CN.md"

#: What stands between comments that mark it as written by a program.
MEASURED = re.compile(r"<!-- (\w+) -->\n.*?<!-- /\1 -->", re.DOTALL)
#: What a diagram calls a participant, or says beside an arrow.
LABEL = re.compile(r"(?<= as ).+|(?<=: ).+")
#: What is the same in every language: methods, paths, numbers.
DATA = re.compile(r"[A-Z]{3,}|/[a-z/]+|\d+")


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def tokens_of(page: str) -> list[Token]:
    return MarkdownIt("commonmark").enable("table").parse(page)


def texts_of(page: str) -> list[list[Token]]:
    """The headings, paragraphs, items and cells. The order within depends on the language."""
    return [token.children or [] for token in tokens_of(page) if token.type == "inline"]


def structure_of(page: str) -> list[str]:
    return [f"{token.type} {token.tag}" for token in tokens_of(page)]


def measurements_of(page: str) -> list[str]:
    return [found[0] for found in MEASURED.finditer(page)]


def blocks_of(page: str) -> list[tuple[str, str]]:
    return [
        (token.info, without_words(token.content) if token.info == "mermaid" else token.content)
        for token in tokens_of(page)
        if token.type == "fence"
    ]


def without_words(diagram: str) -> str:
    return LABEL.sub(lambda label: " ".join(DATA.findall(label[0])), diagram)


def numbers_in_cells_of(page: str) -> list[list[str]]:
    tokens = tokens_of(page)
    return [
        sorted(re.findall(r"\d+", content.content))
        for cell, content in pairwise(tokens)
        if cell.type in {"th_open", "td_open"}
    ]


def code_in_text_of(page: str) -> list[list[str]]:
    return [
        sorted(part.content for part in text if part.type == "code_inline")
        for text in texts_of(page)
    ]


def links_of(page: str) -> list[list[str]]:
    return [
        sorted(str(part.attrs["href"]) for part in text if part.type == "link_open")
        for text in texts_of(page)
    ]


Part = Callable[[str], object]
PARTS: list[Part] = [structure_of, measurements_of, blocks_of, numbers_in_cells_of, code_in_text_of]


@pytest.mark.parametrize("part", PARTS)
def test_the_readmes_are_the_same_in(part: Part) -> None:
    assert part(text_of(CHINESE)) == part(text_of(ENGLISH))


def test_the_readmes_link_to_each_other_and_otherwise_to_the_same() -> None:
    title, other, *rest = links_of(text_of(ENGLISH))
    assert (title, other) == ([], [CHINESE])
    assert links_of(text_of(CHINESE)) == [[], [ENGLISH], *rest]


@pytest.mark.parametrize(
    ("part", "english", "chinese"),
    [
        (structure_of, "## Title\n", "### 标题\n"),
        (structure_of, "- one\n- two\n", "- 一\n"),
        (structure_of, "| a | b |\n| - | - |\n", "| 甲 |\n| - |\n"),
        (measurements_of, "<!-- x -->\n| ok |\n<!-- /x -->\n", "<!-- x -->\n| 好 |\n<!-- /x -->\n"),
        (blocks_of, "```python\nx = 1\n```\n", "```python\nx = 2\n```\n"),
        (blocks_of, "```python\nx = 1\n```\n", "```text\nx = 1\n```\n"),
        (blocks_of, "```mermaid\nA->>B: GET /me\n```\n", "```mermaid\nA->>B: GET /you\n```\n"),
        (blocks_of, "```mermaid\nA->>B: go\n```\n", "```mermaid\nB->>A: 走\n```\n"),
        (numbers_in_cells_of, "| 10 times |\n| - |\n", "| 11 次 |\n| - |\n"),
        (code_in_text_of, "Set `leeway=30`.\n", "设置 `leeway`。\n"),
        (links_of, "[here](a.md)\n", "[此处](b.md)\n"),
    ],
)
def test_a_readme_that_lags_behind_differs_in(part: Part, english: str, chinese: str) -> None:
    assert part(english) != part(chinese)


@pytest.mark.parametrize(
    ("part", "english", "chinese"),
    [
        (structure_of, "## Title\n\nTwo\nlines.\n", "## 标题\n\n一行。\n"),
        (
            blocks_of,
            "```mermaid\nA->>B: GET /me now\n```\n",
            "```mermaid\nA->>B: 现在 GET /me\n```\n",
        ),
        (code_in_text_of, "`a` before `b`\n", "`b` 之前的 `a`\n"),
        (links_of, "[a](a.md), [b](b.md)\n", "[乙](b.md)、[甲](a.md)\n"),
    ],
)
def test_a_translation_is_the_same_in(part: Part, english: str, chinese: str) -> None:
    assert part(english) == part(chinese)
