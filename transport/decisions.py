"""What is decided around a token, and why: no I/O, no clock, no lock. The numbers are the rules'.

A request asks twice: before it leaves, and when it is answered 401.

    before_leaving      HYDRATE · WAIT · REFRESH · LEAVE
    after_unauthorized  RAISE · WAIT · REPLAY · REFRESH

One that waited before it left, for a refresh that has brought nothing, asks once more.

    after_waiting       LEAVE · RAISE

A refresh asks when it is its turn, when it has ended, and once more when the user was asked.

    before_refreshing   DISCARD · ADOPT · REFRESH
    after_refresh       DISCARD · STORE · FAIL · ADOPT · ASK · REJECT
    after_asking        ADOPT · DISCARD · REJECT · STORE
"""

from __future__ import annotations

from enum import Enum, auto

from .errors import RefreshError
from .tokens import Credentials, TokenPair


class Step(Enum):
    """What to do next."""

    HYDRATE = auto()  #: wait until the store has read its storage
    LEAVE = auto()  #: send the request with the token of this moment
    WAIT = auto()  #: wait for the refresh that is running
    REFRESH = auto()  #: start a refresh, or wait for the one that has just been started
    REPLAY = auto()  #: send the request again, with the token that is there by now
    RAISE = auto()  #: let the caller have its 401
    STORE = auto()  #: write the new pair
    ADOPT = auto()  #: use the pair that somebody else has written
    ASK = auto()  #: ask the user to log in
    REJECT = auto()  #: the session is over: log out, and say so
    FAIL = auto()  #: the session may live: keep the tokens, and say so
    DISCARD = auto()  #: the session has ended meanwhile: throw the result away


def before_leaving(
    now: Credentials, *, is_hydrating: bool, is_refreshing: bool, is_due: bool
) -> Step:
    """Whether a request may leave.

    ``is_hydrating``: the store is still reading its storage. ``is_refreshing``: a refresh of the
    same session is running. ``is_due``: the token is about to expire, and can be renewed.
    """
    if is_hydrating:
        return Step.HYDRATE  # nobody knows yet who is logged in
    if is_refreshing:
        return Step.WAIT  # 4: it would leave with a dead token
    if now.access_token is None and now.refresh_token is not None:
        return Step.REFRESH  # only the refresh token was kept
    if is_due:
        return Step.REFRESH  # 13
    return Step.LEAVE


def after_waiting(*, was_early: bool, token_lives: bool) -> Step:
    """What becomes of a request that waited, before it left, for a refresh that brought nothing.

    ``was_early``: no token had been refused. ``token_lives``: that of the session has not expired.
    """
    return Step.LEAVE if was_early and token_lives else Step.RAISE  # 13, 4


def after_unauthorized(
    left_with: Credentials, now: Credentials, *, is_refreshing: bool, login_was_asked: bool
) -> Step:
    """What becomes of a 401. ``login_was_asked``: since the request left, the user was told."""
    if left_with.session != now.session:
        return Step.RAISE  # 11: logged out, or somebody else is logged in
    if now.session is None and login_was_asked:
        return Step.RAISE  # 7: `login_required` is sent once
    if is_refreshing:
        return Step.WAIT  # 2, 4
    if now.access_token is not None and now.access_token != left_with.access_token:
        return Step.REPLAY  # 3: the refresh ended while this 401 was under way
    return Step.REFRESH  # 2


def before_refreshing(started_with: Credentials, now: Credentials, *, is_expired: bool) -> Step:
    """Whether a refresh is still needed. ``now``: the store, when it is this process's turn.

    ``is_expired``: its access token is known to have expired.
    """
    if started_with.session != now.session:
        return Step.DISCARD  # 11
    is_another = now.access_token not in (None, started_with.access_token)
    return Step.ADOPT if is_another and not is_expired else Step.REFRESH  # 16


def after_refresh(
    started_with: Credentials, now: Credentials, result: TokenPair | RefreshError, *, can_ask: bool
) -> Step:
    """What becomes of a refresh. ``now``: the store, read again after it ended."""
    if started_with.session != now.session:
        return Step.DISCARD  # 11
    if isinstance(result, TokenPair):
        return Step.STORE
    if not result.rejected:
        return Step.FAIL  # 8
    if now.refresh_token not in (None, started_with.refresh_token):
        return Step.ADOPT  # 7: what was rejected had been rotated already
    return Step.ASK if can_ask else Step.REJECT  # 14, 7


def after_asking(asked_for: Credentials, now: Credentials, answer: TokenPair | None) -> Step:
    """What becomes of the user's answer."""
    if answer is not None and now.access_token == answer.access_token:
        return Step.ADOPT  # 14: the login form has written it already
    if asked_for.session != now.session:
        return Step.DISCARD  # 11
    return Step.REJECT if answer is None else Step.STORE  # 14
