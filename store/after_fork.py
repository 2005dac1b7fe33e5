"""Locks and threads that are made anew in a forked process.

A lock that another thread of the parent held would never be released in the child, and a thread of
the parent is not there.
"""

from __future__ import annotations

import os
from typing import Protocol
from weakref import WeakSet


class Renewable(Protocol):
    """What has locks or threads."""

    def renew(self) -> None:
        """Make them anew."""


_renewables: WeakSet[Renewable] = WeakSet()


def renews_after_fork(renewable: Renewable) -> None:
    """Call ``renew`` in every process that is forked from this one."""
    _renewables.add(renewable)


def _renew_all() -> None:
    for renewable in list(_renewables):
        renewable.renew()


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_renew_all)
