"""Reactive state with the semantics of Zustand."""

import logging
import typing as _typing

from .equality import object_is, shallow
from .middleware import combine, devtools, immer, persist, redux
from .middleware.async_writes import NoEventLoopError
from .middleware.devtools import Devtools
from .middleware.history import RecordedAction
from .middleware.immer import DraftInitializer
from .middleware.persist import Persistence
from .middleware.persist_options import PersistOptions
from .slices import Changes, View
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
from .types import Absent, Drafting, Enhanced, SetDraftState, SetState
from .user import UserState, UserStore
from .vanilla import DraftStore, EnhancedStore, Initializer, Store, create_store

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

if _typing.TYPE_CHECKING:
    __version__: str
else:  # a checker would take any name for one that exists

    def __getattr__(name: str) -> str:
        """Look the version up when it is asked for: what finds it is slow to import."""
        if name != "__version__":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib.metadata import version

        return version("zustax")


# Without it Python prints warnings of a program that has set up no logging.
logging.getLogger("zustax").addHandler(logging.NullHandler())
