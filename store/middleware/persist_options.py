"""The options of ``persist``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeAlias, TypedDict, TypeVar

import attrs

from ..checks import fitted, refuse_coroutine_function
from ..storage.protocol import Storage
from .convert import merge_stored
from .persist_json import is_version

T = TypeVar("T")

#: What the functions among the options are called with.
_CALLBACKS = {
    "partialize": ("state",),
    "migrate": ("stored", "version"),
    "merge": ("stored", "state"),
    "serialize": ("state",),
    "deserialize": ("stored",),
    "on_rehydrate_storage": ("state",),
    "on_write_error": ("error",),
}

OnRehydrated: TypeAlias = (
    Callable[[T | None, Exception | None], object] | Callable[[T | None], object]
)
OnRehydrate: TypeAlias = (
    Callable[[T], OnRehydrated[T] | None] | Callable[[], OnRehydrated[T] | None]
)


def whole(state: T) -> T:
    """Store the whole state: what ``partialize`` does by default."""
    return state


class PersistKeywords(TypedDict, Generic[T], total=False):
    """The keywords of ``persist`` that may be left out."""

    storage: Storage | None
    partialize: Callable[[T], Any]
    version: float
    migrate: Callable[[Any, float], Any] | Callable[[Any], Any] | None
    merge: Callable[[Any, T], T]
    serialize: Callable[[Any], Any] | None
    deserialize: Callable[[Any], Any] | None
    on_rehydrate_storage: OnRehydrate[T] | None
    on_write_error: Callable[[Exception], object] | None
    skip_hydration: bool
    sync: bool
    throttle: float


@attrs.frozen(kw_only=True)
class PersistOptions(Generic[T]):
    """The options of ``persist``, which describes them.

    Raises:
        TypeError: If the name is not a str, the version not a number, what is to be called not a
            plain function, or the storage lacks a method that is needed.
        ValueError: If ``throttle`` is not a number of seconds.
    """

    name: str
    storage: Storage = attrs.field(repr=lambda storage: type(storage).__name__)
    partialize: Callable[[T], Any] = whole
    version: float = 0
    migrate: Callable[[Any, float], Any] | Callable[[Any], Any] | None = None
    merge: Callable[[Any, T], T] = merge_stored
    serialize: Callable[[Any], Any] | None = None
    deserialize: Callable[[Any], Any] | None = None
    on_rehydrate_storage: OnRehydrate[T] | None = None
    on_write_error: Callable[[Exception], object] | None = None
    skip_hydration: bool = False
    sync: bool = False
    throttle: float = 0

    def __attrs_post_init__(self) -> None:
        if not isinstance(self.name, str):
            raise TypeError(f"name must be a str, not {type(self.name).__name__}")
        if not is_version(self.version):
            raise TypeError(f"version must be a finite number, not {self.version!r}")
        for role, offered in _CALLBACKS.items():
            callback = getattr(self, role)
            if callback is not None or role in ("partialize", "merge"):
                if role != "migrate":
                    refuse_coroutine_function(callback, role)
                object.__setattr__(self, role, fitted(role, callback, *offered))
        if not (is_version(self.throttle) and self.throttle >= 0):
            raise ValueError(f"throttle must be a number of seconds, not {self.throttle!r}")
        if isinstance(self.storage, type):
            name = self.storage.__name__
            raise TypeError(f"storage must be an instance, as {name}(...), not the class {name}")
        needed = ["get_item", "set_item", "remove_item"] + ["subscribe"] * self.sync
        missing = [method for method in needed if not hasattr(self.storage, method)]
        if missing:
            kind = type(self.storage).__name__
            hint = "; sync=True needs it" if missing == ["subscribe"] else ""
            raise TypeError(f"{kind} is no storage for this: it lacks {', '.join(missing)}{hint}")
