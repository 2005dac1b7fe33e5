"""Changing an immutable state as if it could be changed, with the semantics of Immer.

    def finish(draft):
        draft["todos"][0]["done"] = True

    produce({"todos": [{"done": False}], "user": ada}, finish)   # a new state with the same `ada`

A draft stands for a dict, a list, a set, a tuple or an attrs instance and has its operations. What
is taken from it is a draft again, so a change at any depth lands in a copy; where nothing was
changed, the result has the very objects of the original. An object of any other kind counts as a
value and is given as it is.

A draft does not show its content in a `repr`: tracebacks are printed with their local variables,
and it may hold a token. For the same reason nothing here raises with a content in a local variable.
"""

from collections.abc import Callable, Iterator, MutableMapping, MutableSequence
from copy import copy, deepcopy
from inspect import getattr_static
from operator import is_
from typing import Any

import attrs

from ..equality import object_is
from .parts import entries_of, parts_of, with_entries, with_parts

_MISSING: Any = object()


def produce(base: Any, recipe: Callable[[Any], Any]) -> Any:
    """Make the next state out of a state and a recipe that changes a draft of it.

    Args:
        base: The state, which stays as it is. If it is of a kind that has no draft (a number, a
            text), the recipe is given the state itself.
        recipe: Changes the draft and returns None or the draft. Or it leaves the draft alone and
            returns another value.

    Returns:
        The changed state, or `base` itself if nothing was changed, or what the recipe returned.

    Raises:
        RuntimeError: If the recipe has changed the draft and has returned something else, too.
        Exception: Whatever the recipe raises, or a validator of an attrs class.
    """
    draft = draft_of(base)
    result = returned = None
    try:
        returned = recipe(draft)
        result = _settled(draft)
        if returned is None or returned is draft:
            return result
        if result is base:
            return _settled(returned)
    finally:
        del base, recipe, draft, result, returned
    raise RuntimeError(
        "an updater has changed its draft and has returned another value as well; change the draft "
        "and return nothing, or return the changes and leave the draft alone"
    )


def draft_of(value: Any, *, is_made_by_recipe: bool = False) -> Any:
    """Make a draft of a value, or give the value back if it is of a kind that has none.

    Args:
        value: The value.
        is_made_by_recipe: Whether the recipe has put it in, so that it may hold drafts.
    """
    if isinstance(value, _DRAFTS):
        return value
    if isinstance(value, dict):
        return DictDraft(_Node(value, copy(value), is_made_by_recipe))
    if isinstance(value, list):
        return ListDraft(_Node(value, copy(value), is_made_by_recipe))
    if isinstance(value, set):
        return SetDraft(value)
    if type(value) is tuple:
        return _tuple_draft_of(value, is_made_by_recipe)
    if attrs.has(type(value)):
        return AttrsDraft(_Node(value, dict(entries_of(value)), is_made_by_recipe))
    return value


class _Node:
    """What a draft stands for, and what has become of it.

    Args:
        base: The original.
        entries: A copy of its entries. Each is replaced by a draft of it when it is asked for.
        is_made_by_recipe: Whether the original may hold drafts.
    """

    __slots__ = ("_entries", "_is_made_by_recipe", "_new", "_result", "base", "is_changed")

    def __init__(self, base: Any, entries: Any, is_made_by_recipe: bool) -> None:
        self.base = base
        self.is_changed = False
        self._entries = entries
        self._is_made_by_recipe = is_made_by_recipe
        self._new: dict[int, Any] = {}  # what the recipe has put in, by identity
        self._result = base

    @property
    def entries(self) -> Any:
        """The entries as they are now.

        Raises:
            RuntimeError: If the draft is finished.
        """
        if self._entries is None:
            raise RuntimeError(
                "a draft can be used only until its updater returns; read the state with "
                "get_state(), and change it in another call of set_state()"
            )
        return self._entries

    def take(self, key: Any) -> Any:
        """Give an entry as a draft."""
        draft = draft_of(
            self.entries[key], is_made_by_recipe=self._may_hold_drafts(self.entries[key])
        )
        self.entries[key] = draft
        return draft

    def put(self, key: Any, value: Any) -> None:
        """Replace or add an entry; the very value that is there already is no change."""
        try:
            is_added = isinstance(self.entries, dict) and key not in self.entries
            if is_added or not object_is(self.entries[key], value):
                self.is_changed = True
            self.entries[key] = value
            self._new[id(value)] = value
        finally:
            del value

    def rearrange(self, *new: Any) -> Any:
        """Give the entries to somebody who changes which they are, or where.

        Args:
            *new: What is going to be put in.
        """
        try:
            self.is_changed = True
            self._new.update(zip(map(id, new), new, strict=True))
            return self.entries
        finally:
            del new

    def copy(self) -> "_Node":
        """Make a node that changes on its own from here on."""
        twin = _Node(self.base, copy(self.entries), self._is_made_by_recipe)
        twin.is_changed = self.is_changed
        twin._new = self._new.copy()
        return twin

    def finish(self) -> Any:
        """Give the result, the same each time. Afterwards the draft cannot be used any more."""
        entries, self._entries = self._entries, None
        try:
            if entries is not None:
                self._settle(entries)
                if self.is_changed:
                    self._result = with_entries(self.base, entries)
        finally:
            del entries
        return self._result

    def _settle(self, entries: Any) -> None:
        """Replace drafts by their results."""
        entry = None
        try:
            for key in list(entries) if isinstance(entries, dict) else range(len(entries)):
                entry = entries[key]
                if isinstance(entry, _DRAFTS) or self._may_hold_drafts(entry):
                    entries[key] = _settled(entry)
                    origin = entry if self._is_made_by_recipe else _origin(entry)
                    self.is_changed = self.is_changed or entries[key] is not origin
        finally:
            del entries
            entry = origin = None

    def _may_hold_drafts(self, entry: Any) -> bool:
        return self._is_made_by_recipe or id(entry) in self._new


class Draft:
    """What drafts have in common. To `isinstance` a draft is of the class that it stands for."""

    __slots__ = ("_draft_node",)
    _draft_node: _Node

    def __init__(self, node: _Node) -> None:
        object.__setattr__(self, "_draft_node", node)

    @property  # type: ignore[misc]
    def __class__(self) -> type:  # pyright: ignore[reportIncompatibleMethodOverride]
        return type(self._draft_node.base)

    def __repr__(self) -> str:
        return f"<draft of {self.__class__.__name__}>"

    def __copy__(self) -> "Draft":
        return type(self)(self._draft_node.copy())

    def __deepcopy__(self, memo: dict[int, Any]) -> "Draft":
        return type(self)(deepcopy(self._draft_node, memo))


class DictDraft(Draft, MutableMapping[Any, Any]):
    """A draft of a dict."""

    __slots__ = ()

    def __getitem__(self, key: Any) -> Any:
        return self._draft_node.take(key)

    def __setitem__(self, key: Any, value: Any) -> None:
        try:
            self._draft_node.put(key, value)
        finally:
            del value

    def __delitem__(self, key: Any) -> None:
        self._draft_node.entries[key]  # one that is not there is an error, and no change
        del self._draft_node.rearrange()[key]

    def __contains__(self, key: object) -> bool:
        return key in self._draft_node.entries

    def __iter__(self) -> Iterator[Any]:
        return iter(self._draft_node.entries)

    def __reversed__(self) -> Iterator[Any]:
        return iter(reversed(self._draft_node.entries))

    def __len__(self) -> int:
        return len(self._draft_node.entries)

    def __or__(self, other: Any) -> dict[Any, Any]:
        return {**self, **other}

    def __ror__(self, other: Any) -> dict[Any, Any]:
        return {**other, **self}

    def __ior__(self, other: Any) -> "DictDraft":
        self.update(other)
        return self

    def popitem(self) -> tuple[Any, Any]:
        """Remove the newest entry and give it, as `dict.popitem` does."""
        if not self:
            raise KeyError("popitem(): the draft of a dict is empty")
        key = next(reversed(self))
        return key, self.pop(key)

    def copy(self) -> dict[Any, Any]:
        """Make a plain dict of the entries, each of them a draft where it has one."""
        return dict(self)


class ListDraft(Draft, MutableSequence[Any]):
    """A draft of a list."""

    __slots__ = ()

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        return self._draft_node.take(index)

    def __setitem__(self, index: Any, value: Any) -> None:
        try:
            if isinstance(index, slice):
                value = list(value)
                self._draft_node.rearrange(*value)[index] = value
            else:
                self._draft_node.put(index, value)
        finally:
            del value

    def __delitem__(self, index: Any) -> None:
        self._draft_node.entries[index]  # one that is not there is an error, and no change
        del self._draft_node.rearrange()[index]

    def __len__(self) -> int:
        return len(self._draft_node.entries)

    def __eq__(self, other: object) -> bool:
        return list(self) == (list(other) if isinstance(other, ListDraft) else other)

    def __add__(self, other: list[Any]) -> list[Any]:
        return [*self, *other]

    def __radd__(self, other: list[Any]) -> list[Any]:
        return [*other, *self]

    def __mul__(self, times: int) -> list[Any]:
        return list(self) * times

    __rmul__ = __mul__

    def __imul__(self, times: int) -> "ListDraft":
        self[:] = self * times
        return self

    def insert(self, index: int, value: Any) -> None:
        """Put a value before the one at an index."""
        try:
            self._draft_node.rearrange(value).insert(index, value)
        finally:
            del value

    def sort(self, *, key: Callable[[Any], Any] | None = None, reverse: bool = False) -> None:
        """Sort in place, as `list.sort` does."""
        self[:] = sorted(self, key=key, reverse=reverse)

    def copy(self) -> list[Any]:
        """Make a plain list of the entries, each of them a draft where it has one."""
        return list(self)


class SetDraft(set[Any]):
    """A draft of a set: a set of its own, since what is in a set is never a draft."""

    __slots__ = ("base",)

    def __init__(self, base: set[Any]) -> None:
        super().__init__(base)
        self.base = base

    def __repr__(self) -> str:
        return "<draft of set>"

    def finish(self) -> set[Any]:
        """Give the original if the draft has the same members, else a set of those it has."""
        return self.base if self == self.base else set(self)


class TupleDraft(tuple[Any, ...]):
    """A draft of a tuple: the tuple stays as it is, and what is in it can be changed."""

    base: tuple[Any, ...]

    def __repr__(self) -> str:
        return "<draft of tuple>"

    def finish(self) -> tuple[Any, ...]:
        """Give the original, or, where something in it was changed, a tuple of what is there."""
        results: tuple[Any, ...] = with_parts(self.base, list(map(_settled, self)))
        return results


class AttrsDraft(Draft):
    """A draft of an attrs instance. Its methods and properties work on the draft."""

    __slots__ = ()

    def __getattr__(self, name: str) -> Any:
        if name in self._draft_node.entries:
            return self._draft_node.take(name)
        attribute = getattr_static(self.__class__, name, _MISSING)
        if attribute is _MISSING:
            raise AttributeError(f"{self.__class__.__name__} has no attribute {name!r}")
        bind = getattr(attribute, "__get__", None)
        return bind(self, self.__class__) if bind else attribute

    def __setattr__(self, name: str, value: Any) -> None:
        try:
            self._draft_node.put(name, value)
        finally:
            del value

    def __eq__(self, other: object) -> bool:
        return self._as_defined("__eq__", other)

    def __lt__(self, other: object) -> bool:
        return self._as_defined("__lt__", other)

    def _as_defined(self, operator: str, other: object) -> bool:
        """Compare as the class says; it may say that it is not implemented."""
        result: bool = getattr(self.__class__, operator)(self, other)
        return result


_DRAFTS = (Draft, SetDraft, TupleDraft)


def _tuple_draft_of(value: tuple[Any, ...], is_made_by_recipe: bool) -> tuple[Any, ...]:
    """Make a draft of a tuple, unless nothing in it has one."""
    draft = TupleDraft(draft_of(part, is_made_by_recipe=is_made_by_recipe) for part in value)
    draft.base = value
    return value if all(map(is_, draft, value)) else draft


def _settled(value: Any) -> Any:
    """Give the result of a draft, or a value without the drafts that a recipe has put into it."""
    try:
        if isinstance(value, Draft):
            return value._draft_node.finish()
        if isinstance(value, (SetDraft, TupleDraft)):
            return value.finish()
        return with_parts(value, list(map(_settled, parts_of(value))))
    finally:
        del value


def _origin(entry: Any) -> Any:
    """Give what an entry was before it became a draft."""
    if isinstance(entry, Draft):
        return entry._draft_node.base
    return entry.base if isinstance(entry, (SetDraft, TupleDraft)) else entry
