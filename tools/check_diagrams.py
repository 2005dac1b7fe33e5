"""Checks that a browser draws every diagram of the built site, with no network but loopback.

Takes the folder of the site, and the command of a Chromium.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

#: The theme puts the second in the place of the first once Mermaid has drawn it.
WRITTEN = re.compile(r'<pre class="mermaid"')
DRAWN = re.compile(r'<div class="mermaid"')

#: Seconds for one page.
BOUND = 120.0

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
    "--virtual-time-budget=10000",
    "--dump-dom",
)


class Quiet(SimpleHTTPRequestHandler):
    """Serves files, and does not log it."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (named by its base)
        """Say nothing."""


def main() -> None:
    """Check the site whose folder is named, and say which pages lack diagrams."""
    site, chromium = Path(sys.argv[1]), sys.argv[2]
    written = {
        path.relative_to(site).as_posix(): len(WRITTEN.findall(path.read_text(encoding="utf-8")))
        for path in sorted(site.rglob("*.html"))
    }
    written = {page: count for page, count in written.items() if count}
    if not written:
        sys.exit(f"{site} has no diagrams: nothing was checked")
    with served(site) as url:
        drawn = {page: len(DRAWN.findall(shown(f"{url}/{page}", chromium))) for page in written}
    if drawn != written:
        sys.exit(f"diagrams that were written: {written}; those that were drawn: {drawn}")


@contextmanager
def served(site: Path) -> Iterator[str]:
    """Serve a folder on loopback while in the block, and give its URL."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(site))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


def shown(url: str, chromium: str) -> str:
    """What a browser has made of a page, as HTML."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        ended = subprocess.run(  # noqa: S603 (the command is the caller's)
            [chromium, *FLAGS, f"--user-data-dir={profile}", url],
            check=True,
            capture_output=True,
            text=True,
            timeout=BOUND,
        )
    return ended.stdout


if __name__ == "__main__":
    main()
