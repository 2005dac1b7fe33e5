"""A look inside a running app: its stores, what was done to them, and its requests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, Protocol

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Horizontal, VerticalScroll
from textual.content import Content
from textual.events import Resize
from textual.screen import Screen
from textual.widgets import Footer, OptionList, Static, TabbedContent, TabPane

from ..trace import TraceCall, TraceEvent
from .rows import Row, Rows
from .state_tree import StateTree
from .watched import Action, Inspectable, WatchedStore
from .waterfall import LEGEND, details, lines

#: Seconds between two looks at what is inspected.
_PERIOD = 0.1

#: How many calls are listed, the newest.
_MOST_CALLS = 200

#: From how many columns on details stand at the side instead of below.
_WIDE = 120


class TraceLike(Protocol):
    """What is recorded of requests, as ``record`` gives it."""

    @property
    def events(self) -> Sequence[TraceEvent]:
        """What has happened so far, oldest first."""
        ...

    @property
    def calls(self) -> Sequence[TraceCall]:
        """The same by call, in the order in which they began."""
        ...


class InspectorScreen(Screen[None]):
    """Shows what goes on, as it happens; push it on a key.

        BINDINGS = [("f12", "push_screen('inspector')", "Inspector")]
        SCREENS = {"inspector": lambda: InspectorScreen({"shop": store}, trace)}

    F12 or Escape closes it. On the one side there are the requests as a waterfall, and all that
    happened to the one that is highlighted; on the other the states of the stores, with what has
    just changed highlighted, and what was done to them. Enter on an action, or a click, goes to the
    state that it left. Secrets are not shown.

    Args:
        stores: What to show, by name: stores of ``zustax.store``, or anything with ``get_state()``.
            Actions are listed for those with the middleware ``devtools``.
        trace: What ``record(api)`` has given. Default: no requests are shown.
    """

    DEFAULT_CSS = """
    InspectorScreen {
        TabbedContent, TabPane { height: 1fr; padding: 0; }
        ContentSwitcher { height: 1fr; }
        OptionList { border: none; padding: 0; height: 1fr; background: $surface; }
        OptionList:focus { border: none; }
        OptionList > .option-list--option-highlighted,
        OptionList:focus > .option-list--option-highlighted {
            background: $foreground 12%;
            color: $foreground;
        }
        Tree { background: $surface; padding: 0 1; width: 1fr; }
        Tree:focus { background-tint: $foreground 3%; }
        #legend { height: 1; padding: 0 1; color: $text-muted; }
        #details { height: 10; padding: 0 1; border-top: solid $panel-lighten-2; }
        #details:focus { border-top: solid $primary; }
        #actions { width: 34; border-left: solid $panel-lighten-2; }
        #actions:focus { border-left: solid $primary; }
        &.-wide #requests { layout: horizontal; }
        &.-wide #details { width: 56; height: 1fr; border-top: none; }
        #requests, #stores { height: 1fr; }
    }
    """

    #: The arrow keys move in a list or a tree at once, not between the tabs.
    AUTO_FOCUS = "#calls, #state"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", "Close", show=False),
        ("f12", "close", "Close"),
        ("1", "pane('requests-pane')", "Requests"),
        ("2", "pane('stores-pane')", "Stores"),
        ("p", "toggle_recording", "Pause/resume"),
    ]

    def __init__(
        self, stores: Mapping[str, Inspectable] | None = None, trace: TraceLike | None = None
    ) -> None:
        super().__init__()
        self._stores = {name: WatchedStore(name, store) for name, store in (stores or {}).items()}
        self._trace = trace
        self._last_event: TraceEvent | None = None
        self._calls: Sequence[TraceCall] = ()
        self._actions: dict[str, Action] = {}

    def compose(self) -> ComposeResult:
        """Lay out both sides."""
        with TabbedContent():
            if self._trace is not None:
                with TabPane("Requests", id="requests-pane"):
                    yield Static(LEGEND, id="legend")
                    with Container(id="requests"):
                        yield Rows(id="calls")
                        with VerticalScroll(id="details"):
                            yield Static("No request has been made yet.", id="detail")
            if self._stores:
                with TabPane("Stores", id="stores-pane"), Horizontal(id="stores"):
                    yield StateTree(id="state")
                    yield Rows(id="actions")
        yield Footer()

    def on_mount(self) -> None:
        """Begin to look."""
        self.set_interval(_PERIOD, self._look)
        self.call_after_refresh(self._look)

    @on(Resize)
    def _fit(self, event: Resize) -> None:
        self.set_class(event.size.width >= _WIDE, "-wide")
        self._last_event = None  # the lines are drawn anew

    def action_close(self) -> None:
        """Go back to the app."""
        self.dismiss()

    def action_pane(self, pane: str) -> None:
        """Show one side and put the focus there."""
        tabs = self.query_one(TabbedContent)
        if self.query(f"#{pane}"):
            tabs.active = pane
            self.query(f"#{pane} OptionList, #{pane} Tree").first().focus()

    def action_toggle_recording(self) -> None:
        """Pause the recording of actions, or go on with it."""
        for store in self._stores.values():
            store.toggle_recording()
        self._show_stores()

    @on(OptionList.OptionHighlighted, "#calls")
    def _highlight_call(self, event: OptionList.OptionHighlighted) -> None:
        self._show_details()

    @on(OptionList.OptionSelected, "#actions")
    def _travel(self, event: OptionList.OptionSelected) -> None:
        # Not by its place: the list may have moved on since.
        action = self._actions.get(event.option_id or "")
        try:
            if action is None:
                raise ValueError
            self._stores[action.store].jump_to(action.number)
        except ValueError:
            self.notify("That action is not kept any more.", severity="warning")
        self._look()

    def _look(self) -> None:
        """Show what has changed since the last look."""
        if not self.query(Footer):
            return  # the app ends while the screen is opened
        changed = [store for store in self._stores.values() if store.has_changed()]
        if changed:
            self._show_stores()
        events = () if self._trace is None else self._trace.events
        if events and events[-1] is not self._last_event:
            self._last_event = events[-1]
            self._show_calls()

    def _show_stores(self) -> None:
        if not self._stores:
            return
        self.query_one("#state", StateTree).show(
            {name: store.snapshot for name, store in self._stores.items()}
        )
        found = [action for store in self._stores.values() for action in store.actions]
        found.sort(key=lambda action: action.time)
        self._actions = {action.id: action for action in found}
        self.query_one("#actions", Rows).show([Row(each.id, _line(each)) for each in found])
        is_paused = any(store.is_paused for store in self._stores.values())
        self.query_one(TabbedContent).get_tab("stores-pane").label = (
            "Stores (paused)" if is_paused else "Stores"
        )

    def _show_calls(self) -> None:
        if self._trace is None:
            return
        self._calls = tuple(self._trace.calls)[-_MOST_CALLS:]
        listed = self.query_one("#calls", Rows)
        width = listed.scrollable_content_region.width - 2  # a line has a margin at both sides
        shown = zip(self._calls, lines(self._calls, width), strict=True)
        listed.show([Row(str(call.number), line) for call, line in shown])
        self._show_details()

    def _show_details(self) -> None:
        index = self.query_one("#calls", Rows).highlighted
        if index is not None:
            self.query_one("#detail", Static).update(details(self._calls[index]))


def _line(action: Action) -> Content:
    mark = "▸" if action.is_present else " "
    style = "$text-accent bold" if action.is_present else ""
    name = "the beginning" if action.number == 0 else action.name
    return Content.assemble(
        (f"{mark} {action.number:>3} ", "$text-muted"), (name, style), (f"  {action.store}", "dim")
    )
