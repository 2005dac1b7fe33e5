"""The chapters of the lab, in their order."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Sequence
from types import ModuleType

import attrs

from .chapters import (
    async_and_sync,
    chain,
    front_door,
    hanging,
    lifo,
    naive_refresh,
    recovery,
    thirty_lines,
    timing,
    wrong_session,
)
from .figure import Experiment, Figure


def source_of(module: ModuleType) -> str:
    """The source of a module without its docstring."""
    source = inspect.getsource(module)
    docstring = ast.parse(source).body[0]
    return "\n".join(source.splitlines()[docstring.end_lineno or 0 :]).strip() + "\n"


@attrs.frozen
class Chapter:
    """A program and its page, which is the docstring of the program.

    Args:
        number: Counted from 1.
        module: Has a docstring whose first line is the title, and ``EXPERIMENTS``.
    """

    number: int
    module: ModuleType

    @property
    def name(self) -> str:
        """The name of the module."""
        return self.module.__name__.rpartition(".")[2]

    @property
    def title(self) -> str:
        """What it is about."""
        return self._docstring.partition("\n")[0].rstrip(".")

    @property
    def text(self) -> str:
        """The page, in Markdown, without the title."""
        return self._docstring.partition("\n")[2].strip()

    @property
    def file(self) -> str:
        """Where the program is."""
        return f"examples/lab/chapters/{self.name}.py"

    @property
    def program(self) -> str:
        """The source without the docstring."""
        return source_of(self.module)

    @property
    def _docstring(self) -> str:
        return inspect.getdoc(self.module) or ""

    async def run(self) -> Sequence[Figure]:
        """Run its experiments, one after the other."""
        experiments: Sequence[Experiment] = self.module.EXPERIMENTS
        return [await experiment() for experiment in experiments]


CHAPTERS = tuple(
    Chapter(number, module)
    for number, module in enumerate(
        (
            chain,
            recovery,
            lifo,
            async_and_sync,
            naive_refresh,
            hanging,
            wrong_session,
            timing,
            front_door,
            thirty_lines,
        ),
        start=1,
    )
)
