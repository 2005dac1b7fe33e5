"""The inspector, over stores of every kind and a trace."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import count
from typing import Any

import attrs
import pytest
from rich.style import Style
from textual.app import App
from textual.pilot import Pilot
from textual.widgets import Static, TabbedContent
from zustax.store import Store, UserState, UserStore, create_store, devtools
from zustax.transport import create, record
from zustax.transport.textual import InspectorScreen
from zustax.transport.textual.rows import Rows
from zustax.transport.textual.state_tree import StateTree

from ..support.server import AuthServer
from ..support.waiting import until
from .traces import FixedTrace, begin, refreshed, served

pytestmark = pytest.mark.usefixtures("without_debug_mode")

TOKEN = "t0ken-that-nobody-may-see"

NONE = Style()


class Host(App[None]):
    """An app that shows an inspector."""

    def __init__(self, *args: Any) -> None:
        super().__init__()
        self.inspector = InspectorScreen(*args)

    def on_mount(self) -> None:
        self.push_screen(self.inspector)

    @asynccontextmanager
    async def shown(self, **options: Any) -> AsyncIterator[Pilot[None]]:
        """Run, once the inspector has taken its first look."""
        async with self.run_test(**options) as pilot:
            await until(lambda: self.inspector.is_mounted)
            await until(lambda: all(t.root.children for t in self.inspector.query(StateTree)))
            yield pilot

    @property
    def states(self) -> StateTree:
        return self.inspector.query_one("#state", StateTree)

    @property
    def actions(self) -> list[str]:
        return self._lines("#actions")

    @property
    def calls(self) -> list[str]:
        return self._lines("#calls")

    @property
    def details(self) -> str:
        return str(self.inspector.query_one("#detail", Static).render())

    def _lines(self, rows: str) -> list[str]:
        listed = self.inspector.query_one(rows, Rows)
        return [str(listed.get_option_at_index(i).prompt) for i in range(listed.option_count)]


def labels(tree: StateTree) -> list[str]:
    """What the tree says, indented as it is, whether or not it is open."""
    found: list[str] = []

    def walk(node: Any, depth: int) -> None:
        for child in node.children:
            found.append("  " * depth + str(child.label))
            walk(child, depth + 1)

    walk(tree.root, 0)
    return found


def recorded(**state: Any) -> Any:
    return create_store(devtools(lambda *_: state, name="shop"))


class TestState:
    async def test_is_shown_as_a_tree(self) -> None:
        store = create_store({"cart": [{"name": "pencil"}], "total": 3, "coupons": {}})
        app = Host({"shop": store})
        async with app.shown():
            assert labels(app.states) == [
                "shop",
                "  cart [1]",
                "    0",
                "      name: 'pencil'",
                "  total: 3",
                "  coupons: {}",
            ]
            assert app.states.changed == frozenset()

    async def test_follows_the_store_and_highlights_what_has_just_changed(self) -> None:
        store = create_store({"count": 0, "cart": ["pencil"], "other": 1})
        app = Host({"shop": store})
        async with app.shown():
            store.set_state({"count": 1, "cart": ["pencil", "paper"]})
            await until(lambda: "  count: 1" in labels(app.states))
            assert app.states.changed == {
                ("shop", "count"),
                ("shop", "cart"),
                ("shop", "cart", "1"),
            }
            store.set_state({"count": 2})
            await until(lambda: app.states.changed == {("shop", "count")})

    async def test_forgets_what_is_no_longer_there(self) -> None:
        store: Store[Any] = create_store({"cart": {"pencil": {"price": 1}, "paper": 2}, "n": 1})
        app = Host({"shop": store})
        async with app.shown():
            store.set_state({"cart": {"paper": 2}}, True)
            await until(lambda: labels(app.states) == ["shop", "  cart", "    paper: 2"])
            store.set_state({"cart": 5})
            await until(lambda: labels(app.states) == ["shop", "  cart: 5"])
            assert not app.states.root.children[0].children[0].allow_expand

    async def test_a_closed_branch_is_marked_for_what_it_hides(self) -> None:
        store = create_store({"a": {"b": {"c": 1}}})
        app = Host({"shop": store})
        async with app.shown(size=(80, 24)) as pilot:
            store.set_state({"a": {"b": {"c": 2}}})
            await until(lambda: ("shop", "a", "b", "c") in app.states.changed)
            shop = app.states.root.children[0]
            shop.collapse()
            await pilot.pause()
            closed = app.states.render_label(shop, base_style=NONE, style=NONE)
            shop.expand()
            opened = app.states.render_label(shop, base_style=NONE, style=NONE)
            assert len(closed.spans) > len(opened.spans)

    async def test_what_is_long_is_cut(self) -> None:
        store = create_store({"many": list(range(150)), "text": "x" * 1000})
        app = Host({"shop": store})
        async with app.shown():
            found = labels(app.states)
            assert "    … and 50 more" in found
            assert max(map(len, found)) < 220

    async def test_of_attrs_classes_and_dataclasses(self) -> None:
        @dataclasses.dataclass(frozen=True)
        class Item:
            name: str
            hidden: str = dataclasses.field(default="no", repr=False)

        @attrs.frozen
        class Shop:
            item: Item = Item("pencil")
            hidden: str = attrs.field(default="no", repr=False)

        app = Host({"shop": create_store(Shop())})
        async with app.shown():
            assert labels(app.states) == ["shop", "  item", "    name: 'pencil'"]


@attrs.frozen
class Marked:
    pin: str = attrs.field(default=TOKEN, metadata={"secret": True})


def a_user_store() -> UserStore:
    store = UserStore()
    store.login(TOKEN, TOKEN + "-2")
    return store


class TestSecrets:
    @pytest.mark.parametrize(
        "make",
        [
            a_user_store,
            lambda: create_store({"access_token": TOKEN, "deep": [{"password": TOKEN}]}),
            lambda: create_store(Marked()),
            lambda: create_store(devtools(lambda *_: {"refreshToken": TOKEN})),
            lambda: create_store(devtools(lambda *_: {"pin": TOKEN}, secret=["pin"])),
            lambda: create_store(devtools(lambda *_: UserState(TOKEN))),
        ],
    )
    async def test_are_not_shown(self, make: Callable[[], Store[Any]]) -> None:
        app = Host({"store": make()})
        async with app.shown():
            assert TOKEN not in "".join(labels(app.states))
            assert TOKEN not in app.export_screenshot()

    async def test_a_state_that_cannot_be_read_does_not_end_the_app(self) -> None:
        class Broken(dict[str, str]):
            def items(self) -> Any:
                raise ZeroDivisionError

        app = Host({"store": create_store(Broken(token=TOKEN))})
        async with app.shown():
            assert labels(app.states) == ["store: '<cannot be shown: ZeroDivisionError>'"]


class TestActions:
    async def test_are_listed_as_they_are_done_and_the_present_one_is_marked(self) -> None:
        store = recorded(count=0)
        app = Host({"shop": store})
        async with app.shown():
            store.set_state({"count": 1}, None, "add")
            store.set_state({"count": 2}, None, "add more")
            await until(lambda: len(app.actions) == 3)
            assert app.actions == [
                "    0 the beginning  shop",
                "    1 add  shop",
                "▸   2 add more  shop",
            ]

    async def test_enter_goes_back_to_the_state_after_one(self) -> None:
        store = recorded(count=0)
        app = Host({"shop": store})
        async with app.shown() as pilot:
            store.set_state({"count": 1}, None, "add")
            store.set_state({"count": 2}, None, "add more")
            await until(lambda: len(app.actions) == 3)
            await focus_actions(pilot)
            await pilot.press("up", "enter")
            await until(lambda: store.get_state() == {"count": 1})
            await until(lambda: app.actions[1].startswith("▸"))
            assert "  count: 1" in labels(app.states)

    @pytest.mark.slow
    async def test_a_click_goes_there_as_well(self) -> None:
        store = recorded(count=0)
        app = Host({"shop": store})
        async with app.shown() as pilot:
            store.set_state({"count": 1}, None, "add")
            await until(lambda: len(app.actions) == 2)
            await pilot.click("#actions", offset=(5, 0))
            await until(lambda: store.get_state() == {"count": 0})

    @pytest.mark.slow
    async def test_one_that_is_not_kept_any_more_is_said_to_be_gone(self) -> None:
        store = create_store(devtools(lambda *_: {"count": 0}, max_age=3))
        app = Host({"shop": store})
        async with app.shown(notifications=True) as pilot:
            store.set_state({"count": 1}, None, "old")
            await until(lambda: len(app.actions) == 2)
            await focus_actions(pilot)
            app.inspector.query_one("#actions", Rows).action_select()
            for number in range(5):  # before that is heard of
                store.set_state({"count": number})
            await pilot.pause()
            assert store.get_state() == {"count": 4}
            await until(lambda: app.screen.query("Toast"))

    @pytest.mark.slow
    async def test_can_be_paused_and_resumed(self) -> None:
        store = recorded(count=0)
        app = Host({"shop": store})
        async with app.shown() as pilot:
            tab = app.inspector.query_one(TabbedContent).get_tab("stores-pane")
            await pilot.press("p")
            await until(lambda: str(tab.label) == "Stores (paused)")
            assert not store.devtools.is_recording
            await pilot.press("p")
            await until(lambda: str(tab.label) == "Stores")
            assert store.devtools.is_recording

    @pytest.mark.slow
    async def test_of_several_stores_stand_in_one_list(self) -> None:
        first, second = recorded(a=0), recorded(b=0)
        app = Host({"first": first, "second": second})
        async with app.shown():
            first.set_state({"a": 1}, None, "one")
            await until(lambda: len(app.actions) == 3)
            second.set_state({"b": 1}, None, "two")
            await until(lambda: len(app.actions) == 4)
            assert [line.split()[-1] for line in app.actions].count("second") == 2
            assert {"▸   1 one  first", "▸   1 two  second"} <= set(app.actions)

    async def test_a_store_without_devtools_has_none(self) -> None:
        app = Host({"plain": create_store({"a": 1})})
        async with app.shown() as pilot:
            await pilot.press("p")
            assert app.actions == []


class TestRequests:
    async def test_are_listed_as_they_are_made(self, server: AuthServer) -> None:
        tokens = server.login("ada")
        async with create(base_url=server.url) as api:
            with record(api) as trace:
                app = Host(None, trace)
                async with app.shown():
                    assert app.details == "No request has been made yet."
                    bearer = {"Authorization": f"Bearer {tokens.access_token}"}
                    await api.get("/items", headers=bearer)
                    await until(lambda: app.calls)
                    await until(lambda: "ended: fulfilled 200" in app.details)
                    assert app.calls[0].split()[:4] == ["1", "GET", "/items", "200"]
                    assert tokens.access_token not in app.export_screenshot()

    async def test_the_highlighted_one_is_told_in_full(self) -> None:
        trace = refreshed(count(1), ["/me", "/items"], 0)
        app = Host(None, trace)
        async with app.shown() as pilot:
            await until(lambda: "/api/items" in app.details)  # the newest
            await pilot.press("up")  # the list has the focus at once
            await until(lambda: "/api/me" in app.details)

    async def test_the_highlight_follows_the_newest_only_from_there(self) -> None:
        trace = FixedTrace()
        served(trace, 1, 0, "/first", takes=5)
        served(trace, 2, 10, "/second", takes=5)
        app = Host(None, trace)
        async with app.shown() as pilot:
            await until(lambda: "/second" in app.details)
            served(trace, 3, 20, "/third", takes=5)
            await until(lambda: "/third" in app.details)
            await pilot.press("1", "home")
            await until(lambda: "/first" in app.details)
            served(trace, 4, 30, "/fourth", takes=5)
            await until(lambda: len(app.calls) == 4)
            assert "/first" in app.details

    async def test_one_that_is_under_way_is_brought_up_to_date(self) -> None:
        trace = FixedTrace()
        begin(trace, 1, 0, "/items")
        app = Host(None, trace)
        async with app.shown():
            await until(lambda: app.calls and app.calls[0].endswith("…"))
            trace.add(50, "received", 1, status=200, attempt=1)
            trace.add(51, "ended", 1, status=200, outcome="fulfilled")
            await until(lambda: app.calls[0].endswith("51.0 ms"))

    @pytest.mark.slow
    async def test_the_newest_200_are_listed(self) -> None:
        trace = FixedTrace()
        for number in range(1, 251):
            served(trace, number, 10 * number, f"/{number}", takes=5)
        app = Host(None, trace)
        async with app.shown():
            await until(lambda: len(app.calls) == 200)
            assert app.calls[0].split()[0] == "51"
            served(trace, 251, 9000, "/251", takes=5)
            await until(lambda: app.calls[-1].split()[0] == "251")
            assert app.calls[0].split()[0] == "52"

    @pytest.mark.slow
    @pytest.mark.parametrize("size", [(80, 24), (60, 20), (140, 40)])
    async def test_a_line_fits_whatever_the_size(self, size: tuple[int, int]) -> None:
        app = Host(None, refreshed(count(1), ["/items"], 0))
        async with app.shown() as pilot:
            await pilot.resize_terminal(*size)
            listed = app.inspector.query_one("#calls", Rows)
            await until(
                lambda: (
                    app.calls
                    and len(app.calls[0]) == listed.scrollable_content_region.width - 2
                    and listed.max_scroll_x == 0
                )
            )


class TestTheEnd:
    async def test_of_the_app_may_come_while_it_opens(self) -> None:
        app = Host(None, FixedTrace())
        async with app.shown():
            app.push_screen(InspectorScreen({"shop": create_store({"a": 1})}, FixedTrace()))
            app.exit()
        assert app.return_code == 0


class TestKeys:
    @pytest.mark.parametrize("key", ["escape", "f12"])
    async def test_close_it(self, key: str) -> None:
        app = Host({"shop": create_store({"a": 1})}, FixedTrace())
        async with app.shown() as pilot:
            await pilot.press(key)
            await until(lambda: app.screen is not app.inspector)

    @pytest.mark.slow
    async def test_with_arrows_move_in_the_states_where_there_are_no_requests(self) -> None:
        app = Host({"shop": create_store({"cart": ["pencil"]})})
        async with app.shown() as pilot:
            await pilot.press("down", "down")
            await until(lambda: app.states.cursor_line == 1)

    @pytest.mark.slow
    async def test_turn_to_the_other_side(self) -> None:
        app = Host({"shop": create_store({"a": 1})}, FixedTrace())
        async with app.shown() as pilot:
            tabs = app.inspector.query_one(TabbedContent)
            await pilot.press("2")
            await until(lambda: tabs.active == "stores-pane" and app.states.has_focus)
            await pilot.press("1")
            await until(lambda: tabs.active == "requests-pane")

    @pytest.mark.slow
    async def test_of_a_side_that_is_not_there_do_nothing(self) -> None:
        app = Host({"shop": create_store({"a": 1})})
        async with app.shown() as pilot:
            await pilot.press("1")
            assert app.inspector.query_one(TabbedContent).active == "stores-pane"


async def focus_actions(pilot: Pilot[None]) -> None:
    pilot.app.screen.query_one("#actions", Rows).focus()
    await pilot.pause()
