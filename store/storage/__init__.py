"""Where `persist` keeps a state: in memory, in files, in the keyring of the system, in Redis."""

from .errors import StorageError, StorageUnavailableError, StoredStateError
from .file import FileStorage
from .keyring import KeyringStorage
from .memory import MemoryStorage
from .protocol import FencedStorage, QuarantiningStorage, SharedStorage, Storage
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
