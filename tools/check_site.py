"""Checks the built site: every link in it leads somewhere, and it loads nothing from elsewhere.

Takes the folder of the site.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

from attrs import field, frozen

#: In a stylesheet: what a browser loads.
LOADED_BY_STYLE = re.compile(r"(?:url\(|@import)\s*[\"']?(?:https?:)?//[^\"')]+")


@frozen
class Html:
    """What a page holds.

    Args:
        path: The file of the page.
        anchors: What a link to a part of it may name.
        links: Where it leads.
        loaded: What a browser loads to show it.
    """

    path: Path
    anchors: set[str] = field(factory=set)
    links: list[str] = field(factory=list)
    loaded: list[str] = field(factory=list)


class Reader(HTMLParser):
    """Notes in `page` what the text that it is fed holds."""

    def __init__(self, page: Html) -> None:
        super().__init__()
        self.page = page

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note the anchors, the link, and what is loaded, of one tag."""
        values = {name: value for name, value in attrs if value is not None}
        self.page.anchors.update(values[name] for name in ("id", "name") if name in values)
        if "src" in values:
            self.page.loaded.append(values["src"])
        if "href" in values:
            places = self.page.links if tag == "a" else self.page.loaded
            places.append(values["href"])


def main() -> None:
    """Check the site whose folder is named, and say what is wrong with it."""
    site = Path(sys.argv[1]).resolve()
    pages = {path: read(path) for path in site.rglob("*.html")}
    if not pages:
        sys.exit(f"{site} has no pages: build it first")
    wrong = [complaint for page in pages.values() for complaint in wrong_with(page, site, pages)]
    wrong += [
        f"{sheet.relative_to(site)} loads {found}"
        for sheet in site.rglob("*.css")
        for found in LOADED_BY_STYLE.findall(sheet.read_text(encoding="utf-8"))
    ]
    if wrong:
        sys.exit("\n".join(wrong))


def read(path: Path) -> Html:
    """Read a page."""
    page = Html(path)
    Reader(page).feed(path.read_text(encoding="utf-8"))
    return page


def wrong_with(page: Html, site: Path, pages: dict[Path, Html]) -> Iterator[str]:
    """Give a complaint for each link that leads nowhere, and for each thing from elsewhere."""
    for url in page.loaded:
        if is_elsewhere(url):
            yield f"{page.path.name} loads {url}"
    for url in page.links + page.loaded:
        if not is_elsewhere(url) and not leads_somewhere(url, page, site, pages):
            yield f"{page.path.name} links to {url}, which is not there"


def is_elsewhere(url: str) -> bool:
    """Whether what a URL names is not part of the site."""
    parts = urlsplit(url)
    return bool(parts.scheme or parts.netloc) and parts.scheme != "data"


def leads_somewhere(url: str, page: Html, site: Path, pages: dict[Path, Html]) -> bool:
    """Whether there is what a URL of the site names: a file, and a place in it."""
    parts = urlsplit(url)
    if parts.scheme == "data":
        return True
    folder = site if parts.path.startswith("/") else page.path.parent
    target = (folder / unquote(parts.path).lstrip("/")).resolve() if parts.path else page.path
    if target.is_dir():
        target /= "index.html"
    if not target.is_file():
        return False
    return (
        not parts.fragment
        or target not in pages
        or unquote(parts.fragment) in pages[target].anchors
    )


if __name__ == "__main__":
    main()
