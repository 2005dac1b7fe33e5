"""Starts with what a directory holds, and adds to it, though something is wrong with the storage.

Called with the directory, the number of this start, and what is wrong. Says the name of each entry
that it has added, once that is saved.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

from zustax.store import FileStorage, StorageError, create_store, persist

from .common import say


def fail(*_: object) -> Any:
    raise LookupError("a slip")


@contextmanager
def too_many_files() -> Iterator[None]:
    """Leave no file descriptor free."""
    import resource

    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, hard))
    taken = []
    with suppress(OSError):
        while True:
            taken.append(os.open(os.devnull, os.O_RDONLY))
    try:
        yield
    finally:
        for descriptor in taken:
            os.close(descriptor)


@contextmanager
def full_disk() -> Iterator[None]:
    """Let no file have more than some bytes."""
    import resource

    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


@contextmanager
def held_by_a_scanner() -> Iterator[None]:
    """Refuse to open and to replace files now and then, as Windows does while another reads one."""
    random, open_file, replace_file = Random(0), Path.open, Path.replace

    def refusing(function: Any) -> Any:
        def call(self: Path, *arguments: Any, **options: Any) -> Any:
            if random.random() < 0.5:
                raise PermissionError(13, "it is held by another process")
            return function(self, *arguments, **options)

        return call

    Path.open, Path.replace = refusing(open_file), refusing(replace_file)  # type: ignore[method-assign]
    try:
        yield
    finally:
        Path.open, Path.replace = open_file, replace_file  # type: ignore[method-assign]


AT_THE_START = {"too many files": too_many_files, "locked": held_by_a_scanner}
WHILE_WRITING = {"full": full_disk, "locked": held_by_a_scanner}
OPTIONS: dict[str, dict[str, Any]] = {
    "another version": {"version": 1},
    "a slip in migrate": {"version": 2, "migrate": fail},
    "no return in migrate": {"version": 3, "migrate": lambda old: None},
    "a slip in merge": {"merge": fail},
    "a slip in deserialize": {"deserialize": fail},
    "throttled": {"throttle": 0.001},
}


def main(directory: str, start: str, fault: str) -> None:
    names = (f"{start}-{number}" for number in count())
    with AT_THE_START.get(fault, nullcontext)():
        store: Any = create_store(
            persist(
                lambda *_: dict[str, int](),
                name="app",
                storage=FileStorage(directory),
                **OPTIONS.get(fault, {}),
            )
        )

    def add() -> None:
        name = next(names)
        store.set_state({name: 1})
        store.persist.flush()
        say(name)

    with WHILE_WRITING.get(fault, nullcontext)():
        for _ in range(3):
            with suppress(StorageError):
                add()
    add()
    while fault == "killed":
        add()


main(*sys.argv[1:])
