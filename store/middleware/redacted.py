"""States as plain JSON data without secrets, and the way back.

A secret is what has the name of one (``access_token``, ``accessToken``, ``password``, ...), what is
named in ``devtools(secret=...)``, and a field with ``metadata={"secret": True}``. Unless it is
empty, a mark replaces it. A state that comes back has the secrets that the store has now: going
back in time must not bring back a token that is used up.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from datetime import date, time
from decimal import Decimal
from enum import Enum
from functools import partial
from operator import is_
from pathlib import PurePath
from typing import Any, TypeAlias
from uuid import UUID

import attrs

from ..merge_state import fields_of, merge_state, settable_names
from .convert import load

Json: TypeAlias = Any

REDACTED = "<redacted>"

_SECRET_NAMES = frozenset(
    (
        "accesstoken",
        "apikey",
        "authorization",
        "clientsecret",
        "cookie",
        "idtoken",
        "passwd",
        "password",
        "refreshtoken",
        "secret",
        "token",
    )
)
_SHOWN_AS_TEXT = (date, time, Decimal, Enum, PurePath, UUID)


class Redactor:
    """Makes plain data of states, and states of plain data.

    ``secret`` holds further names of secrets; case, ``_`` and ``-`` do not matter.
    """

    def __init__(self, secret: Collection[str] = ()) -> None:
        if isinstance(secret, str):
            raise TypeError(f"secret must be a list of names, not one text: secret=[{secret!r}]")
        self._secret_names = _SECRET_NAMES.union(map(_bare, secret))

    def redacted(self, value: Any, above: tuple[int, ...] = ()) -> Json:
        """Make plain data of a value, without its secrets and the functions in its dicts."""
        if isinstance(value, float):
            return value if math.isfinite(value) else None
        if value is None or isinstance(value, (bool, int, str)):
            return value
        if isinstance(value, _SHOWN_AS_TEXT):
            return str(value)
        if id(value) in above:
            return f"<{type(value).__name__} above>"
        above = (*above, id(value))
        if isinstance(value, Mapping) or fields_of(value) is not None:
            return {
                str(name): REDACTED
                if self._is_secret(name, value) and not _is_empty(item)
                else self.redacted(item, above)
                for name, item in entries_of(value).items()
                if not callable(item)
            }
        if isinstance(value, (list, tuple, set, frozenset)):
            return [self.redacted(item, above) for item in value]
        return f"<{type(value).__name__}>"

    def revive(self, data: Json, present: Any) -> Any:
        """Make a state of plain data, with the functions and the secrets of the present one."""
        if isinstance(data, list):
            return list(map(partial(self.revive, present=None), data))
        if not isinstance(data, dict):
            return data
        mine, fields = entries_of(present), fields_of(present)
        kept = {name: value for name, value in mine.items() if callable(value)}
        found = dict[str, Any]()
        for name, item in data.items():
            if name in mine and self._is_secret(name, present):
                kept[name] = mine[name]
            elif item != REDACTED:
                found[name] = self.revive(item, mine.get(name))
        if fields is None:
            return {**found, **kept}
        made = {name: value for name, value in found.items() if fields_of(value) is not None}
        loaded = load({name: found[name] for name in found if name not in made}, present)
        made |= loaded | kept
        settable = settable_names(type(present))
        return merge_state(present, {name: made[name] for name in made if name in settable})

    def with_secrets_of(self, present: Any, earlier: Any) -> Any:
        """Return an earlier state with the secrets that the present one has at the same places."""
        before = entries_of(earlier)
        if type(present) is not type(earlier) or not before:
            return earlier
        mine, after = entries_of(present), dict[Any, Any]()
        for name, part in before.items():
            if name not in mine:
                after[name] = part
            elif self._is_secret(name, present):
                after[name] = mine[name]
            else:
                after[name] = self.with_secrets_of(mine[name], part)
        if all(map(is_, after.values(), before.values())):
            return earlier
        if isinstance(earlier, Mapping):
            return after
        changes = {name: value for name, value in after.items() if value is not before[name]}
        return merge_state(earlier, changes)

    def _is_secret(self, name: object, owner: Any) -> bool:
        """Return True if what is called so in a dict or an attrs instance is secret."""
        if _bare(str(name)) in self._secret_names:
            return True
        cls: Any = type(owner)
        fields = (
            attrs.fields_dict(cls) if attrs.has(cls) else getattr(cls, "__dataclass_fields__", {})
        )
        return str(name) in fields and bool(fields[str(name)].metadata.get("secret"))


def entries_of(value: Any) -> Mapping[Any, Any]:
    """Return the entries of a mapping or the fields of an instance; of others, none."""
    return value if isinstance(value, Mapping) else fields_of(value) or {}


def _bare(name: str) -> str:
    return name.lower().replace("_", "").replace("-", "")


def _is_empty(value: object) -> bool:
    return value is None or value is False or value == ""
