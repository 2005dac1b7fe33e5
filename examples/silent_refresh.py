# /// script
# requires-python = ">=3.11"
# dependencies = ["starlette", "uvicorn", "zustax"]
#
# [tool.uv.sources]
# zustax = { path = "..", editable = true }
# ///
"""Silent refresh, to watch: many requests meet an expired access token, one refresh serves them.

    uv run examples/silent_refresh.py
    uv run examples/silent_refresh.py --requests 500
    uv run examples/silent_refresh.py --base-url http://localhost:3001/api   # a running backend.py

A user logs in, and the access token really expires. Then all requests leave at once and are
answered 401. One refresh runs while they wait for it, and each is sent again with the new token.
The callers see only the answers.

Then the server ends the session without telling the client, and more requests leave. This time the
server refuses the refresh: `login_required` fires once, and each request raises its own 401.

The program draws both from a trace, counts what happens, and compares the counts with what they
must be. The exit code is 0 if all counts are right, 1 if one is wrong or the backend cannot be
used, 2 for a wrong argument, and 130 after Ctrl-C.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import os
import re
import shutil
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any

import attrs
from backend import DEMO_USERS, Backend, running_backend
from zustax.store import UserStore
from zustax.transport import (
    Instance,
    InvalidURLError,
    RequestError,
    SilentRefresh,
    Trace,
    TraceCall,
    TraceEvent,
    TraceSpan,
    create,
    login_required,
    record,
    silent_refresh,
)

USER = "ada"
PATHS = ("/me", "/items", "/reports", "/archive")

REQUESTS = 100
REQUESTS_AFTER_THE_END = 20

#: Seconds that an attempt may take; of many at once, most wait for a connection.
TIMEOUT = 60.0

#: Seconds to wait beyond the end of the access token, for clocks that differ.
MARGIN = 0.2

#: Seconds that the embedded backend takes for a refresh, so that you can watch it.
REFRESH_DELAY = 0.5

#: Seconds that an access token of the embedded backend lives at least.
SHORTEST_TTL = 1.0

#: With more requests it lives longer: it must not expire again before the last one is answered.
REQUESTS_PER_SECOND = 30

#: Columns of the label of a bar, and of a screen with bars that move.
LABEL, NARROWEST, WIDEST = 24, 72, 100

#: Seconds between two pictures of what moves.
PERIOD = 0.1


# --- what happens ---


async def show(base_url: str, backend: Backend | None, requests: int, screen: Screen) -> bool:
    """Show both parts, then what was counted.

    Args:
        base_url: Of the backend.
        backend: The backend, if it is embedded: its authority keeps a journal.
        requests: How many meet the expired token.
        screen: Where to show it.

    Returns:
        True if every count was as it must be.

    Raises:
        RequestError: Logging in, or out, has failed.
    """
    store = UserStore()
    async with create(base_url=base_url, timeout=TIMEOUT) as api:
        handle = silent_refresh(api, store)

        lifetime = await log_in(api, store)
        screen.step("logged in", f"as {USER}; the access token lives {round(lifetime, 1):g} s")
        await let_expire(lifetime, screen)
        screen.step("expired", f"{requests} requests leave at once, with the expired token")
        served = await send_at_once(api, handle, requests, screen)
        screen.say("The request that met it first, and the refresh that it started:", "")
        screen.say(*screen.timeline(served.first_to_refresh()), "")
        counts = {"with an expired token": counts_of_served(served, backend)}

        await end_session(api, store, backend)
        screen.step("revoked", f"on the server alone; {REQUESTS_AFTER_THE_END} requests leave")
        refused = await send_at_once(api, handle, REQUESTS_AFTER_THE_END, screen)
        counts["with a revoked session"] = counts_of_refused(refused)

    screen.say(*screen.table(counts), "")
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
    async with screen.watching(lambda: [f"expires in  {max(end - time.monotonic(), 0):.1f} s"]):
        await asyncio.sleep(seconds)


async def send_at_once(api: Instance, handle: SilentRefresh, size: int, screen: Screen) -> Batch:
    """Send requests at once and show, as it happens, what becomes of them."""
    batch = Batch(api, handle, size)
    async with screen.watching(lambda: ["", *screen.chart(batch.calls)]):
        await batch.run()
    screen.say("", *screen.chart(batch.calls), "")
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
        answered: Requests whose callers were given a 200.
        own_401s: Requests whose callers were given the 401 of this very request.
        failures: What else callers were given, and how often.
        logins_required: How often `login_required` fired.
        seconds: What it took until all were settled.
    """

    def __init__(self, api: Instance, handle: SilentRefresh, size: int) -> None:
        self.size = size
        self.answered = 0
        self.own_401s = 0
        self.failures: Counter[str] = Counter()
        self.logins_required = 0
        self.seconds = 0.0
        self._api = api
        self._handle = handle
        self._before = self._after = handle.stats
        self._trace: Trace | None = None

    async def run(self) -> None:
        """Send them, and return when all are settled."""
        started = time.perf_counter()
        with (
            login_required.connected_to(self._on_login_required, self._api),
            record(self._api, limit=50 * self.size) as self._trace,
        ):
            await asyncio.gather(*(self._request(number) for number in range(self.size)))
        self.seconds = time.perf_counter() - started
        self._after = self._handle.stats

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

    def _on_login_required(self, _sender: Instance, **_details: Any) -> None:
        self.logins_required += 1

    @property
    def calls(self) -> Sequence[TraceCall]:
        """The requests up to now, and the refresh call, as the trace has them."""
        return self._trace.calls if self._trace else ()

    @property
    def _requests(self) -> Sequence[TraceCall]:
        return [call for call in self.calls if call.refresh is None]

    @property
    def unauthorized(self) -> int:
        """Attempts that were answered 401."""
        return sum(call.statuses.count(401) for call in self._requests)

    @property
    def spared(self) -> int:
        """Requests that met no 401: they waited for the refresh before they left."""
        return sum(401 not in call.statuses for call in self._requests)

    @property
    def sent_again(self) -> int:
        """Attempts that were not the first of their request."""
        return sum((span.attempt or 1) > 1 for call in self._requests for span in call.spans)

    @property
    def refreshes(self) -> int:
        """Refresh calls, as the client counts them."""
        return self._after.refreshes - self._before.refreshes

    @property
    def waited(self) -> int:
        """Requests that waited for a refresh."""
        return self._after.waited - self._before.waited

    def first_to_refresh(self) -> Sequence[TraceEvent]:
        """What happened to the request that started the refresh, and to the refresh."""
        events = self._trace.events if self._trace else ()
        first = next((event.call for event in events if event.kind == "refresh_started"), None)
        ours = {first, *(call.number for call in self.calls if call.refresh is not None), None}
        return [event for event in events if event.call in ours and event.handler is None]


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
    """Where it is shown: in a terminal with colours, and bars that move; elsewhere as plain lines.

    Args:
        is_quiet: Show the result only.
    """

    def __init__(self, *, is_quiet: bool) -> None:
        size = shutil.get_terminal_size()
        self._is_quiet = is_quiet
        self._is_terminal = (
            sys.stdout.isatty() and os.environ.get("TERM") != "dumb" and size.columns >= NARROWEST
        )
        self._has_colours = self._is_terminal and not os.environ.get("NO_COLOR")
        self._width = min(size.columns if self._is_terminal else 80, WIDEST)
        self._strokes = "━┅" if self._is_terminal else "=."

    def say(self, *lines: str) -> None:
        """Show lines."""
        if not self._is_quiet:
            print(*lines, sep="\n", flush=True)

    def step(self, what: str, text: str) -> None:
        """Show a step: a word, and what there is to say about it."""
        self.say(f"{self._paint(f'{what:<12}', 'bold')}{text}")

    @contextlib.asynccontextmanager
    async def watching(self, draw: Callable[[], Sequence[str]]) -> AsyncIterator[None]:
        """Show in a terminal what ``draw`` gives while a block runs, and wipe it out again."""
        if self._is_quiet or not self._is_terminal:
            yield
            return
        drawing = asyncio.create_task(self._keep_drawing(draw))
        try:
            yield
        finally:
            drawing.cancel()
            await asyncio.wait([drawing])

    async def _keep_drawing(self, draw: Callable[[], Sequence[str]]) -> None:
        while True:
            lines = draw()
            self.say(*lines)
            try:
                await asyncio.sleep(PERIOD)
            finally:
                print(f"\x1b[{len(lines)}F\x1b[J", end="", flush=True)

    def conclude(self, text: str, *, is_good: bool) -> None:
        """Show the result, in one line."""
        verdict = self._paint("ok:", "green") if is_good else self._paint("WRONG:", "red")
        print(verdict, text)

    def chart(self, calls: Sequence[TraceCall]) -> Sequence[str]:
        """Draw what the calls did, and when: a line for all that did the same."""
        now = max((call.events[-1].time for call in calls), default=0.0)
        start = min((call.started for call in calls), default=0.0)
        parts: dict[str, list[TraceSpan]] = {}
        for call in calls:
            for span in call.spans:
                parts.setdefault(what_is(call, span), []).append(span)
        width = self._width - LABEL - 2
        scale = width / max(now - start, 1e-9)
        lines = [f"{'':<{LABEL}}0 s{f'{now - start:.2f} s':>{width - 3}}"]
        for what, spans in sorted(parts.items(), key=lambda part: part[1][0].start):
            first = int((min(span.start for span in spans) - start) * scale)
            last = int((max(span.end or now for span in spans) - start) * scale)
            stroke = self._strokes[spans[0].kind == "refresh"]
            bar = " " * first + self._paint(stroke * max(last - first, 1), colour_of(what))
            lines.append(f"{len(spans):>5} {what:<{LABEL - 6}}{bar}")
        return lines

    def timeline(self, events: Sequence[TraceEvent]) -> Sequence[str]:
        """Say event by event what happened."""
        texts = [re.sub(r"https?://[^/]+", "", str(event)) for event in events]
        return [
            f"{event.time * 1000:>9.1f} ms  {event.call or '':>4}  "
            f"{self._paint(text, colour_of(text))}"
            for event, text in zip(events, texts, strict=True)
        ]

    def table(self, counts: Mapping[str, Sequence[Count]]) -> Sequence[str]:
        """Say what was counted, part by part."""
        lines = []
        for part, counted in counts.items():
            lines.append(self._paint(f"{part}:", "bold"))
            for count in counted:
                verdict = self._paint(count.verdict, "green" if count.is_right else "red")
                lines.append(f"  {count.what:<40}{count.was:>6}  {verdict}".rstrip())
        return lines

    def _paint(self, text: str, style: str) -> str:
        return f"\x1b[{STYLES[style]}m{text}\x1b[0m" if self._has_colours and text else text


STYLES = {"": 0, "bold": 1, "red": 31, "green": 32, "yellow": 33, "blue": 34, "magenta": 35}


def what_is(call: TraceCall, span: TraceSpan) -> str:
    """What a call did in a span, in a few words."""
    if span.kind == "refresh":
        return "waited"
    what = "refresh" if call.refresh is not None else "sent"
    if what == "sent" and (span.attempt or 1) > 1:
        what = "sent again"
    return f"{what}: {span.status or span.problem or '...'}"


def colour_of(text: str) -> str:
    """The colour of what happened."""
    colours = {"401": "red", "fail": "red", "wait": "yellow", "refresh": "magenta", "200": "green"}
    return next((colour for word, colour in colours.items() if word in text), "")


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
    screen = Screen(is_quiet=options.quiet)
    if options.base_url:
        screen.step("backend", options.base_url)
        return asyncio.run(show(options.base_url, None, options.requests, screen))
    access_ttl = max(SHORTEST_TTL, options.requests / REQUESTS_PER_SECOND)
    with running_backend(access_ttl=access_ttl, refresh_delay=REFRESH_DELAY) as backend:
        screen.step("backend", f"{backend.base_url} (embedded)")
        return asyncio.run(show(backend.base_url, backend, options.requests, screen))


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
