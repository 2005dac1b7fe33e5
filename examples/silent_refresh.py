"""Silent refresh, to watch: many requests meet an expired access token, one refresh serves them.

    uv run examples/silent_refresh.py
    uv run examples/silent_refresh.py --requests 500
    uv run examples/silent_refresh.py --base-url http://localhost:3001/api   # a running backend.py

First a user logs in, and the access token really expires. Then all requests are sent at once. They
are answered 401; one refresh runs while they wait for it; each is sent again with the new token.
Whoever made the requests sees nothing but the answers.

Then the session is ended on the server, while the client's store still believes in its tokens, and
more requests are sent. This time the refresh is refused: `login_required` fires once, and each
request raises its own 401.

Everything is counted where it happens and compared with what it must be. The exit code is 0 if all
counts are right, 1 if one is wrong or the backend cannot be used, 2 for a wrong argument, and 130
after Ctrl-C.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import attrs
from backend import DEMO_USERS, Backend, running_backend
from rich import box
from rich.console import Console, RenderableType
from rich.live import Live
from rich.padding import Padding
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text
from zustax.store import UserStore
from zustax.transport import (
    Instance,
    InvalidURLError,
    RefreshStats,
    RequestConfig,
    RequestError,
    Response,
    SilentRefresh,
    create,
    login_required,
    silent_refresh,
    token_refreshed,
)

USER = "ada"
PATHS = ("/me", "/items", "/reports", "/archive")

REQUESTS = 100
REQUESTS_AFTER_THE_END = 20

#: Seconds that an attempt may take; of many at once, most wait for a connection.
TIMEOUT = 60.0

#: Seconds to wait beyond the end of the access token, for clocks that differ.
MARGIN = 0.2

#: Seconds that the embedded backend takes for a refresh, so that it can be watched.
REFRESH_DELAY = 0.5

#: Seconds that an access token of the embedded backend lives at least.
SHORTEST_TTL = 1.0

#: With more requests it lives longer: it must not expire again before the last one is answered.
REQUESTS_PER_SECOND = 30

#: Columns of the terminal.
LABEL = 14
BAR = 56


# --- what happens ---


async def show(base_url: str, backend: Backend | None, requests: int, screen: Screen) -> bool:
    """Show both parts, then what was counted.

    Args:
        base_url: Of the backend.
        backend: The backend, if it is embedded: its authority keeps a journal.
        requests: How many meet the expired token.
        screen: Where to show it.

    Returns:
        Whether every count was as it must be.

    Raises:
        RequestError: Logging in, or out, has failed.
    """
    store = UserStore()
    async with create(base_url=base_url, timeout=TIMEOUT) as api:
        handle = silent_refresh(api, store)

        lifetime = await log_in(api, store)
        screen.say("logged in", f"as {USER}; the access token lives {round(lifetime, 1):g} s")
        await let_expire(lifetime, screen)
        screen.say("expired", f"{requests} x GET at once, with the dead token")
        served = await send_at_once(api, handle, requests, screen)
        counts = {"with an expired token": counts_of_served(served, backend)}

        await end_session(api, store, backend)
        screen.say("revoked", f"on the server alone; {REQUESTS_AFTER_THE_END} x GET at once")
        refused = await send_at_once(api, handle, REQUESTS_AFTER_THE_END, screen)
        counts["with a revoked session"] = counts_of_refused(refused)

    screen.tabulate(counts)
    wrong = [count for part in counts.values() for count in part if not count.is_right]
    if wrong:
        screen.conclude(complaint(wrong, served, refused, lifetime), is_good=False)
    else:
        screen.conclude(story(served, refused), is_good=True)
    return not wrong


async def log_in(api: Instance, store: UserStore) -> float:
    """Fill the store; gives the seconds that the access token lives."""
    answer = await api.post(
        "/auth/login",
        {"username": USER, "password": DEMO_USERS[USER]},
        extra={"silent_refresh": False},  # it needs no token, and no refresh could save it
    )
    try:
        lifetime = float(answer.data["expires_in"])
        store.login(
            answer.data["access_token"],
            answer.data["refresh_token"],
            expires_at=time.time() + lifetime,
        )
    except (KeyError, TypeError, ValueError):
        raise RequestError("the login was not answered as backend.py answers it") from None
    return lifetime


async def let_expire(lifetime: float, screen: Screen) -> None:
    """Wait by the clock until an access token of this moment has expired."""
    seconds = lifetime + MARGIN
    end = time.monotonic() + seconds
    with screen.watching(lambda: countdown(end - time.monotonic(), seconds), keep=False):
        await asyncio.sleep(seconds)


async def send_at_once(api: Instance, handle: SilentRefresh, size: int, screen: Screen) -> Batch:
    """Send requests at once and show, as it happens, what becomes of them."""
    batch = Batch(api, handle, size)
    with screen.watching(lambda: bars(batch)):
        await batch.run()
    return batch


async def end_session(api: Instance, store: UserStore, backend: Backend | None) -> None:
    """End it on the server alone: the store goes on believing in its tokens."""
    if backend is not None:
        backend.authority.revoke_session(USER)
    else:
        plain = api.create()  # the same connections, and no interceptors
        await plain.post(
            "/auth/logout", headers={"Authorization": f"Bearer {store.get_state().access_token}"}
        )


# --- counting ---


class Batch:
    """Requests that are sent at once, and what becomes of them.

    Args:
        api: Sends them.
        handle: Of its silent refresh.
        size: How many.

    Attributes:
        under_way: Attempts that have left and are not answered yet.
        unauthorized: Attempts that were answered 401.
        sent_again: Attempts that were not the first of their request.
        answered: Requests whose callers were given a 200.
        own_401s: Requests whose callers were given the 401 of this very request.
        failures: What else callers were given, and how often.
        renewals: How often `token_refreshed` fired.
        logins_required: How often `login_required` fired.
        seconds: What it took until all were settled.
    """

    def __init__(self, api: Instance, handle: SilentRefresh, size: int) -> None:
        self.size = size
        self.under_way = 0
        self.unauthorized = 0
        self.sent_again = 0
        self.answered = 0
        self.own_401s = 0
        self.failures: Counter[str] = Counter()
        self.renewals = 0
        self.logins_required = 0
        self.seconds = 0.0
        self._api = api
        self._handle = handle
        self._before = handle.stats
        self._after: RefreshStats | None = None
        self._left: set[int] = set()
        self._refused: set[int] = set()

    async def run(self) -> None:
        """Send them, and return when all are settled."""
        # Added after silent_refresh, so nearer to the wire: it sees every attempt.
        observer = self._api.interceptors.network.use(self._observe)
        started = time.perf_counter()
        with (
            token_refreshed.connected_to(self._on_token_refreshed, self._api),
            login_required.connected_to(self._on_login_required, self._api),
        ):
            await asyncio.gather(*(self._request(number) for number in range(self.size)))
        self.seconds = time.perf_counter() - started
        self._after = self._handle.stats
        self._api.interceptors.network.eject(observer)

    async def _request(self, number: int) -> None:
        try:
            response = await self._api.get(PATHS[number % len(PATHS)], extra={"number": number})
        except RequestError as error:
            is_own = error.config is not None and error.config.extra.get("number") == number
            if error.status == 401 and is_own:
                self.own_401s += 1
            else:
                self.failures[str(error)] += 1
        else:
            self.answered += response.status == 200

    async def _observe(
        self, config: RequestConfig, proceed: Callable[[RequestConfig], Awaitable[Response]]
    ) -> Response:
        number = config.extra["number"]  # it is still there when the request is sent again
        self.sent_again += number in self._left
        self._left.add(number)
        self.under_way += 1
        try:
            response = await proceed(config)
        finally:
            self.under_way -= 1
        if response.status == 401:
            self.unauthorized += 1
            self._refused.add(number)
        return response

    def _on_token_refreshed(self, _sender: Instance, **_details: Any) -> None:
        self.renewals += 1

    def _on_login_required(self, _sender: Instance, **_details: Any) -> None:
        self.logins_required += 1

    @property
    def spared(self) -> int:
        """Requests that met no 401: they waited for the refresh before they left."""
        return self.size - len(self._refused)

    @property
    def refreshes(self) -> int:
        """Refresh calls, as the client counts them."""
        return self._stats.refreshes - self._before.refreshes

    @property
    def waited(self) -> int:
        """Requests that waited for a refresh."""
        return self._stats.waited - self._before.waited

    @property
    def _stats(self) -> RefreshStats:
        return self._after or self._handle.stats


@attrs.frozen
class Count:
    """What was counted.

    Args:
        what: Of what.
        was: How many.
        must_be: How many there must be; ``None``: that depends on who was faster.
    """

    what: str
    was: int | str
    must_be: int | None = None

    @property
    def is_right(self) -> bool:
        """Whether it is what it must be."""
        return self.must_be in (None, self.was)

    @property
    def verdict(self) -> str:
        """``"ok"`` or ``"WRONG"``; empty where any number is right."""
        if self.must_be is None:
            return ""
        return "ok" if self.is_right else "WRONG"

    def __str__(self) -> str:
        return f"{self.what}: {self.was}, must be {self.must_be}"


def counts_of_served(batch: Batch, backend: Backend | None) -> list[Count]:
    """What must hold, whoever was faster, when requests have met an expired token."""
    counts = [
        Count("requests answered 200", batch.answered, batch.size),
        # Not simply all: a request that starts during the refresh waits for it and meets none.
        Count("401s met", batch.unauthorized, batch.size - batch.spared),
        Count("requests that waited for the refresh", batch.waited),
        Count("requests sent again", batch.sent_again, batch.unauthorized),
        Count("refreshes, as the client counts", batch.refreshes, 1),
    ]
    if backend is not None:
        count = backend.authority.journal.count
        counts += [
            Count("refreshes, in the authority's journal", count("refresh"), 1),
            Count("401s, in the authority's journal", count("access_expired"), batch.unauthorized),
        ]
    return [*counts, Count("seconds until all were answered", f"{batch.seconds:.2f}")]


def counts_of_refused(batch: Batch) -> list[Count]:
    """What must hold when requests have met the end of their session."""
    return [
        Count("requests that raised their own 401", batch.own_401s, batch.size),
        Count("refreshes, refused", batch.refreshes, 1),
        Count("login_required fired", batch.logins_required, 1),
    ]


def story(served: Batch, refused: Batch) -> str:
    """What happened, in one line, where all is as it must be."""
    return (
        f"{served.unauthorized} x 401, {served.refreshes} refresh, "
        f"{served.answered} x 200 in {served.seconds:.2f} s; "
        f"then {refused.own_401s} x 401, {refused.logins_required} login_required"
    )


def complaint(wrong: Sequence[Count], served: Batch, refused: Batch, lifetime: float) -> str:
    """Which counts are wrong, and what is known of the reasons."""
    reasons = [str(count) for count in wrong]
    failures = served.failures + refused.failures
    reasons += [f"{times} x {text}" for text, times in failures.items()]
    if served.seconds > lifetime:
        reasons.append("the requests took longer than an access token lives: send fewer")
    return "; ".join(reasons)


# --- showing ---


class Screen:
    """Where it is shown. This one shows nothing but the result."""

    def say(self, what: str, text: str) -> None:
        """Show a step: a word, and what there is to say about it."""

    def watching(
        self, render: Callable[[], RenderableType], *, keep: bool = True
    ) -> contextlib.AbstractContextManager[Any]:
        """Show what ``render`` gives while a block runs, and ``keep`` the last of it."""
        return contextlib.nullcontext()

    def tabulate(self, counts: Mapping[str, Sequence[Count]]) -> None:
        """Show what was counted, part by part."""

    def conclude(self, text: str, *, is_good: bool) -> None:
        """Show the result, in one line."""
        print("ok:" if is_good else "WRONG:", text)


class Lines(Screen):
    """Plain lines, for a file or a pipe."""

    def say(self, what: str, text: str) -> None:
        print(f"{what:<12}{text}", flush=True)

    def tabulate(self, counts: Mapping[str, Sequence[Count]]) -> None:
        for part, counted in counts.items():
            print(f"{part}:")
            for count in counted:
                print(f"  {count.what:<40}{count.was:>6}  {count.verdict}".rstrip())


class Terminal(Screen):
    """Colours, and bars that move."""

    def __init__(self) -> None:
        self._console = Console(highlight=False)

    def say(self, what: str, text: str) -> None:
        self._console.print(Text.assemble((f"{what:<{LABEL}}", "bold"), text))

    def watching(
        self, render: Callable[[], RenderableType], *, keep: bool = True
    ) -> contextlib.AbstractContextManager[Any]:
        return Live(
            get_renderable=render,
            console=self._console,
            refresh_per_second=20,
            transient=not keep,
        )

    def tabulate(self, counts: Mapping[str, Sequence[Count]]) -> None:
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        table.add_column("counted")
        table.add_column("was", justify="right")
        table.add_column("must be", justify="right")
        table.add_column("")
        for part, counted in counts.items():
            table.add_row(f"[bold]{part}[/]")
            for count in counted:
                colour = "green" if count.is_right else "red"
                must_be = "" if count.must_be is None else str(count.must_be)
                verdict = f"[{colour}]{count.verdict}[/]"
                table.add_row(f"  {count.what}", str(count.was), must_be, verdict)
        self._console.print(table)

    def conclude(self, text: str, *, is_good: bool) -> None:
        verdict = ("ok: ", "bold green") if is_good else ("WRONG: ", "bold red")
        self._console.print(Text.assemble(verdict, text))


def countdown(left: float, seconds: float) -> RenderableType:
    """What is left of the time that a token lives."""
    grid = _grid()
    grid.add_row("expires in", _bar(left, seconds, "magenta"), f"{max(left, 0.0):.1f} s")
    return grid


def bars(batch: Batch) -> RenderableType:
    """What has become of the requests up to now."""
    grid = _grid()

    def add(label: str, number: int, style: str) -> None:
        grid.add_row(label, _bar(number, batch.size, style), str(number))

    add("under way", batch.under_way, "cyan")
    add("met 401", batch.unauthorized, "yellow")
    add("waited", batch.waited, "magenta")
    grid.add_row("refresh", f"[bold]{_state_of_refresh(batch)}[/]", str(batch.refreshes))
    add("sent again", batch.sent_again, "blue")
    add("answered 200", batch.answered, "green")
    add("raised 401", batch.own_401s, "red")
    return Padding(grid, (0, 0, 1, 0))


def _grid() -> Table:
    grid = Table.grid(padding=(0, 1))
    grid.add_column(width=LABEL - 1)
    grid.add_column(width=BAR)
    grid.add_column(justify="right", min_width=6)
    return grid


def _bar(part: float, whole: float, style: str) -> ProgressBar:
    return ProgressBar(
        total=whole, completed=part, width=BAR, complete_style=style, finished_style=style
    )


def _state_of_refresh(batch: Batch) -> str:
    if batch.renewals:
        return "done"
    if batch.logins_required:
        return "refused: login_required"
    return "running" if batch.refreshes else ""


# --- the command line ---


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the show.

    Args:
        arguments: The command line without the program's name; ``None`` takes the process's own.

    Returns:
        The exit code.
    """
    options = _parser().parse_args(arguments)
    # Else its warnings, which the screen tells in its own way, would go to stderr.
    logging.getLogger("zustax").addHandler(logging.NullHandler())
    try:
        return 0 if _run(options) else 1
    except RequestError as error:
        where = options.base_url or "embedded"
        print(f"the backend ({where}) cannot be used: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130


def _run(options: argparse.Namespace) -> bool:
    screen = _screen(is_quiet=options.quiet)
    if options.base_url:
        screen.say("backend", options.base_url)
        return asyncio.run(show(options.base_url, None, options.requests, screen))
    access_ttl = max(SHORTEST_TTL, options.requests / REQUESTS_PER_SECOND)
    with running_backend(access_ttl=access_ttl, refresh_delay=REFRESH_DELAY) as backend:
        screen.say("backend", f"{backend.base_url} (embedded)")
        return asyncio.run(show(backend.base_url, backend, options.requests, screen))


def _screen(*, is_quiet: bool) -> Screen:
    if is_quiet:
        return Screen()
    return Terminal() if sys.stdout.isatty() else Lines()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description="Many requests meet an expired access token, and one refresh serves them all."
    )
    add = parser.add_argument
    add(
        "--requests",
        type=number,
        default=REQUESTS,
        metavar="N",
        help="how many are sent at once (default: %(default)s)",
    )
    add(
        "--base-url",
        type=url,
        metavar="URL",
        help="of a running backend.py; without it one is embedded",
    )
    add("--quiet", action="store_true", help="show the result only, in one line")
    return parser


# Named as argparse should call them in its errors.


def number(text: str) -> int:
    if (found := int(text)) < 1:
        raise argparse.ArgumentTypeError(f"{found} is not enough; send 1 request or more")
    return found


def url(text: str) -> str:
    try:
        create(base_url=text)
    except InvalidURLError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    if not text or "@" in text:
        raise argparse.ArgumentTypeError(
            "give a URL without a user's name, as in http://localhost:3001/api"
        )
    return text


if __name__ == "__main__":
    sys.exit(main())
