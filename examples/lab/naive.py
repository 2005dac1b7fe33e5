"""The naive silent refresh: two interceptors, a flag and a queue, and each of its bugs as a flag.

With all of `Bug` it behaves as the module that is pasted everywhere, slips included; with none of
them it is what one gets by mending it from within. `bugs_from` gives the stages in between.
"""

from __future__ import annotations

import asyncio
from asyncio import Future
from collections.abc import Callable
from enum import Flag, auto
from typing import Any
from urllib.parse import urlsplit

from zustax.store import UserStore
from zustax.transport import Instance, RequestConfig, RequestError, Response

#: How a server says that a refresh token is worth nothing any more.
REJECTED = (400, 401, 403)


class Bug(Flag):
    """What is wrong, in the order in which the lab mends it."""

    MISSPELT_STATUS = auto()
    MISSPELT_MARK = auto()
    MARKS_ONLY_THE_LEADER = auto()
    TELLS_NOBODY = auto()
    RAISES_ANOTHERS_ERROR = auto()
    SAME_DOOR = auto()
    DIES_WITH_THE_LEADER = auto()
    ANY_ERROR_IS_THE_END = auto()
    FORGETS_WHO = auto()
    TRUSTS_EVERY_HOST = auto()
    REFRESHES_FOR_THE_LATE = auto()
    LEAVES_ANYWAY = auto()


#: All are mended.
NO_BUGS = Bug(0)


def bugs_from(first: Bug) -> Bug:
    """``first`` and those that are mended after it."""
    return Bug(sum(bug.value for bug in Bug if bug.value >= first.value))


class SessionEndedError(Exception):
    """The user has logged out, or another has logged in, while a refresh was running."""


#: What a refresh fails with.
FAILURES = (RequestError, SessionEndedError)


class NaiveRefresh:
    """Adds the two interceptors to an instance.

    Args:
        api: The instance.
        store: Holds the tokens.
        bugs: Which bugs it has.
        redirect: Called with the path where the user has to go when the session is lost; in a
            browser the page would be left.

    Attributes:
        refresh_api: What the refresh call is made with.
    """

    def __init__(
        self, api: Instance, store: UserStore, bugs: Bug, redirect: Callable[[str], None]
    ) -> None:
        self._api = api
        self._store = store
        self._bugs = bugs
        self._redirect = redirect
        self._is_refreshing = False
        self._queue: list[Future[None]] = []
        self.refresh_api = api if self._has(Bug.SAME_DOOR) else api.create()
        api.interceptors.request.use(self.add_token)
        api.interceptors.response.use(unwrap, self.refresh_and_retry)

    def _has(self, bug: Bug) -> bool:
        return bug in self._bugs

    # --- the interceptors ---

    async def add_token(self, config: RequestConfig) -> RequestConfig:
        """On the way out: add the token."""
        if not self._is_ours(config):
            return config
        if not self._has(Bug.LEAVES_ANYWAY) and self._is_refreshing:
            try:
                await self._turn_in_the_queue()
            except FAILURES as failure:
                raise RequestError("not sent: no new token", config=config) from failure
        token = self._store.get_state().access_token
        if token:
            config.headers["Authorization"] = f"Bearer {token}"
        return config

    async def refresh_and_retry(self, error: Exception) -> Any:
        """On the way back, if not: see to a new token, and send the request once more."""
        if not isinstance(error, RequestError) or error.config is None:
            raise error
        if not self._is_ours(error.config) or not self._is_due(error.config, error.response):
            raise error
        if not (self._is_refreshing and self._has(Bug.MARKS_ONLY_THE_LEADER)):
            error.config.extra["retry"] = True
        if self._has(Bug.REFRESHES_FOR_THE_LATE) or not self._is_late(error.config):
            try:
                await self._renewal()
            except FAILURES as failure:
                if self._has(Bug.RAISES_ANOTHERS_ERROR):
                    raise
                raise error from failure
        return await self._api(error.config)

    # --- its questions ---

    def _is_ours(self, config: RequestConfig) -> bool:
        """Whether a request goes to a host that the token is for."""
        return self._has(Bug.TRUSTS_EVERY_HOST) or not _is_elsewhere(config)

    def _is_due(self, config: RequestConfig, response: Response | None) -> bool:
        """Whether a request was refused for its token, and not sent again yet."""
        status = "stauts" if self._has(Bug.MISSPELT_STATUS) else "status"
        mark = "_retry" if self._has(Bug.MISSPELT_MARK) else "retry"
        return getattr(response, status, None) == 401 and not config.extra.get(mark)

    def _is_late(self, config: RequestConfig) -> bool:
        """Whether the token has been renewed since the request left."""
        token = self._store.get_state().access_token
        return token is not None and config.headers.get("Authorization") != f"Bearer {token}"

    # --- the flag and the queue ---

    async def _renewal(self) -> None:
        """Wait for the refresh that runs, or begin one."""
        if self._is_refreshing:
            await self._turn_in_the_queue()
            return
        self._is_refreshing = True
        if self._has(Bug.DIES_WITH_THE_LEADER):
            await self._refresh()
        else:
            await asyncio.shield(asyncio.create_task(self._refresh()))

    async def _turn_in_the_queue(self) -> None:
        turn: Future[None] = asyncio.get_running_loop().create_future()
        self._queue.append(turn)
        await turn

    async def _refresh(self) -> None:
        try:
            await self._renew()
        except FAILURES as failure:
            if self._has(Bug.ANY_ERROR_IS_THE_END) or _is_rejection(failure):
                self._redirect("/login")
            if not self._has(Bug.TELLS_NOBODY):
                self._end_waiting(failure)
            raise
        finally:
            self._is_refreshing = False
        self._end_waiting()

    async def _renew(self) -> None:
        before = self._store.get_state()
        response: Any = await self.refresh_api.post(
            "/auth/refresh", {"refresh_token": before.refresh_token}
        )
        if not self._has(Bug.FORGETS_WHO) and self._store.get_state() != before:
            raise SessionEndedError("the session has ended while its token was refreshed")
        # The same door unwraps it; another does not.
        tokens = response if self._has(Bug.SAME_DOOR) else response.data
        self._store.set_state(
            {
                "access_token": tokens["access_token"],
                "refresh_token": tokens["refresh_token"],
                "is_login": True,
            }
        )

    def _end_waiting(self, failure: Exception | None = None) -> None:
        waiting, self._queue = self._queue, []
        for turn in waiting:
            if turn.done():  # who waited was cancelled
                continue
            if failure is None:
                turn.set_result(None)
            else:
                turn.set_exception(failure)


def unwrap(response: Response) -> Any:
    """On the way back, if all is well: callers want the data."""
    return response.data


def _is_elsewhere(config: RequestConfig) -> bool:
    home, target = urlsplit(config.base_url or ""), urlsplit(config.url or "")
    return bool(target.netloc) and target[:2] != home[:2]


def _is_rejection(failure: Exception) -> bool:
    return isinstance(failure, RequestError) and failure.status in REJECTED
