"""What is decided about a token, as a table: no server, no clock, no thread."""

from __future__ import annotations

import pytest
from zustax.transport import RefreshError, TokenPair
from zustax.transport.decisions import (
    Step,
    after_asking,
    after_refresh,
    after_unauthorized,
    after_waiting,
    before_leaving,
    before_refreshing,
)
from zustax.transport.tokens import Credentials

ADA = Credentials("access 1", "refresh 1", "ada's session")
ADA_REFRESHED = Credentials("access 2", "refresh 2", "ada's session")
ADA_WITHOUT_ACCESS = Credentials(None, "refresh 1", "ada's session")
ADA_WITHOUT_REFRESH = Credentials("access 1", None, "ada's session")
ADA_OTHER_ACCESS = Credentials("access 2", "refresh 1", "ada's session")
BOB = Credentials("access 9", "refresh 9", "bob's session")
NOBODY = Credentials(None, None, None)

PAIR = TokenPair("access 2", "refresh 2")
ADA_AGAIN = TokenPair("access 9", "refresh 9")
REJECTED = RefreshError("rejected", rejected=True)
FAILED = RefreshError("failed")


@pytest.mark.parametrize(
    ("now", "is_refreshing", "is_due", "step"),
    [
        (ADA, False, False, Step.LEAVE),
        (ADA, False, True, Step.REFRESH),
        (ADA, True, False, Step.WAIT),
        (ADA, True, True, Step.WAIT),
        (ADA_WITHOUT_ACCESS, False, False, Step.REFRESH),
        (ADA_WITHOUT_ACCESS, True, False, Step.WAIT),
        (ADA_WITHOUT_REFRESH, False, False, Step.LEAVE),
        (ADA_WITHOUT_REFRESH, False, True, Step.REFRESH),
        (ADA_WITHOUT_REFRESH, True, False, Step.WAIT),
        (NOBODY, False, False, Step.LEAVE),
        (NOBODY, True, False, Step.WAIT),
    ],
)
def test_before_leaving(now: Credentials, is_refreshing: bool, is_due: bool, step: Step) -> None:
    decided = before_leaving(now, is_hydrating=False, is_refreshing=is_refreshing, is_due=is_due)
    assert decided is step


@pytest.mark.parametrize("now", [ADA, ADA_WITHOUT_ACCESS, NOBODY])
@pytest.mark.parametrize("is_refreshing", [False, True])
@pytest.mark.parametrize("is_due", [False, True])
def test_before_leaving_while_the_store_is_hydrating_nothing_else_counts(
    now: Credentials, is_refreshing: bool, is_due: bool
) -> None:
    decided = before_leaving(now, is_hydrating=True, is_refreshing=is_refreshing, is_due=is_due)
    assert decided is Step.HYDRATE


@pytest.mark.parametrize(
    ("was_early", "token_lives", "step"),
    [
        (True, True, Step.LEAVE),
        (True, False, Step.RAISE),
        (False, True, Step.RAISE),
        (False, False, Step.RAISE),
    ],
)
def test_after_waiting_in_vain(was_early: bool, token_lives: bool, step: Step) -> None:
    assert after_waiting(was_early=was_early, token_lives=token_lives) is step


@pytest.mark.parametrize(
    ("started_with", "now", "is_expired", "step"),
    [
        (ADA, ADA, False, Step.REFRESH),
        (ADA, ADA, True, Step.REFRESH),
        (ADA, ADA_REFRESHED, False, Step.ADOPT),
        (ADA, ADA_REFRESHED, True, Step.REFRESH),
        (ADA, ADA_WITHOUT_ACCESS, False, Step.REFRESH),
        (ADA_WITHOUT_ACCESS, ADA, False, Step.ADOPT),
        (ADA, BOB, False, Step.DISCARD),
        (ADA, BOB, True, Step.DISCARD),
        (ADA, NOBODY, False, Step.DISCARD),
        (NOBODY, NOBODY, False, Step.REFRESH),
        (NOBODY, ADA, False, Step.DISCARD),
    ],
)
def test_before_refreshing(
    started_with: Credentials, now: Credentials, is_expired: bool, step: Step
) -> None:
    assert before_refreshing(started_with, now, is_expired=is_expired) is step


@pytest.mark.parametrize("is_refreshing", [False, True])
@pytest.mark.parametrize("login_was_asked", [False, True])
@pytest.mark.parametrize(
    ("left_with", "now"), [(ADA, BOB), (ADA, NOBODY), (NOBODY, ADA), (BOB, ADA)]
)
def test_after_a_401_whose_session_has_ended_nothing_else_counts(
    left_with: Credentials, now: Credentials, is_refreshing: bool, login_was_asked: bool
) -> None:
    step = after_unauthorized(
        left_with, now, is_refreshing=is_refreshing, login_was_asked=login_was_asked
    )
    assert step is Step.RAISE


@pytest.mark.parametrize(
    ("left_with", "now", "is_refreshing", "login_was_asked", "step"),
    [
        (ADA, ADA, False, False, Step.REFRESH),
        (ADA, ADA, True, False, Step.WAIT),
        (ADA, ADA, False, True, Step.REFRESH),
        (ADA, ADA_REFRESHED, False, False, Step.REPLAY),
        (ADA, ADA_REFRESHED, False, True, Step.REPLAY),
        (ADA, ADA_REFRESHED, True, False, Step.WAIT),
        (ADA, ADA_WITHOUT_ACCESS, False, False, Step.REFRESH),
        (ADA_WITHOUT_ACCESS, ADA, False, False, Step.REPLAY),
        (NOBODY, NOBODY, False, False, Step.REFRESH),
        (NOBODY, NOBODY, True, False, Step.WAIT),
        (NOBODY, NOBODY, False, True, Step.RAISE),
    ],
)
def test_after_a_401_in_the_same_session(
    left_with: Credentials,
    now: Credentials,
    is_refreshing: bool,
    login_was_asked: bool,
    step: Step,
) -> None:
    assert step is after_unauthorized(
        left_with, now, is_refreshing=is_refreshing, login_was_asked=login_was_asked
    )


@pytest.mark.parametrize("can_ask", [False, True])
@pytest.mark.parametrize("result", [PAIR, FAILED, REJECTED], ids=["pair", "failed", "rejected"])
@pytest.mark.parametrize(("started_with", "now"), [(ADA, BOB), (ADA, NOBODY), (NOBODY, ADA)])
def test_after_a_refresh_whose_session_has_ended_its_result_is_thrown_away(
    started_with: Credentials, now: Credentials, result: TokenPair | RefreshError, can_ask: bool
) -> None:
    assert after_refresh(started_with, now, result, can_ask=can_ask) is Step.DISCARD


@pytest.mark.parametrize(
    ("now", "result", "can_ask", "step"),
    [
        (ADA, PAIR, False, Step.STORE),
        (ADA_REFRESHED, PAIR, False, Step.STORE),
        (ADA, FAILED, False, Step.FAIL),
        (ADA, FAILED, True, Step.FAIL),
        (ADA_REFRESHED, FAILED, True, Step.FAIL),
        (ADA, REJECTED, False, Step.REJECT),
        (ADA, REJECTED, True, Step.ASK),
        (ADA_OTHER_ACCESS, REJECTED, False, Step.REJECT),
        (ADA_WITHOUT_REFRESH, REJECTED, False, Step.REJECT),
        (ADA_REFRESHED, REJECTED, False, Step.ADOPT),
        (ADA_REFRESHED, REJECTED, True, Step.ADOPT),
    ],
)
def test_after_a_refresh_in_the_same_session(
    now: Credentials, result: TokenPair | RefreshError, can_ask: bool, step: Step
) -> None:
    assert after_refresh(ADA, now, result, can_ask=can_ask) is step


@pytest.mark.parametrize(
    ("asked_for", "now", "answer", "step"),
    [
        (ADA, ADA, ADA_AGAIN, Step.STORE),
        (ADA, ADA, None, Step.REJECT),
        (ADA, NOBODY, ADA_AGAIN, Step.DISCARD),
        (ADA, NOBODY, None, Step.DISCARD),
        (ADA, BOB, None, Step.DISCARD),
        (ADA, BOB, PAIR, Step.DISCARD),
        (ADA, BOB, ADA_AGAIN, Step.ADOPT),
        (NOBODY, NOBODY, ADA_AGAIN, Step.STORE),
        (NOBODY, NOBODY, None, Step.REJECT),
        (NOBODY, BOB, ADA_AGAIN, Step.ADOPT),
    ],
)
def test_after_asking_the_user(
    asked_for: Credentials, now: Credentials, answer: TokenPair | None, step: Step
) -> None:
    assert after_asking(asked_for, now, answer) is step
