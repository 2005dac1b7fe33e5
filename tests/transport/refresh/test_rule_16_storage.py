"""A storage that fails, is away, or is still being read."""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from zustax.store import FileStorage, MemoryStorage, RedisStorage, StorageError, UserStore
from zustax.transport import Instance, RefreshError, RequestConfig, create, silent_refresh

from ...store.storage.redis_server import RedisServer
from ...support.app import App
from ...support.server import REFRESH, AuthServer
from ...support.waiting import wait_until
from .conftest import NewApp, only_async

#: Seconds for another thread on a machine that has much else to do.
BOUND = 20.0


class Files(FileStorage):
    """Files that cannot be written, or read, while a test says so."""

    is_full = False
    is_gone = False
    is_without_locks = False

    def get_item(self, name: str) -> str | None:
        if self.is_gone:
            raise StorageError("the disk is gone")
        return super().get_item(name)

    def lock(self, name: str, *, timeout: float | None = None) -> AbstractContextManager[None]:
        if self.is_without_locks:
            raise StorageError("this disk has no locks")
        return super().lock(name, timeout=timeout)

    def replace_item(self, name: str, expected: str | None, value: str) -> bool:
        if self.is_full:
            raise StorageError("no space left on the disk")
        return super().replace_item(name, expected, value)


@pytest.fixture
def storage(tmp_path: Path) -> Files:
    return Files(tmp_path)


@pytest.fixture
def app(new_app: NewApp, storage: Files) -> App:
    """A program in which ada is logged in, and which does not hear of others by itself."""
    return new_app(store=UserStore(storage=storage, sync=False)).login()


def beside(storage: FileStorage) -> UserStore:
    """The store of another process."""
    return UserStore(storage=FileStorage(storage.directory), sync=False)


def test_rule_16_tokens_that_another_has_rotated_are_adopted_without_a_request(
    app: App, server: AuthServer, storage: Files
) -> None:
    other = beside(storage)
    server.expire()
    rotated = server.authority.refresh(app.tokens[1] or "")
    other.set_state(
        {
            "access_token": rotated.access_token,
            "refresh_token": rotated.refresh_token,
            "session_id": app.store.get_state().session_id,
        }
    )
    calls = app.get_together(5)
    assert [call.response().status for call in calls] == [200] * 5
    assert app.tokens == (rotated.access_token, rotated.refresh_token)
    assert server.count(REFRESH) == 0
    assert (app.stats.adopted, app.stats.refreshes, app.stats.replayed) == (1, 0, 5)
    assert app.close() == []


def test_rule_16_the_new_pair_is_stored_before_anybody_is_released(
    app: App, server: AuthServer, storage: Files
) -> None:
    stored: list[bool] = []
    server.expire()

    def look(response: object) -> object:
        stored.append(beside(storage).get_state() == app.store.get_state())
        return response

    app.api.interceptors.response.use(look)
    app.get("/items").response()
    assert stored == [True]


def test_rule_16_if_the_pair_cannot_be_written_the_requests_are_served_and_it_is_told(
    app: App, server: AuthServer, storage: Files, caplog: pytest.LogCaptureFixture
) -> None:
    old = app.tokens
    storage.is_full = True
    server.expire()
    assert [call.response().status for call in app.get_together(3)] == [200] * 3
    sent = app.signals.wait_for("refresh_failed")
    assert isinstance(sent["error"], RefreshError)
    assert "no space left on the disk" in str(sent["error"])
    assert app.tokens != old
    assert beside(storage).get_state().refresh_token == old[1]
    warnings = [one.getMessage() for one in caplog.records if one.levelno == logging.WARNING]
    assert len([text for text in warnings if "kept in memory" in text]) == 1
    assert app.close() == ["token_refreshed", "refresh_failed"]


def test_rule_16_no_other_process_refreshes_while_a_new_pair_cannot_be_written(
    app: App, new_app: NewApp, server: AuthServer, storage: Files
) -> None:
    other = new_app(store=beside(storage), timeout=0.5)
    storage.is_full = True
    server.expire()
    assert app.get("/items").response().status == 200
    assert other.get("/items").error().status == 401
    storage.is_full = False
    wait_until(lambda: beside(storage).get_state() == app.store.get_state(), BOUND)
    assert other.get("/items").response().status == 200
    assert server.count(REFRESH) == 1
    assert other.tokens == app.tokens


def test_rule_16_what_could_not_be_written_is_written_with_the_next_refresh(
    app: App, server: AuthServer, storage: Files
) -> None:
    storage.is_full = True
    server.expire()
    app.get("/items").response()
    storage.is_full = False
    server.expire()
    server.answer(REFRESH, status=503)
    app.get("/items").error()
    assert beside(storage).get_state() == app.store.get_state()


def test_rule_16_what_could_not_be_written_is_written_as_soon_as_it_can_be(
    app: App, server: AuthServer, storage: Files
) -> None:
    storage.is_full = True
    server.expire()
    app.get("/items").response()
    storage.is_full = False
    wait_until(lambda: bool(beside(storage).get_state() == app.store.get_state()))
    assert server.count(REFRESH) == 1


class Full(Files):
    """Files of a disk whose owner says so before anything is written."""

    def ensure_writable(self, name: str, size: int) -> None:
        if self.is_full:
            raise StorageError("no space left on the disk")
        super().ensure_writable(name, size)


def test_rule_16_a_full_disk_is_found_before_a_token_is_rotated(
    new_app: NewApp, server: AuthServer, tmp_path: Path
) -> None:
    storage = Full(tmp_path)
    apps = [new_app(store=UserStore(storage=storage, sync=False)) for _ in range(2)]
    apps[0].login()
    apps[1].store.persist.rehydrate()
    server.expire()
    storage.is_full = True
    for app in apps:
        error = app.get("/items").error()
        assert (error.status, server.count(REFRESH)) == (401, 0)
        assert "no space left on the disk" in str(error.__cause__)
        assert app.store.get_state().is_login
    storage.is_full = False
    assert [app.get("/items").response().status for app in reversed(apps)] == [200] * 2
    assert server.count(REFRESH) == 1
    assert server.authority.journal.count("reuse") == 0


def test_rule_16_a_disk_that_was_full_keeps_the_session_of_a_real_process(
    server: AuthServer, tmp_path: Path
) -> None:
    tokens = server.login("ada")
    arguments = [server.url, str(tmp_path), tokens.access_token, tokens.refresh_token]
    server.expire()
    ended = subprocess.run(
        [sys.executable, "-c", ON_A_FULL_DISK, *arguments],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert server.count(REFRESH) == 1


#: No file of the process may grow while its disk is "full", whoever runs it.
ON_A_FULL_DISK = """
import resource, signal, sys
from zustax.store import FileStorage, UserStore
from zustax.transport import create_sync, silent_refresh

url, folder, access_token, refresh_token = sys.argv[1:]
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
store = UserStore(storage=FileStorage(folder))
store.login(access_token, refresh_token)
with create_sync(base_url=url, validate_status=None) as api:
    silent_refresh(api, store)
    _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, most))
    assert api.get("/items").status == 401
    assert store.get_state().refresh_token == refresh_token
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
    assert api.get("/items").status == 200
assert UserStore(storage=FileStorage(folder)).get_state() == store.get_state()
"""


def test_rule_16_a_storage_that_cannot_be_read_fails_the_refresh_and_keeps_the_session(
    app: App, server: AuthServer, storage: Files
) -> None:
    tokens = app.tokens
    server.expire()
    storage.is_gone = True
    error = app.get("/items").error()
    assert error.status == 401
    assert "the disk is gone" in str(error.__cause__)
    assert (server.count(REFRESH), app.tokens) == (0, tokens)
    storage.is_gone = False
    assert app.get("/items").response().status == 200


def test_rule_16_a_storage_that_cannot_make_a_lock_fails_the_refresh_and_keeps_the_session(
    app: App, server: AuthServer, storage: Files
) -> None:
    server.expire()
    storage.is_without_locks = True
    error = app.get("/items").error()
    assert (error.status, server.count(REFRESH)) == (401, 0)
    assert "this disk has no locks" in str(error.__cause__)
    storage.is_without_locks = False
    assert app.get("/items").response().status == 200
    assert app.close() == ["refresh_failed", "token_refreshed"]


def test_rule_16_a_rejected_refresh_reads_the_storage_again(
    app: App, server: AuthServer, storage: Files
) -> None:
    server.expire()
    server.answer(REFRESH, status=401)
    gate = server.hold(REFRESH)
    call = app.get("/items")
    server.wait_for(1, REFRESH)
    rotated = server.authority.refresh(app.tokens[1] or "")
    beside(storage).set_state(
        {
            "access_token": rotated.access_token,
            "refresh_token": rotated.refresh_token,
            "session_id": app.store.get_state().session_id,
        }
    )
    gate.open()
    assert call.response().status == 200
    assert app.tokens == (rotated.access_token, rotated.refresh_token)
    assert app.close() == []


def test_rule_16_a_session_that_another_process_has_ended_is_not_refreshed(
    app: App, server: AuthServer, storage: Files
) -> None:
    beside(storage).logout()
    server.expire()
    assert app.get("/items").error().status == 401
    assert (server.count(REFRESH), app.tokens) == (0, (None, None))
    assert app.close() == []


@contextmanager
def held(storage: FileStorage) -> Iterator[None]:
    """Hold the lock, as another process would."""
    with FileStorage(storage.directory).lock("user"):
        yield


def test_rule_16_waiting_for_the_lock_is_bounded_by_the_timeout(
    new_app: NewApp, server: AuthServer, storage: Files
) -> None:
    app = new_app(store=UserStore(storage=storage), timeout=0.1).login()
    server.expire()
    with held(storage):
        error = app.get("/items").error()
    assert error.status == 401
    assert isinstance(error.__cause__, RefreshError)
    assert isinstance(error.__cause__.__cause__, TimeoutError)
    assert app.close() == ["refresh_failed"]


@only_async
def test_rule_16_waiting_for_the_lock_does_not_block_the_event_loop(
    app: App, server: AuthServer, storage: Files
) -> None:
    server.expire()
    with held(storage):
        waiting = app.get("/items")
        app.wait_for_waiting(1)
        server.answer("/other", status=204)
        other = app.get("/other", extra={"silent_refresh": False})
        assert other.response().status == 204
        assert not waiting.is_done
    assert waiting.response().status == 200


def test_rule_16_while_redis_is_away_the_session_goes_on_in_memory(
    new_app: NewApp, server: AuthServer
) -> None:
    redis = RedisServer()
    redis.start()
    with redis.client() as client:
        try:
            app = new_app(store=UserStore(storage=RedisStorage(client))).login()
            tokens = app.tokens
            redis.stop()
            assert app.get("/items").response().status == 200
            server.expire()
            error = app.get("/items").error()
            assert (error.status, app.tokens) == (401, tokens)
            assert "cannot be locked" in str(app.signals.wait_for("refresh_failed")["error"])
            redis.start()
            assert app.get("/items").response().status == 200
            assert server.authority.journal.count("reuse") == 0
        finally:
            redis.remove()


@only_async
@pytest.mark.parametrize("moment", ["before the lock", "during the call"])
def test_rule_16_a_redis_that_does_not_answer_does_not_stop_the_event_loop(
    new_app: NewApp, server: AuthServer, moment: str
) -> None:
    """It stands still until the loop has served another request and told those who wait."""
    redis = RedisServer()
    redis.start()
    with redis.client() as client:
        try:
            app = new_app(store=UserStore(storage=RedisStorage(client)), timeout=0.3).login()
            server.expire()
            server.answer("/other", status=204)
            gate = server.hold(REFRESH)
            if moment == "before the lock":
                redis.stop_for_a_while()
                call = app.get("/items")
                app.wait_for_waiting(1)
            else:
                call = app.get("/items")
                server.wait_for(1, REFRESH)
                redis.stop_for_a_while()
            gate.open()
            other = app.get("/other", extra={"silent_refresh": False})
            assert other.response().status == 204
            wait_until(lambda: call.is_done, 10.0)
            redis.go_on()
            assert app.get("/items").response(10.0).status == 200
            assert server.authority.journal.count("reuse") == 0
        finally:
            redis.go_on()
            redis.remove()


# --- a store that is still hydrating ---


class Slow:
    """An asynchronous storage that answers when it may."""

    def __init__(self, text: str | None) -> None:
        self.text = text
        self.may_answer = asyncio.Event()

    async def get_item(self, name: str) -> str | None:
        text = self.text
        await self.may_answer.wait()
        return text

    async def set_item(self, name: str, value: str) -> None:
        self.text = value

    async def remove_item(self, name: str) -> None:
        self.text = None


def text_of(server: AuthServer) -> str | None:
    """What is stored of a session of ada's."""
    storage, tokens = MemoryStorage(), server.login("ada")
    UserStore(storage=storage).login(tokens.access_token, tokens.refresh_token)
    return storage.get_item("user")


async def begun(api: Instance) -> asyncio.Future[Any]:
    """A request that has gone as far as it can."""
    has_begun = asyncio.Event()

    def note(config: RequestConfig) -> RequestConfig:
        has_begun.set()
        return config

    api.interceptors.request.use(note)
    request = asyncio.ensure_future(api.get("/items"))
    await has_begun.wait()
    return request


async def test_a_request_waits_for_a_store_that_is_still_hydrating(server: AuthServer) -> None:
    storage = Slow(text_of(server))
    async with create(base_url=server.url) as api:
        silent_refresh(api, UserStore(storage=storage))
        request = await begun(api)
        storage.may_answer.set()
        assert (await request).data["user"] == "ada"
    assert server.count("/items") == 1


async def test_a_request_waits_for_that_no_longer_than_the_timeout(server: AuthServer) -> None:
    async with create(base_url=server.url) as api:
        store = UserStore(storage=Slow(None))
        silent_refresh(api, store, timeout=0.05)
        with pytest.raises(Exception, match="could not be renewed") as caught:
            await api.get("/items")
        assert "has not read its storage within 0.05 seconds" in str(caught.value.__cause__)
        store.persist.clear_storage()
    assert server.count("/items") == 0


async def test_a_logout_during_hydration_is_not_undone_by_the_late_read(
    server: AuthServer,
) -> None:
    storage = Slow(text_of(server))
    async with create(base_url=server.url) as api:
        store = UserStore(storage=storage)
        silent_refresh(api, store)
        request = await begun(api)
        store.logout()
        storage.may_answer.set()
        with pytest.raises(Exception, match="401"):
            await request
        await store.persist.flush()
        assert not store.get_state().is_login
    assert [seen.token for seen in server.seen("/items")] == [None]


async def test_an_asynchronous_storage_without_a_lock_is_written_before_anybody_is_released(
    server: AuthServer,
) -> None:
    storage = Slow(text_of(server))
    storage.may_answer.set()
    async with create(base_url=server.url) as api:
        store = UserStore(storage=storage)
        silent_refresh(api, store)
        server.expire()
        await api.get("/items")
        assert (store.get_state().refresh_token or "") in (storage.text or "")
