"""Reactive state with the semantics of Zustand."""

from .changes import Changes
from .equality import object_is, shallow
from .middleware.background import NoEventLoopError
from .middleware.combine import combine
from .middleware.devtools import Devtools, devtools
from .middleware.immer import Drafting, DraftInitializer, DraftStore, SetDraftState, immer
from .middleware.persist import persist
from .middleware.persist_options import PersistOptions
from .middleware.persistence import Persistence
from .middleware.recording import RecordedAction
from .middleware.redux import redux
from .middleware.typing import Absent, Enhanced, EnhancedStore
from .storage import (
    FencedStorage,
    FileStorage,
    KeyringStorage,
    MemoryStorage,
    QuarantiningStorage,
    RedisStorage,
    SharedStorage,
    Storage,
    StorageError,
    StorageUnavailableError,
    StoredStateError,
)
from .user import UserState, UserStore
from .vanilla import Initializer, SetState, Store, create_store
from .view import View

__all__ = [
    "Absent",
    "Changes",
    "Devtools",
    "DraftInitializer",
    "DraftStore",
    "Drafting",
    "Enhanced",
    "EnhancedStore",
    "FencedStorage",
    "FileStorage",
    "Initializer",
    "KeyringStorage",
    "MemoryStorage",
    "NoEventLoopError",
    "PersistOptions",
    "Persistence",
    "QuarantiningStorage",
    "RecordedAction",
    "RedisStorage",
    "SetDraftState",
    "SetState",
    "SharedStorage",
    "Storage",
    "StorageError",
    "StorageUnavailableError",
    "Store",
    "StoredStateError",
    "UserState",
    "UserStore",
    "View",
    "combine",
    "create_store",
    "devtools",
    "immer",
    "object_is",
    "persist",
    "redux",
    "shallow",
]

# Tracebacks and documentation show the name that a user imports, wherever the file is.
for _exported in __all__:
    globals()[_exported].__module__ = __name__
