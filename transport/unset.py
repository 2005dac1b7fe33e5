"""The mark of an option that was not given, which is not the same as ``None``."""

from __future__ import annotations

from enum import Enum
from typing import Any


class _Unset(Enum):
    UNSET = "UNSET"

    def __bool__(self) -> bool:
        return False

    def __repr__(self) -> str:
        return "UNSET"

    def __str__(self) -> str:
        return "UNSET"


#: What an option holds that was not given. Typed as anything, so that options keep their own types.
UNSET: Any = _Unset.UNSET
