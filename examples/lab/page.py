"""The whole lab as one page of HTML that needs nothing else: no scripts, no fonts, no network."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape

from markdown_it import MarkdownIt

from . import naive
from .contents import Chapter, source_of
from .diagram import diagram_of
from .figure import Figure
from .svg import STYLE as SVG_STYLE
from .svg import to_svg

TITLE = "The interceptor lab"
INTRODUCTION = (
    "Interceptors, studied by running them. All that is shown here has happened: this page was "
    "written by the programs that it shows."
)

STYLE = """
:root { color-scheme: light dark; --paper: #fff; --ink: #1d2330; --bad: #b3261e; --line: #d5d9e0;
  --code: #f4f5f7; --good: #14693c; }
@media (prefers-color-scheme: dark) { :root { --paper: #14171d; --ink: #e3e6ec; --bad: #ff8a80;
  --line: #343a46; --code: #1d2129; --good: #7bd3a0; } }
body { margin: 0 auto; padding: 1rem 1.25rem 4rem; max-width: 62rem; background: var(--paper);
  color: var(--ink); font: 16px/1.6 system-ui, sans-serif; }
p, li { max-width: 44rem; }
h2 { margin-top: 4rem; border-top: 1px solid var(--line); padding-top: 1.5rem; }
a { color: inherit; }
code, pre { font: 13px/1.5 ui-monospace, monospace; }
pre { background: var(--code); padding: .75rem 1rem; overflow-x: auto; border-radius: 6px; }
figure { margin: 2rem 0; border: 1px solid var(--line); border-radius: 6px; padding: 1rem; }
figcaption { font-weight: 600; }
figure > div { overflow-x: auto; }
figure ul { margin: .75rem 0 0; list-style: none; padding: 0; font-family: ui-monospace, monospace;
  font-size: 14px; color: var(--good); }
figure ul.wrong { color: var(--bad); }
"""


def to_html(results: Mapping[Chapter, Sequence[Figure]]) -> str:
    """Write the page.

    Args:
        results: What each chapter has shown.

    Returns:
        HTML that is well-formed XML, too, apart from its first line.
    """
    parts = [
        "<!DOCTYPE html>",
        '<html lang="en">',
        f'<head><meta charset="utf-8"/><title>{TITLE}</title>',
        '<meta name="viewport" content="width=device-width, initial-scale=1"/>',
        f"<style>{STYLE}{SVG_STYLE}</style></head>",
        f"<body><h1>{TITLE}</h1>",
        f"<p>{INTRODUCTION}</p>",
        *_contents(results),
        *(line for chapter, figures in results.items() for line in _chapter(chapter, figures)),
        '<h2 id="naive">The naive refresh, with its bugs</h2>',
        _program("examples/lab/naive.py", source_of(naive)),
        "</body></html>",
    ]
    return "\n".join(parts) + "\n"


def _contents(chapters: Mapping[Chapter, Sequence[Figure]]) -> Iterator[str]:
    yield "<nav><ol>"
    for chapter in chapters:
        yield f'<li><a href="#{chapter.name}">{escape(chapter.title)}</a></li>'
    yield "</ol></nav>"


def _chapter(chapter: Chapter, figures: Sequence[Figure]) -> Iterator[str]:
    yield f'<h2 id="{chapter.name}">{chapter.number} · {escape(chapter.title)}</h2>'
    yield MarkdownIt().render(chapter.text)
    for figure in figures:
        yield from _figure(figure)
    yield _program(chapter.file, chapter.program)


def _figure(figure: Figure) -> Iterator[str]:
    yield f"<figure><figcaption>{escape(figure.title)}</figcaption>"
    if figure.events:
        yield f"<div>{to_svg(diagram_of(figure.events), figure.title)}</div>"
    yield '<ul class="found">' if figure.holds else '<ul class="wrong">'
    yield from (f"<li>{escape(found)}</li>" for found in figure.found)
    yield "</ul></figure>"


def _program(file: str, source: str) -> str:
    return (
        f"<details><summary>The program: <code>{file}</code></summary>"
        f"<pre><code>{escape(source)}</code></pre></details>"
    )
