"""The signals of a session as messages."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from textual import on
from textual.app import App, ComposeResult
from textual.message import Message
from textual.widgets import Static
from zustax.transport import (
    Instance,
    RefreshError,
    RequestConfig,
    SyncInstance,
    TokenPair,
    create,
    create_sync,
    login_required,
    refresh_failed,
    token_refreshed,
)
from zustax.transport.textual import LoginRequired, RefreshFailed, SessionBound, TokenRefreshed

from ..support.waiting import BOUND, until

URL = "http://127.0.0.1"
PAIR = TokenPair("an-access-token", "a-refresh-token")
ERROR = RefreshError("the refresh call was answered 401", rejected=True)


class Host(SessionBound, App[None]):
    """Notes the messages that reach it."""

    def __init__(self) -> None:
        super().__init__()
        self.messages: list[Message] = []
        self.threads: set[int] = set()

    @on(TokenRefreshed)
    @on(LoginRequired)
    @on(RefreshFailed)
    def note(self, event: Message) -> None:
        self.messages.append(event)
        self.threads.add(threading.get_ident())


@pytest.fixture(params=[create, create_sync], ids=["async", "sync"])
def api(request: pytest.FixtureRequest) -> Instance | SyncInstance:
    instance: Instance | SyncInstance = request.param(base_url=URL)
    return instance


@pytest.fixture
def receivers() -> Iterator[None]:
    """Nobody is connected when the test has ended."""
    signals = (token_refreshed, refresh_failed, login_required)
    before = [len(signal.receivers) for signal in signals]
    yield
    assert [len(signal.receivers) for signal in signals] == before


pytestmark = pytest.mark.usefixtures("receivers")


async def test_a_refresh_is_a_message(api: Instance | SyncInstance) -> None:
    app = Host()
    app.watch_session(api)
    async with app.run_test():
        token_refreshed.send(api, tokens=PAIR)
        await until(lambda: app.messages)
    (event,) = app.messages
    assert isinstance(event, TokenRefreshed)
    assert (event.instance, event.tokens) == (api, PAIR)


async def test_a_refresh_that_failed_is_a_message(api: Instance | SyncInstance) -> None:
    app = Host()
    app.watch_session(api)
    async with app.run_test():
        refresh_failed.send(api, error=ERROR)
        await until(lambda: app.messages)
    (event,) = app.messages
    assert isinstance(event, RefreshFailed)
    assert (event.instance, event.error) == (api, ERROR)


async def test_the_end_of_a_session_is_a_message(api: Instance | SyncInstance) -> None:
    app = Host()
    app.watch_session(api)
    config = RequestConfig(url="/items")
    async with app.run_test():
        login_required.send(api, reason="refresh_rejected", error=ERROR, config=config)
        await until(lambda: app.messages)
    (event,) = app.messages
    assert isinstance(event, LoginRequired)
    assert (event.instance, event.reason) == (api, "refresh_rejected")
    assert (event.error, event.config) == (ERROR, config)


async def test_it_comes_in_the_thread_of_the_app_and_the_sender_does_not_wait(
    api: Instance | SyncInstance,
) -> None:
    app = Host()
    app.watch_session(api)
    async with app.run_test():
        sender = threading.Thread(target=lambda: token_refreshed.send(api, tokens=PAIR))
        sender.start()
        sender.join(BOUND)  # meanwhile the app can do nothing
        assert not sender.is_alive()
        assert app.messages == []
        await until(lambda: app.messages)
    assert app.threads == {threading.get_ident()}


async def test_it_bubbles_up_from_a_widget(api: Instance | SyncInstance) -> None:
    class Part(SessionBound, Static):
        pass

    class Whole(Host):
        def compose(self) -> ComposeResult:
            yield Part()

    app = Whole()
    async with app.run_test():
        app.query_one(Part).watch_session(api)  # after it was mounted
        token_refreshed.send(api, tokens=PAIR)
        await until(lambda: app.messages)
        assert len(app.messages) == 1


async def test_it_is_of_that_instance_alone(api: Instance | SyncInstance) -> None:
    app = Host()
    app.watch_session(api)
    async with app.run_test():
        token_refreshed.send(create(base_url=URL), tokens=PAIR)
        refresh_failed.send(api, error=ERROR)
        await until(lambda: app.messages)
    assert [type(event) for event in app.messages] == [RefreshFailed]


async def test_it_shows_no_token(api: Instance | SyncInstance) -> None:
    event = TokenRefreshed(api, PAIR)
    assert "-token" not in f"{event!r} {event.tokens!r} {vars(event)!r}"
