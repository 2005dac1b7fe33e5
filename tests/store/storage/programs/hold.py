"""Holds the lock of a storage until it is killed: `hold DIRECTORY`."""

import sys

from zustax.store import FileStorage

from .common import say

with FileStorage(sys.argv[1]).lock("count"):
    say("held")
    sys.stdin.read()
