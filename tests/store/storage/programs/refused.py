"""Writes where the system refuses it: `refused DIRECTORY read-only|full|checked`.

It says what the error was, what the item holds then, and which files there are.
"""

import os
import resource
import sys
from pathlib import Path

from zustax.store import FileStorage, StorageError

from .common import say

directory, how = Path(sys.argv[1]), sys.argv[2]
storage = FileStorage(directory)
storage.set_item("app", "old")
if how in ("full", "checked"):
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
else:
    directory.chmod(0o500)
    if os.getuid() == 0:  # whom no right to write can be taken from
        for path in (directory, directory / "app"):
            os.chown(path, 65534, 65534)
        os.setuid(65534)
try:
    if how == "checked":
        storage.ensure_writable("app", 30_000)
    else:
        storage.set_item("app", "new" * 10_000)
except StorageError as error:
    say(error)
say(storage.get_item("app"))
say(*sorted(path.name for path in directory.iterdir()))
