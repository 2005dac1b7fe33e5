"""A dialog that asks for a user name and a password."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from inspect import isawaitable
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Label

from ..chain import is_async
from ..errors import RequestError
from ..refresh.tokens import TokenPair

_log = logging.getLogger("zustax")

#: What a server answers to credentials that it does not know.
_REFUSALS = frozenset((400, 401, 403))

_REFUSED = "Wrong user name or password."


class LoginScreen(ModalScreen[TokenPair | None]):
    """Asks the user to log in; it is dismissed with a `TokenPair`, or with ``None`` on Escape.

    A login that is refused can be tried again; what else goes wrong is said on the screen. Whatever
    ``authenticate`` raises stays inside: a crash report would print the password.

    Args:
        authenticate: ``(username, password) -> TokenPair | None``, plain or async; a plain one runs
            in a thread. ``None``, or a `RequestError` with 400, 401 or 403, refuses the login. A
            request that it makes with the instance of the session needs
            ``extra={"silent_refresh": False}``.
        title: What stands at the top. Default: ``"Log in"``.
        notice: Why the user is asked. Default: nothing.
        username: The name that is filled in. Default: none.
    """

    DEFAULT_CSS = """
    LoginScreen {
        align: center middle;

        #dialog {
            width: 48;
            max-width: 100%;
            height: auto;
            max-height: 100%;
            padding: 1 2;
            border: round $primary;
            border-title-color: $primary;
            background: $surface;
        }
        #notice { width: 100%; color: $text-muted; margin-bottom: 1; }
        #notice.-empty { display: none; }
        #username { margin-bottom: 1; }
        #problem { width: 100%; color: $text-error; min-height: 1; margin: 0 1; }
        #problem.-busy { color: $text-muted; }
        #buttons { height: auto; align-horizontal: right; }
        #give-up { margin-right: 1; }
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [("escape", "give_up", "Give up")]

    def __init__(
        self,
        authenticate: Callable[[str, str], Any],
        *,
        title: str = "Log in",
        notice: str = "",
        username: str = "",
    ) -> None:
        super().__init__()
        self._authenticate = authenticate
        self._heading = title
        self._notice = notice
        self._username = username

    def compose(self) -> ComposeResult:
        """Lay out the dialog."""
        with Vertical(id="dialog") as dialog:
            dialog.border_title = self._heading
            empty = "" if self._notice else "-empty"
            yield Label(self._notice, id="notice", classes=empty, markup=False)
            yield Input(self._username, placeholder="User name", id="username")
            yield Input(placeholder="Password", password=True, id="password")
            yield Label(id="problem", markup=False)
            with Horizontal(id="buttons"):
                yield Button("Give up", id="give-up")
                yield Button("Log in", variant="primary", id="log-in")

    def on_mount(self) -> None:
        """Begin where there is something to type."""
        # A query, since there are no fields yet if the app ends while the screen is opened.
        self.query("#password" if self._username else "#username").focus()

    # What is typed does not leave this screen: messages bubble up to handlers of the app, and a
    # crash report prints the message that a handler was given.

    @on(Input.Changed)
    def _keep_inside(self, event: Input.Changed) -> None:
        event.stop()

    @on(Input.Submitted, "#username")
    def _go_on_to_password(self, event: Input.Submitted) -> None:
        event.stop()
        self._input("password").focus()

    @on(Input.Submitted, "#password")
    @on(Button.Pressed, "#log-in")
    def _submit(self, event: Input.Submitted | Button.Pressed) -> None:
        event.stop()
        if self._input("username").value and self._input("password").value:
            self.run_worker(self._log_in(), name="log in", exclusive=True)
        else:
            self._say("Both are needed.")

    @on(Button.Pressed, "#give-up")
    def _press_give_up(self, event: Button.Pressed) -> None:
        event.stop()
        self.action_give_up()

    def action_give_up(self) -> None:
        """Dismiss the screen without a login."""
        self.dismiss(None)

    async def _log_in(self) -> None:
        self._say("Logging in …", is_busy=True)
        answer = await self._answer()
        if isinstance(answer, TokenPair):
            self.dismiss(answer)
            return
        self._say(answer)
        self._input("password").value = ""
        self._input("password").focus()

    async def _answer(self) -> TokenPair | str:
        """Return the tokens, or a message for the user."""
        try:
            answer = await self._ask()
        except RequestError as error:
            return _REFUSED if error.status in _REFUSALS else str(error)
        except Exception as error:
            _log.warning("authenticate raised %s", type(error).__name__)
            return f"Logging in failed: {type(error).__name__}."
        if isinstance(answer, TokenPair):
            return answer
        if answer is None:
            return _REFUSED
        kind = type(answer).__name__
        _log.warning("authenticate must return a TokenPair or None, not %s", kind)
        return f"Logging in gave no tokens but {kind}."

    async def _ask(self) -> Any:
        # No local variable holds the password.
        if is_async(self._authenticate):
            answer = self._authenticate(self._value("username"), self._value("password"))
        else:
            answer = await self._ask_in_thread()
        return await answer if isawaitable(answer) else answer

    async def _ask_in_thread(self) -> Any:
        # Not in a thread of the event loop: all of those may be waiting for this very login.
        threads = ThreadPoolExecutor(1, "log-in")
        try:
            return await asyncio.get_running_loop().run_in_executor(
                threads, self._authenticate, self._value("username"), self._value("password")
            )
        finally:
            threads.shutdown(wait=False)

    def _say(self, text: str, *, is_busy: bool = False) -> None:
        problem = self.query_one("#problem", Label)
        problem.update(text)
        problem.set_class(is_busy, "-busy")
        for widget in self.query("Input, #log-in"):
            widget.disabled = is_busy

    def _input(self, name: str) -> Input:
        return self.query_one(f"#{name}", Input)

    def _value(self, name: str) -> str:
        return self._input(name).value
