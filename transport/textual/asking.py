"""A screen as the ``reauthenticate`` function of a silent refresh."""

from __future__ import annotations

import asyncio
import concurrent.futures
from collections.abc import Callable
from typing import Any, TypeAlias

from textual.app import App
from textual.screen import Screen

from ..refresh.tokens import TokenPair
from ..runtime import AsyncRuntime, Runtime, SyncRuntime, run_now

MakeScreen: TypeAlias = Callable[[], Screen[TokenPair | None]]
Answer: TypeAlias = "concurrent.futures.Future[TokenPair | None]"

#: Seconds between two checks, while a thread waits for an answer, that the app still runs.
_PATIENCE = 0.5


def ask_on_screen(app: App[Any], make_screen: MakeScreen) -> Callable[[], Any]:
    """Make a ``reauthenticate`` function for `silent_refresh` that asks the user on a screen.

    It serves asynchronous and synchronous instances, in any task, thread and event loop: in a loop
    it gives something to await, in a thread it blocks that. The requests that wait for the refresh
    go on when the screen is dismissed with a `TokenPair`, and fail with their 401 when it is
    dismissed with ``None``, or when the app ends.

    Args:
        app: The app. While it does not run, the answer is ``None``.
        make_screen: Makes a screen that is dismissed with a `TokenPair` or ``None``, such as
            `LoginScreen`. It is called in the app's thread, once for each time that the user is
            asked.

    Returns:
        ``() -> TokenPair | None``, or an awaitable of that.
    """

    def reauthenticate() -> Any:
        # Not by a thread of the event loop: all of those may be waiting for this very answer.
        if _is_in_event_loop():
            return _ask(AsyncRuntime(), app, make_screen)
        return run_now(_ask(SyncRuntime(), app, make_screen))

    return reauthenticate


async def _ask(runtime: Runtime, app: App[Any], make_screen: MakeScreen) -> TokenPair | None:
    answer: Answer = concurrent.futures.Future()
    if app.is_running:
        app.call_later(_begin, app, make_screen, answer)
    # An app that is about to end drops what it is asked to do, without a word.
    while app.is_running and not await runtime.wait(answer, _PATIENCE, None):
        pass
    return answer.result() if answer.done() else None


def _begin(app: App[Any], make_screen: MakeScreen, answer: Answer) -> None:
    # In a worker, which ends with the app; the waiting requests then go on.
    app.run_worker(_show(app, make_screen, answer), name="reauthenticate")


async def _show(app: App[Any], make_screen: MakeScreen, answer: Answer) -> None:
    pair: TokenPair | None = None
    try:
        pair = await app.push_screen_wait(make_screen())
    finally:
        answer.set_result(pair)


def _is_in_event_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
