"""Reactive state with the semantics of Zustand."""

from .equality import object_is, shallow
from .user import UserState, UserStore
from .vanilla import Initializer, SetState, Store, create_store

__all__ = [
    "Initializer",
    "SetState",
    "Store",
    "UserState",
    "UserStore",
    "create_store",
    "object_is",
    "shallow",
]

# Tracebacks and documentation show the name that a user imports, wherever the file is.
for _exported in __all__:
    globals()[_exported].__module__ = __name__
