"""What a forked process needs: locks and threads of its own.

A lock that another thread of the parent held would never be released in the child, and a thread of
the parent is not there.
"""

from __future__ import annotations

import os
from typing import Any
from weakref import WeakSet

_owners: WeakSet[Any] = WeakSet()


def renews_after_fork(owner: object) -> None:
    """Call ``owner._renew_after_fork()`` in every forked process, to make its locks anew.

    When all are new, ``owner._restart_after_fork()`` starts threads, where there is such a method.
    """
    _owners.add(owner)


def _after_fork() -> None:
    owners = list(_owners)
    for owner in owners:
        owner._renew_after_fork()
    for owner in owners:
        if hasattr(owner, "_restart_after_fork"):
            owner._restart_after_fork()


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_after_fork)
