"""What the processes of a run have seen, in one file each, which outlives a killed process."""

from __future__ import annotations

import errno
import json
import logging
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .tokens import shows_token

#: Something that must never happen; ``text`` says what.
VIOLATION = "violation"
#: A refresh of the ``session`` has ended, ``how``.
REFRESH_ENDED = "refresh ended"
#: The state went from a session, ``before``, to another, ``after``; ``by_user``: asked for.
SESSION_CHANGED = "session changed"
#: A login or logout by the user could not be written; ``sessions``: of before and after.
UNSAVED = "unsaved"
#: Something bad was done to the process; ``what``.
HARM = "harm"
#: The user was told to log in; ``session``, ``reason``.
LOGIN_REQUIRED = "login required"
#: How many calls came to what.
TALLY = "tally"

Note = dict[str, Any]

_NO_SPACE = os.strerror(errno.ENOSPC)


class Notes:
    """Writes notes, a line each, from any thread.

    Args:
        directory: Where the notes of all processes are.
        process: The process that writes them.
    """

    def __init__(self, directory: Path, process: str) -> None:
        self._directory = directory
        self.go_on_as(process)

    def go_on_as(self, process: str) -> None:
        """Write to a file of its own, as a process that was forked."""
        self._process = process
        self._lock = threading.Lock()
        path = self._directory / f"{process}.notes"
        self._file = path.open("a", encoding="utf-8", buffering=1)

    def add(self, kind: str, **details: Any) -> None:
        line = json.dumps(
            {"kind": kind, "process": self._process, "moment": time.monotonic(), **details}
        )
        if shows_token(line):
            line = json.dumps({"kind": VIOLATION, "text": f"a token was shown by a {kind}"})
        with self._lock:
            self._file.write(f"{line}\n")

    def violation(self, text: str) -> None:
        self.add(VIOLATION, text=text)

    def close(self) -> None:
        self._file.close()


def read_notes(directory: Path) -> Iterator[Note]:
    """Yield all notes. The last line of a process that was killed may be cut."""
    for path in sorted(directory.glob("*.notes")):
        for line in path.read_text(encoding="utf-8").splitlines(keepends=True):
            if line.endswith("\n"):
                yield json.loads(line)


class LogWatch(logging.Handler):
    """Notes what is logged as an error, but for a full disk, and any token that is logged."""

    def __init__(self, notes: Notes) -> None:
        super().__init__()
        self._notes = notes

    def emit(self, record: logging.LogRecord) -> None:
        text = self.format(record)
        if shows_token(text):
            self._notes.violation(f"a log line of {record.name} shows a token")
        elif record.levelno >= logging.ERROR and _NO_SPACE not in text:
            self._notes.violation(f"logged as an error: {text}")

    def __enter__(self) -> LogWatch:
        self._levels = {name: logging.getLogger(name).level for name in ("", "zustax")}
        logging.getLogger().addHandler(self)
        logging.getLogger("zustax").setLevel(logging.INFO)
        return self

    def __exit__(self, *_: object) -> None:
        logging.getLogger().removeHandler(self)
        logging.getLogger("zustax").setLevel(self._levels["zustax"])
