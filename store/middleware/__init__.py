"""Middlewares: functions from initializer to initializer, each in a file of its own.

``persist`` takes more than one file: the text is made in ``persist_json``, ``hydration`` brings it
back, ``sharing`` is what several processes need, and ``async_writes`` what asynchronous storages
need. ``devtools`` keeps its ``history``, shows it ``redacted``, and exports it for
``redux_devtools``. ``immer`` works on ``drafts``.
"""

from __future__ import annotations

from .combine import combine
from .devtools import devtools
from .immer import immer
from .persist import persist
from .redux import redux

__all__ = ["combine", "devtools", "immer", "persist", "redux"]
