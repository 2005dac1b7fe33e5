"""A disk that is full for a while."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

from zustax.store import FileStorage, StorageError


class CrowdedStorage(FileStorage):
    """Files on a disk that is full while there is a file ``full`` beside the directory."""

    def __init__(self, directory: str | Path, **options: Any) -> None:
        super().__init__(directory, **options)
        self._full = full_beside(directory)

    def set_item(self, name: str, value: str) -> None:
        """Write, unless the disk is full."""
        self._check_room()
        super().set_item(name, value)

    def replace_item(self, name: str, expected: str | None, value: str) -> bool:
        """Write, unless the disk is full."""
        self._check_room()
        return super().replace_item(name, expected, value)

    def ensure_writable(self, name: str, size: int) -> None:
        """Say whether there is room."""
        self._check_room()
        super().ensure_writable(name, size)

    def _check_room(self) -> None:
        if self._full.exists():
            cause = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            raise StorageError(f"{self.directory} cannot be written: {cause}") from cause


def full_beside(directory: str | Path) -> Path:
    """Return the file whose presence says that the disk is full."""
    return Path(directory).with_name("full")
