"""A run: the server, the processes, the harm that comes from outside, and the verdict."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import attrs
from zustax.store import FileStorage, UserStore
from zustax.transport import RequestError, create_sync, silent_refresh
from zustax.transport.testing import USERS, wait_until

from .backend import PROCESS, Backend
from .crowded_disk import full_beside
from .notes import (
    HARM,
    LOGIN_REQUIRED,
    REFRESH_ENDED,
    SESSION_CHANGED,
    TALLY,
    UNSAVED,
    VIOLATION,
    Note,
    read_notes,
)
from .program import BOUND, TIMEOUT, Orders, carry_out
from .tokens import NO_SESSION, session_of

ROOT = Path(__file__).parents[2]

#: The longest run with one server, which remembers everything.
_LONGEST = 60.0

_HARM_PAUSE = 0.6

#: Seconds before a violation for which it is said what was done.
_HARM_SHOWN = 8.0

_NOT_CLOSED = "ignore::ResourceWarning"

#: What is done from outside, and how often.
_HARM = {"expire": 12, "revoke": 3, "kill": 2, "stop": 3, "fill the disk": 2, "block main": 1}

#: How many time-outs a process is stopped for, and the disk is full for.
_STOPPED = (1.2, 4.5)
_FULL = (0.3, 1.5)

#: What has to happen in a run of a minute, or it has shown nothing.
ADVERSITIES = (
    "answers broken after",
    "answers broken before",
    "answers firewall 403",
    "answers firewall 503",
    "answers late",
    "answers refused",
    "answers unavailable",
    "calls cancelled",
    "disk filled",
    "disk filled in a refresh",
    "event loop blocked",
    "event loop blocked in a refresh",
    "forked",
    "killed",
    "killed in a refresh",
    "revoked",
    "stopped",
    "stopped in a refresh",
)


@attrs.frozen
class Verdict:
    """What came of a run.

    Attributes:
        seed: That of the run.
        violations: What must not have happened, and has.
        counts: How often what has happened.
    """

    seed: int
    violations: list[str]
    counts: dict[str, int]

    @property
    def missing(self) -> list[str]:
        """The adversities that did not happen."""
        return [what for what in ADVERSITIES if not self.counts.get(what)]

    def __str__(self) -> str:
        counts = ", ".join(f"{name}: {count}" for name, count in sorted(self.counts.items()))
        problems = "".join(f"\n  {violation}" for violation in self.violations)
        outcome = f"{len(self.violations)} violations" if self.violations else "ok"
        outcome += f", without {', '.join(self.missing)}" if self.missing else ""
        return f"seed {self.seed}: {outcome} ({counts}){problems}"


def verdicts(seed: int, seconds: float) -> Iterator[Verdict]:
    """Run for so long, in runs of a minute, each with the seed after that of the one before."""
    while seconds > 0:
        yield run(seed, min(seconds, _LONGEST))
        seed, seconds = seed + 1, seconds - _LONGEST


def run(seed: int, seconds: float) -> Verdict:
    """Let everything go wrong for so long, and say what came of it."""
    with tempfile.TemporaryDirectory() as directory, Backend(str(seed)) as backend:
        chaos = Chaos(seed, seconds, backend, Path(directory))
        chaos.go()
        return chaos.verdict()


class Chaos:
    """One run.

    Args:
        seed: For what is tried.
        seconds: How long.
        backend: The server.
        directory: An empty one.
    """

    def __init__(self, seed: int, seconds: float, backend: Backend, directory: Path) -> None:
        self._seed = seed
        self._seconds = seconds
        self._backend = backend
        self._directory = directory
        self._storage = directory / "storage"
        self._full = full_beside(self._storage)
        self._notes = directory / "notes"
        self._notes.mkdir()
        self._end = time.monotonic() + seconds
        self._others: list[Other] = []
        self._lasting: list[Other] = []  # those that are neither killed nor stopped
        self._violations: list[str] = []
        self._done: Counter[str] = Counter()
        self._timeline: list[tuple[float, str]] = []
        self._timers: list[threading.Timer] = []

    def go(self) -> None:
        """Do it all, and wait for the end of everything."""
        self._log_in()
        self._others = [self._start(f"other-{number}") for number in (1, 2)]
        self._lasting = [self._start("forking", forks=True), self._start("alone", directory=None)]
        carry_out(self._orders("main", 50, 4, user_pause=0.5, poll_interval=0.02), self._do_harm)
        for timer in self._timers:
            timer.join()
        for other in (*self._others, *self._lasting):
            self._violations += other.wait(self._backend.killed)
        self._backend.is_calm = True
        self._use_once_more()
        self._look_for_leftovers()

    def verdict(self) -> Verdict:
        notes = list(read_notes(self._notes))
        violations = self._violations + [
            f"{note['process']}: {note['text']}" for note in notes if note["kind"] == VIOLATION
        ]
        ended = set(self._backend.ended_sessions())
        violations += [*told_wrongly(notes, self._backend.killed), *lost_sessions(notes, ended)]
        violations += [
            f"{reuse.first.process} had exchanged a refresh token that {reuse.process} sent again; "
            f"{self._between(reuse.first.moment, reuse.moment)}"
            for reuse in self._backend.wrongly_reused()
        ]
        return Verdict(self._seed, violations, self._counts(notes))

    def _counts(self, notes: list[Note]) -> dict[str, int]:
        counts: Counter[str] = Counter()
        for note in notes:
            if note["kind"] == TALLY:
                calls = {
                    name: note[name] for name in note if name not in ("kind", "process", "moment")
                }
                counts.update({f"calls {name}": count for name, count in calls.items()})
            elif note["kind"] == REFRESH_ENDED:
                counts[f"refreshes {note['how']}"] += 1
            elif note["kind"] == HARM:
                counts[note["what"]] += 1
            elif note["kind"] == LOGIN_REQUIRED:
                counts[f"login_required {note['reason']}"] += 1
        counts.update(self._done)
        counts.update(self._backend.counts)
        journal = self._backend.authority.journal
        counts.update(reused=journal.count("reuse"), rotated=journal.count("refresh"))
        return dict(counts)

    def _between(self, start: float, end: float) -> str:
        """Say what was done from outside from a bit before one moment until another."""
        done = [
            f"{moment - start:+.2f} {what}"
            for moment, what in self._timeline
            if start - _HARM_SHOWN < moment < end
        ]
        return ", ".join([*done, f"{end - start:+.2f} sent again"])

    def _log_in(self) -> None:
        tokens = self._backend.server.login()
        store = UserStore(storage=FileStorage(self._storage), sync=False)
        store.login(tokens.access_token, tokens.refresh_token)

    def _orders(self, name: str, tasks: int, threads: int, **options: Any) -> Orders:
        return Orders(
            name=name,
            seed=f"{self._seed} {name}",
            url=self._backend.server.url,
            notes=str(self._notes),
            seconds=max(self._end - time.monotonic(), 0.0),
            tasks=tasks,
            threads=threads,
            **{"directory": str(self._storage), "user_pause": 3.0, **options},
        )

    def _start(self, name: str, **options: Any) -> Other:
        orders = self._orders(name, tasks=5, threads=1, **options)
        return Other(orders, self._directory / f"{name}.stderr")

    # --- what comes from outside ---

    async def _do_harm(self) -> None:
        chance = random.Random(f"{self._seed} harm")
        loop = asyncio.get_running_loop()
        # These wait for a refresh of the right process, and must happen in every run.
        self._in_a_refresh(self._kill)
        self._in_a_refresh(partial(self._stop, TIMEOUT * _STOPPED[1]))
        self._in_a_refresh(partial(self._fill, TIMEOUT))
        self._backend.in_a_refresh(partial(self._block, loop, TIMEOUT * _STOPPED[0]))
        while time.monotonic() < self._end:
            await asyncio.sleep(chance.uniform(0, _HARM_PAUSE))
            (harm,) = chance.choices(tuple(_HARM), tuple(_HARM.values()))
            stop = TIMEOUT * chance.uniform(*_STOPPED)
            full = TIMEOUT * chance.uniform(*_FULL)
            if harm == "expire":
                self._backend.server.expire()
            elif harm == "revoke":
                self._backend.authority.revoke_session(chance.choice(sorted(USERS)))
                self._done["revoked"] += 1
            elif harm == "block main":
                self._backend.in_a_refresh(partial(self._block, loop, stop))
            elif harm == "fill the disk":
                self._now_or_in_a_refresh(chance, partial(self._fill, full))
            elif harm == "stop":
                self._now_or_in_a_refresh(chance, partial(self._stop, stop))
            else:
                self._now_or_in_a_refresh(chance, self._kill)
            self._replace_killed()

    def _now_or_in_a_refresh(
        self, chance: random.Random, harm: Callable[[str], str | None]
    ) -> None:
        if chance.random() < 0.5:
            harm(chance.choice(self._others).name)
        else:
            self._in_a_refresh(harm)

    def _in_a_refresh(self, harm: Callable[[str], str | None]) -> None:
        """Do harm in a refresh; it gives what it was, or None if it wants another process."""

        def in_a_refresh(name: str) -> bool:
            what = harm(name)
            if what is not None:
                self._done[f"{what} in a refresh"] += 1
            return what is not None

        self._backend.in_a_refresh(in_a_refresh)

    def _block(self, loop: asyncio.AbstractEventLoop, seconds: float, name: str) -> bool:
        if name != "main":
            return False
        loop.call_soon_threadsafe(time.sleep, seconds)
        self._note("event loop blocked in a refresh", f"main, {seconds:.1f} s")
        return True

    def _fill(self, seconds: float, _name: str) -> str:
        self._full.touch()
        self._later(seconds, lambda: self._full.unlink(missing_ok=True))
        self._note("disk filled", f"{seconds:.1f} s")
        return "disk filled"

    def _stop(self, seconds: float, name: str) -> str | None:
        for other in (*self._others, *self._lasting):
            if other.name == name:
                other.signal(signal.SIGSTOP)
                self._later(seconds, partial(other.signal, signal.SIGCONT))
                self._note("stopped", f"{name}, {seconds:.1f} s")
                return "stopped"
        return None

    def _kill(self, name: str) -> str | None:
        for other in self._others:
            if other.name == name:
                self._backend.was_killed(name)
                other.signal(signal.SIGKILL)
                self._note("killed", name)
                return "killed"
        return None

    def _note(self, what: str, details: str) -> None:
        self._done[what] += 1
        self._timeline.append((time.monotonic(), f"{what} ({details})"))

    def _replace_killed(self) -> None:
        for index, other in enumerate(self._others):
            if other.name in self._backend.killed:
                self._violations += other.complaints()
                self._others[index] = self._start(f"{other.name}x")

    def _later(self, seconds: float, function: Callable[[], object]) -> None:
        timer = threading.Timer(seconds, function)
        self._timers.append(timer)
        timer.start()

    # --- the end ---

    def _use_once_more(self) -> None:
        """Make a call with what is stored in the end, while nothing goes wrong."""
        store = UserStore(storage=FileStorage(self._storage), sync=False)
        if not store.get_state().is_login:
            return
        session = session_of(store.get_state().access_token)
        with create_sync(base_url=self._backend.server.url, headers={PROCESS: "last"}) as api:
            silent_refresh(api, store, timeout=BOUND)
            try:
                api.get("/items")
            except RequestError as error:
                if session not in self._backend.ended_sessions():
                    what = error.status or error.code
                    self._violations.append(f"session {session} does not go on: {what}")

    def _look_for_leftovers(self) -> None:
        try:
            wait_until(lambda: not self._backend.server.open_connections, BOUND)
        except AssertionError:
            count = self._backend.server.open_connections
            self._violations.append(f"{count} connections are left open")
        halves = sorted(self._storage.glob(".user.*.tmp"))
        if len(halves) > self._done["killed"]:
            self._violations.append(f"half-written files are left over: {len(halves)}")
        for half in halves:
            os.utime(half, (0, 0))  # of a process that was killed: to be removed when it is old
        storage = FileStorage(self._storage)
        try:
            with storage.lock("user", timeout=BOUND):
                UserStore(storage=storage, sync=False).logout()
        except TimeoutError:
            self._violations.append("the lock is still held")
        # The lock is a file that stays, or two could hold it at once.
        left = {path.name for path in self._storage.iterdir()} - {"user", ".user.lock"}
        if left:
            self._violations.append(f"files are left over: {sorted(left)}")


class Other:
    """A further process.

    Args:
        orders: What it is to do.
        complaints: The file that it writes its errors to.
    """

    def __init__(self, orders: Orders, complaints: Path) -> None:
        self.name = orders.name
        self._complaints = complaints
        options = ["-W", "error"]
        if orders.forks:  # which Python warns of, and a child has sockets of its parent
            options += ["-W", "ignore:This process:DeprecationWarning", "-W", _NOT_CLOSED]
        command = [sys.executable, *options, "-m", "tests.chaos.worker"]
        with complaints.open("wb") as errors:
            self._process = subprocess.Popen(
                [*command, json.dumps(attrs.asdict(orders))], cwd=ROOT, stderr=errors
            )

    def signal(self, number: int) -> None:
        """Send it a signal; to one that has ended, nothing."""
        self._process.send_signal(number)

    def wait(self, killed: set[str]) -> list[str]:
        """Wait for its end; return what went wrong, if it is not one of the killed."""
        try:
            status = self._process.wait(BOUND)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return [f"{self.name} does not end"]
        is_well = status == 0 or self.name in killed
        return [*self.complaints(), *([] if is_well else [f"{self.name} ended with {status}"])]

    def complaints(self) -> list[str]:
        """Return what it has written to its standard error."""
        text = self._complaints.read_text(encoding="utf-8", errors="replace").strip()
        return [f"{self.name} complains: {text}"] if text else []


def told_wrongly(notes: list[Note], killed: set[str]) -> Iterator[str]:
    """Say where a process has not told the user exactly once that a session is lost."""
    lost: Counter[tuple[str, str]] = Counter()
    told: Counter[tuple[str, str]] = Counter()
    for note in notes:
        if note["kind"] == REFRESH_ENDED and note["how"] == "Rejected":
            lost[note["session"], note["process"]] += 1
        if note["kind"] == LOGIN_REQUIRED and note["reason"] == "refresh_rejected":
            told[note["session"], note["process"]] += 1
    for session, process in sorted(lost | told):
        key = session, process
        if session != NO_SESSION and process not in killed and (lost[key], told[key]) != (1, 1):
            yield f"{process} lost {session} {lost[key]} times and told of it {told[key]} times"


def lost_sessions(notes: list[Note], ended: set[str]) -> Iterator[str]:
    """Say which sessions were lost that no user and not the server has ended."""
    changes = [note for note in notes if note["kind"] == SESSION_CHANGED]
    left = {note["before"] for note in changes if note["by_user"]}
    left |= {name for note in notes if note["kind"] == UNSAVED for name in note["sessions"]}
    left |= set(_logged_out_blindly(changes))
    for note in changes:
        if note["after"] == NO_SESSION and note["before"] not in ended | left:
            yield f"{note['process']} holds {note['before']} no more, which lives"
    for note in notes:
        process, session = note["process"], note.get("session", NO_SESSION)
        if session == NO_SESSION:
            continue
        if note.get("how") == "Rejected" and session not in ended:
            yield f"{process} took {session} for rejected, which lives"
        if note.get("reason") == "no_refresh_token":
            yield f"{process} had no refresh token of {session}"


def _logged_out_blindly(changes: list[Note]) -> Iterator[str]:
    """Yield the young sessions that a user has ended in a process that had not heard of them."""
    by_user = [note for note in changes if note["by_user"]]
    for logout in (note for note in by_user if note["after"] == NO_SESSION):
        heard = {
            note["after"]
            for note in changes
            if note["process"] == logout["process"] and note["moment"] < logout["moment"]
        }
        for login in by_user:
            is_young = -_HARM_SHOWN < login["moment"] - logout["moment"] < 1.0
            if is_young and login["after"] not in heard:
                yield login["after"]
