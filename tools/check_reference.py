"""Checks the built site: every name that a public module exports has an entry in the reference.

Takes the folder of the site. What a module exports a second time has its entry where it is at home.
"""

from __future__ import annotations

import importlib
import re
import sys
from pathlib import Path
from types import ModuleType

MODULES = (
    "zustax.store",
    "zustax.store.textual",
    "zustax.transport",
    "zustax.transport.testing",
    "zustax.transport.textual",
    "zustax.transport.trace",
)


def main() -> None:
    """Check the site whose folder is named, and say which names it lacks."""
    entries = {
        anchor
        for page in Path(sys.argv[1]).glob("api/*.html")
        for anchor in re.findall(r'id="(zustax\.[\w.]+)"', page.read_text(encoding="utf-8"))
    }
    known = {entry.rpartition(".")[2] for entry in entries}
    lacking = [
        f"{module}.{name}"
        for module in MODULES
        for name, value in exports_of(module).items()
        if name not in known and not isinstance(value, ModuleType)
    ]
    if lacking:
        sys.exit("the reference has no entry for " + ", ".join(lacking))


def exports_of(module: str) -> dict[str, object]:
    """Give what a module exports, by its names."""
    imported = importlib.import_module(module)
    return {name: getattr(imported, name) for name in imported.__all__}


if __name__ == "__main__":
    main()
