"""Refreshes the access token in the background, so that no request has to wait for it.

Example:
    async with api, handle.keep_fresh():  # with create()
        ...

    with api, handle.keep_fresh():  # with create_sync(), in a daemon thread
        ...

"""

from __future__ import annotations

from concurrent.futures import Future
from typing import Self

from ..config import RequestConfig
from ..runtime import reset_after_fork, run_now
from .renewal import Renewer

#: Seconds between two looks at the store and the clock. One long sleep until the expiry would not
#: do: the computer may have slept meanwhile, and the user may have logged in.
_TICK = 1.0


class KeepFresh:
    """A background refresh that runs inside its block; make it with `SilentRefresh.keep_fresh`."""

    def __init__(self, renewer: Renewer) -> None:
        self._renewer = renewer
        self._runtime = renewer.runtime
        self._is_running = False
        self._nap: Future[None] = Future()
        self._ended: Future[None] = Future()
        reset_after_fork(self)

    async def __aenter__(self) -> Self:
        self._start(is_async=True)
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self._stop()

    def __enter__(self) -> Self:
        self._start(is_async=False)
        return self

    def __exit__(self, *_error: object) -> None:
        run_now(self._stop())

    def _start(self, *, is_async: bool) -> None:
        if self._runtime.is_async is not is_async:
            wanted = "async with" if self._runtime.is_async else "with"
            raise TypeError(f"for this kind of instance write: {wanted} handle.keep_fresh()")
        if self._is_running:
            raise RuntimeError("it is running already: call handle.keep_fresh() for another one")
        self._runtime.bind()
        self._is_running = True
        self._ended = Future()
        self._runtime.spawn(self._run(self._ended), grace=0.0)

    async def _stop(self) -> None:
        self._is_running = False
        if not self._nap.done():
            self._nap.set_result(None)
        if not self._ended.done():  # as it is in a child that was forked inside the block
            await self._runtime.wait(self._ended, None, None)

    async def _run(self, ended: Future[None]) -> None:
        try:
            while True:
                self._nap = nap = Future[None]()
                if not self._is_running:  # asked here, as it may have been stopped before the nap
                    return
                self._renew_if_due()
                await self._runtime.wait(nap, _TICK, None)
        finally:
            self._is_running = False
            ended.set_result(None)

    def _renew_if_due(self) -> None:
        session = self._renewer.session
        logins = session.logins_required
        now = session.credentials()
        is_busy = session.hydration() is not None or session.pending_for(now) is not None
        if not is_busy and self._renewer.is_due_soon(now):
            config = RequestConfig()  # no request has asked for it
            self._renewer.join_or_start(now, config, logins_required=logins, is_early=True)

    def after_fork(self) -> None:
        """Stop in a child, which does not have the task or thread."""
        self._is_running = False
        self._nap, self._ended = Future(), Future()
        self._ended.set_result(None)

    def __repr__(self) -> str:
        return f"<KeepFresh {'running' if self._is_running else 'not running'}>"
