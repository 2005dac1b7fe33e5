"""What other processes write while this one reads, writes, or is only just beginning.

A thread of the storage tells of it, and may be held up at any moment.
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import attrs
from zustax.store import MemoryStorage, UserState, UserStore

from .gated_storage import BOUND, GatedStorage, join

FIRST = UserState("access-1", "refresh-1", True, None, "a-session")
SECOND = attrs.evolve(FIRST, access_token="access-2", refresh_token="refresh-2")
THIRD = attrs.evolve(FIRST, access_token="access-3", refresh_token="refresh-3")


def stored(state: UserState) -> str:
    """The text that another process writes for a state."""
    storage = MemoryStorage()
    UserStore(storage=storage).set_state(attrs.asdict(state))
    return storage.get_item("user") or ""


def fields(state: UserState) -> dict[str, Any]:
    """A whole state as a refresh writes it."""
    return attrs.asdict(state)


def test_rule_16_a_notice_that_comes_while_the_store_is_being_made_is_not_lost() -> None:
    storage = GatedStorage(stored(FIRST))
    notices: list[threading.Thread] = []
    is_read = threading.Event()

    def change() -> None:
        # Whoever took the notice up at once would have read before the store is made.
        storage.during_next_read(is_read.set)
        notices.append(storage.notify())
        is_read.wait(0.05)

    storage.during_next_read(change)
    reading = storage.hold_next_read()
    with ThreadPoolExecutor(1) as other:
        making = other.submit(lambda: UserStore(storage=storage))
        reading.wait_until_reached()
        storage.text = stored(SECOND)
        reading.release()
        store = making.result(BOUND)
    join(notices[0])
    assert store.get_state() == SECOND


def test_rule_16_what_was_read_before_a_login_does_not_undo_it() -> None:
    storage = GatedStorage(stored(FIRST))
    store = UserStore(storage=storage)
    storage.text = stored(SECOND)
    reading = storage.hold_next_read()
    notice = storage.notify()
    reading.wait_until_reached()
    store.login("access-4", "refresh-4")
    reading.release()
    join(notice)
    assert store.get_state().access_token == "access-4"
    assert UserStore(storage=storage).get_state() == store.get_state()


def test_rule_16_what_is_read_while_a_pair_is_being_written_does_not_undo_it() -> None:
    storage = GatedStorage(stored(FIRST))
    store = UserStore(storage=storage)
    turn = store.persist.exclusive(BOUND).result(BOUND)
    turn.reload().result(BOUND)
    with turn.holding_back():
        store.set_state(fields(SECOND))
    writing = storage.hold_next_write()
    with ThreadPoolExecutor(1) as other:
        written = other.submit(lambda: turn.write().result(BOUND))
        writing.wait_until_reached()
        reads = storage.reads
        join(storage.notify())  # of an earlier change: the text is still the old one
        assert (store.get_state(), storage.reads) == (SECOND, reads)
        writing.release()
        assert written.result(BOUND) is True
    turn.release().result(BOUND)
    assert (store.get_state(), storage.text) == (SECOND, stored(SECOND))
    assert storage.reads > reads, "the notice was forgotten"


def test_rule_16_a_turn_waits_for_a_login_that_is_being_written() -> None:
    storage = GatedStorage(stored(FIRST))
    store = UserStore(storage=storage)
    turn = store.persist.exclusive(BOUND).result(BOUND)
    writing = storage.hold_next_write()
    with ThreadPoolExecutor(2) as others:
        logging_in = others.submit(store.login, "access-4", "refresh-4")
        writing.wait_until_reached()
        reading = storage.hold_next_read()
        reloading = others.submit(lambda: turn.reload().result(BOUND))
        reading.wait_until_reached()
        reading.release()
        assert (reloading.done(), store.get_state().access_token) == (False, "access-4")
        writing.release()
        logging_in.result(BOUND)
        reloading.result(BOUND)
    turn.release().result(BOUND)
    assert store.get_state().access_token == "access-4"
    assert UserStore(storage=storage).get_state() == store.get_state()


def test_rule_16_what_was_read_first_does_not_undo_what_was_read_later() -> None:
    storage = GatedStorage(stored(FIRST))
    store = UserStore(storage=storage)
    storage.text = stored(SECOND)
    reading = storage.hold_next_read()
    notice = storage.notify()
    reading.wait_until_reached()
    storage.text = stored(THIRD)
    turn = store.persist.exclusive(BOUND).result(BOUND)
    turn.reload().result(BOUND)
    seen: list[UserState] = []
    store.subscribe(lambda state, _previous: seen.append(state))
    reading.release()
    join(notice)
    turn.release().result(BOUND)
    assert (store.get_state(), seen) == (THIRD, [])


def test_rule_16_a_turn_that_has_read_first_goes_on_with_what_was_read_later() -> None:
    storage = GatedStorage(stored(FIRST))
    store = UserStore(storage=storage)
    turn = store.persist.exclusive(BOUND).result(BOUND)
    storage.text = stored(SECOND)
    reading = storage.hold_next_read()
    with ThreadPoolExecutor(1) as other:
        reloading = other.submit(lambda: turn.reload().result(BOUND))
        reading.wait_until_reached()
        storage.text = stored(THIRD)
        join(storage.notify())
        reading.release()
        reloading.result(BOUND)
    assert store.get_state() == THIRD
    assert turn.write().result(BOUND) is True
    turn.release().result(BOUND)
