"""What Textual prints when an app crashes: the local variables of every frame, and no secret."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from textual.app import App
from textual.widgets import Input, Static
from zustax.store import UserStore, create_store, devtools
from zustax.store.textual import StoreBound
from zustax.transport import TokenPair, create, token_refreshed
from zustax.transport.textual import (
    InspectorScreen,
    LoginScreen,
    SessionBound,
    TokenRefreshed,
    ask_on_screen,
)

from ..support.waiting import until
from .traces import FixedTrace

pytestmark = pytest.mark.usefixtures("without_debug_mode")

SECRET = "s3cret"
PAIR = TokenPair(SECRET + "-access", SECRET + "-refresh")


def fail(*given: Any) -> None:
    """Raise, as a function of the app's author does that keeps nothing in a local variable."""
    del given
    reason = "nothing-secret"
    raise ZeroDivisionError(reason)


class Quiet(StoreBound, Static):
    """Follows a store, and crashes when the state changes."""

    def __init__(self, store: Any, selector: Any, callback: Any, **options: Any) -> None:
        super().__init__()
        self.watch_store(store, selector, callback, init=False, **options)


class Selector:
    """A selector that fails from some moment on."""

    fails = False

    def __call__(self, *given: Any) -> Any:
        del given
        if self.fails:
            fail()


class Host(App[None]):
    """An app whose crash reports can be read."""

    def __init__(self, play: Callable[[Any], Any]) -> None:
        super().__init__()
        self._play = play

    async def play(self) -> None:
        async with self.run_test():
            await self._play(self)
            await until(lambda: not self.is_running)


def user_store() -> UserStore:
    store = UserStore()
    store.login(SECRET + "-old", SECRET + "-old-refresh")
    return store


async def a_callback_raises(app: Host) -> None:
    store = user_store()
    await app.mount(Quiet(store, lambda state: state.access_token, fail))
    store.set_state({"access_token": SECRET})


async def a_callback_raises_over_a_dict(app: Host) -> None:
    store = create_store({"access_token": SECRET})
    await app.mount(Quiet(store, lambda state: state["access_token"], fail))
    store.set_state({"access_token": SECRET + "-new"})


async def a_selector_raises(app: Host) -> None:
    store = user_store()
    selector = Selector()
    await app.mount(Quiet(store, selector, print))
    selector.fails = True
    store.set_state({"access_token": SECRET})


async def an_equality_function_raises(app: Host) -> None:
    store = user_store()
    await app.mount(Quiet(store, lambda state: state.access_token, print, equality_fn=fail))
    store.set_state({"access_token": SECRET})


async def a_handler_of_a_message_raises(app: Host) -> None:
    class Failing(SessionBound, Static):
        def on_token_refreshed(self, event: TokenRefreshed) -> None:
            fail()

    api = create(base_url="http://127.0.0.1")
    failing = Failing()
    failing.watch_session(api)
    await app.mount(failing)
    token_refreshed.send(api, tokens=PAIR)


async def the_app_raises_when_it_is_given_the_pair(app: Host) -> None:
    screen = LoginScreen(lambda username, password: PAIR)
    app.push_screen(screen, fail)
    await until(lambda: screen.is_mounted)
    screen.query_one("#username", Input).value = "ada"
    screen.query_one("#password", Input).value = SECRET
    await screen.query_one("#password", Input).action_submit()


async def something_raises_while_the_dialog_is_open(app: Host) -> None:
    screen = LoginScreen(lambda username, password: PAIR)
    reauthenticate = ask_on_screen(app, lambda: screen)
    app.run_worker(reauthenticate())
    await until(lambda: screen.is_mounted)
    screen.query_one("#password", Input).value = SECRET
    screen.call_later(fail)


async def something_raises_in_the_inspector(app: Host) -> None:
    stores = {
        "user": user_store(),
        "shop": create_store(devtools(lambda *_: {"password": SECRET})),
    }
    screen = InspectorScreen(stores, FixedTrace())
    await app.push_screen(screen)
    screen.query_one("#state").call_later(fail)


@pytest.mark.parametrize(
    "play",
    [
        a_callback_raises,
        a_callback_raises_over_a_dict,
        a_selector_raises,
        an_equality_function_raises,
        a_handler_of_a_message_raises,
        the_app_raises_when_it_is_given_the_pair,
        something_raises_while_the_dialog_is_open,
        something_raises_in_the_inspector,
    ],
    ids=lambda play: play.__name__,
)
async def test_they_show_no_secret(
    play: Callable[[Host], Any], capsys: pytest.CaptureFixture[str]
) -> None:
    app = Host(play)
    with pytest.raises(ZeroDivisionError):
        await app.play()
    report = re.sub(r"\s|[│╭╮╰╯─]", "", capsys.readouterr().err)
    assert "reason='nothing-secret'" in report  # local variables are printed
    assert SECRET not in report
