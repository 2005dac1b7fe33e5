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
from tui.state import PATHS, ShopStore
from tui.widgets import (
    Journal,
    ResourceList,
    SessionBar,
    StormBar,
    journal_of,
    resources_of,
    storm_of,
)
from zustax.store import UserStore
from zustax.transport import (
    RequestError,
    Response,
    TokenPair,
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


class Shop(SessionBound, App[None]):
    """The app.

    Args:
        backend: What it talks to; it is told to expire tokens and to revoke sessions.
        clock: Gives the time in epoch seconds.
    """

    TITLE = "Shop"
    ENABLE_COMMAND_PALETTE = False

    CSS = """
    #session { height: 1; padding: 0 1; background: $panel; }
    #main { height: 1fr; }
    #left { width: 1fr; }
    ResourceList, StormBar, Journal { border: round $primary; padding: 0 1; }
    ResourceList { height: 1fr; }
    StormBar { height: auto; min-height: 3; }
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
        self.session = UserStore()
        self.shop = ShopStore()
        self._backend = backend
        self._clock = clock
        self._api = create(base_url=backend.base_url)
        self._blocking = create_sync(base_url=backend.base_url)
        self._resources = ExitStack()
        self.trace = self._resources.enter_context(record(self._api, self._blocking))
        for api in (self._api, self._blocking):
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
        yield Footer()

    def on_mount(self) -> None:
        hint = f"try {USER} and {DEMO_USERS[USER]}"
        self.push_screen(LoginScreen(self._log_in, notice=hint, username=USER), self._begin_session)

    async def on_unmount(self) -> None:
        await self._api.aclose()
        await asyncio.to_thread(self._blocking.close)
        self._resources.close()

    # --- the session ---

    def _make_login_again(self) -> LoginScreen:
        return LoginScreen(
            self._log_in,
            title="Log in again",
            notice="The session has ended. What was asked for waits.",
            username=USER,
        )

    async def _log_in(self, username: str, password: str) -> TokenPair:
        answer = await self._api.post(
            "/auth/login",
            {"username": username, "password": password},
            extra={"silent_refresh": False},  # it needs no token, and no refresh could save it
        )
        return TokenPair(
            answer.data["access_token"],
            answer.data["refresh_token"],
            self._clock() + answer.data["expires_in"],
        )

    def _begin_session(self, pair: TokenPair | None) -> None:
        if pair is None:
            self.shop.note("nobody has logged in")
        else:
            self.session.login(
                pair.access_token, str(pair.refresh_token), expires_at=pair.expires_at
            )
            self.shop.note("logged in")

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

    def action_revoke(self) -> None:
        """Have the server end the session, behind the back of the app."""
        self._backend.authority.revoke_all()
        self.shop.note("the server has ended the session")

    def action_inspect(self) -> None:
        """Look inside."""
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
        await asyncio.gather(*(self._send_one() for _ in range(size)))

    async def _send_one(self) -> None:
        try:
            await self._api.get("/items")
        except RequestError:
            self.shop.count(is_answered=False)
        else:
            self.shop.count(is_answered=True)

    # A store takes changes from any thread, and the widgets follow in theirs.

    def _show(self, path: str, response: Response) -> None:
        self.shop.set_resource(path, str(response.status), summary(response.data))

    def _show_failure(self, path: str, error: RequestError) -> None:
        self.shop.set_resource(path, str(error.status or error.code))


def summary(data: Any) -> str:
    """What a resource holds, in a few words."""
    (content,) = data.values()
    if isinstance(content, str):
        return content
    return ", ".join(str(list(entry.values())[-1]) for entry in content)
