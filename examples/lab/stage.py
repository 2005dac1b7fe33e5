"""A stage on which requests and replies come in an order that the play decides.

Every reply is kept back at the server until the play lets it go, and the next step waits until
nothing moves any more. So a play has the same events in the same order each time it is run, however
busy the machine is, and whoever is not answered when all replies are out hangs for certain.
"""

from __future__ import annotations

import asyncio
import contextlib
from asyncio import Task
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any, TypeAlias
from urllib.parse import urlsplit

from zustax.store import UserStore
from zustax.transport import (
    Instance,
    RequestError,
    Trace,
    TraceEvent,
    create,
    login_required,
    record,
    silent_refresh,
)
from zustax.transport.testing import MisbehavingServer, until

from .naive import Bug, NaiveRefresh, unwrap

REFRESH = "/auth/refresh"

#: Where the replies are kept back.
PATHS = ("/a", "/b", REFRESH)

#: Seconds for which those that nobody will answer are waited for, before it is said that they hang.
PATIENCE = 0.2

#: Seconds after which something must have gone wrong with the stage itself.
BOUND = 20.0

#: Replies after which a play without an end is stopped.
MOST_REPLIES = 6

#: Turns of the event loop: more than it takes until all that needs no network has been done.
TURNS = 200


class Stage:
    """Where a play is performed.

    Args:
        server: Who is asked.
        api: Who asks.
        store: Who is logged in: ada, with an expired token.
        trace: Of the instances.
    """

    def __init__(
        self, server: MisbehavingServer, api: Instance, store: UserStore, trace: Trace
    ) -> None:
        self.server = server
        self.api = api
        self.store = store
        self._trace = trace
        self._requests: dict[str, Task[Any]] = {}
        self._gates = {path: server.hold(path) for path in PATHS}

    # --- what a play does ---

    async def send(self, url: str) -> None:
        """Send a request for ``url``, and give it no reply yet."""
        self._requests[url] = asyncio.create_task(self.api.get(url))
        await self._settled()

    async def reply(self, path: str) -> None:
        """Let the reply to the requests that wait for ``path`` go, and see what comes of it."""
        # What comes of it waits at another gate.
        gate, self._gates[path] = self._gates[path], self.server.hold(path)
        answered = len(self._answers())
        gate.open()
        await until(lambda: len(self._answers()) > answered, BOUND)
        await self._settled()

    async def cancel(self, url: str) -> None:
        """Cancel a request."""
        self._requests[url].cancel()
        await self._settled()

    async def finish(self) -> None:
        """Reply to all that is waiting, and to what comes of it, until nothing does."""
        for _ in range(MOST_REPLIES):
            waiting = self._waiting_for_replies()
            if not waiting:
                return
            await self.reply(waiting[0])

    # --- what has come of it ---

    async def outcomes(self) -> list[str]:
        """What the callers have been given, and how many refreshes it took."""
        await asyncio.wait(self._requests.values(), timeout=PATIENCE)
        refreshes = self.server.count(REFRESH)
        return [
            *(f"{url}: {self._outcome(url, task)}" for url, task in self._requests.items()),
            f"{refreshes} refresh" if refreshes == 1 else f"{refreshes} refreshes",
        ]

    async def clear(self) -> None:
        """End the requests that hang."""
        for task in self._requests.values():
            task.cancel()
        await asyncio.wait(self._requests.values())

    async def _settled(self) -> None:
        """Wait until nothing is on its way but replies that are kept back."""
        await nothing_moves()
        sent = Counter(_path_of(event) for event in self._events("sent"))
        for path in PATHS:
            await self.server.wait_for_async(sent[path], path, BOUND)

    def _outcome(self, url: str, task: Task[Any]) -> str:
        if not task.done():
            return "goes on and on" if url in self._waiting_for_replies() else "hangs"
        if task.cancelled():
            return "cancelled"
        error = task.exception()
        if error is None:
            return "ok"
        if not isinstance(error, RequestError):
            return type(error).__name__
        asked = error.config.url if error.config else None
        return f"error {error.status}" if asked == url else f"error {error.status} of {asked}"

    def _waiting_for_replies(self) -> list[str]:
        answered = {(event.call, event.attempt) for event in self._answers()}
        return [
            _path_of(event)
            for event in self._events("sent")
            if (event.call, event.attempt) not in answered
        ]

    def _answers(self) -> Sequence[TraceEvent]:
        return self._events("received", "failed")

    def _events(self, *kinds: str) -> Sequence[TraceEvent]:
        return [event for event in self._trace.events if event.kind in kinds]


async def nothing_moves() -> None:
    """Wait until all is done that can be done without another reply."""
    for _ in range(TURNS):
        await asyncio.sleep(0)


def _path_of(event: TraceEvent) -> str:
    return urlsplit(event.url or "").path


# --- performing ---

#: What happens on the stage; what it returns is worth saying besides the outcomes.
Play: TypeAlias = Callable[[Stage], Awaitable[Sequence[str]]]

#: What has come of a play, and what happened in it.
Performance: TypeAlias = tuple[Sequence[str], Sequence[TraceEvent]]

Redirect: TypeAlias = Callable[[str], None]

#: Adds a refresh to an instance, and gives the instance that the refresh call is made with.
Refresh: TypeAlias = Callable[
    [Instance, UserStore, Redirect], contextlib.AbstractContextManager[Instance]
]


async def perform_naive(play: Play, bugs: Bug) -> Performance:
    """Perform a play with the naive refresh that has ``bugs``."""

    def naively(
        api: Instance, store: UserStore, redirect: Redirect
    ) -> contextlib.AbstractContextManager[Instance]:
        return contextlib.nullcontext(NaiveRefresh(api, store, bugs, redirect).refresh_api)

    return await _perform(play, naively)


async def perform_silent(play: Play) -> Performance:
    """Perform a play with `silent_refresh`."""
    return await _perform(play, _silently)


@contextlib.contextmanager
def _silently(api: Instance, store: UserStore, redirect: Redirect) -> Iterator[Instance]:
    def on_login_required(_sender: Instance, reason: str, **_details: Any) -> None:
        if reason != "still_unauthorized":  # then the session goes on
            redirect("/login")

    silent_refresh(api, store)
    api.interceptors.response.use(unwrap)
    with login_required.connected_to(on_login_required, api):
        yield api


async def _perform(play: Play, refresh: Refresh) -> Performance:
    visited: list[str] = []
    with MisbehavingServer() as server:
        store = _expired_session(server)
        async with create(base_url=server.url) as api:
            with (
                refresh(api, store, visited.append) as refresh_api,
                record(api, refresh_api) as trace,
            ):
                stage = Stage(server, api, store, trace)
                remarks = await play(stage)
                outcomes = await stage.outcomes()
                events = trace.events  # before those that hang are ended
                await stage.clear()
    redirects = [f"the user is sent to {path}" for path in dict.fromkeys(visited)]
    return [*outcomes, *redirects, *remarks], events


def _expired_session(server: MisbehavingServer) -> UserStore:
    tokens = server.login("ada")
    store = UserStore()
    store.login(tokens.access_token, tokens.refresh_token)
    server.expire()
    return store
