"""A storage in Redis, with both of its clients and a real server."""

import asyncio
import gc
import json
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import redis.asyncio
from zustax.store import UserStore, create_store, persist
from zustax.store.storage import RedisStorage, StorageError, StoredStateError

from ...support.waiting import BOUND, until, wait_until
from .processes import increment_at_once
from .redis_server import RedisServer

TOKEN = "the-token-9c1d"


@pytest.fixture
def client(server: RedisServer) -> Iterator[redis.Redis]:
    with server.client() as client:
        yield client


@pytest.fixture
def storage(client: redis.Redis) -> RedisStorage:
    return RedisStorage(client)


@pytest.fixture
def other(server: RedisServer) -> Iterator[RedisStorage]:
    with server.client(decode_responses=True) as client:
        yield RedisStorage(client)


@pytest.fixture
async def async_storage(server: RedisServer) -> AsyncIterator[RedisStorage]:
    async with server.async_client() as client:
        yield RedisStorage(client)
        await end_subscriptions()


async def end_subscriptions() -> None:
    """End the tasks that still listen, so that none is left with a connection of its own."""
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


class Calls:
    """Counts its calls."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self) -> None:
        self.count += 1


# --- items ---


def test_it_keeps_replaces_and_forgets(storage: RedisStorage, client: redis.Redis) -> None:
    assert storage.get_item("a") is None
    storage.set_item("a", "1")
    storage.set_item("a", "2")
    assert storage.get_item("a") == "2"
    assert client.keys() == [b"zustax:state:a"]
    storage.remove_item("a")
    storage.remove_item("a")
    assert storage.get_item("a") is None


async def test_it_does_so_asynchronously(async_storage: RedisStorage) -> None:
    assert await async_storage.get_item("a") is None
    await async_storage.set_item("a", "1")
    await async_storage.set_item("a", "2")
    assert await async_storage.get_item("a") == "2"
    await async_storage.remove_item("a")
    await async_storage.remove_item("a")
    assert await async_storage.get_item("a") is None


@pytest.mark.parametrize("text", ["", "naïve\r\n\x00", "x" * 1_000_000])
def test_any_text_comes_back_with_whatever_client(
    storage: RedisStorage, other: RedisStorage, text: str
) -> None:
    storage.set_item("a", text)
    assert storage.get_item("a") == other.get_item("a") == text


def test_half_of_a_surrogate_pair_comes_back(storage: RedisStorage) -> None:
    storage.set_item("a", "\ud800")
    assert storage.get_item("a") == "\ud800"


def test_a_prefix_keeps_programs_apart(client: redis.Redis) -> None:
    one, two = RedisStorage(client, prefix="one"), RedisStorage(client, prefix="two")
    one.set_item("a", "1")
    assert two.get_item("a") is None


def test_what_is_no_name_or_number_is_refused(client: redis.Redis) -> None:
    with pytest.raises(TypeError, match="name of an item must be a str, not int"):
        RedisStorage(client).get_item(5)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="lock_timeout must be a positive number, not 0"):
        RedisStorage(client, lock_timeout=0)
    with pytest.raises(TypeError, match="callback must be a function"):
        RedisStorage(client).subscribe("a", None)  # type: ignore[arg-type]


def test_its_repr_shows_no_address(client: redis.Redis) -> None:
    assert repr(RedisStorage(client, prefix="app")) == "RedisStorage(prefix='app')"


def test_what_redis_holds_and_is_no_text_is_an_error(
    storage: RedisStorage, client: redis.Redis
) -> None:
    client.set("zustax:state:a", b"\xff")
    with pytest.raises(StoredStateError, match="'a' holds no text"):
        storage.get_item("a")
    client.lpush("zustax:state:b", "1")
    with pytest.raises(StorageError, match="'b' cannot be read: WRONGTYPE"):
        storage.get_item("b")


def test_a_server_that_is_gone_is_an_error_without_the_token(server: RedisServer) -> None:
    gone = RedisStorage(server.client(socket=server.socket + ".gone"))
    store = UserStore(storage=gone)
    with pytest.raises(StorageError, match="'user' cannot be written before it is read") as caught:
        store.login(TOKEN, TOKEN)
    assert store.get_state().is_login
    assert len(caught.traceback) == 1, "no frame but that of the test"
    assert isinstance(caught.value.__cause__, redis.ConnectionError)
    assert caught.value.__cause__.__traceback__ is None


# --- the lock ---


@pytest.mark.timeout(180)
def test_four_processes_lose_no_increment(server: RedisServer, storage: RedisStorage) -> None:
    count = increment_at_once("redis", server.socket)
    assert storage.get_item("count") == str(count)


def test_one_holder_at_a_time(storage: RedisStorage, other: RedisStorage) -> None:
    with (
        storage.lock("a"),
        pytest.raises(TimeoutError, match=r"the lock of 'a' is held elsewhere for 0\.02 s"),
    ):
        other.lock("a", timeout=0.02).__enter__()
    with other.lock("a", timeout=0), storage.lock("b", timeout=0):
        pass


async def test_one_holder_at_a_time_asynchronously(
    async_storage: RedisStorage, storage: RedisStorage
) -> None:
    async with async_storage.lock("a"):
        with pytest.raises(TimeoutError):
            await async_storage.lock("a", timeout=0.02).__aenter__()
        with pytest.raises(TimeoutError), storage.lock("a", timeout=0):
            pass
    async with async_storage.lock("a", timeout=0):
        pass


def test_what_a_dead_holder_has_locked_becomes_free(client: redis.Redis) -> None:
    held = RedisStorage(client, lock_timeout=0.05).lock("a")
    held.__enter__()
    with (
        RedisStorage(client).lock("a", timeout=10),
        pytest.raises(StorageError, match="the lock of 'a' cannot be released"),
    ):
        held.__exit__(None, None, None)


def test_one_thread_may_release_what_another_has_acquired(storage: RedisStorage) -> None:
    held = storage.lock("a")
    thread = threading.Thread(target=held.__enter__)
    thread.start()
    thread.join()
    held.__exit__(None, None, None)
    with storage.lock("a", timeout=0):
        pass


def test_a_lock_that_is_forgotten_goes_without_a_word_when_the_server_is_away(
    server: RedisServer,
) -> None:
    with server.client() as client:
        lock = RedisStorage(client).lock("user")
        lock.__enter__()
        server.stop()
        try:
            del lock
            gc.collect()  # an error here would fail the test
        finally:
            server.start()


async def test_a_cancelled_holder_frees_the_lock(async_storage: RedisStorage) -> None:
    is_inside = asyncio.Event()

    async def hold() -> None:
        async with async_storage.lock("a"):
            is_inside.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(hold())
    await is_inside.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with async_storage.lock("a", timeout=0):
        pass


# --- notices ---


def test_a_change_by_another_is_told(storage: RedisStorage, other: RedisStorage) -> None:
    calls = Calls()
    unsubscribe = storage.subscribe("a", calls)
    wait_until(lambda: calls.count == 1)  # for the connection
    other.set_item("a", "1")
    wait_until(lambda: calls.count == 2)
    other.remove_item("a")
    wait_until(lambda: calls.count == 3)
    unsubscribe()


def test_ones_own_changes_and_those_of_other_items_are_no_news(
    storage: RedisStorage, other: RedisStorage
) -> None:
    calls = Calls()
    unsubscribe = storage.subscribe("a", calls)
    wait_until(lambda: calls.count == 1)
    storage.set_item("a", "1")
    other.set_item("b", "1")
    storage.remove_item("a")
    other.set_item("a", "2")
    wait_until(lambda: calls.count > 1)
    assert calls.count == 2
    unsubscribe()


async def test_changes_are_told_in_the_event_loop(
    async_storage: RedisStorage, other: RedisStorage
) -> None:
    threads: list[int] = []
    unsubscribe = async_storage.subscribe("a", lambda: threads.append(threading.get_ident()))
    await until(lambda: len(threads) == 1)
    other.set_item("a", "1")
    await until(lambda: len(threads) == 2)
    assert set(threads) == {threading.get_ident()}
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    unsubscribe()
    await until(lambda: all(task.done() for task in tasks))


def test_the_thread_ends_when_nobody_is_subscribed(storage: RedisStorage) -> None:
    before = set(threading.enumerate())
    calls = Calls()
    unsubscribe = storage.subscribe("a", calls)
    (thread,) = set(threading.enumerate()) - before
    wait_until(lambda: calls.count)
    unsubscribe()
    thread.join(BOUND)
    assert not thread.is_alive()


def test_without_an_event_loop_an_asynchronous_client_hears_nothing(server: RedisServer) -> None:
    with pytest.raises(RuntimeError, match="none is running: subscribe inside a coroutine"):
        RedisStorage(server.async_client()).subscribe("a", print)


def test_a_subscriber_that_fails_hears_of_the_next_change(
    storage: RedisStorage, other: RedisStorage, caplog: pytest.LogCaptureFixture
) -> None:
    calls = Calls()

    def failing() -> None:
        calls()
        raise LookupError("this fails")

    unsubscribe = storage.subscribe("a", failing)
    wait_until(lambda: calls.count == 1)
    other.set_item("a", "1")
    wait_until(lambda: calls.count == 2)
    unsubscribe()
    assert "a subscriber to a storage failed: this fails" in caplog.text


def test_a_subscription_that_has_ended_says_nothing_of_a_closed_client(
    server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    client, calls = server.client(), Calls()
    before = set(threading.enumerate())
    unsubscribe = RedisStorage(client).subscribe("ended", calls)
    (listener,) = set(threading.enumerate()) - before
    wait_until(lambda: calls.count == 1)
    unsubscribe()
    client.close()
    listener.join(10)
    assert not listener.is_alive()
    assert "zustax:changed:ended" not in caplog.text


@pytest.mark.parametrize("is_async", [False, True])
async def test_after_the_server_was_away_one_is_told_to_look(
    is_async: bool, caplog: pytest.LogCaptureFixture
) -> None:
    server = RedisServer()
    server.start()
    client: Any = server.async_client() if is_async else server.client()
    calls = Calls()
    try:
        unsubscribe = RedisStorage(client).subscribe("away", calls)
        await until(lambda: calls.count == 1)
        server.stop()
        await until(lambda: "no notices on zustax:changed:away" in caplog.text, bound=20)
        server.start()
        await until(lambda: calls.count == 2, bound=20)
        assert caplog.text.count("no notices on zustax:changed:away") == 1
        unsubscribe()
    finally:
        await end_subscriptions()
        await client.aclose() if is_async else client.close()
        server.remove()


# --- stores ---


async def test_an_asynchronous_store_survives_a_restart(async_storage: RedisStorage) -> None:
    store = UserStore(storage=async_storage)
    store.login("access", "refresh")
    await store.persist.flush()
    again = UserStore(storage=async_storage)
    await until(again.persist.has_hydrated)
    assert again.get_state() == store.get_state()


async def test_stores_of_both_kinds_follow_one_another(
    storage: RedisStorage, async_storage: RedisStorage
) -> None:
    plain = UserStore(storage=storage, sync=True)
    store = UserStore(storage=async_storage, sync=True)
    plain.login("access", "refresh")
    await until(lambda: store.get_state() == plain.get_state())
    store.logout()
    await until(lambda: not plain.get_state().is_login)
    assert json.loads(storage.get_item("user"))["state"]["access_token"] is None


def test_a_state_of_another_version_is_set_aside(
    storage: RedisStorage, client: redis.Redis
) -> None:
    text = '{"state":{"a":1},"version":7}'
    storage.set_item("app", text)
    store = create_store(persist(lambda: {"a": 0}, name="app", storage=storage))
    assert store.get_state() == {"a": 0}
    assert storage.get_item("app") is None
    store.set_state({"a": 2})
    assert client.lrange("zustax:corrupt:app", 0, -1) == [text.encode()]
    store.persist.clear_storage()
    assert client.keys("zustax:*:app") == []


async def test_an_asynchronous_storage_sets_aside_as_well(
    async_storage: RedisStorage, client: redis.Redis
) -> None:
    await async_storage.set_item("app", "{")
    store = create_store(persist(lambda: {"a": 0}, name="app", storage=async_storage))
    await store.persist.hydrated()
    store.set_state({"a": 2})
    await store.persist.flush()
    assert await async_storage.get_item("app") == '{"state":{"a":2},"version":0}'
    assert client.lrange("zustax:corrupt:app", 0, -1) == [b"{"]
    store.persist.clear_storage()
    await store.persist.flush()
    assert client.keys("zustax:*:app") == []


def test_only_the_newest_of_the_texts_that_were_set_aside_are_kept(
    storage: RedisStorage, client: redis.Redis
) -> None:
    for number in range(25):
        storage.set_item("a", f"bad {number}")
        storage.set_aside("a", f"bad {number}")
    storage.set_item("a", "good, and newer")
    storage.set_aside("a", "bad")
    assert storage.get_item("a") == "good, and newer"
    assert len(client.lrange("zustax:corrupt:a", 0, -1)) == 10


def test_that_a_text_can_be_written_is_found_out_beside_it(
    storage: RedisStorage, client: redis.Redis
) -> None:
    storage.set_item("a", "1")
    storage.ensure_writable("a", 10_000)
    assert storage.get_item("a") == "1"
    assert 0 < client.pttl("zustax:probe:a") <= 1000
    client.config_set("maxmemory", "1")
    try:
        with pytest.raises(StorageError, match=r"'a' cannot be written: .*maxmemory"):
            storage.ensure_writable("a", 10_000)
    finally:
        client.config_set("maxmemory", "0")


def test_a_url_is_as_good_as_a_client(server: RedisServer) -> None:
    storage = RedisStorage(f"unix://{server.socket}")
    storage.set_item("a", "1")
    assert storage.get_item("a") == "1"


@pytest.mark.parametrize("wrong", [None, 5, object(), redis.Redis, "localhost:6379"])
def test_what_is_no_client_is_refused_with_what_it_takes(wrong: Any) -> None:
    with pytest.raises((TypeError, ValueError), match=r"redis.*://|a URL or a client"):
        RedisStorage(wrong)
