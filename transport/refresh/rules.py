"""What becomes of a request, without I/O, clock or lock. The numbers are those of the rules."""

from __future__ import annotations

from enum import Enum, auto

from .tokens import Credentials


class Step(Enum):
    """What to do next."""

    SEND = auto()  #: send the request with the token of this moment
    WAIT = auto()  #: wait for the refresh that is running
    REFRESH = auto()  #: start a refresh, or wait for the one that has just been started
    REPLAY = auto()  #: send the request again, with the token that is there by now
    RAISE = auto()  #: give the caller its 401


def before_sending(now: Credentials, *, is_refreshing: bool, is_due: bool) -> Step:
    """Decide about a request that is about to leave."""
    if is_refreshing:
        return Step.WAIT  # 4: it would leave with a dead token
    if now.access_token is None and now.refresh_token is not None:
        return Step.REFRESH  # only the refresh token was kept
    if is_due:
        return Step.REFRESH  # 13
    return Step.SEND


def after_unauthorized(
    sent_with: Credentials, now: Credentials, *, is_refreshing: bool, login_was_required: bool
) -> Step:
    """Decide about a 401. ``login_was_required``: it was signalled since the request left."""
    if sent_with.session != now.session:
        return Step.RAISE  # 11: logged out, or another user is logged in
    if now.session is None and login_was_required:
        return Step.RAISE  # 7: `login_required` is sent once
    if is_refreshing:
        return Step.WAIT  # 2, 4
    if now.access_token is not None and now.access_token != sent_with.access_token:
        return Step.REPLAY  # 3: the refresh ended while this 401 was under way
    return Step.REFRESH  # 2
