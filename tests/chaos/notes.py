"""What the processes of a run have seen, in one file each: it outlives a process that is killed."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .tokens import shows_token

#: Something that must never happen; ``text`` says what.
VIOLATION = "violation"
#: A refresh of the ``session`` has ended, ``how``.
LANDED = "landed"
#: The user was told to log in; ``session``, ``reason``.
LOGIN_REQUIRED = "login required"
#: How many calls came to what.
TALLY = "tally"

Note = dict[str, Any]


class Notes:
    """Writes notes, a line each, from any thread.

    Args:
        directory: Where the notes of all processes are.
        process: Whose notes these are.
    """

    def __init__(self, directory: Path, process: str) -> None:
        self._process = process
        self._lock = threading.Lock()
        self._file = (directory / f"{process}.notes").open("a", encoding="utf-8", buffering=1)

    def add(self, kind: str, **details: Any) -> None:
        line = json.dumps({"kind": kind, "process": self._process, **details})
        if shows_token(line):
            line = json.dumps({"kind": VIOLATION, "text": f"a token was shown by a {kind}"})
        with self._lock:
            self._file.write(f"{line}\n")

    def violation(self, text: str) -> None:
        self.add(VIOLATION, text=text)

    def close(self) -> None:
        self._file.close()


def read_notes(directory: Path) -> Iterator[Note]:
    """All notes. The last line of a process that was killed may be cut."""
    for path in sorted(directory.glob("*.notes")):
        for line in path.read_text(encoding="utf-8").splitlines(keepends=True):
            if line.endswith("\n"):
                yield json.loads(line)


class LogWatch(logging.Handler):
    """Notes what is logged as an error by anybody, and any token that is logged at all."""

    def __init__(self, notes: Notes) -> None:
        super().__init__()
        self._notes = notes

    def emit(self, record: logging.LogRecord) -> None:
        text = self.format(record)
        if shows_token(text):
            self._notes.violation(f"a log line of {record.name} shows a token")
        elif record.levelno >= logging.ERROR:
            self._notes.violation(f"logged as an error: {text}")

    def __enter__(self) -> LogWatch:
        self._levels = {name: logging.getLogger(name).level for name in ("", "zustax")}
        logging.getLogger().addHandler(self)
        logging.getLogger("zustax").setLevel(logging.INFO)
        return self

    def __exit__(self, *_: object) -> None:
        logging.getLogger().removeHandler(self)
        logging.getLogger("zustax").setLevel(self._levels["zustax"])
