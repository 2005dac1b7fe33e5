"""`persist(..., sync=True)`: programs over one storage see one another's changes.

`Shared` stands for the storage, and tells of changes when a test says so.
"""

import gc
import json
import threading
import weakref
from collections.abc import Callable
from typing import Any

import pytest
from zustax.store import UserStore, create_store
from zustax.store.middleware.persist import persist

from ...support.waiting import wait_until
from .storages import Shared, View

State = dict[str, Any]


def make(storage: Any, **options: Any) -> Any:
    return create_store(
        persist(
            lambda set_state, get_state, store: {"a": 0, "b": 0, "local": 0},
            name="app",
            storage=storage,
            sync=True,
            **options,
        )
    )


def text(**state: Any) -> str:
    return json.dumps({"state": state, "version": 0}, separators=(",", ":"))


def without_local(state: State) -> State:
    return {key: value for key, value in state.items() if key != "local"}


@pytest.fixture
def shared() -> Shared:
    return Shared()


def test_what_one_sets_the_others_have_when_they_are_told(shared: Shared) -> None:
    one, two = make(shared.view()), make(shared.view())
    heard: list[int] = []
    two.subscribe(lambda state: state["a"], lambda new, old: heard.append(new))
    one.set_state({"a": 1})
    assert two.get_state()["a"] == 0
    shared.deliver()
    assert two.get_state()["a"] == 1
    assert heard == [1]


def test_taking_over_writes_nothing(shared: Shared) -> None:
    one, view = make(shared.view()), shared.view()
    make(view)
    one.set_state({"a": 1})
    shared.deliver()
    assert view.writes == 0


def test_programs_whose_listeners_set_the_state_again_come_to_rest(shared: Shared) -> None:
    stores = [make(shared.view()) for _ in range(3)]
    for store in stores:
        store.subscribe(lambda state: state["a"], doubling(store))
    stores[0].set_state({"a": 21})
    shared.deliver()
    assert [(store.get_state()["a"], store.get_state()["b"]) for store in stores] == [(21, 42)] * 3
    assert sum(view.writes for view in shared.views) == 1


def doubling(store: Any) -> Callable[[int, int], None]:
    return lambda new, old: store.set_state({"b": 2 * new})


def test_without_sync_nobody_is_told(shared: Shared) -> None:
    view = shared.view()
    store = create_store(
        persist(lambda set_state, get_state, store: {"a": 0}, name="app", storage=view)
    )
    shared.change(text(a=1))
    shared.deliver()
    assert store.get_state() == {"a": 0}
    assert view.callbacks == []


def test_the_callbacks_of_a_hydration_hear_of_it(shared: Shared) -> None:
    heard: list[object] = []

    def on_rehydrate_storage(state: State) -> Callable[[Any, Any], None]:
        heard.append(("start", state["a"]))
        return lambda state, error: heard.append(("end", state["a"], error))

    store = make(shared.view(), on_rehydrate_storage=on_rehydrate_storage)
    heard.clear()
    store.persist.on_hydrate(lambda state: heard.append("hydrate"))
    store.persist.on_finish_hydration(lambda state: heard.append("finish"))
    shared.change(text(a=5))
    shared.deliver()
    assert heard == ["hydrate", ("start", 0), ("end", 5, None), "finish"]
    assert store.persist.has_hydrated()


# --- which change is newer ---


def test_a_change_that_was_made_after_the_storage_was_read_is_not_lost(shared: Shared) -> None:
    view = shared.view()
    store = make(view)

    def change_meanwhile() -> None:
        view.after_read = lambda: None
        store.set_state({"a": 2})

    shared.change(text(a=1))
    view.after_read = change_meanwhile
    shared.deliver()
    assert store.get_state()["a"] == 2
    assert shared.text == text(a=2, b=0, local=0)


def test_a_change_that_is_being_written_is_not_lost(shared: Shared) -> None:
    view = shared.view()
    store = make(view)

    def notice_meanwhile() -> None:
        view.before_write = lambda: None
        shared.change(text(a=1))
        view.deliver()
        assert store.get_state()["a"] == 2, "the notice has to wait"

    view.before_write = notice_meanwhile
    store.set_state({"a": 2})
    assert store.get_state()["a"] == 2
    assert shared.text == text(a=2, b=0, local=0)


def test_a_change_that_is_being_told_to_listeners_is_not_lost(shared: Shared) -> None:
    view = shared.view()
    store = make(view)
    shared.change(text(a=1))
    store.subscribe(lambda state, previous: shared.deliver())
    store.set_state({"a": 2})
    assert store.get_state()["a"] == 2
    assert shared.text == text(a=2, b=0, local=0)


def test_what_came_while_a_change_was_refused_is_taken_over_then(shared: Shared) -> None:
    store = make(shared.view())

    def failing(state: State) -> State:
        shared.change(text(a=1))
        shared.deliver()
        raise LookupError("the updater fails")

    with pytest.raises(LookupError):
        store.set_state(failing)
    assert store.get_state()["a"] == 1


def test_a_change_of_what_is_not_stored_does_not_undo_the_other_programs_change(
    shared: Shared,
) -> None:
    view = shared.view()
    store = make(view, partialize=without_local)
    store.set_state({"b": 1})
    shared.change(text(a=1, b=1))
    store.set_state({"local": 1})
    assert shared.text == text(a=1, b=1)
    shared.deliver()
    assert store.get_state() == {"a": 1, "b": 1, "local": 1}


def test_a_change_of_what_is_not_stored_does_not_keep_a_notice_from_being_taken(
    shared: Shared,
) -> None:
    view = shared.view()
    store = make(view, partialize=without_local)
    store.set_state({"b": 1})

    def change_meanwhile() -> None:
        view.after_read = lambda: None
        store.set_state({"local": 1})

    shared.change(text(a=1, b=1))
    view.after_read = change_meanwhile
    shared.deliver()
    assert store.get_state() == {"a": 1, "b": 1, "local": 1}
    assert shared.text == text(a=1, b=1)


def test_setting_the_state_back_is_written(shared: Shared) -> None:
    store = make(shared.view())
    store.set_state({"a": 1})
    store.set_state({"a": 0})
    assert shared.text == text(a=0, b=0, local=0)


def test_after_clearing_the_same_state_is_written_again(shared: Shared) -> None:
    store = make(shared.view())
    store.set_state({"a": 1})
    store.persist.clear_storage()
    assert shared.text is None
    store.set_state({"a": 1})
    assert shared.text == text(a=1, b=0, local=0)


def test_that_another_has_cleared_the_storage_leaves_the_state(shared: Shared) -> None:
    one, two = make(shared.view()), make(shared.view())
    one.set_state({"a": 1})
    shared.deliver()
    one.persist.clear_storage()
    shared.deliver()
    assert two.get_state()["a"] == 1


def test_threads_and_notices_end_with_all_programs_at_one_state(shared: Shared) -> None:
    one, two = make(shared.view()), make(shared.view())
    is_over = threading.Event()

    def count(store: Any, key: str) -> None:
        for _ in range(300):
            store.set_state(lambda state: {key: state[key] + 1})

    def deliver() -> None:
        while not is_over.is_set():
            for view in shared.views:
                view.deliver()

    threads = [threading.Thread(target=count, args=pair) for pair in ((one, "a"), (two, "b"))]
    notices = threading.Thread(target=deliver)
    for thread in [*threads, notices]:
        thread.start()
    for thread in threads:
        thread.join()
    is_over.set()
    notices.join()
    shared.deliver()
    assert one.get_state() == two.get_state()
    assert shared.text == text(**one.get_state())


# --- what cannot be used ---


@pytest.mark.parametrize("written", ["{", '{"state":{"a":1},"version":5}'])
def test_what_another_wrote_and_nobody_can_read_is_left_alone(
    shared: Shared, written: str, caplog: pytest.LogCaptureFixture
) -> None:
    store = make(shared.view())
    store.set_state({"a": 2})
    shared.change(written)
    shared.deliver()
    assert store.get_state()["a"] == 2
    assert shared.text == written
    assert store.persist.has_hydrated()
    assert "'app'" in caplog.text


def test_a_state_that_has_to_be_migrated_is_taken_over_and_not_written_back(
    shared: Shared,
) -> None:
    view = shared.view()
    store = make(view, version=1, migrate=lambda state, version: {"a": state["old"]})
    shared.change('{"state":{"old":5},"version":0}')
    shared.deliver()
    assert store.get_state()["a"] == 5
    assert view.writes == 0


def test_a_storage_that_cannot_be_read_again_is_logged(
    shared: Shared, caplog: pytest.LogCaptureFixture
) -> None:
    view = shared.view()
    store = make(view)

    def fail() -> None:
        raise OSError("the disk is gone")

    view.after_read = fail
    shared.change(text(a=1))
    shared.deliver()
    assert "could not be read again: the disk is gone" in caplog.text
    assert store.persist.has_hydrated()


# --- how long it listens ---


def test_a_store_that_is_gone_no_longer_listens(shared: Shared) -> None:
    view = shared.view()
    store = weakref.ref(make(view))
    gc.collect()
    assert store() is None
    assert view.callbacks == []


def test_it_listens_to_the_storage_of_its_options(shared: Shared) -> None:
    first, other = shared.view(), Shared()
    store = make(first)
    second = other.view()
    store.persist.set_options(storage=second)
    assert (len(first.callbacks), len(second.callbacks)) == (0, 1)
    other.change(text(a=1))
    other.deliver()
    assert store.get_state()["a"] == 1
    store.persist.set_options(sync=False)
    assert second.callbacks == []


def test_it_listens_from_the_first_hydration_on(shared: Shared) -> None:
    view = shared.view()
    store = make(view, skip_hydration=True)
    assert view.callbacks == []
    store.persist.rehydrate()
    store.persist.rehydrate()
    assert len(view.callbacks) == 1


# --- users ---


def test_a_login_and_a_logout_are_seen_by_the_other_program(shared: Shared) -> None:
    one, two = (UserStore(storage=shared.view(), sync=True) for _ in range(2))
    one.login("access", "refresh")
    shared.deliver()
    assert two.get_state() == one.get_state()
    assert two.get_state().session_id == one.get_state().session_id
    two.logout()
    shared.deliver()
    assert not one.get_state().is_login


def test_a_notice_in_another_thread_waits_for_a_slow_write(shared: Shared) -> None:
    view = shared.view()
    store = make(view)
    is_writing, may_write = threading.Event(), threading.Event()

    def write_slowly() -> None:
        view.before_write = lambda: None
        is_writing.set()
        may_write.wait(5)

    view.before_write = write_slowly
    writer = threading.Thread(target=store.set_state, args=({"a": 2},))
    writer.start()
    is_writing.wait(5)
    shared.change(text(a=1))
    View.deliver(view)
    assert store.get_state()["a"] == 2
    may_write.set()
    writer.join()
    wait_until(lambda: shared.text == text(a=2, b=0, local=0))
