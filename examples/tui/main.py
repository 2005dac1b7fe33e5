# /// script
# requires-python = ">=3.11"
# dependencies = ["starlette", "uvicorn", "zustax[textual]"]
#
# [tool.uv.sources]
# zustax = { path = "../..", editable = true }
# ///
"""A terminal app with a session that renews itself, to play with.

    uv run examples/tui/main.py

Log in as ada with the password lovelace. The line above the keys then says what to press: E to have
the server refuse the access token, S to send 50 requests at once, F12 to look inside, and R to have
the server end the session.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

# Where backend.py is, and where this folder is a package.
sys.path.insert(0, str(Path(__file__).parents[1]))

from backend import running_backend
from tui.app import Shop

#: Seconds that an access token lives.
ACCESS_TTL = 30.0

#: Seconds that a refresh takes, so that it can be watched.
REFRESH_DELAY = 0.4


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the app against a backend of its own.

    Args:
        arguments: The command line without the program's name; ``None`` takes the process's own.

    Returns:
        The exit code.
    """
    parser = argparse.ArgumentParser(description="A terminal app whose session renews itself.")
    add = parser.add_argument
    add("--access-ttl", type=float, default=ACCESS_TTL, help="seconds an access token lives")
    add("--refresh-delay", type=float, default=REFRESH_DELAY, help="seconds a refresh takes")
    options = parser.parse_args(arguments)
    with running_backend(
        access_ttl=options.access_ttl, refresh_delay=options.refresh_delay
    ) as backend:
        app = Shop(backend)
        app.run()
    return app.return_code or 0


if __name__ == "__main__":
    sys.exit(main())
