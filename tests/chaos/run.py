"""A run: the server, the processes, the harm that comes from outside, and the verdict."""

from __future__ import annotations

import asyncio
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import attrs
from zustax.store import FileStorage, UserStore
from zustax.transport.testing import USERS, wait_until

from .backend import Backend
from .notes import LANDED, LOGIN_REQUIRED, TALLY, VIOLATION, Note, read_notes
from .program import BOUND, Orders, carry_out

ROOT = Path(__file__).parents[2]

#: The longest run with one server, which remembers everything.
_LONGEST = 60.0

_HARM_PAUSE = 0.6


@attrs.frozen
class Verdict:
    """What came of a run.

    Attributes:
        seed: That of the run.
        violations: What must not have happened, and has.
        counts: How often what has happened; at a glance, whether there was any chaos at all.
    """

    seed: int
    violations: list[str]
    counts: dict[str, int]

    def __str__(self) -> str:
        counts = ", ".join(f"{name}: {count}" for name, count in sorted(self.counts.items()))
        problems = "".join(f"\n  {violation}" for violation in self.violations)
        outcome = f"{len(self.violations)} violations" if self.violations else "ok"
        return f"seed {self.seed}: {outcome} ({counts}){problems}"


def verdicts(seed: int, seconds: float) -> Iterator[Verdict]:
    """Run for so long, in runs of a minute, each with the seed after that of the one before."""
    while seconds > 0:
        yield run(seed, min(seconds, _LONGEST))
        seed, seconds = seed + 1, seconds - _LONGEST


def run(seed: int, seconds: float) -> Verdict:
    """Let all go wrong for so long, and say what came of it."""
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
        self._notes = directory / "notes"
        self._notes.mkdir()
        self._end = time.monotonic() + seconds
        self._others: list[Other] = []
        self._violations: list[str] = []
        self._kills = 0

    def go(self) -> None:
        """Do it all, and wait for the end of everything."""
        self._log_in()
        self._others = [self._start(f"other-{number}") for number in (1, 2)]
        carry_out(self._orders("main", tasks=50, threads=4), self._do_harm)
        for other in self._others:
            self._violations += other.wait()
        self._look_for_leftovers()

    def verdict(self) -> Verdict:
        notes = list(read_notes(self._notes))
        violations = self._violations + [
            f"{note['process']}: {note['text']}" for note in notes if note["kind"] == VIOLATION
        ]
        violations += told_wrongly(notes)
        violations += [
            f"{first.process} had exchanged a refresh token that came again"
            for first in self._backend.wrongly_reused()
        ]
        return Verdict(self._seed, violations, self._counts(notes))

    def _counts(self, notes: list[Note]) -> dict[str, int]:
        counts: Counter[str] = Counter()
        for note in notes:
            if note["kind"] == TALLY:
                calls = {name: note[name] for name in note if name not in ("kind", "process")}
                counts.update({f"calls {name}": count for name, count in calls.items()})
            elif note["kind"] == LANDED:
                counts[f"refreshes {note['how']}"] += 1
            elif note["kind"] == LOGIN_REQUIRED:
                counts[f"login_required {note['reason']}"] += 1
        journal = self._backend.authority.journal
        counts.update(reused=journal.count("reuse"), rotated=journal.count("refresh"))
        return dict(counts)

    def _log_in(self) -> None:
        tokens = self._backend.server.login()
        store = UserStore(storage=FileStorage(self._storage), sync=False)
        store.login(tokens.access_token, tokens.refresh_token)

    def _orders(self, name: str, tasks: int, threads: int) -> Orders:
        return Orders(
            name=name,
            seed=f"{self._seed} {name}",
            url=self._backend.server.url,
            directory=str(self._storage),
            notes=str(self._notes),
            seconds=max(self._end - time.monotonic(), 0.0),
            tasks=tasks,
            threads=threads,
            user_pause=0.5 if name == "main" else 3.0,
            poll_interval=0.02 if name == "main" else 0.5,
        )

    def _start(self, name: str) -> Other:
        return Other(self._orders(name, tasks=5, threads=1), self._directory / f"{name}.stderr")

    # --- what comes from outside ---

    async def _do_harm(self) -> None:
        chance = random.Random(f"{self._seed} harm")
        while time.monotonic() < self._end:
            await asyncio.sleep(chance.uniform(0, _HARM_PAUSE))
            harm = chance.choices(("expire", "revoke", "kill"), (6, 2, 1))[0]
            if harm == "expire":
                self._backend.server.expire()
            elif harm == "revoke":
                self._backend.revoke_somebody(chance.choice(sorted(USERS)))
            else:
                await asyncio.to_thread(self._replace, chance.randrange(len(self._others)))

    def _replace(self, index: int) -> None:
        """Kill one of the processes, and start another in its place."""
        killed = self._others[index]
        self._backend.was_killed(killed.name)
        self._violations += killed.kill()
        self._kills += 1
        self._others[index] = self._start(f"{killed.name}x")

    # --- the end ---

    def _look_for_leftovers(self) -> None:
        try:
            wait_until(lambda: not self._backend.server.open_connections, BOUND)
        except AssertionError:
            count = self._backend.server.open_connections
            self._violations.append(f"{count} connections are left open")
        halves = sorted(self._storage.glob(".user.*.tmp"))
        if len(halves) > self._kills:
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
        command = [sys.executable, "-W", "error", "-m", "tests.chaos.worker"]
        with complaints.open("wb") as errors:
            self._process = subprocess.Popen(
                [*command, json.dumps(attrs.asdict(orders))], cwd=ROOT, stderr=errors
            )

    def kill(self) -> list[str]:
        """End it in the middle of what it does; gives what it has complained of before."""
        self._process.kill()
        self._process.wait(BOUND)
        return self._complained()

    def wait(self) -> list[str]:
        """Wait for its end; gives what went wrong."""
        try:
            status = self._process.wait(BOUND)
        except subprocess.TimeoutExpired:
            self.kill()
            return [f"{self.name} does not end"]
        return [*self._complained(), *([f"{self.name} ended with {status}"] if status else [])]

    def _complained(self) -> list[str]:
        text = self._complaints.read_text(encoding="utf-8", errors="replace").strip()
        return [f"{self.name} complains: {text}"] if text else []


def told_wrongly(notes: list[Note]) -> Iterator[str]:
    """Say where the user was not told exactly once that a session is lost."""
    lost: Counter[str] = Counter()
    told: Counter[str] = Counter()
    for note in notes:
        if note["kind"] == LANDED and note["how"] == "Rejected" and note["session"] != "nobody":
            lost[note["session"]] += 1
        if note["kind"] == LOGIN_REQUIRED and note["reason"] == "refresh_rejected":
            told[note["session"]] += 1
    for session in sorted(lost | told):
        if (lost[session], told[session]) != (1, 1):
            yield f"session {session} was lost {lost[session]} times and told {told[session]} times"
