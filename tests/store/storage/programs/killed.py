"""Kills a process in the middle of its writes, again and again: `killed DIRECTORY TIMES`.

A process is forked, which is cheap, and writes states in a loop. After each write it says so, then
it is killed at some moment of those that follow. The item has to hold a whole state: the last one
that was written to its end, or the one after.
"""

import os
import random
import signal
import sys
import time
from pathlib import Path

from zustax.store import FileStorage, create_store, persist
from zustax.store.middleware.persist_json import from_text

from .common import say

PADDING = "x" * 50_000


def write_until_killed(directory: str, first: int, said: int) -> None:
    store = create_store(
        persist(
            lambda set_state, get_state, store: {"count": first},
            name="app",
            storage=FileStorage(directory),
            skip_hydration=True,
        )
    )
    while True:
        store.set_state(lambda state: {"count": state["count"] + 1, "padding": PADDING})
        os.write(said, b".")


def write_and_be_killed(directory: str, first: int) -> int:
    """Have a process write, kill it, and give the number of writes that have ended."""
    reading, said = os.pipe()
    child = os.fork()
    if not child:
        write_until_killed(directory, first, said)
    os.close(said)
    written = sum(len(os.read(reading, 1)) for _ in range(random.randint(1, 3)))
    time.sleep(random.uniform(0, 0.003))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    while said_after := os.read(reading, 100):
        written += len(said_after)
    os.close(reading)
    return written


directory, times = sys.argv[1:]
count = 0
for _ in range(int(times)):
    last = count + write_and_be_killed(directory, count)
    state = from_text(FileStorage(directory).get_item("app")).state
    if state["count"] not in (last, last + 1) or state["padding"] != PADDING:
        sys.exit(f"{last} states were written, and the storage holds number {state['count']}")
    count = state["count"]
if list(Path(directory).glob("*corrupt*")):
    sys.exit("a file has been set aside")
say("survived")
