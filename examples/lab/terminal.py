"""A chapter in the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.markdown import Markdown
from rich.syntax import Syntax
from rich.text import Text

from .contents import Chapter
from .diagram import Diagram, Mark, Row, diagram_of
from .figure import Figure


def show(chapter: Chapter, figures: Sequence[Figure], console: Console) -> None:
    """Print the text, what was seen, and the program."""
    console.rule(f"{chapter.number}  {chapter.title}")
    console.print(Markdown(chapter.text))
    for figure in figures:
        _show_figure(figure, console)
    console.rule(chapter.file, style="dim")
    console.print(Syntax(chapter.program, "python", background_color="default", word_wrap=True))


def _show_figure(figure: Figure, console: Console) -> None:
    console.print()
    console.print(Text(figure.title, style="bold"))
    if figure.events:
        for line in lines_of(diagram_of(figure.events)):
            console.print(line, soft_wrap=True)
    for found in figure.found:
        console.print(Text(f"  = {found}", style="green" if figure.holds else "red"))
    if not figure.holds:
        console.print(Text("WRONG: the page says " + "; ".join(figure.claim), style="bold red"))


def lines_of(diagram: Diagram) -> list[Text]:
    """The diagram in characters: a column for each call, then what happened."""
    return [_line(diagram, index, row) for index, row in enumerate(diagram.rows)]


def _line(diagram: Diagram, index: int, row: Row) -> Text:
    marks = (_mark(diagram, index, row, call) for call in diagram.calls)
    who = " " if row.call is None else str(row.call)
    style = "red" if row.is_bad else "bold" if row.mark in (Mark.BEGINS, Mark.ENDS) else ""
    return Text.assemble((" ".join(marks), "cyan"), f"  {who:>2}  ", (row.text, style))


def _mark(diagram: Diagram, index: int, row: Row, call: int) -> str:
    if row.call == call:
        return row.mark.value
    return "│" if diagram.is_alive(call, index) else " "
