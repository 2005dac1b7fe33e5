"""States as plain JSON data without secrets, and the way back.

A secret is what has the name of one (`access_token`, `accessToken`, `password`, ...), what was
named when the `Snapshots` were made, and a field of an attrs class that says so in its metadata:

    pin: str = attrs.field(metadata={"secret": True})

A secret is replaced by a mark, unless it is empty. When a state comes back, its secrets are those
that the store has now: going back in time must not bring back a token that is used up.
"""

import math
from collections.abc import Collection, Mapping
from datetime import date, time
from decimal import Decimal
from enum import Enum
from functools import partial
from pathlib import PurePath
from typing import Any, TypeAlias
from uuid import UUID

import attrs

from .parts import entries_of, parts_of, with_parts
from .restored import merge

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


class Snapshots:
    """Makes snapshots of states, and states of snapshots.

    Args:
        secret: Names that are secret besides those that always are; case, `_` and `-` do not
            matter.

    Raises:
        TypeError: If `secret` is a single text, whose letters would be taken for the names.
    """

    def __init__(self, secret: Collection[str] = ()) -> None:
        if isinstance(secret, str):
            raise TypeError(f"secret must be a list of names, not one text: secret=[{secret!r}]")
        self._secret_names = _SECRET_NAMES.union(map(_bare, secret))

    def take(self, value: Any) -> Json:
        """Make plain data of a value, without its secrets and without the functions in its dicts.

        What JSON does not know is shown by its text or its type; NaN and the infinities become
        None, as in JavaScript.
        """
        return self._take(value, ())

    def revive(self, snapshot: Json, present: Any) -> Any:
        """Make a state of a snapshot.

        Args:
            snapshot: What `take` has made of a state.
            present: A state of the same store. The functions in dicts and the secrets are taken
                from it, and the classes of attrs instances from it or from their annotations.

        Raises:
            Exception: Whatever a validator of an attrs class raises.
        """
        if isinstance(snapshot, list):
            return list(map(partial(self.revive, present=None), snapshot))
        if not isinstance(snapshot, dict):
            return snapshot
        mine = entries_of(present)
        state = {name: value for name, value in mine.items() if callable(value)}
        item = None
        try:
            for name, item in snapshot.items():
                if name in mine and self._is_secret(name, present):
                    state[name] = mine[name]
                elif item != REDACTED:
                    state[name] = self.revive(item, mine.get(name))
            return merge(state, present) if attrs.has(type(present)) else state
        finally:
            del snapshot, present, mine, state, item  # a traceback is printed with its variables

    def with_secrets_of(self, present: Any, earlier: Any) -> Any:
        """Give an earlier state the secrets that the present one has at the same places.

        Returns:
            `earlier` itself if it has them.
        """
        try:
            if type(present) is not type(earlier) or not entries_of(earlier):
                return earlier
            return with_parts(
                earlier,
                list(
                    map(
                        partial(self._with_secrets, present),
                        entries_of(earlier),
                        parts_of(earlier),
                    )
                ),
            )
        finally:
            del present, earlier

    def _with_secrets(self, present: Any, name: Any, part: Any) -> Any:
        """Give what becomes of one part of an earlier state."""
        try:
            if name not in entries_of(present):
                return part
            if self._is_secret(name, present):
                return entries_of(present)[name]
            return self.with_secrets_of(entries_of(present)[name], part)
        finally:
            del present, part

    def _take(self, value: Any, above: tuple[int, ...]) -> Json:
        if isinstance(value, float):
            return value if math.isfinite(value) else None
        if value is None or isinstance(value, (bool, int, str)):
            return value
        if isinstance(value, _SHOWN_AS_TEXT):
            return str(value)
        if id(value) in above:
            return f"<{type(value).__name__} above>"
        above = (*above, id(value))
        if isinstance(value, (list, tuple, set, frozenset)):
            return [self._take(item, above) for item in value]
        if isinstance(value, Mapping) or attrs.has(type(value)):
            return {
                str(name): self._take_entry(name, item, value, above)
                for name, item in entries_of(value).items()
                if not callable(item)
            }
        return f"<{type(value).__name__}>"

    def _take_entry(self, name: object, value: Any, owner: Any, above: tuple[int, ...]) -> Json:
        is_hidden = self._is_secret(name, owner) and not _is_empty(value)
        return REDACTED if is_hidden else self._take(value, above)

    def _is_secret(self, name: object, owner: Any) -> bool:
        """Tell whether what is called so in a dict or an attrs instance is secret."""
        if _bare(str(name)) in self._secret_names:
            return True
        field = attrs.fields_dict(type(owner)).get(str(name)) if attrs.has(type(owner)) else None
        return field is not None and bool(field.metadata.get("secret"))


def _bare(name: str) -> str:
    return name.lower().replace("_", "").replace("-", "")


def _is_empty(value: object) -> bool:
    return value is None or value is False or value == ""
