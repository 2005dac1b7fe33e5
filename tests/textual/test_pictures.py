"""The pictures of the documentation, compared with what the screens look like now.

After a wanted change: `uv run pytest tests/textual/test_pictures.py --snapshot-update`. A picture
holds nothing that depends on the time, a port, or how fast a machine is.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from itertools import count

import pytest
from backend import running_backend
from textual.app import App
from textual.pilot import Pilot
from textual.widgets import Input
from tui.app import HINTS, Shop
from zustax.store import UserStore, create_store, devtools
from zustax.transport.testing import Clock
from zustax.transport.textual import InspectorScreen
from zustax.transport.textual.rows import Rows

from ..support.waiting import BOUND, until
from .test_example import asks, log_in, statuses
from .traces import FixedTrace, begin, end, refreshed, served

Compare = Callable[..., bool]
Play = Callable[[Pilot[None]], Awaitable[None]]


@pytest.fixture
def shop() -> Iterator[Shop]:
    with (
        Clock(1_800_000_000.0) as clock,
        running_backend(access_ttl=60.0, clock=clock) as backend,
    ):
        yield Shop(backend, clock)


def test_login(shop: Shop, snap_compare: Compare) -> None:
    async def play(pilot: Pilot[None]) -> None:
        await until(lambda: asks(shop))
        shop.screen.query_one("#password", Input).value = "wrong"
        await pilot.press("enter")
        password = shop.screen.query_one("#password", Input)
        await until(lambda: password.value == "" and password.has_focus)
        shop.screen.query_one("#log-in").focus()  # no cursor that blinks
        await pilot.pause()

    assert snap_compare(shop, run_before=play)


@pytest.mark.slow
def test_dashboard(shop: Shop, snap_compare: Compare) -> None:
    async def play(pilot: Pilot[None]) -> None:
        await until(lambda: asks(shop))
        await log_in(shop, pilot)
        await until(lambda: statuses(shop) == {"200"})
        await pilot.press("e", "s")
        await until(lambda: shop.shop.store.get_state().hint == HINTS["storm"], 4 * BOUND)
        await pilot.pause(0.1)  # a frame is drawn

    assert snap_compare(shop, run_before=play)


class Inspected(App[None]):
    """An app that is being inspected, of which everything is known."""

    ENABLE_COMMAND_PALETTE = False

    def __init__(self, theme: str = "textual-dark") -> None:
        super().__init__()
        self.theme = theme
        self.store = create_store(
            devtools(lambda *_: {"cart": ["pencil"], "total": 3, "filter": None}, name="shop")
        )
        self.session = UserStore()
        self.session.login("an-access-token", "a-refresh-token", expires_at=1_800_000_060.0)
        self._trace = a_trace()

    def on_mount(self) -> None:
        stores = {"shop": self.store, "session": self.session}
        self.push_screen(InspectorScreen(stores, self._trace))

    @property
    def calls(self) -> Rows:
        return self.screen.query_one("#calls", Rows)

    @property
    def actions(self) -> Rows:
        return self.screen.query_one("#actions", Rows)


def a_trace() -> FixedTrace:
    """A login, and some calls that meet an expired token."""
    trace = FixedTrace()
    begin(trace, 1, 0, "/auth/login", "POST")
    end(trace, 1, 31, 200)
    served(trace, 2, 2000, "/me", takes=12)
    served(trace, 3, 2005, "/archive", takes=210)
    paths = ["/me", "/items", "/reports", "/archive"]
    trace.events += refreshed(count(4), paths, 30_000).events
    begin(trace, 8, 30_045, "/auth/refresh", "POST")
    end(trace, 8, 30_096, 200)
    return trace


async def show_requests(pilot: Pilot[None]) -> None:
    app = pilot.app
    assert isinstance(app, Inspected)
    await until(lambda: app.calls.option_count)
    app.calls.focus()
    await until(lambda: app.calls.highlighted == app.calls.option_count - 1)
    await pilot.press("up", "up")
    await pilot.pause(0.1)


async def show_stores(pilot: Pilot[None]) -> None:
    app = pilot.app
    assert isinstance(app, Inspected)
    await pilot.press("2")
    for number, (partial, action) in enumerate(
        [
            ({"cart": ["pencil", "paper"]}, "add to cart"),
            ({"total": 5}, "set total"),
            ({"filter": "cheap"}, "filter"),
            ({"cart": ["pencil", "paper", "ink"], "total": 14}, "add to cart"),
        ],
        start=2,
    ):
        app.store.set_state(partial, None, action)
        await until(lambda number=number: app.actions.option_count == number)  # type: ignore[misc]
    await pilot.pause(0.1)


def test_inspector_requests(snap_compare: Compare) -> None:
    assert snap_compare(Inspected(), run_before=show_requests)


@pytest.mark.slow
def test_inspector_stores(snap_compare: Compare) -> None:
    assert snap_compare(Inspected(), run_before=show_stores)


@pytest.mark.slow
def test_inspector_light(snap_compare: Compare) -> None:
    app = Inspected("textual-light")
    assert snap_compare(app, run_before=show_requests, terminal_size=(132, 24))
