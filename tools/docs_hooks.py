"""What the documentation site shows besides `docs/`: hooks of MkDocs.

The pages link to files of the repository, so that they can be read where the repository is. On the
site each of these files is a page of its own, at `source/` and its path. The script that draws the
diagrams comes from npm, once, into `build/`. The page of the lab is written by the lab.
"""

from __future__ import annotations

import os
import posixpath
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files, InclusionLevel
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
BUILD = ROOT / "build" / "docs"

#: They are on the site whether a page links to them or not.
ALWAYS = (
    ROOT / "README.zh-CN.md",
    ROOT / "CHANGELOG.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "SECURITY.md",
)

#: The major version is the one that the theme was made for.
MERMAID = "11.17.2"

#: Shown as they are; any other file is shown on a page.
PICTURES = {".svg"}

#: Pages whose table needs the whole window.
WIDE = {"comparison.md"}

#: The page that the lab has written, and what leads to it.
LAB = "lab-run.html"
TO_LAB = f"[Read the ten chapters as the last build ran them]({LAB}){{ .md-button }}\n"

#: Where a link leads, behind the text of the link or in a definition on a line of its own.
LINK = re.compile(r"(?P<before>\]\(|^\[[^\]\n]+\]: )(?!\w+:|#)(?P<path>[^)#\s]+)", re.MULTILINE)

SOURCE_PAGE = """---
search:
  exclude: true
---
# {name}

````{language}
{text}
````
"""


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the files that pages link to, the page of the lab, and the script for diagrams."""
    for path in shown_files():
        files.append(shown(path, config))
    files.append(File.generated(config, "assets/mermaid.min.js", abs_src_path=str(mermaid())))
    files.append(File.generated(config, LAB, abs_src_path=str(lab())))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Make links to files of the repository links to their pages."""
    path = file_of(page.file.src_uri)
    if path == DOCS / "lab.md":
        title, _, rest = markdown.partition("\n")
        markdown = f"{title}\n\n{TO_LAB}{rest}"
    if path.name in WIDE:
        page.meta["hide"] = ["navigation", "toc"]
    return with_links_to_pages(markdown, path) if path.suffix == ".md" else markdown


def shown(path: Path, config: MkDocsConfig) -> File:
    """Give a file of the repository to the site."""
    if path.suffix in PICTURES:
        return File.generated(config, page_of(path), abs_src_path=str(path))
    return File.generated(
        config, page_of(path), content=text_of(path), inclusion=InclusionLevel.NOT_IN_NAV
    )


def shown_files() -> set[Path]:
    """The files outside `docs/` that a page of the site leads to, by one link or by several."""
    shown: set[Path] = set()
    waiting = [*ALWAYS, *DOCS.rglob("*.md")]
    while waiting:
        path = waiting.pop()
        if path in shown:
            continue
        if not path.is_relative_to(DOCS):
            shown.add(path)
        if path.suffix == ".md":
            waiting += (target for target in targets_of(path) if not target.is_relative_to(DOCS))
    return shown


def targets_of(path: Path) -> Iterator[Path]:
    """Give the files that a page of Markdown links to."""
    for link in LINK.finditer(path.read_text(encoding="utf-8")):
        target = target_of(link, path)
        if target.is_file():
            yield target


def target_of(link: re.Match[str], path: Path) -> Path:
    """The file, there or not, that a link in a page leads to."""
    return Path(os.path.normpath(path.parent / link["path"]))


def with_links_to_pages(markdown: str, path: Path) -> str:
    """Replace the links to files in the text of a page by links to the pages that show them."""
    here = posixpath.dirname(page_of(path))

    def to_page(link: re.Match[str]) -> str:
        target = target_of(link, path)
        if not target.is_file():  # code, or a link that is broken, which MkDocs reports
            return link[0]
        return link["before"] + posixpath.relpath(page_of(target), here)

    return LINK.sub(to_page, markdown)


def page_of(path: Path) -> str:
    """The page or picture that shows a file, as MkDocs names it."""
    if path.is_relative_to(DOCS):
        return path.relative_to(DOCS).as_posix()
    name = path.relative_to(ROOT).as_posix()
    return f"source/{name}" if path.suffix in {".md", *PICTURES} else f"source/{name}.md"


def file_of(page: str) -> Path:
    """The file that a page shows."""
    if not page.startswith("source/"):
        return DOCS / page
    path = ROOT / page.removeprefix("source/")
    return path if path.exists() else path.with_suffix("")


def text_of(path: Path) -> str:
    """The text of the page that shows a file."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".md":
        return text
    name = path.relative_to(ROOT).as_posix()
    return SOURCE_PAGE.format(name=name, language=path.suffix[1:] or "text", text=text.rstrip())


def lab() -> Path:
    """The page of the lab, which runs all of its chapters."""
    page = BUILD / LAB
    page.parent.mkdir(parents=True, exist_ok=True)
    main = ROOT / "examples" / "lab" / "main.py"
    subprocess.run(  # noqa: S603 (nothing in it comes from elsewhere)
        [sys.executable, main, "--html", page], check=True, stdout=subprocess.DEVNULL
    )
    return page


def mermaid() -> Path:
    """The script that draws diagrams, from npm the first time."""
    script = BUILD / f"mermaid-{MERMAID}.min.js"
    if not script.exists():
        script.parent.mkdir(parents=True, exist_ok=True)
        script.write_bytes(mermaid_from_npm())
    return script


def mermaid_from_npm() -> bytes:
    """Fetch the script that draws diagrams."""
    npm = shutil.which("npm")
    if npm is None:
        raise PluginError(f"npm is needed to get mermaid {MERMAID}: install Node.js")
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(  # noqa: S603 (nothing in it comes from elsewhere)
            [npm, "pack", "--silent", "--pack-destination", folder, f"mermaid@{MERMAID}"],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        (package,) = Path(folder).glob("*.tgz")
        with tarfile.open(package) as archive:
            member = archive.extractfile("package/dist/mermaid.min.js")
            assert member is not None, f"{package.name} has no script"  # noqa: S101
            return member.read()
