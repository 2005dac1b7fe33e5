"""The example app, driven by keys: what its user sees, and what its backend met."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest
from backend import Backend, running_backend
from textual.pilot import Pilot
from textual.widgets import Input, Label
from tui.app import HINTS, STORM, Shop
from tui.state import PATHS
from tui.widgets import Hint, SessionBar, StormBar
from zustax.transport.testing import Clock
from zustax.transport.textual import InspectorScreen, LoginScreen
from zustax.transport.textual.rows import Rows

from ..support.waiting import BOUND, until

#: Seconds for what takes many requests, or a thread on a busy machine.
LONG = 4 * BOUND

#: Which keys lead to which hint, in this order.
HINTED = {"login": (), "expire": "e", "storm": "s", "inspect": ["f12"]}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(120),
    pytest.mark.usefixtures("without_debug_mode"),
]


@pytest.fixture
def clock() -> Iterator[Clock]:
    with Clock() as clock:
        yield clock


@pytest.fixture
def backend(clock: Clock) -> Iterator[Backend]:
    with running_backend(access_ttl=60.0, refresh_delay=0.05, clock=clock) as backend:
        yield backend


@asynccontextmanager
async def running(backend: Backend, clock: Clock) -> AsyncIterator[tuple[Shop, Pilot[None]]]:
    """The app, with its dialog open."""
    app = Shop(backend, clock)
    async with app.run_test() as pilot:
        await until(lambda: asks(app))
        yield app, pilot


@asynccontextmanager
async def logged_in(backend: Backend, clock: Clock) -> AsyncIterator[tuple[Shop, Pilot[None]]]:
    """The app, with a user who has logged in, when it has loaded what it shows."""
    async with running(backend, clock) as (app, pilot):
        await log_in(app, pilot)
        await until(lambda: statuses(app) == {"200"}, LONG)
        yield app, pilot


def asks(app: Shop) -> bool:
    """Whether there is a dialog to type into."""
    return isinstance(app.screen, LoginScreen) and app.screen.is_mounted


async def log_in(app: Shop, pilot: Pilot[None], password: str = "lovelace") -> None:
    dialog = app.screen
    dialog.query_one("#password", Input).value = password
    await pilot.press("enter")
    await until(lambda: app.screen is not dialog)


def statuses(app: Shop) -> set[str]:
    return {resource.status for resource in app.shop.store.get_state().resources.values()}


def hint(app: Shop) -> str:
    return str(app.screen_stack[0].query_one(Hint).render())


def storm_says(app: Shop, text: str) -> bool:
    return text in str(app.query_one(StormBar).render())


def journal(app: Shop) -> tuple[str, ...]:
    return app.shop.store.get_state().journal


async def test_a_wrong_password_is_refused_and_the_right_one_logs_in(
    backend: Backend, clock: Clock
) -> None:
    async with running(backend, clock) as (app, pilot):
        app.screen.query_one("#password", Input).value = "wrong"
        await pilot.press("enter")
        problem = app.screen.query_one("#problem", Label)
        await until(lambda: str(problem.render()) == "Wrong user name or password.")
        await log_in(app, pilot)
        await until(lambda: app.query_one(SessionBar).user)
        await until(lambda: "ada has logged in" in journal(app))


async def test_everything_is_loaded_after_the_login_in_tasks_and_threads(
    backend: Backend, clock: Clock
) -> None:
    async with logged_in(backend, clock) as (app, _pilot):
        assert {resource.loader for resource in app.shop.store.get_state().resources.values()} == {
            "task",
            "thread",
        }
        assert backend.authority.journal.count("refresh") == 0


async def test_the_status_bar_shows_the_remaining_life_of_the_token(
    backend: Backend, clock: Clock
) -> None:
    async with logged_in(backend, clock) as (app, _pilot):
        bar = app.query_one(SessionBar)
        await until(lambda: str(bar.render()).endswith(" 60 s"))
        clock.advance(45)
        await until(lambda: str(bar.render()).endswith(" 15 s"))


async def test_tasks_and_threads_with_an_expired_token_share_one_refresh(
    backend: Backend, clock: Clock
) -> None:
    async with logged_in(backend, clock) as (app, pilot):
        await pilot.press("e", "l")
        await until(lambda: statuses(app) == {"200"}, LONG)
        assert backend.authority.journal.count("refresh") == 1
        await until(lambda: "the access token was renewed" in journal(app))


async def test_a_storm_with_an_expired_token_is_served_by_one_refresh(
    backend: Backend, clock: Clock
) -> None:
    async with logged_in(backend, clock) as (app, pilot):
        await pilot.press("e", "s")
        await until(lambda: storm_says(app, f"{STORM} × 401, 1 refresh, {STORM} replayed"), LONG)
        await until(lambda: storm_says(app, f"{STORM} sent, {STORM} ok"), LONG)
        assert backend.authority.journal.count("refresh") == 1
        assert journal(app).count("the access token was renewed") == 1


async def test_a_storm_counts_only_its_own_requests(backend: Backend, clock: Clock) -> None:
    async with logged_in(backend, clock) as (app, pilot):
        await pilot.press("e", "s", "l")
        await until(lambda: app.shop.store.get_state().storm.answered == STORM, LONG)
        storm = app.shop.store.get_state().storm
        assert storm.unauthorized == storm.replayed == STORM
        assert storm.refreshes == 1


async def test_a_hint_says_what_to_press_next(backend: Backend, clock: Clock) -> None:
    async with logged_in(backend, clock) as (app, pilot):
        for step, keys in HINTED.items():
            await pilot.press(*keys)
            await until(lambda step=step: hint(app) == HINTS[step], LONG)  # type: ignore[misc]
        await pilot.press("f12")
        await until(lambda: not isinstance(app.screen, InspectorScreen))
        await pilot.press("r")
        await until(lambda: hint(app) == HINTS["revoke"])


async def test_requests_wait_behind_the_dialog_and_go_on_after_the_login(
    backend: Backend, clock: Clock
) -> None:
    async with logged_in(backend, clock) as (app, pilot):
        await pilot.press("r", "l")
        await until(lambda: asks(app))
        assert statuses(app) == {"loading"}
        await log_in(app, pilot)
        await until(lambda: statuses(app) == {"200"}, LONG)
        assert backend.authority.journal.count("login") == 2
        assert journal(app)[-3:] == (
            "the server has ended the session",
            "asked for a login: the server has ended the session",
            "ada has logged in",
        )


async def test_escape_gives_up_and_they_fail_with_their_401(backend: Backend, clock: Clock) -> None:
    async with logged_in(backend, clock) as (app, pilot):
        await pilot.press("r", "s")
        await until(lambda: asks(app))
        await pilot.press("escape")
        await until(lambda: app.shop.store.get_state().storm.failed == STORM, LONG)
        await until(lambda: "login required: refresh_rejected" in journal(app))
        await until(lambda: not app.query_one(SessionBar).user)


async def test_who_did_not_log_in_is_asked_again_when_there_is_something_to_load(
    backend: Backend, clock: Clock
) -> None:
    async with running(backend, clock) as (app, pilot):
        await pilot.press("escape")
        await until(lambda: journal(app) == ("no user has logged in",))
        assert hint(app) == HINTS["no login"]
        await pilot.press("l")
        await until(lambda: asks(app))
        assert journal(app)[-1] == "asked for a login: there is no session"
        await log_in(app, pilot)
        await until(lambda: statuses(app) == {"200"}, LONG)


async def test_the_inspector_opens_and_closes_and_shows_what_happened(
    backend: Backend, clock: Clock
) -> None:
    async with logged_in(backend, clock) as (app, pilot):
        await pilot.press("f12")
        await until(lambda: isinstance(app.screen, InspectorScreen))
        # The login, and what was loaded.
        await until(lambda: app.screen.query_one("#calls", Rows).option_count == 1 + len(PATHS))
        await pilot.press("f12")
        await until(lambda: not isinstance(app.screen, InspectorScreen))


async def test_it_works_while_its_terminal_changes_its_size(backend: Backend, clock: Clock) -> None:
    async with logged_in(backend, clock) as (app, pilot):
        for size in ((40, 12), (200, 60), (10, 3), (80, 24)):
            await pilot.resize_terminal(*size)
            await pilot.press("l")
            await until(lambda: statuses(app) == {"200"}, LONG)
        await pilot.press("d")
        assert app.theme == "textual-light"


def logged(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    """What zustax has logged, but for a store of an earlier test that still tries to write."""
    return [
        record
        for record in caplog.records
        if record.name == "zustax" and record.threadName != "zustax-later"
    ]


async def test_it_ends_cleanly_while_a_refresh_runs(
    backend: Backend, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    async with logged_in(backend, clock) as (app, pilot):
        await pilot.press("e", "l")
        await until(lambda: any(event.kind == "refresh_started" for event in app.trace.events))
        await pilot.press("q")
    assert app.return_code == 0
    assert logged(caplog) == []
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_it_ends_cleanly_while_the_user_is_asked(backend: Backend, clock: Clock) -> None:
    async with logged_in(backend, clock) as (app, pilot):
        await pilot.press("r", "l")
        await until(lambda: asks(app))
        app.exit()
    assert app.return_code == 0
    assert asyncio.all_tasks() == {asyncio.current_task()}
