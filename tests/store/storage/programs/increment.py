"""Counts up in a storage, under its lock, once it is told to: `increment KIND PLACE TIMES`."""

import sys

from .common import say, storage_of

kind, place, times = sys.argv[1:]
storage = storage_of(kind, place)
say("ready")
sys.stdin.readline()
for _ in range(int(times)):
    with storage.lock("count"):
        storage.set_item("count", str(int(storage.get_item("count") or 0) + 1))
