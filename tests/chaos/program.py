"""What a process of the run does: tasks and threads that ask, and a user who comes and goes."""

from __future__ import annotations

import asyncio
import gc
import os
import random
import sys
import threading
import time
import traceback
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, TypeAlias

import attrs
from zustax.store import UserStore
from zustax.transport import (
    AbortController,
    create,
    create_sync,
    silent_refresh,
)
from zustax.transport.testing import USERS, until

from .backend import PROCESS
from .calls import Call, Witness
from .crowded_disk import CrowdedStorage
from .notes import HARM, LogWatch, Notes

#: Seconds in which a call, and the end of everything, has to come on a machine that is very busy.
BOUND = 120.0

#: Seconds that a refresh may take; the server delays nothing for so long.
TIMEOUT = 1.5

#: How many time-outs an event loop is blocked for. Threads that share a session in memory with it
#: take it for dead when that is longer than two.
_BLOCKED = (0.5, 1.5)

#: Seconds between two blocks, and between two forks, of a process.
_BLOCK_PAUSE = (3.0, 9.0)
_FORK_PAUSE = (1.0, 4.0)

#: Seconds that a child lives.
_CHILD_LIFE = (1.0, 6.0)

#: Seconds before the expiry at which the threads renew a token.
_LEEWAY = 0.1

#: Seconds between two calls of one task or thread, at most.
_PAUSE = 0.5

#: The part of the calls that are given up, and seconds after which they are, at most.
_GIVEN_UP = 0.1
_IMPATIENCE = 0.2

#: What else runs in the event loop of a process.
Beside: TypeAlias = Callable[[], Coroutine[Any, Any, None]]


@attrs.frozen
class Orders:
    """What a process is to do.

    Args:
        name: What it is called.
        seed: For what it tries.
        url: Of the server.
        directory: Of the storage; None: the session is in memory.
        notes: The directory of the notes.
        seconds: How long.
        tasks: How many tasks ask.
        threads: How many threads do.
        user_pause: Seconds between two acts of the user, at most.
        poll_interval: Seconds until it hears of what the others write.
        forks: True to fork children, which ask as well.
    """

    name: str
    seed: str
    url: str
    directory: str | None
    notes: str
    seconds: float
    tasks: int
    threads: int
    user_pause: float
    poll_interval: float = 0.5
    forks: bool = False


def carry_out(orders: Orders, beside: Beside | None = None) -> None:
    """Do it, and note what is left over at the end.

    A child that the process has forked never returns from here.

    Args:
        orders: What to do.
        beside: Runs in the same event loop.
    """
    notes = Notes(Path(orders.notes), orders.name)
    threads_before = _threads()
    with LogWatch(notes):
        asyncio.run(_run(orders, notes, beside))
        deadline = time.monotonic() + BOUND
        while left := _threads() - threads_before:
            if time.monotonic() > deadline:
                notes.violation(f"threads are left over: {sorted(one.name for one in left)}")
                break
            gc.collect()  # a store that is not used any more unsubscribes from its storage
            time.sleep(0.1)
    notes.close()


def _threads() -> set[threading.Thread]:
    """Return those that should end; one thread for all stores of a program stays."""
    return {thread for thread in threading.enumerate() if thread.name != "zustax-later"}


async def _run(orders: Orders, notes: Notes, beside: Beside | None) -> None:
    async with AsyncExitStack() as opened:
        program = Program(orders, notes)
        opened.push_async_callback(program.close)
        works = [program.be_the_user(), program.block_the_loop()]
        works += [program.fork()] if orders.forks else []
        works += [beside()] if beside else []
        await asyncio.gather(program.ask(orders.tasks, orders.threads), *works)
    try:
        await until(lambda: len(asyncio.all_tasks()) == 1, BOUND)
    except AssertionError:
        notes.violation(f"{len(asyncio.all_tasks()) - 1} tasks are left over")


class Program:
    """An asynchronous and a synchronous instance over one store."""

    def __init__(self, orders: Orders, notes: Notes) -> None:
        self._orders = orders
        self._end = time.monotonic() + orders.seconds
        self._store = UserStore()
        if orders.directory is not None:
            storage = CrowdedStorage(orders.directory, poll_interval=orders.poll_interval)
            self._store = UserStore(storage=storage)
        self._witness = Witness(self._store, notes)
        self._notes = notes
        self._watching = AsyncExitStack()
        headers = {PROCESS: orders.name}
        self._api = create(base_url=orders.url, headers=headers)
        self._sync_api = create_sync(base_url=orders.url, headers=headers)
        silent_refresh(self._api, self._store, timeout=TIMEOUT)
        silent_refresh(self._sync_api, self._store, timeout=TIMEOUT, leeway=_LEEWAY)
        for api in (self._api, self._sync_api):
            self._watching.enter_context(self._witness.watching(api))

    async def close(self) -> None:
        """End it: refreshes that are under way come to their end first."""
        await asyncio.to_thread(self._sync_api.close)
        await self._api.aclose()
        await self._watching.aclose()
        if self._orders.directory is not None:
            await until(self._is_written, BOUND, missing=lambda: "the state cannot be written")
        self._witness.close()

    def _is_written(self) -> bool:
        try:
            self._store.persist.flush()
        except OSError:  # the disk is full
            return False
        return True

    @property
    def is_over(self) -> bool:
        return time.monotonic() >= self._end

    # --- those who ask ---

    async def ask(self, tasks: int, threads: int) -> None:
        """Make calls until it is over."""
        works = [self.ask_in_a_task(number) for number in range(tasks)]
        works += [self.ask_in_a_thread(number) for number in range(threads)]
        await asyncio.gather(*works)

    async def ask_in_a_task(self, number: int) -> None:
        """Make one call after another; some are cancelled."""
        chance = random.Random(f"{self._orders.seed} task {number}")
        while not self.is_over:
            await asyncio.sleep(chance.uniform(0, _PAUSE))
            call = Call(self._witness)
            asking = asyncio.create_task(self._ask(call))
            if chance.random() < _GIVEN_UP:
                await asyncio.sleep(chance.uniform(0, _IMPATIENCE))
                call.is_given_up = True
                asking.cancel()
            await asyncio.wait((asking,), timeout=BOUND)
            if not asking.done():
                self._notes.violation("a call of a task hangs")
                return

    async def _ask(self, call: Call) -> None:
        with self._witness.judging(call) as judge:
            judge(await self._api.get("/items", extra={"call": call}))

    async def ask_in_a_thread(self, number: int) -> None:
        """Make one call after another in a thread; some are aborted."""
        chance = random.Random(f"{self._orders.seed} thread {number}")
        thread = threading.Thread(target=self._keep_asking, args=(chance,), daemon=True)
        thread.start()
        await until(
            lambda: not thread.is_alive(), self._orders.seconds + BOUND, missing=lambda: "it hangs"
        )

    def _keep_asking(self, chance: random.Random) -> None:
        while not self.is_over:
            time.sleep(chance.uniform(0, _PAUSE))
            call, controller = Call(self._witness), AbortController()
            is_given_up = chance.random() < _GIVEN_UP
            patience = threading.Timer(chance.uniform(0, _IMPATIENCE), _give_up, (call, controller))
            if is_given_up:
                patience.start()
            with self._witness.judging(call) as judge:
                extra = {"call": call}
                judge(self._sync_api.get("/items", extra=extra, signal=controller.signal))
            if is_given_up:
                patience.join()

    # --- what the process does to itself ---

    async def block_the_loop(self) -> None:
        """Block the event loop now and then, as a heavy cell of a notebook does."""
        chance = random.Random(f"{self._orders.seed} block")
        while not self.is_over:
            await asyncio.sleep(chance.uniform(*_BLOCK_PAUSE))
            seconds = TIMEOUT * chance.uniform(*_BLOCKED)
            time.sleep(min(seconds, max(self._end - time.monotonic(), 0.0)))  # noqa: ASYNC251
            self._notes.add(HARM, what="event loop blocked")

    async def fork(self) -> None:
        """Fork children in the middle of everything, and wait for their ends."""
        chance = random.Random(f"{self._orders.seed} fork")
        children: list[int] = []
        while not self.is_over:
            await asyncio.sleep(chance.uniform(*_FORK_PAUSE))
            life = chance.uniform(*_CHILD_LIFE)
            child = os.fork()
            if child == 0:
                self._live_as_child(f"{self._orders.name}-child-{len(children)}", life)
            children.append(child)
            self._notes.add(HARM, what="forked")
        for child in children:
            await self._wait_for(child)

    async def _wait_for(self, child: int) -> None:
        status = 0

        def has_ended() -> bool:
            nonlocal status
            ended, status = os.waitpid(child, os.WNOHANG)
            return ended != 0

        await until(has_ended, BOUND, missing=lambda: "a child does not end")
        if status:
            self._notes.violation(f"a child ended with {os.waitstatus_to_exitcode(status)}")

    def _live_as_child(self, name: str, seconds: float) -> None:
        """Ask with what the parent has set up; the running event loop is the parent's."""
        status = 1
        try:
            self._notes.go_on_as(name)
            self._witness.start_anew()
            for api in (self._api, self._sync_api):
                api.defaults.headers[PROCESS] = name
            self._orders = attrs.evolve(self._orders, name=name, seed=f"{self._orders.seed} {name}")
            self._end = min(self._end, time.monotonic() + seconds)
            asyncio.run(self._ask_and_close())
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(status)

    async def _ask_and_close(self) -> None:
        try:
            await self.ask(tasks=3, threads=1)
        finally:
            await self.close()

    # --- the user ---

    async def be_the_user(self) -> None:
        """Log in when no user is, and now and then out, or in as another."""
        chance = random.Random(f"{self._orders.seed} user")
        while not self.is_over:
            await asyncio.sleep(chance.uniform(0, self._orders.user_pause))
            if not self._store.get_state().is_login or chance.random() < 0.2:
                await self._log_in(chance.choice(sorted(USERS)))
            elif chance.random() < 0.15:
                await self._log_out()

    async def _log_in(self, username: str) -> None:
        answer = await self._post(
            "/auth/login", {"username": username, "password": USERS[username]}
        )
        with self._witness.acting():
            self._store.login(answer["access_token"], answer["refresh_token"])

    async def _log_out(self) -> None:
        refresh_token = self._store.get_state().refresh_token
        with self._witness.acting():
            self._store.logout()
        if refresh_token is not None:
            await self._post("/auth/logout", {"refresh_token": refresh_token})

    async def _post(self, path: str, data: dict[str, Any]) -> Any:
        response = await self._api.post(path, data, extra={"silent_refresh": False})
        return response.data


def _give_up(call: Call, controller: AbortController) -> None:
    call.is_given_up = True
    controller.abort()
