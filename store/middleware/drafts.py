"""Change an immutable state as if it could be changed, with the semantics of Immer.

The recipe gets a copy of the state: real dicts, lists, sets and tuples at every depth, and for an
instance with fields (of attrs, a dataclass, ...) a stand-in whose fields can be set. Afterwards
each copy is compared with what it was made of; where nothing was changed, the result has the very
objects of the original.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from copy import copy, deepcopy
from inspect import getattr_static
from typing import Any

from ..equality import object_is
from ..merge_state import fields_of, merge_state

_MISSING: Any = object()


def produce(base: Any, recipe: Callable[[Any], Any]) -> Any:
    """Return what a recipe makes of a state: it changes its draft, or returns another value."""
    drafts = _Drafts()
    draft = drafts.thaw(base)
    returned = recipe(draft)
    result = drafts.freeze(draft)
    if returned is None or returned is draft:
        return result
    if result is base:
        return drafts.freeze(returned)
    raise RuntimeError(
        "an updater has changed its draft and has returned another value as well; change the draft "
        "and return nothing, or return the changes and leave the draft alone"
    )


class _Drafts:
    """The copies that one recipe works on."""

    def __init__(self) -> None:
        # By identity, each beside its key, which must not be reused.
        self._originals: dict[int, tuple[Any, Any]] = {}
        self._frozen: dict[int, tuple[Any, Any]] = {}

    def thaw(self, value: Any) -> Any:
        """Copy a value at every depth; what has no draft is returned as it is."""
        draft = self._copy(value)
        if draft is not value:
            self._originals[id(draft)] = draft, value
        return draft

    def _copy(self, value: Any) -> Any:
        if isinstance(value, dict):
            return _like(value, {key: self.thaw(entry) for key, entry in value.items()})
        if isinstance(value, list):
            return _like(value, map(self.thaw, value))
        if isinstance(value, set):
            return copy(value)
        if type(value) is tuple:
            parts = tuple(map(self.thaw, value))
            return value if _are_same(parts, value) else parts
        fields = None if isinstance(value, tuple) else fields_of(value)
        if fields is None:
            return value
        return FieldsDraft(value, {name: self.thaw(entry) for name, entry in fields.items()})

    def freeze(self, value: Any) -> Any:
        """Return the original of a draft in which nothing was changed, else what it has become."""
        if id(value) not in self._frozen:
            self._frozen[id(value)] = value, self._result(value)
        return self._frozen[id(value)][1]

    def _result(self, value: Any) -> Any:
        # What the recipe has put in has no original, but may hold drafts.
        original = self._originals.get(id(value), (value, value))[1]
        if type(value) is FieldsDraft:
            return self._evolved(vars(value)["_base"], vars(value)["_fields"])
        if isinstance(value, dict):
            entries = {key: self.freeze(entry) for key, entry in value.items()}
            is_same = _are_same(entries, original) and _are_same(
                entries.values(), original.values()
            )
            return original if is_same else _like(value, entries)
        if isinstance(value, list):
            parts = [*map(self.freeze, value)]
            return original if _are_same(parts, original) else _like(value, parts)
        if isinstance(value, set):
            return original if value == original else copy(value)
        if isinstance(value, tuple):
            frozen = tuple(map(self.freeze, value))
            return original if _are_same(frozen, original) else tuple.__new__(type(value), frozen)
        fields = fields_of(value)
        return value if fields is None else self._evolved(value, fields)

    def _evolved(self, base: Any, fields: dict[str, Any]) -> Any:
        frozen = {name: self.freeze(value) for name, value in fields.items()}
        before = fields_of(base) or {}
        changes = {
            name: value
            for name, value in frozen.items()
            if not object_is(value, before.get(name, _MISSING))
        }
        return merge_state(base, changes) if changes else base


class FieldsDraft:
    """A draft of an instance with fields: it has the methods and properties of its class."""

    def __init__(self, base: Any, fields: dict[str, Any]) -> None:
        vars(self).update(_base=base, _fields=fields)

    @property  # type: ignore[misc]
    def __class__(self) -> type:  # pyright: ignore[reportIncompatibleMethodOverride]
        return type(vars(self)["_base"])

    def __getattr__(self, name: str) -> Any:
        fields = vars(self)["_fields"]
        if name in fields:
            return fields[name]
        attribute = getattr_static(self.__class__, name, _MISSING)
        if attribute is _MISSING:
            raise AttributeError(f"{self.__class__.__name__} has no attribute {name!r}")
        bind = getattr(attribute, "__get__", None)
        return bind(self, self.__class__) if bind else attribute

    def __setattr__(self, name: str, value: Any) -> None:
        vars(self)["_fields"][name] = value

    def __eq__(self, other: object) -> Any:
        return getattr(self.__class__, "__eq__")(self, other)  # noqa: B009

    def __lt__(self, other: object) -> Any:
        return getattr(self.__class__, "__lt__")(self, other)  # noqa: B009

    def __copy__(self) -> FieldsDraft:
        return FieldsDraft(vars(self)["_base"], vars(self)["_fields"].copy())

    def __deepcopy__(self, memo: dict[int, Any]) -> FieldsDraft:
        return FieldsDraft(vars(self)["_base"], deepcopy(vars(self)["_fields"], memo))

    def __repr__(self) -> str:
        return f"<draft of {self.__class__.__name__}>"


def _are_same(new: Iterable[Any], before: Iterable[Any]) -> bool:
    new, before = list(new), list(before)
    return len(new) == len(before) and all(map(object_is, new, before))


def _like(value: Any, parts: Any) -> Any:
    """Make a dict or list of the class of ``value`` with other parts."""
    if type(value) in (dict, list):
        return type(value)(parts)
    result = copy(value)  # what a subclass keeps besides its entries goes along
    result.clear()
    (result.update if isinstance(value, dict) else result.extend)(parts)
    return result
