"""What a forked process needs: locks and threads of its own.

A lock that another thread of the parent held would never be released in the child, and a thread of
the parent is not there.
"""

from __future__ import annotations

import os
from typing import Any
from weakref import WeakSet

_renewed: WeakSet[Any] = WeakSet()
_restarted: WeakSet[Any] = WeakSet()


def renews_after_fork(owner: object) -> None:
    """Call ``owner.renew()`` in every process that is forked, to make its locks anew."""
    _renewed.add(owner)


def restarts_after_fork(owner: object) -> None:
    """Call ``owner.restart()`` in every process that is forked, when all locks are new."""
    _restarted.add(owner)


def _after_fork() -> None:
    for owner in list(_renewed):
        owner.renew()
    for owner in list(_restarted):
        owner.restart()


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_after_fork)
