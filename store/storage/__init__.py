"""Where ``persist`` keeps a state: in memory, in files, in the keyring of the system, in Redis."""

from __future__ import annotations

from .file import FileStorage
from .keyring import KeyringStorage
from .memory import MemoryStorage
from .protocol import (
    FencedStorage,
    QuarantiningStorage,
    SharedStorage,
    Storage,
    StorageError,
    StorageUnavailableError,
    StoredStateError,
)
from .redis import RedisStorage

__all__ = [
    "FencedStorage",
    "FileStorage",
    "KeyringStorage",
    "MemoryStorage",
    "QuarantiningStorage",
    "RedisStorage",
    "SharedStorage",
    "Storage",
    "StorageError",
    "StorageUnavailableError",
    "StoredStateError",
]
