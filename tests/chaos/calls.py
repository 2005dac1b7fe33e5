"""One call, and what must hold for it whatever happens."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from attrs import define, field
from zustax.store import UserStore
from zustax.transport import CanceledError, RequestConfig, RequestError, login_required
from zustax.transport.refresh.pending import (
    Discarded,
    Failed,
    PendingRefresh,
    RefreshOutcome,
    watched_by,
)

from .notes import LOGIN_REQUIRED, REFRESH_ENDED, SESSION_CHANGED, TALLY, UNSAVED, Notes
from .tokens import session_of, shows_token

#: What a `RequestError` may say that it is.
_CODES = frozenset(
    value for name, value in vars(RequestError).items() if name.isupper() and name == value
)

#: A token that another process has refreshed may have expired before the replay.
_MOST_SENDS = 3

_by_user: ContextVar[bool] = ContextVar("by_user", default=False)


@define(repr=False, eq=False)
class Call:
    """One call. It hears of the refreshes that it starts and waits for, as a `Watcher`.

    Attributes:
        sessions: Whose tokens it was sent with, and whose refreshes it waited for.
        sends: How often it was sent.
        is_given_up: Whether its caller has cancelled it.
    """

    witness: Witness
    sessions: set[str] = field(factory=set)
    sends: int = 0
    is_given_up: bool = False

    def refresh_started(self, pending: PendingRefresh) -> None: ...

    def refresh_ended(self, pending: PendingRefresh, outcome: RefreshOutcome) -> None:
        self.witness.note_outcome(pending, outcome)

    def wait_started(self, pending: PendingRefresh) -> None:
        self.sessions.add(session_of(pending.started_with.access_token))

    def wait_ended(self, pending: PendingRefresh) -> None: ...

    def note_sending(self, config: RequestConfig) -> None:
        self.sends += 1
        scheme, _, token = config.headers.get("Authorization", "").partition(" ")
        self.sessions.add(session_of(token))
        if token and scheme != "Bearer":
            self.witness.notes.violation("a token was sent that is none")


class Witness:
    """Sees what the calls of one process come to.

    Args:
        store: The store that they share.
        notes: Takes what is seen.
    """

    def __init__(self, store: UserStore, notes: Notes) -> None:
        self.notes = notes
        self._store = store
        store.subscribe(self.note_change)
        self.start_anew()

    def start_anew(self) -> None:
        """Count from nothing, as a process that was forked."""
        self._tally: Counter[str] = Counter()
        self._lock = threading.Lock()

    @property
    def session(self) -> str:
        """The session of this moment."""
        return session_of(self._store.get_state().access_token)

    @contextmanager
    def acting(self) -> Iterator[None]:
        """Let the user log in or out in the block."""
        before = self.session
        token = _by_user.set(True)
        try:
            yield
        except OSError:  # the disk is full
            self.notes.add(UNSAVED, sessions=[before, self.session])
        finally:
            _by_user.reset(token)

    def note_change(self, state: Any, previous: Any) -> None:
        """Note that the session is another one; a listener of the store."""
        before, after = session_of(previous.access_token), session_of(state.access_token)
        if before != after:
            self.notes.add(SESSION_CHANGED, before=before, after=after, by_user=_by_user.get())

    @contextmanager
    def watching(self, api: Any) -> Iterator[None]:
        """See what an instance sends, and whom it tells to log in."""

        def on_login_required(_sender: object, *, reason: str, config: Any, **_: object) -> None:
            session = ", ".join(config.extra["call"].sessions)
            self.notes.add(LOGIN_REQUIRED, reason=reason, session=session)

        api.interceptors.network.use(_note_and_proceed)  # the innermost: it sees each sending
        login_required.connect(on_login_required, api)
        try:
            yield
        finally:
            login_required.disconnect(on_login_required)

    @contextmanager
    def judging(self, call: Call) -> Iterator[Callable[[Any], None]]:
        """Run a call, of which nothing may come out but what is documented.

        Gives the function that takes its answer.
        """
        try:
            with watched_by(call):
                yield self._judge_answer(call)
        except RequestError as error:
            self._judge_error(call, error)
        except asyncio.CancelledError:
            self._count("cancelled")
            if not call.is_given_up:
                self.notes.violation("a call was cancelled that its caller had not given up")
        except Exception as error:
            self.notes.violation(f"an undocumented error came out: {type(error).__name__}")
        if len(call.sessions) > 1:
            self.notes.violation(f"one call, several sessions: {sorted(call.sessions)}")
        if call.sends > _MOST_SENDS:
            self.notes.violation(f"a call was sent {call.sends} times")

    def note_outcome(self, pending: PendingRefresh, outcome: RefreshOutcome) -> None:
        session = session_of(pending.started_with.access_token)
        how = type(outcome).__name__
        if isinstance(outcome, Failed) and outcome.error.rejected:
            how = "Rejected"
        self.notes.add(REFRESH_ENDED, how=how, session=session)
        if isinstance(outcome, Discarded) and self.session == session:
            self.notes.violation("a refresh was discarded whose session had not ended")

    def close(self) -> None:
        """Note how many calls came to what."""
        self.notes.add(TALLY, **self._tally)

    def _judge_answer(self, call: Call) -> Callable[[Any], None]:
        def judge(response: Any) -> None:
            self._count(str(response.status))
            answered = response.data["user"]
            if any(not session.startswith(f"{answered}-") for session in call.sessions):
                self.notes.violation(
                    f"a call of {sorted(call.sessions)} was answered as {answered}"
                )

        return judge

    def _judge_error(self, call: Call, error: RequestError) -> None:
        self._count(str(error.status or error.code))
        if error.code not in _CODES:
            self.notes.violation(f"an undocumented code came out: {error.code}")
        if isinstance(error, CanceledError) and not call.is_given_up:
            self.notes.violation("a call was aborted that its caller had not given up")
        if shows_token(f"{error} {error!r} {error.to_json()} {error.__cause__!r}"):
            self.notes.violation(f"an error shows a token: {type(error).__name__}")

    def _count(self, what: str) -> None:
        with self._lock:
            self._tally[what] += 1


def _note_and_proceed(config: RequestConfig, proceed: Callable[[RequestConfig], Any]) -> Any:
    call = config.extra.get("call")
    if call is not None:
        call.note_sending(config)
    return proceed(config)
