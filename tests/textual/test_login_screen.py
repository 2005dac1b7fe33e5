"""The login dialog."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from typing import Any

import pytest
from textual.app import App
from textual.events import Key
from textual.message import Message
from textual.pilot import Pilot
from textual.widgets import Button, Input, Label
from zustax.transport import RequestError, TokenPair, create
from zustax.transport.textual import LoginScreen

from ..support.server import LOGIN, AuthServer
from ..support.waiting import until

pytestmark = pytest.mark.usefixtures("without_debug_mode")

PAIR = TokenPair("an-access-token", "a-refresh-token")
NOTHING: Any = object()


class Host(App[None]):
    """An app that asks its user to log in, and notes what bubbles up."""

    def __init__(self, authenticate: Callable[[str, str], Any], **options: Any) -> None:
        super().__init__()
        self.answer: Any = NOTHING
        self.heard: list[Message] = []
        self._login = LoginScreen(authenticate, **options)

    async def on_mount(self) -> None:
        await self.push_screen(self._login, self._take)

    def _take(self, answer: TokenPair | None) -> None:
        self.answer = answer

    async def on_event(self, event: Any) -> None:
        if not isinstance(event, Key):
            self.heard.append(event)
        await super().on_event(event)

    def on_input_changed(self, event: Input.Changed) -> None:
        self.heard.append(event)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        self.heard.append(event)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        self.heard.append(event)

    @property
    def problem(self) -> str:
        return str(self.screen.query_one("#problem", Label).render())


async def type_in(pilot: Pilot[None], username: str, password: str) -> None:
    pilot.app.screen.query_one("#username", Input).value = username
    pilot.app.screen.query_one("#password", Input).value = password
    pilot.app.screen.query_one("#password", Input).focus()
    await pilot.press("enter")


def accept(username: str, password: str) -> TokenPair | None:
    return PAIR if (username, password) == ("ada", "lovelace") else None


async def accept_later(username: str, password: str) -> TokenPair | None:
    await asyncio.sleep(0)
    return accept(username, password)


@pytest.fixture(
    params=[accept, accept_later, lambda *typed: accept_later(*typed)],
    ids=["plain", "async", "gives an awaitable"],
)
def authenticate(request: pytest.FixtureRequest) -> Callable[[str, str], Any]:
    function: Callable[[str, str], Any] = request.param
    return function


async def test_it_is_dismissed_with_the_tokens(authenticate: Callable[[str, str], Any]) -> None:
    app = Host(authenticate)
    async with app.run_test() as pilot:
        await type_in(pilot, "ada", "lovelace")
        await until(lambda: app.answer is PAIR)


async def test_a_wrong_password_can_be_typed_again(
    authenticate: Callable[[str, str], Any],
) -> None:
    app = Host(authenticate)
    async with app.run_test() as pilot:
        await type_in(pilot, "ada", "wrong")
        await until(lambda: app.problem == "Wrong user name or password.")
        password = app.screen.query_one("#password", Input)
        await until(lambda: password.value == "" and password.has_focus)
        await type_in(pilot, "ada", "lovelace")
        await until(lambda: app.answer is PAIR)


@pytest.mark.slow
async def test_all_of_it_works_by_keyboard() -> None:
    app = Host(accept)
    async with app.run_test() as pilot:
        await pilot.press(*"ada", "enter", *"lovelace", "enter")
        await until(lambda: app.answer is PAIR)


async def test_it_works_by_mouse() -> None:
    app = Host(accept, username="ada")
    async with app.run_test() as pilot:
        app.screen.query_one("#password", Input).value = "lovelace"
        await pilot.click("#log-in")
        await until(lambda: app.answer is PAIR)


@pytest.mark.parametrize("way", ["escape", "#give-up"])
async def test_giving_up_dismisses_it_with_none(way: str) -> None:
    app = Host(accept)
    async with app.run_test() as pilot:
        await (pilot.click(way) if way.startswith("#") else pilot.press(way))
        await until(lambda: app.answer is None)


@pytest.mark.slow
async def test_giving_up_while_it_asks() -> None:
    asked, never = asyncio.Event(), asyncio.Event()

    async def wait(username: str, password: str) -> None:
        asked.set()
        await never.wait()

    app = Host(wait)
    async with app.run_test() as pilot:
        await type_in(pilot, "ada", "lovelace")
        await asked.wait()
        assert app.problem == "Logging in …"
        await pilot.press("escape")
        await until(lambda: app.answer is None)


async def test_both_fields_are_needed() -> None:
    app = Host(accept)
    async with app.run_test() as pilot:
        await type_in(pilot, "ada", "")
        await until(lambda: app.problem == "Both are needed.")


async def test_a_plain_function_does_not_block_the_app() -> None:
    threads: list[int] = []

    def note(username: str, password: str) -> TokenPair:
        threads.append(threading.get_ident())
        return PAIR

    app = Host(note)
    async with app.run_test() as pilot:
        await type_in(pilot, "ada", "lovelace")
        await until(lambda: app.answer is PAIR)
    assert threads != [threading.get_ident()]


async def test_a_request_that_is_refused_says_so(server: AuthServer) -> None:
    async with create(base_url=server.url) as api:

        async def log_in(username: str, password: str) -> TokenPair:
            answer = await api.post(LOGIN, {"username": username, "password": password})
            return TokenPair(answer.data["access_token"], answer.data["refresh_token"])

        app = Host(log_in)
        async with app.run_test() as pilot:
            await type_in(pilot, "ada", "wrong")
            await until(lambda: app.problem == "Wrong user name or password.")
            server.answer(LOGIN, status=503, times=1)
            await type_in(pilot, "ada", "lovelace")
            await until(lambda: app.problem == "Request failed with status code 503")
            await type_in(pilot, "ada", "lovelace")
            await until(lambda: isinstance(app.answer, TokenPair))


async def test_an_error_text_is_no_markup() -> None:
    def fail(username: str, password: str) -> None:
        raise RequestError("[/] is not [bold]")

    app = Host(fail, notice="[/nor] is this")
    async with app.run_test() as pilot:
        await type_in(pilot, "ada", "lovelace")
        await until(lambda: app.problem == "[/] is not [bold]")


async def test_a_mistake_of_the_function_ends_nothing_and_shows_no_password(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(username: str, password: str) -> None:
        raise KeyError(password)

    app = Host(fail)
    async with app.run_test() as pilot:
        with caplog.at_level(logging.WARNING, "zustax"):
            await type_in(pilot, "ada", "lovelace")
            await until(lambda: app.problem == "Logging in failed: KeyError.")
    assert "authenticate raised KeyError" in caplog.text
    assert "lovelace" not in caplog.text


async def test_an_answer_of_another_kind_is_named_and_not_shown() -> None:
    app = Host(lambda username, password: "an-access-token")
    async with app.run_test() as pilot:
        await type_in(pilot, "ada", "lovelace")
        await until(lambda: app.problem == "Logging in gave no tokens but str.")


@pytest.mark.slow
async def test_what_is_typed_does_not_leave_the_screen() -> None:
    app = Host(accept)
    async with app.run_test() as pilot:
        await type_in(pilot, "ada", "wrong")
        await until(lambda: app.problem)
        await pilot.click("#log-in")
        await pilot.press("escape")
        await until(lambda: app.answer is None)
    kinds = (Input.Changed, Input.Submitted, Button.Pressed)
    assert [event for event in app.heard if isinstance(event, kinds)] == []


@pytest.mark.slow
@pytest.mark.parametrize("size", [(80, 24), (40, 16)])
async def test_it_fits_into_a_small_terminal(size: tuple[int, int]) -> None:
    app = Host(accept, title="Log in again", notice="The session has ended.", username="ada")
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        for widget in app.screen.query("#dialog, Input, Button"):
            assert app.screen.region.contains_region(widget.region)


async def test_long_texts_wrap() -> None:
    def fail(username: str, password: str) -> TokenPair | None:
        raise RequestError("The server cannot log in a user now: " + "try again later, " * 4)

    notice = "The server has ended the session. The requests wait for your login."
    app = Host(fail, notice=notice)
    async with app.run_test() as pilot:
        await type_in(pilot, "ada", "lovelace")
        await until(lambda: "try again" in app.problem)
        await pilot.pause()
        dialog = app.screen.query_one("#dialog").content_region
        for label in app.screen.query("#notice, #problem"):
            assert dialog.contains_region(label.region)
            assert label.region.height > 1


async def test_the_app_may_end_while_it_opens() -> None:
    app = Host(accept)
    async with app.run_test():
        app.push_screen(LoginScreen(accept, username="ada"))
        app.exit()
    assert app.return_code == 0
