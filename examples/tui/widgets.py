"""The parts of the app, each of which follows a slice of a store."""

from __future__ import annotations

import textwrap
from collections.abc import Callable

from textual.content import Content
from textual.reactive import reactive
from textual.widgets import Static
from tui.state import Resource, Session, ShopState, Storm
from zustax.store import UserStore
from zustax.store.textual import StoreBound

#: Columns of the bars.
LIFE_BAR, STORM_BAR = 24, 14

#: Which share of its life an access token has left when its bar changes colour.
LOW, ALMOST_GONE = 0.5, 0.2

STATUS_STYLES = {"200": "$text-success", "loading": "$text-warning", "": "$text-muted"}


def bar(share: float, width: int, style: str) -> Content:
    """A bar of which a share from 0 to 1 is filled."""
    filled = round(share * width)
    return Content.assemble(("━" * filled, style), ("─" * (width - filled), "$text-disabled"))


class SessionBar(StoreBound, Static):
    """Who is logged in, and how long the access token still lives.

    Args:
        session: The store of who is logged in.
        clock: Gives the time in epoch seconds.
    """

    user: reactive[str | None] = reactive(None)
    expires_at: reactive[float | None] = reactive(None)
    now = reactive(0.0)

    def __init__(self, session: UserStore[Session], clock: Callable[[], float]) -> None:
        super().__init__(id="session")
        self._clock = clock
        self._lifetime = 1.0
        self.bind_store(session, user=user_of, expires_at=expires_at_of)

    def on_mount(self) -> None:
        self._tick()
        self.set_interval(0.5, self._tick)

    def watch_expires_at(self, expires_at: float | None) -> None:
        self._tick()
        if expires_at is not None:
            self._lifetime = max(expires_at - self.now, 1.0)

    def _tick(self) -> None:
        self.now = self._clock()

    def render(self) -> Content:
        if self.user is None or self.expires_at is None:
            return Content.assemble(("○ ", "$text-muted"), "no user is logged in")
        seconds = max(self.expires_at - self.now, 0.0)
        share = min(seconds / self._lifetime, 1.0)
        style = "$text-success" if share > LOW else "$text-warning"
        style = "$text-error" if share < ALMOST_GONE else style
        return Content.assemble(
            ("● ", "$text-success"),
            (self.user, "bold"),
            "   access token  ",
            bar(share, LIFE_BAR, style),
            f"  {seconds:3.0f} s",
        )


class ResourceList(StoreBound, Static):
    """What was loaded."""

    resources: reactive[dict[str, Resource]] = reactive(dict)

    def on_mount(self) -> None:
        self.border_title = "Resources"

    def render(self) -> Content:
        return Content("\n").join(
            Content.assemble(
                f"{path:<9} ",
                (f"{resource.loader:<7} ", "$text-muted"),
                (f"{resource.status or '-':<8}", STATUS_STYLES.get(resource.status, "$text-error")),
                resource.content,
            )
            for path, resource in self.resources.items()
        )


class StormBar(StoreBound, Static):
    """Requests that were sent at once, and what became of them."""

    storm: reactive[Storm] = reactive(Storm())

    def on_mount(self) -> None:
        self.border_title = "Storm"

    def render(self) -> Content:
        storm = self.storm
        if not storm.size:
            return Content.styled("no requests yet", "$text-muted")
        return Content.assemble(
            bar((storm.answered + storm.failed) / storm.size, STORM_BAR, "$text-accent"),
            f" {storm.size} sent, ",
            (f"{storm.answered} ok", "$text-success"),
            *((", ", (f"{storm.failed} failed", "$text-error")) if storm.failed else ()),
            "\n",
            (f"{storm.unauthorized} × 401", "$text-error" if storm.unauthorized else "$text-muted"),
            ", ",
            (
                f"{storm.refreshes} refresh{'' if storm.refreshes == 1 else 'es'}",
                "$text-warning" if storm.refreshes else "$text-muted",
            ),
            ", ",
            (f"{storm.replayed} replayed", "$text-success" if storm.replayed else "$text-muted"),
        )


class Hint(StoreBound, Static):
    """What to press next."""

    hint = reactive("")

    def __init__(self) -> None:
        super().__init__(id="hint")

    def render(self) -> Content:
        return Content(self.hint)


class Journal(StoreBound, Static):
    """What happened, the newest at the bottom."""

    lines: reactive[tuple[str, ...]] = reactive(())

    def on_mount(self) -> None:
        self.border_title = "Journal"

    def render(self) -> Content:
        width, height = max(self.size.width, 8), max(self.size.height, 1)
        rows = [
            row for line in self.lines for row in textwrap.wrap(line, width, subsequent_indent="  ")
        ]
        return Content("\n".join(rows[-height:]))


def user_of(state: Session) -> str | None:
    return state.user


def expires_at_of(state: Session) -> float | None:
    return state.expires_at


def resources_of(state: ShopState) -> dict[str, Resource]:
    return state.resources


def storm_of(state: ShopState) -> Storm:
    return state.storm


def hint_of(state: ShopState) -> str:
    return state.hint


def journal_of(state: ShopState) -> tuple[str, ...]:
    return state.journal
