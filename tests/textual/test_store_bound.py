"""A widget that follows a store: when it is told, where, how often, and when no more."""

from __future__ import annotations

import asyncio
import gc
import threading
import weakref
from collections.abc import Callable
from typing import Any, ClassVar

import pytest
from textual.app import App, ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.reactive import reactive
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Label, Static
from zustax.store import create_store, shallow
from zustax.store.textual import StoreBound
from zustax.store.textual.throttle import FRAME

from ..support.waiting import BOUND, until
from .stores import CountedStore, State, count_of


class Counter(StoreBound, Static):
    """Shows a count."""

    count = reactive(-1)

    def render(self) -> str:
        return f"count: {self.count}"


class Watcher(StoreBound, Static):
    """Notes what it is told, and in which thread."""

    def __init__(self, store: CountedStore, **options: Any) -> None:
        super().__init__()
        self.seen: list[Any] = []
        self.threads: set[int] = set()
        self.watch_store(store, count_of, self.note, **options)

    def note(self, count: Any) -> None:
        assert self.is_attached
        self.seen.append(count)
        self.threads.add(threading.get_ident())


class Host(App[None]):
    """An app with one widget."""

    def __init__(self, make_widget: Callable[[], Static]) -> None:
        super().__init__()
        self._make_widget = make_widget

    def compose(self) -> ComposeResult:
        yield self._make_widget()

    @property
    def widget(self) -> Static:
        return self.query(Static).first()


def in_a_thread(work: Callable[[], None]) -> None:
    """Do it in a thread, while this one does nothing else."""
    thread = threading.Thread(target=work)
    thread.start()
    thread.join(BOUND)
    assert not thread.is_alive()


@pytest.fixture
def store() -> CountedStore:
    return CountedStore(count=0, other=0)


class TestBindStore:
    async def test_gives_a_reactive_its_first_value_when_the_widget_is_mounted(
        self, store: CountedStore
    ) -> None:
        counter = Counter().bind_store(store, count=count_of)
        assert counter.count == -1
        async with Host(lambda: counter).run_test():
            assert counter.count == 0

    async def test_has_a_reactive_follow(self, store: CountedStore) -> None:
        counter = Counter().bind_store(store, count=count_of)
        async with Host(lambda: counter).run_test():
            store.set_state({"count": 7})
            await until(lambda: counter.count == 7)
            assert str(counter.render()) == "count: 7"

    async def test_binds_several_reactives_at_once(self, store: CountedStore) -> None:
        class Both(Counter):
            other = reactive(-1)

        both = Both().bind_store(store, count=count_of, other=lambda state: state["other"])
        async with Host(lambda: both).run_test():
            store.set_state({"count": 1, "other": 2})
            await until(lambda: (both.count, both.other) == (1, 2))

    async def test_binds_a_widget_to_several_stores(self, store: CountedStore) -> None:
        class Both(Counter):
            other = reactive(-1)

        second = CountedStore(count=10)
        both = Both().bind_store(store, count=count_of).bind_store(second, other=count_of)
        async with Host(lambda: both).run_test():
            second.set_state({"count": 11})
            await until(lambda: (both.count, both.other) == (0, 11))
        assert (store.listeners, second.listeners) == (0, 0)

    def test_refuses_what_is_no_reactive(self, store: CountedStore) -> None:
        with pytest.raises(AttributeError, match=r"Counter has no reactive 'cuont'.*count"):
            Counter().bind_store(store, cuont=count_of)

    def test_refuses_a_selector_that_is_no_function(self, store: CountedStore) -> None:
        selector: Any = "count"
        with pytest.raises(TypeError, match="selector must be a function, not str"):
            Counter().bind_store(store, count=selector)

    async def test_works_for_an_app_and_a_screen(self, store: CountedStore) -> None:
        class BoundScreen(StoreBound, Screen[None]):
            count = reactive(-1)

        class BoundApp(StoreBound, App[None]):
            count = reactive(-1)

        app = BoundApp().bind_store(store, count=count_of)
        async with app.run_test():
            screen = BoundScreen().bind_store(store, count=count_of)
            await app.push_screen(screen)
            store.set_state({"count": 3})
            await until(lambda: (app.count, screen.count) == (3, 3))
        assert store.listeners == 0


class TestWatchStore:
    async def test_calls_back_with_the_first_slice_and_every_other(
        self, store: CountedStore
    ) -> None:
        watcher = Watcher(store)
        async with Host(lambda: watcher).run_test():
            assert watcher.seen == [0]
            store.set_state({"count": 1})
            await until(lambda: watcher.seen == [0, 1])

    async def test_need_not_begin_with_the_first_slice(self, store: CountedStore) -> None:
        watcher = Watcher(store, init=False)
        async with Host(lambda: watcher).run_test():
            store.set_state({"count": 1})
            await until(lambda: watcher.seen)
            assert watcher.seen == [1]

    async def test_begins_at_once_when_the_widget_is_mounted_already(
        self, store: CountedStore
    ) -> None:
        watcher = Watcher(store)
        late: list[int] = []
        async with Host(lambda: watcher).run_test():
            watcher.watch_store(store, count_of, late.append)
            await until(lambda: late == [0])

    async def test_never_begins_when_the_widget_has_gone(self, store: CountedStore) -> None:
        watcher = Watcher(store)
        late: list[int] = []
        async with Host(lambda: watcher).run_test() as pilot:
            await watcher.remove()
            watcher.watch_store(store, count_of, late.append)
            store.set_state({"count": 1})
            await pilot.pause()
            assert (late, store.listeners) == ([], 0)

    async def test_awaits_an_async_callback(self, store: CountedStore) -> None:
        seen: list[int] = []

        async def note(count: int) -> None:
            await asyncio.sleep(0)
            seen.append(count)

        class Waiting(StoreBound, Static):
            def on_mount(self) -> None:
                self.watch_store(store, count_of, note)

        async with Host(Waiting).run_test():
            assert seen == [0]
            store.set_state({"count": 1})
            await until(lambda: seen == [0, 1])

    async def test_does_not_call_back_for_the_rest_of_the_state(self, store: CountedStore) -> None:
        watcher = Watcher(store)
        async with Host(lambda: watcher).run_test():
            store.set_state({"other": 1})
            store.set_state({"count": 1})
            await until(lambda: len(watcher.seen) > 1)
            assert watcher.seen == [0, 1]

    async def test_asks_an_equality_function(self) -> None:
        store = CountedStore(count=[1])
        watcher = Watcher(store, equality_fn=shallow)
        async with Host(lambda: watcher).run_test() as pilot:
            store.set_state({"count": [1]})
            await pilot.pause()
            store.set_state({"count": [2]})
            await until(lambda: len(watcher.seen) > 1)
            assert watcher.seen == [[1], [2]]


class TestWhereItIsTold:
    async def test_in_the_thread_of_the_app_whoever_changes_the_state(
        self, store: CountedStore
    ) -> None:
        def in_another_loop() -> None:
            async def change() -> None:
                store.set_state({"count": 2})

            asyncio.run(change())

        async def in_a_task() -> None:
            store.set_state({"count": 3})

        watcher = Watcher(store)
        async with Host(lambda: watcher).run_test():
            in_a_thread(lambda: store.set_state({"count": 1}))
            await until(lambda: watcher.seen[-1] == 1)
            in_a_thread(in_another_loop)
            await until(lambda: watcher.seen[-1] == 2)
            await asyncio.create_task(in_a_task())
            await until(lambda: watcher.seen == [0, 1, 2, 3])
        assert watcher.threads == {threading.get_ident()}

    async def test_nobody_who_changes_the_state_waits_for_the_app(
        self, store: CountedStore
    ) -> None:
        watcher = Watcher(store)
        async with Host(lambda: watcher).run_test():
            in_a_thread(lambda: store.set_state({"count": 1}))  # the app's loop is at rest
            assert watcher.seen == [0]
            await until(lambda: watcher.seen == [0, 1])

    async def test_an_app_that_is_busy_is_told_by_and_by(self, store: CountedStore) -> None:
        class Busy(App[None]):
            BINDINGS: ClassVar[list[BindingType]] = [("w", "work", "Work")]

            def compose(self) -> ComposeResult:
                yield Counter().bind_store(store, count=count_of)

            async def action_work(self) -> None:
                store.set_state({"count": 1})
                await until(lambda: self.query_one(Counter).count == 1)
                store.set_state({"count": 2})

        app = Busy()
        async with app.run_test() as pilot:
            await pilot.press("w")
            await until(lambda: app.query_one(Counter).count == 2)


class TestHowOftenItIsTold:
    async def test_many_changes_within_a_frame_are_one_update(self, store: CountedStore) -> None:
        watcher = Watcher(store)
        async with Host(lambda: watcher).run_test():
            for count in range(1, 101):
                store.set_state({"count": count})
            await until(lambda: watcher.seen[-1] == 100)
            assert watcher.seen == [0, 100]

    async def test_what_is_taken_back_within_a_frame_is_no_update(
        self, store: CountedStore
    ) -> None:
        watcher = Watcher(store)
        async with Host(lambda: watcher).run_test() as pilot:
            store.set_state({"count": 1})
            store.set_state({"count": 0})
            await pilot.pause()
            store.set_state({"count": 2})
            await until(lambda: len(watcher.seen) > 1)
            assert watcher.seen == [0, 2]

    async def test_a_burst_from_a_thread_arrives_in_order_and_the_last_state_is_shown(
        self, store: CountedStore
    ) -> None:
        watcher = Watcher(store)
        last = 20_000

        def burst() -> None:
            for count in range(1, last + 1):
                store.set_state({"count": count})

        async with Host(lambda: watcher).run_test():
            thread = threading.Thread(target=burst)
            thread.start()
            await until(lambda: watcher.seen[-1] == last, 4 * BOUND)
            thread.join()
        assert watcher.seen == sorted(set(watcher.seen))

    async def test_changes_that_a_callback_makes_itself_are_told_as_well(
        self, store: CountedStore
    ) -> None:
        class Eager(Watcher):
            def note(self, count: int) -> None:
                super().note(count)
                if count < 3:
                    store.set_state({"count": count + 1})

        eager = Eager(store)
        async with Host(lambda: eager).run_test():
            await until(lambda: eager.seen == [0, 1, 2, 3])


class TestWhenItIsToldNoMore:
    async def test_after_the_widget_was_removed(self, store: CountedStore) -> None:
        watcher = Watcher(store)
        async with Host(lambda: watcher).run_test() as pilot:
            store.set_state({"count": 1})
            await watcher.remove()
            seen = list(watcher.seen)
            store.set_state({"count": 2})
            await pilot.pause()
            assert (watcher.seen, store.listeners) == (seen, 0)

    async def test_after_its_screen_was_popped(self, store: CountedStore) -> None:
        class Dialog(Screen[None]):
            def compose(self) -> ComposeResult:
                yield Watcher(store)

        app = Host(Label)
        async with app.run_test() as pilot:
            await app.push_screen(Dialog())
            watcher = app.screen.query_one(Watcher)
            await app.pop_screen()
            store.set_state({"count": 1})
            await pilot.pause()
            assert (watcher.seen, store.listeners) == ([0], 0)

    async def test_an_installed_screen_stays_up_to_date(self, store: CountedStore) -> None:
        class Page(Screen[None]):
            def compose(self) -> ComposeResult:
                yield Counter().bind_store(store, count=count_of)

        app = Host(Label)
        async with app.run_test():
            page = Page()
            app.install_screen(page, "page")
            await app.push_screen("page")
            await app.pop_screen()
            store.set_state({"count": 1})
            await until(lambda: page.query_one(Counter).count == 1)

    async def test_after_the_app_has_ended(self, store: CountedStore) -> None:
        watcher = Watcher(store)
        async with Host(lambda: watcher).run_test():
            pass
        store.set_state({"count": 1})
        await asyncio.sleep(0)
        assert (watcher.seen, store.listeners) == ([0], 0)

    async def test_a_callback_finds_its_children_until_the_end(self, store: CountedStore) -> None:
        class Parent(StoreBound, Static):
            def compose(self) -> ComposeResult:
                yield Label()

            def on_mount(self) -> None:
                self.watch_store(store, count_of, self.show)

            def show(self, count: int) -> None:
                self.query_one(Label).update(str(count))

        app = Host(Parent)
        async with app.run_test() as pilot:
            for count in range(1, 21):
                parent = app.query_one(Parent)
                store.set_state({"count": count})
                await asyncio.sleep(0)
                await parent.remove()
                await app.mount(Parent())
            await pilot.pause()

    async def test_where_the_app_crashes(self, store: CountedStore) -> None:
        def fail(state: State) -> None:
            raise ZeroDivisionError

        class Failing(StoreBound, Static):
            def on_mount(self) -> None:
                self.watch_store(store, count_of, lambda count: None)
                self.watch_store(store, fail, lambda value: None)

        with pytest.raises(ZeroDivisionError):
            async with Host(Failing).run_test():
                pass
        assert store.listeners == 0

    async def test_where_a_selector_fails_later(self, store: CountedStore) -> None:
        watcher = Watcher(store)

        async def run() -> None:
            async with Host(lambda: watcher).run_test():
                store.set_state({"other": 1}, True)
                await until(lambda: not watcher.is_running)

        with pytest.raises(KeyError, match="count"):
            await run()
        assert store.listeners == 0

    @pytest.mark.slow
    @pytest.mark.timeout(120)
    @pytest.mark.usefixtures("without_debug_mode")
    async def test_a_thousand_widgets_leave_no_subscription_and_no_object(
        self, store: CountedStore
    ) -> None:
        app = Host(Label)
        async with app.run_test() as pilot:
            references = []
            for _ in range(10):
                references += await mount_and_remove(app, store, 100)
            assert store.listeners == 0
            await app.mount(Label())  # until something moves, Textual knows where all were
            await pilot.pause()
            await until(lambda: gc.collect() >= 0 and not any(ref() for ref in references))


async def mount_and_remove(
    app: App[None], store: CountedStore, count: int
) -> list[weakref.ref[Counter]]:
    """Let so many widgets come and go, and give what does not keep them."""
    counters = [Counter().bind_store(store, count=count_of) for _ in range(count)]
    await app.mount(*counters)
    newest = store.get_state()["count"] + 1
    store.set_state({"count": newest})
    await until(lambda: all(counter.count == newest for counter in counters))
    assert store.listeners == 1  # however many widgets there are
    await app.query(Counter).remove()
    return [weakref.ref(counter) for counter in counters]


SELECTORS: dict[str, Callable[[Any, int], Any]] = {
    "KeyError": lambda state, i: state["rows"][i],
    "IndexError": lambda state, i: [*filter(None, [state["rows"].get(i)])][-1],
    "AttributeError": lambda state, i: state["rows"].get(i).upper().lower(),
    "StopIteration": lambda state, i: next(text for key, text in state["rows"].items() if key == i),
    "TypeError": lambda state, i: state["rows"].get(i)[0:],
    "ValueError": lambda state, i: [*state["rows"].values()][[*state["rows"]].index(i)],
}


class Row(StoreBound, Static):
    """Shows one item."""

    text: reactive[str] = reactive("")

    def __init__(self, store: Any, selector: Callable[[Any, int], Any], number: int) -> None:
        super().__init__()
        self.bind_store(store, text=lambda state: selector(state, number))

    def render(self) -> str:
        return self.text


class Shop(App[None]):
    """Shows an item a row, and removes the rows of those that are gone as a test says."""

    def __init__(self, store: Any, make_rows: Callable[[Any], Widget]) -> None:
        super().__init__()
        self.store = store
        self._make_rows = make_rows

    def compose(self) -> ComposeResult:
        yield self._make_rows(self.store)

    async def shows(self, *texts: str) -> None:
        await until(lambda: [row.text for row in self.query(Row)] == [*texts])


def recomposing(selector: Callable[[Any, int], Any]) -> Callable[[Any], Widget]:
    class Rows(StoreBound, Vertical):
        ids: reactive[tuple[int, ...]] = reactive(tuple, recompose=True)

        def compose(self) -> ComposeResult:
            for number in self.ids:
                yield Row(self.app.store, selector, number)  # type: ignore[attr-defined] # pyright: ignore[reportAttributeAccessIssue]

    return lambda store: Rows().bind_store(store, ids=ids_of)


def removing(selector: Callable[[Any, int], Any]) -> Callable[[Any], Widget]:
    class Rows(StoreBound, Vertical):
        def __init__(self, store: Any) -> None:
            super().__init__()
            self.rows: dict[int, Row] = {}
            self.store = store
            self.watch_store(store, ids_of, self.show, equality_fn=shallow)

        async def show(self, ids: tuple[int, ...]) -> None:
            await asyncio.sleep(0.05)  # it has something else to do first
            for number in self.rows.keys() - ids:
                await self.rows.pop(number).remove()
            for number in ids:
                if number not in self.rows:
                    self.rows[number] = Row(self.store, selector, number)
                    await self.mount(self.rows[number])

    return Rows


def ids_of(state: Any) -> tuple[int, ...]:
    return tuple(state["rows"])


async def crash(app: Shop) -> None:
    """Run an app whose only item is deleted, until it has ended."""
    async with app.run_test():
        await app.shows("milk")
        app.store.set_state({"rows": {}})
        await until(lambda: not app.is_running)


class TestWhereAnItemIsDeleted:
    @pytest.mark.parametrize("make_rows", [recomposing, removing])
    @pytest.mark.parametrize("kind", SELECTORS)
    async def test_its_row_does_not_crash_the_app(
        self, kind: str, make_rows: Callable[..., Callable[[Any], Widget]]
    ) -> None:
        store = create_store({"rows": {1: "milk", 2: "bread"}})
        app = Shop(store, make_rows(SELECTORS[kind]))
        async with app.run_test():
            await app.shows("milk", "bread")
            store.set_state({"rows": {2: "bread"}})
            await app.shows("bread")
            store.set_state({"rows": {2: "rolls"}})
            await app.shows("rolls")
            store.set_state({"rows": {}})
            await app.shows()

    async def test_a_row_whose_item_comes_back_goes_on(self) -> None:
        store = create_store({"rows": {1: "milk"}})
        app = Shop(store, lambda store: Row(store, SELECTORS["KeyError"], 1))
        async with app.run_test():
            await app.shows("milk")
            store.set_state({"rows": {}})
            await asyncio.sleep(2 * FRAME)
            store.set_state({"rows": {1: "cheese"}})
            await app.shows("cheese")
            store.set_state({"rows": {1: "bread"}})
            await app.shows("bread")

    async def test_a_row_that_nothing_removes_ends_the_app_all_the_same(self) -> None:
        store = create_store({"rows": {1: "milk"}})
        app = Shop(store, lambda store: Row(store, SELECTORS["KeyError"], 1))
        with pytest.raises(KeyError):
            await crash(app)
