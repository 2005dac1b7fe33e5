"""The app: a session, an instance for tasks and one for threads, and what is shown of them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, ClassVar

from backend import DEMO_USERS, Backend
from textual import on, work
from textual.app import App, ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Footer
from tui.state import PATHS, Session, ShopStore
from tui.widgets import (
    Hint,
    Journal,
    ResourceList,
    SessionBar,
    StormBar,
    hint_of,
    journal_of,
    resources_of,
    storm_of,
)
from zustax.store import UserStore
from zustax.transport import (
    RequestError,
    Response,
    TokenPair,
    TraceEvent,
    create,
    create_sync,
    record,
    silent_refresh,
)
from zustax.transport.textual import (
    InspectorScreen,
    LoginRequired,
    LoginScreen,
    RefreshFailed,
    SessionBound,
    TokenRefreshed,
    ask_on_screen,
)

#: How many requests a storm has.
STORM = 50

#: Whom the dialog suggests.
USER = next(iter(DEMO_USERS))

#: What to press next, by what has just been done.
HINTS = {
    "no login": "Press L to load: a dialog asks for a login, and the requests wait for it.",
    "login": "Press E first: the server refuses your access token from then on.",
    "expire": f"Press S: {STORM} requests leave at once, with the refused token.",
    "storm": "Press F12 to look inside: one refresh served all of them.",
    "inspect": "Press R, then L: the session ends, and requests wait while you log in again.",
    "revoke": "Press L: the requests wait while you log in again. Escape gives up.",
}


class Shop(SessionBound, App[None]):
    """The app.

    Args:
        backend: What it talks to; it is told to expire tokens and to revoke sessions.
        clock: Gives the time in epoch seconds.
    """

    TITLE = "Shop"
    ENABLE_COMMAND_PALETTE = False

    CSS = """
    #session, #hint { height: 1; padding: 0 1; background: $panel; }
    #hint { color: $text-accent; }
    #main { height: 1fr; }
    #left { width: 1fr; }
    ResourceList, StormBar, Journal { border: round $primary; padding: 0 1; }
    ResourceList { height: 1fr; }
    StormBar { height: 4; }
    Journal { width: 34; height: 1fr; }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        ("l", "load", "Load"),
        ("s", "storm", f"{STORM} at once"),
        ("e", "expire", "Expire"),
        ("r", "revoke", "Revoke"),
        ("d", "toggle_dark", "Dark"),
        ("f12", "inspect", "Inspect"),
        ("q", "quit", "Quit"),
    ]

    def __init__(self, backend: Backend, clock: Callable[[], float] = time.time) -> None:
        super().__init__()
        self.session = UserStore(Session())
        self.shop = ShopStore()
        self._backend = backend
        self._clock = clock
        self._api = create(base_url=backend.base_url)
        self._storm = self._api.create()  # the same connections; a record of its own counts it
        self._blocking = create_sync(base_url=backend.base_url)
        instances = (self._api, self._storm, self._blocking)
        self._resources = ExitStack()
        self.trace = self._resources.enter_context(record(*instances))
        for api in instances:
            silent_refresh(
                api, self.session, reauthenticate=ask_on_screen(self, self._make_login_again)
            )
            self.watch_session(api)

    def compose(self) -> ComposeResult:
        store = self.shop.store
        yield SessionBar(self.session, self._clock)
        with Horizontal(id="main"):
            with Vertical(id="left"):
                yield ResourceList().bind_store(store, resources=resources_of)
                yield StormBar().bind_store(store, storm=storm_of)
            yield Journal().bind_store(store, lines=journal_of)
        yield Hint().bind_store(store, hint=hint_of)
        yield Footer()

    def on_mount(self) -> None:
        notice = f"The user {USER} has the password {DEMO_USERS[USER]}."
        dialog = LoginScreen(self._log_in, notice=notice, username=USER)
        self.push_screen(dialog, self._begin_session)

    async def on_unmount(self) -> None:
        await self._api.aclose()
        await asyncio.to_thread(self._blocking.close)
        self._resources.close()

    # --- the session ---

    def _make_login_again(self) -> LoginScreen:
        had_ended = self.session.get_state().is_login
        reason = "the server has ended the session" if had_ended else "there is no session"
        self.shop.note(f"asked for a login: {reason}")
        return LoginScreen(
            self._log_in,
            title="Log in again" if had_ended else "Log in",
            notice=f"{reason.capitalize()}. The requests wait for your login; Escape gives up.",
            username=USER,
        )

    async def _log_in(self, username: str, password: str) -> TokenPair:
        answer = await self._api.post(
            "/auth/login",
            {"username": username, "password": password},
            extra={"silent_refresh": False},  # it needs no token, and no refresh could save it
        )
        self.session.set_state({"user": username})
        self.shop.note(f"{username} has logged in")
        return TokenPair(
            answer.data["access_token"],
            answer.data["refresh_token"],
            self._clock() + answer.data["expires_in"],
        )

    def _begin_session(self, pair: TokenPair | None) -> None:
        if pair is None:
            self.shop.note("no user has logged in")
            self.shop.hint(HINTS["no login"])
        else:
            self.session.login(
                pair.access_token, str(pair.refresh_token), expires_at=pair.expires_at
            )
            self.shop.hint(HINTS["login"])
            self.action_load()

    @on(TokenRefreshed)
    def _note_refresh(self) -> None:
        self.shop.note("the access token was renewed")

    @on(RefreshFailed)
    def _note_failure(self, event: RefreshFailed) -> None:
        self.shop.note(f"refresh failed: {event.error}")

    @on(LoginRequired)
    def _note_end(self, event: LoginRequired) -> None:
        self.shop.note(f"login required: {event.reason}")

    # --- the keys ---

    def action_load(self) -> None:
        """Load everything, each thing in a task or a thread."""
        for path, loader in PATHS.items():
            self.shop.set_resource(path, "loading")
            if loader == "task":
                self._load_in_task(path)
            else:
                self._load_in_thread(path)

    def action_storm(self) -> None:
        """Send many requests at once."""
        self._send_at_once(STORM)

    def action_expire(self) -> None:
        """Have the server refuse the access token."""
        self._backend.authority.expire_access_tokens()
        self.shop.note("the server refuses the access token")
        self.shop.hint(HINTS["expire"])

    def action_revoke(self) -> None:
        """Have the server end the session, behind the back of the app."""
        self._backend.authority.revoke_all()
        self.shop.note("the server has ended the session")
        self.shop.hint(HINTS["revoke"])

    def action_inspect(self) -> None:
        """Look inside."""
        self.shop.hint(HINTS["inspect"])
        self.push_screen(
            InspectorScreen({"shop": self.shop.store, "session": self.session}, self.trace)
        )

    # --- the work ---

    @work
    async def _load_in_task(self, path: str) -> None:
        try:
            self._show(path, await self._api.get(path))
        except RequestError as error:
            self._show_failure(path, error)

    @work(thread=True)
    def _load_in_thread(self, path: str) -> None:
        try:
            self._show(path, self._blocking.get(path))
        except RequestError as error:
            self._show_failure(path, error)

    @work
    async def _send_at_once(self, size: int) -> None:
        self.shop.begin_storm(size)
        refresh_calls: set[int | None] = set()

        def count(event: TraceEvent) -> None:
            if event.refresh is not None and event.kind == "started":
                refresh_calls.add(event.call)
            elif event.call not in refresh_calls and (what := outcome_of(event)):
                self.shop.count(what)

        with record(self._storm, on_event=count):
            requests = (self._storm.get("/items") for _ in range(size))
            await asyncio.gather(*requests, return_exceptions=True)
        met_a_401 = self.shop.store.get_state().storm.unauthorized
        self.shop.hint(HINTS["storm" if met_a_401 else "login"])

    # A store takes changes from any thread, and the widgets follow in theirs.

    def _show(self, path: str, response: Response) -> None:
        self.shop.set_resource(path, str(response.status), summary(response.data))

    def _show_failure(self, path: str, error: RequestError) -> None:
        self.shop.set_resource(path, str(error.status or error.code))


def outcome_of(event: TraceEvent) -> str | None:
    """What to count in a storm because of an event, if anything."""
    if event.kind == "received" and event.status == 401:
        return "unauthorized"
    if event.kind == "refresh_started":
        return "refreshes"
    if event.kind == "sent" and event.is_replay:
        return "replayed"
    if event.kind == "ended":
        return "answered" if event.outcome == "fulfilled" else "failed"
    return None


def summary(data: Any) -> str:
    """What a resource holds, in a few words."""
    (content,) = data.values()
    if isinstance(content, str):
        return content
    return ", ".join(str(list(entry.values())[-1]) for entry in content)
