# /// script
# requires-python = ">=3.11"
# dependencies = ["markdown-it-py", "rich", "zustax"]
#
# [tool.uv.sources]
# zustax = { path = "../..", editable = true }
# ///
"""Interceptors, studied by running them.

    uv run examples/lab/main.py                 # the chapters
    uv run examples/lab/main.py 6               # one of them, with what happens in it
    uv run examples/lab/main.py --html lab.html # all of them as one page

The exit code is 0 if everything is as the pages say, 1 if something is not, 2 for a wrong argument.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

# Where this folder is a package.
sys.path.insert(0, str(Path(__file__).parents[1]))

from lab.contents import CHAPTERS, Chapter
from lab.figure import Figure
from lab.page import to_html
from lab.terminal import show


def main(arguments: Sequence[str] | None = None) -> int:
    """Show a chapter, or write all of them.

    Args:
        arguments: The command line without the program's name; ``None`` takes the process's own.

    Returns:
        The exit code.
    """
    options = _options(arguments)
    # What the refreshes would warn of is what the experiments are about.
    logging.getLogger("zustax").addHandler(logging.NullHandler())
    if options.html is not None:
        return write(options.html)
    if options.chapter is None:
        for chapter in CHAPTERS:
            print(f"{chapter.number:>2}  {chapter.title}")
        return 0
    return show_chapter(CHAPTERS[options.chapter - 1])


def show_chapter(chapter: Chapter) -> int:
    """Run a chapter and print it."""
    figures = asyncio.run(chapter.run())
    show(chapter, figures, Console(highlight=False))
    return _exit_code(figures)


def write(path: Path) -> int:
    """Run all chapters and write them to ``path``."""
    results = {chapter: asyncio.run(chapter.run()) for chapter in CHAPTERS}
    path.write_text(to_html(results), encoding="utf-8")
    print(f"{len(results)} chapters are in {path}")
    return _exit_code([figure for figures in results.values() for figure in figures])


def _exit_code(figures: Sequence[Figure]) -> int:
    return 0 if all(figure.holds for figure in figures) else 1


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Interceptors, studied by running them.")
    parser.add_argument(
        "chapter",
        nargs="?",
        type=int,
        choices=range(1, len(CHAPTERS) + 1),
        metavar="CHAPTER",
        help=f"1 to {len(CHAPTERS)}; default: list them",
    )
    parser.add_argument("--html", type=Path, metavar="FILE", help="write all chapters to a page")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
