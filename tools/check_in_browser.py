"""Checks the built site in a browser whose only network is loopback.

Every diagram is drawn, and nothing is wider than its column in a window of 1280 pixels. Takes the
folder of the site, and the command of a Chromium.
"""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

#: Seconds for all pages.
BOUND = 300.0

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--no-first-run",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--window-size=1400,1000",
    "--virtual-time-budget=1000000",
    "--dump-dom",
)

#: Shows one page after the other, and writes what it has seen. The theme puts a `div` in the place
#: of a `pre` once Mermaid has drawn it. What is inside a drawing is the business of its own.
LOOK = """<!DOCTYPE html><meta charset="utf-8"><pre id="seen"></pre>
<iframe width="1280" height="900"></iframe><script>
const frame = document.querySelector("iframe"), seen = [];
const sleep = time => new Promise(done => setTimeout(done, time));
async function look(page) {
  const loaded = new Promise(done => { frame.onload = done; });
  frame.src = page;
  await loaded;
  const content = frame.contentDocument;
  const undrawn = () => content.querySelectorAll("pre.mermaid").length;
  await sleep(300);
  for (let tries = 0; undrawn() && tries < 100; tries++) await sleep(100);
  const column = content.querySelector(".md-content__inner") || content.body;
  const edge = column.getBoundingClientRect().right + 6; // code that wraps has padding
  const isWide = element => element.getBoundingClientRect().right > edge
    || element.matches("pre, pre > code") && element.scrollWidth > element.clientWidth + 1;
  const wide = [...column.querySelectorAll("*")]
    .filter(element => !element.closest("svg, .md-nav, .headerlink") && isWide(element))
    .slice(0, 3).map(element => element.outerHTML.slice(0, 100));
  const diagrams = content.querySelectorAll(".mermaid").length;
  seen.push({page, diagrams, undrawn: undrawn(), wide});
}
(async () => {
  for (const page of PAGES) await look(page);
  document.querySelector("#seen").textContent = JSON.stringify(seen);
})();
</script>"""


class Quiet(SimpleHTTPRequestHandler):
    """Serves files, and does not log it."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (named by its base)
        """Say nothing."""


def main() -> None:
    """Check the site whose folder is named, and say what is wrong with its pages."""
    site, chromium = Path(sys.argv[1]), sys.argv[2]
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        copy = Path(shutil.copytree(site, Path(folder) / "site"))
        # Files of the repository are shown as they are.
        pages = [page for page in sorted(copy.rglob("*.html")) if "source" not in page.parts]
        names = [page.relative_to(copy).as_posix() for page in pages]
        look = LOOK.replace("PAGES", json.dumps(names))
        (copy / "look.html").write_text(look, encoding="utf-8")
        with served(copy) as url:
            seen = shown(f"{url}/look.html", chromium, Path(folder) / "profile")
    if len(seen) != len(names) or not any(page["diagrams"] for page in seen):
        sys.exit(f"the browser has looked at {len(seen)} of {len(names)} pages")
    wrong = [
        f"{page['page']}: {page['undrawn']} diagrams not drawn; too wide: {page['wide']}"
        for page in seen
        if page["undrawn"] or page["wide"]
    ]
    if wrong:
        sys.exit("\n".join(wrong))


@contextmanager
def served(site: Path) -> Iterator[str]:
    """Serve a folder on loopback while in the block, and give its URL."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(site))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


def shown(url: str, chromium: str, profile: Path) -> list[dict[str, Any]]:
    """What the browser has seen."""
    ended = subprocess.run(  # noqa: S603 (the command is the caller's)
        [chromium, *FLAGS, f"--user-data-dir={profile}", url],
        check=True,
        capture_output=True,
        text=True,
        timeout=BOUND,
    )
    seen = re.search(r'<pre id="seen">(.+?)</pre>', ended.stdout, re.DOTALL)
    return json.loads(html.unescape(seen[1])) if seen else []


if __name__ == "__main__":
    main()
