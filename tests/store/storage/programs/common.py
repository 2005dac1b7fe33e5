"""What several programs need."""

import sys

import redis
from zustax.store import FileStorage, RedisStorage


def say(*words: object) -> None:
    """Write a line to whoever has started the program."""
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


def storage_of(kind: str, place: str) -> FileStorage | RedisStorage:
    """Make the storage of `file DIRECTORY` or `redis SOCKET`."""
    if kind == "file":
        return FileStorage(place, poll_interval=0.02)
    return RedisStorage(redis.Redis(unix_socket_path=place))
