"""What `persist` does with a synchronous storage, beyond what the vectors show."""

import json
import logging
import threading
from typing import Any

import attrs
import pytest
from zustax.store import Store, create_store
from zustax.store.middleware.persist import persist
from zustax.store.storage import MemoryStorage, StoredStateError

from .storages import FailingStorage

State = dict[str, Any]


def make(storage: Any, initial: Any = None, **options: Any) -> Any:
    first = {"count": 0} if initial is None else initial
    return create_store(
        persist(lambda set_state, get_state, store: first, name="app", storage=storage, **options)
    )


def stored(state: Any, version: Any = 0) -> str:
    return json.dumps({"state": state, "version": version})


# --- what is written ---


def test_the_text_is_that_of_zustand() -> None:
    storage = MemoryStorage()
    make(storage).set_state({"count": 1, "list": [None, True, 1.5, "é\ud800"]})
    assert storage.get_item("app") == (
        '{"state":{"count":1,"list":[null,true,1.5,"é\\ud800"]},"version":0}'
    )


def test_creating_a_store_writes_nothing() -> None:
    storage = MemoryStorage()
    make(storage)
    assert storage.get_item("app") is None


def test_functions_in_a_dict_are_left_out_at_any_depth() -> None:
    storage = MemoryStorage()
    make(storage).set_state({"save": print, "inner": {"call": len, "kept": 1}, "cls": dict})
    assert storage.get_item("app") == stored({"count": 0, "inner": {"kept": 1}}).replace(" ", "")


def test_numbers_that_json_lacks_become_null() -> None:
    storage = MemoryStorage()
    make(storage).set_state({"nan": float("nan"), "inf": [float("inf"), float("-inf")]})
    assert (
        storage.get_item("app") == '{"state":{"count":0,"nan":null,"inf":[null,null]},"version":0}'
    )


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({1, 2}, "state['x'] is a set, which JSON cannot hold"),
        ([0, {"y": b"bytes"}], "state['x'][1]['y'] is a bytes, which JSON cannot hold"),
        ([print], "state['x'][0] is a builtin_function_or_method, which JSON cannot hold"),
        ({1: "one"}, "state['x'] has a key of type int"),
        (10**5000, "too many digits"),
    ],
    ids=["set", "bytes", "function", "key", "digits"],
)
def test_what_json_cannot_hold_is_refused_with_its_place(value: object, message: str) -> None:
    storage = MemoryStorage({"app": stored({"count": 7})})
    store = make(storage)
    with pytest.raises(TypeError) as caught:
        store.set_state({"x": value})
    assert message in str(caught.value)
    assert store.get_state()["x"] is value, "the state changes all the same"
    assert storage.get_item("app") == stored({"count": 7})


def test_a_state_that_contains_itself_is_refused() -> None:
    loop: State = {}
    loop["loop"] = loop
    with pytest.raises(TypeError, match="contains itself"):
        make(MemoryStorage()).set_state(loop)


def test_partialize_is_given_a_copy() -> None:
    storage = MemoryStorage()

    def without_secret(state: State) -> State:
        del state["secret"]
        return state

    store = make(storage, {"count": 0, "secret": "s"}, partialize=without_secret)
    store.set_state({"count": 1})
    assert store.get_state() == {"count": 1, "secret": "s"}
    assert storage.get_item("app") == stored({"count": 1}).replace(" ", "")


def test_the_initializer_and_the_store_both_write() -> None:
    storage = MemoryStorage()

    def counter(set_state: Any, get_state: Any, store: Store[State]) -> State:
        return {"count": 0, "add": lambda: set_state({"count": get_state()["count"] + 1})}

    store = create_store(persist(counter, name="app", storage=storage))
    store.get_state()["add"]()
    assert storage.get_item("app") == '{"state":{"count":1},"version":0}'
    store.setState({"count": 5})
    assert storage.get_item("app") == '{"state":{"count":5},"version":0}'


def test_what_a_listener_that_raises_was_told_of_is_written_with_the_next_change() -> None:
    def failing(state: State, previous: State) -> None:
        raise LookupError("the listener fails")

    storage = MemoryStorage()
    store = make(storage)
    unsubscribe = store.subscribe(failing)
    with pytest.raises(LookupError):
        store.set_state({"count": 1})
    assert storage.get_item("app") is None
    unsubscribe()
    store.set_state({"more": 2})
    assert storage.get_item("app") == '{"state":{"count":1,"more":2},"version":0}'


def test_the_last_write_is_of_the_last_state_whichever_thread_was_last() -> None:
    storage = MemoryStorage()
    store = make(storage)

    def add() -> None:
        for _ in range(500):
            store.set_state(lambda state: {"count": state["count"] + 1})

    threads = [threading.Thread(target=add) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert storage.get_item("app") == '{"state":{"count":4000},"version":0}'


# --- what is read ---


def test_a_stored_state_is_there_when_the_store_is() -> None:
    store = make(MemoryStorage({"app": stored({"count": 7, "extra": [1]})}))
    assert store.get_state() == {"count": 7, "extra": [1]}
    assert store.get_initial_state() == {"count": 0}
    assert store.getInitialState() == {"count": 0}
    assert store.persist.has_hydrated()
    assert not store.persist.is_hydrating()


@pytest.mark.parametrize(
    "text",
    ["{", "", "[1,]", '{"state": NaN}', "[" * 100_000, 5],
    ids=["half", "empty", "comma", "NaN", "deep", "int"],
)
def test_a_text_that_is_no_json_leaves_the_state_as_it_is(
    text: Any, caplog: pytest.LogCaptureFixture
) -> None:
    errors: list[object] = []
    with caplog.at_level(logging.ERROR, "zustax"):
        store = make(
            MemoryStorage({"app": text}),
            on_rehydrate_storage=lambda state: lambda state, error: errors.extend((state, error)),
        )
    assert store.get_state() == {"count": 0}
    assert not store.persist.has_hydrated()
    assert not store.persist.is_hydrating()
    assert errors[0] is None
    assert isinstance(errors[1], StoredStateError)
    assert [record.name for record in caplog.records] == ["zustax"]
    assert "'app'" in caplog.text


def test_a_state_of_another_version_is_not_used_and_the_log_says_so(
    caplog: pytest.LogCaptureFixture,
) -> None:
    store = make(MemoryStorage({"app": stored({"count": 7}, version=1)}), version=2)
    assert store.get_state() == {"count": 0}
    assert "version 1 of the program, and this is version 2: pass migrate=" in caplog.text


def test_an_error_of_the_end_callback_does_not_keep_a_store_from_being_made(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def failing(state: object, error: object) -> None:
        raise LookupError("the callback fails")

    store = make(
        MemoryStorage({"app": stored({"count": 7})}), on_rehydrate_storage=lambda state: failing
    )
    assert store.get_state() == {"count": 7}
    assert "the callback fails" in caplog.text


def test_an_error_of_on_rehydrate_storage_itself_comes_out() -> None:
    def failing(state: object) -> None:
        raise LookupError("the callback fails")

    with pytest.raises(LookupError):
        make(MemoryStorage(), on_rehydrate_storage=failing)


def test_without_hydration_nothing_is_read() -> None:
    store = make(FailingStorage(LookupError()), skip_hydration=True)
    assert not store.persist.has_hydrated()
    assert not store.persist.is_hydrating()


def test_it_says_that_it_is_hydrating_to_those_who_ask_meanwhile() -> None:
    seen: list[bool] = []
    store = make(MemoryStorage())
    store.subscribe(lambda state, previous: seen.append(store.persist.is_hydrating()))
    store.persist.rehydrate()
    assert seen == [True]
    assert not store.persist.is_hydrating()


# --- states of other kinds ---


@pytest.mark.parametrize("state", [7, "text", 1.5, True, [1, [2]], None])
def test_a_state_that_is_no_dict_comes_back(state: object) -> None:
    storage = MemoryStorage()
    make(storage, "initial").set_state(state)
    again: Store[object] = make(storage, None if state is None else "initial")
    assert again.get_state() == ({"count": 0} if state is None else state)


def test_a_typed_state_comes_back_as_an_instance() -> None:
    @attrs.frozen
    class Settings:
        theme: str = "light"
        size: int = 1

    storage = MemoryStorage()
    make(storage, Settings()).set_state({"theme": "dark"})
    assert make(storage, Settings()).get_state() == Settings("dark")
    assert storage.get_item("app") == '{"state":{"theme":"dark","size":1},"version":0}'


# --- several at once ---


class Gate:
    """A middleware that holds back what one thread sets, until it is opened."""

    def __init__(self) -> None:
        self.held: threading.Thread | None = None
        self.is_reached = threading.Event()
        self.is_open = threading.Event()

    def __call__(self, initializer: Any) -> Any:
        def gated(set_state: Any, get_state: Any, store: Any) -> Any:
            def set_behind_gate(*arguments: Any) -> None:
                if threading.current_thread() is self.held:
                    self.is_reached.set()
                    assert self.is_open.wait(10)
                set_state(*arguments)

            return initializer(set_behind_gate, get_state, store)

        return gated

    def hold(self, function: Any) -> None:
        """Call a function in a thread of its own, up to where it sets the state."""
        self.held = threading.Thread(target=function)
        self.held.start()
        assert self.is_reached.wait(10)

    def open(self) -> None:
        """Let the thread go on, to its end."""
        assert self.held is not None
        self.is_open.set()
        self.held.join()


@pytest.fixture
def gate() -> Gate:
    return Gate()


def behind(gate: Gate, storage: MemoryStorage) -> Any:
    initializer = persist(
        lambda set_state, get_state, store: {"count": 0},
        name="app",
        storage=storage,
        skip_hydration=True,
    )
    return create_store(gate(initializer))


def test_of_hydrations_in_two_threads_the_one_that_began_last_counts(gate: Gate) -> None:
    storage = MemoryStorage({"app": stored({"count": 1})})
    store = behind(gate, storage)
    gate.hold(store.persist.rehydrate)
    storage.set_item("app", stored({"count": 2}))
    store.persist.rehydrate()
    gate.open()
    assert store.get_state() == {"count": 2}
    assert store.persist.has_hydrated()


def test_what_another_thread_clears_is_not_brought_back(gate: Gate) -> None:
    storage = MemoryStorage({"app": stored({"count": 1})})
    store = behind(gate, storage)
    gate.hold(store.persist.rehydrate)
    store.persist.clear_storage()
    gate.open()
    assert store.get_state() == {"count": 0}
    assert not store.persist.has_hydrated()
    assert not store.persist.is_hydrating()


# --- options ---


def test_options_can_be_changed_and_asked_for() -> None:
    first, second = MemoryStorage(), MemoryStorage()
    store = make(first)
    store.persist.set_options(storage=second, name="other", version=3)
    options = store.persist.get_options()
    assert (options.storage, options.name, options.version) == (second, "other", 3)
    store.set_state({"count": 1})
    assert first.get_item("app") is None
    assert second.get_item("other") == '{"state":{"count":1},"version":3}'


def test_an_unknown_option_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(TypeError, match="did you mean 'migrate'"):
        make(MemoryStorage(), migrat=print)
    with pytest.raises(TypeError, match="did you mean 'partialize'"):
        make(MemoryStorage()).persist.set_options(partialise=print)


def test_what_is_no_storage_is_refused() -> None:
    with pytest.raises(
        TypeError, match="object is no storage for this: it lacks get_item, set_item"
    ):
        make(object())


def test_following_others_needs_a_storage_that_tells_of_them() -> None:
    with pytest.raises(TypeError, match="it lacks subscribe; sync=True needs it"):
        make(MemoryStorage(), sync=True)


def test_arguments_of_a_wrong_kind_are_refused() -> None:
    with pytest.raises(TypeError, match="initializer must be a function"):
        persist({"count": 0}, name="app")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="name must be a str, not int"):
        make(MemoryStorage()).persist.set_options(name=5)
    for role in ("partialize", "migrate", "merge", "on_rehydrate_storage"):
        with pytest.raises(TypeError, match=f"{role} must be a function, not int"):
            make(MemoryStorage(), **{role: 5})


@pytest.mark.parametrize("version", ["1", True, None, float("nan"), float("inf")])
def test_a_version_is_a_number(version: Any) -> None:
    with pytest.raises(TypeError, match=f"version must be a finite number, not {version!r}"):
        make(MemoryStorage(), version=version)


def test_one_initializer_makes_stores_of_their_own() -> None:
    initializer = persist(
        lambda set_state, get_state, store: {"count": 0}, name="app", storage=MemoryStorage()
    )
    first, second = create_store(initializer), create_store(initializer)
    first.set_state({"count": 1})
    assert second.get_state() == {"count": 0}
    assert first.persist is not second.persist
