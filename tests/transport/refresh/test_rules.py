"""What becomes of a request, as a table: no server, no clock, no thread."""

from __future__ import annotations

import pytest
from zustax.transport.refresh.rules import (
    Step,
    after_unauthorized,
    after_waiting,
    before_sending,
)
from zustax.transport.refresh.tokens import Credentials

ADA = Credentials("access 1", "refresh 1", "ada's session")
ADA_REFRESHED = Credentials("access 2", "refresh 2", "ada's session")
ADA_WITHOUT_ACCESS = Credentials(None, "refresh 1", "ada's session")
ADA_WITHOUT_REFRESH = Credentials("access 1", None, "ada's session")
ADA_OTHER_ACCESS = Credentials("access 2", "refresh 1", "ada's session")
BOB = Credentials("access 9", "refresh 9", "bob's session")
NOBODY = Credentials(None, None, None)


@pytest.mark.parametrize(
    ("now", "is_refreshing", "is_due", "step"),
    [
        (ADA, False, False, Step.SEND),
        (ADA, False, True, Step.REFRESH),
        (ADA, True, False, Step.WAIT),
        (ADA, True, True, Step.WAIT),
        (ADA_WITHOUT_ACCESS, False, False, Step.REFRESH),
        (ADA_WITHOUT_ACCESS, True, False, Step.WAIT),
        (ADA_WITHOUT_REFRESH, False, False, Step.SEND),
        (ADA_WITHOUT_REFRESH, False, True, Step.REFRESH),
        (ADA_WITHOUT_REFRESH, True, False, Step.WAIT),
        (NOBODY, False, False, Step.SEND),
        (NOBODY, True, False, Step.WAIT),
    ],
)
def test_before_sending(now: Credentials, is_refreshing: bool, is_due: bool, step: Step) -> None:
    decided = before_sending(now, is_hydrating=False, is_refreshing=is_refreshing, is_due=is_due)
    assert decided is step


@pytest.mark.parametrize("now", [ADA, ADA_WITHOUT_ACCESS, NOBODY])
@pytest.mark.parametrize("is_refreshing", [False, True])
@pytest.mark.parametrize("is_due", [False, True])
def test_before_sending_while_the_store_is_hydrating_nothing_else_counts(
    now: Credentials, is_refreshing: bool, is_due: bool
) -> None:
    decided = before_sending(now, is_hydrating=True, is_refreshing=is_refreshing, is_due=is_due)
    assert decided is Step.HYDRATE


@pytest.mark.parametrize(
    ("was_early", "token_lives", "step"),
    [
        (True, True, Step.SEND),
        (True, False, Step.RAISE),
        (False, True, Step.RAISE),
        (False, False, Step.RAISE),
    ],
)
def test_after_waiting_in_vain(was_early: bool, token_lives: bool, step: Step) -> None:
    assert after_waiting(was_early=was_early, token_lives=token_lives) is step


@pytest.mark.parametrize("is_refreshing", [False, True])
@pytest.mark.parametrize("login_was_required", [False, True])
@pytest.mark.parametrize(
    ("sent_with", "now"), [(ADA, BOB), (ADA, NOBODY), (NOBODY, ADA), (BOB, ADA)]
)
def test_after_a_401_whose_session_has_ended_nothing_else_counts(
    sent_with: Credentials, now: Credentials, is_refreshing: bool, login_was_required: bool
) -> None:
    step = after_unauthorized(
        sent_with, now, is_refreshing=is_refreshing, login_was_required=login_was_required
    )
    assert step is Step.RAISE


@pytest.mark.parametrize(
    ("sent_with", "now", "is_refreshing", "login_was_required", "step"),
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
    sent_with: Credentials,
    now: Credentials,
    is_refreshing: bool,
    login_was_required: bool,
    step: Step,
) -> None:
    assert step is after_unauthorized(
        sent_with, now, is_refreshing=is_refreshing, login_was_required=login_was_required
    )
