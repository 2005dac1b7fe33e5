"""The long description is the README without its links into the repository, which lead nowhere."""

from __future__ import annotations

import re
from pathlib import Path

from setuptools import setup

FENCED = re.compile(r"(^```.*?^```$)", re.MULTILINE | re.DOTALL)
TRANSLATIONS = re.compile(r"^English \|.*\n\n", re.MULTILINE)
IMAGE = re.compile(r"!\[[^]]*\]\((?!https?:)[^)]*\)\n*")
LINK = re.compile(r"\[([^]]*)\]\((?!https?:)[^)]*\)")


def without_relative_links(markdown: str) -> str:
    """Keep the texts of links, and what is fenced as it is."""
    parts = FENCED.split(markdown)
    parts[::2] = [LINK.sub(r"\1", IMAGE.sub("", TRANSLATIONS.sub("", part))) for part in parts[::2]]
    return "".join(parts)


setup(
    long_description=without_relative_links(Path("README.md").read_text("utf-8"))
    + "\nThe source distribution has the guides, in `docs/`, and the examples.\n",
    long_description_content_type="text/markdown",
)
