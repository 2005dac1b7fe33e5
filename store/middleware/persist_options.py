"""The options of `persist`."""

from collections.abc import Callable
from typing import Any, Generic, TypeAlias, TypedDict, TypeVar

import attrs

from ..checks import require_function
from ..storage.protocol import Storage
from .restored import merge
from .stored import is_version

T = TypeVar("T")

OnRehydrated: TypeAlias = Callable[[T | None, Exception | None], object]


def whole(state: T) -> T:
    """Store the whole state: what `partialize` does by default."""
    return state


class PersistKeywords(TypedDict, Generic[T], total=False):
    """The keywords of `persist` that may be left out."""

    storage: Storage | None
    partialize: Callable[[T], Any]
    version: float
    migrate: Callable[[Any, float], Any] | None
    merge: Callable[[Any, T], T]
    on_rehydrate_storage: Callable[[T], OnRehydrated[T] | None] | None
    skip_hydration: bool
    sync: bool


@attrs.frozen(kw_only=True)
class PersistOptions(Generic[T]):
    """The options of `persist`, which describes them.

    Raises:
        TypeError: If the name is no str, the version no number, what is to be called no function,
            or the storage lacks a method that is needed.
    """

    name: str
    storage: Storage = attrs.field(repr=lambda storage: type(storage).__name__)
    partialize: Callable[[T], Any] = whole
    version: float = 0
    migrate: Callable[[Any, float], Any] | None = None
    merge: Callable[[Any, T], T] = merge
    on_rehydrate_storage: Callable[[T], OnRehydrated[T] | None] | None = None
    skip_hydration: bool = False
    sync: bool = False

    def __attrs_post_init__(self) -> None:
        if not isinstance(self.name, str):
            raise TypeError(f"name must be a str, not {type(self.name).__name__}")
        if not is_version(self.version):
            raise TypeError(f"version must be a finite number, not {self.version!r}")
        for role in ("partialize", "migrate", "merge", "on_rehydrate_storage"):
            function = getattr(self, role)
            if function is not None or role in ("partialize", "merge"):
                require_function(role, function)
        self._check_storage()

    def _check_storage(self) -> None:
        needed = ["get_item", "set_item", "remove_item"] + ["subscribe"] * self.sync
        missing = [method for method in needed if not hasattr(self.storage, method)]
        if missing:
            kind = type(self.storage).__name__
            hint = "; sync=True needs one that tells of changes" if missing == ["subscribe"] else ""
            raise TypeError(f"{kind} is no storage for this: it lacks {', '.join(missing)}{hint}")
