"""The rules that are decided without a server, as tables; and that each rule has its tests."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from zustax.transport import RefreshError
from zustax.transport.refresh.answers import is_rejected, pair_in
from zustax.transport.refresh.pending import Failed, PendingRefresh, Renewed
from zustax.transport.refresh.rules import (
    Step,
    after_unauthorized,
    before_sending,
)
from zustax.transport.refresh.tokens import Credentials
from zustax.transport.runtime import SyncRuntime, run_now

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
    decided = before_sending(now, is_refreshing=is_refreshing, is_due=is_due)
    assert decided is step


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


# --- an answer that comes late (19) ---


def outcome_of(pending: PendingRefresh) -> Any:
    return run_now(pending.wait(SyncRuntime(), None))


def test_a_refresh_that_is_late_goes_on_and_who_comes_then_is_told_its_end() -> None:
    renewed = Renewed("ada's session")
    pending = PendingRefresh(ADA, 10.0, None)
    pending.release_late(Failed(RefreshError("late")))
    assert (pending.is_late, pending.is_finished) == (True, False)
    pending.finish(renewed)
    assert pending.is_finished
    assert outcome_of(pending) is renewed


def test_only_the_first_end_of_a_refresh_counts() -> None:
    renewed = Renewed("ada's session")
    pending = PendingRefresh(ADA, 10.0, None)
    pending.finish(renewed)
    pending.finish(Failed(RefreshError("later")))
    assert outcome_of(pending) is renewed


# --- what an answer means (7, 8, 20) ---

_PATHS = ("access_token", "refresh_token", "expires_in")


@pytest.mark.parametrize(
    ("answer", "paths", "pair"),
    [
        ({"access_token": "a", "refresh_token": "r"}, _PATHS, ("a", "r")),
        ({"access_token": "a"}, _PATHS, ("a", None)),
        ({"access_token": "a", "refresh_token": ""}, _PATHS, ("a", None)),
        ({"access_token": "a", "refresh_token": None, "token_type": 7}, _PATHS, ("a", None)),
        ("access_token=a&refresh_token=r&token_type=bot", _PATHS, ("a", "r")),
        (b'\xef\xbb\xbf{"access_token": "a", "expires_in": Infinity}', _PATHS, ("a", None)),
        ({"d": {"t": {"a": "a", "r": "r"}}}, ("d.t.a", "d.t.r", "d.t.e"), ("a", "r")),
        ({"d": {"t": "text"}}, ("d.t.a", "d.t.r", "d.t.e"), None),
        ({"access_token": ""}, _PATHS, None),
        ({"access_token": 7}, _PATHS, None),
        ({"access_token": "a", "token_type": "DPoP"}, _PATHS, None),
        ([], _PATHS, None),
        ("<html>", _PATHS, None),
        (None, _PATHS, None),
    ],
)
def test_the_pair_in_an_answer(
    answer: object, paths: tuple[str, str, str], pair: tuple[str, str | None] | None
) -> None:
    if pair is None:
        with pytest.raises(RefreshError) as caught:
            pair_in(answer, paths)
        assert not caught.value.rejected
    else:
        found = pair_in(answer, paths)
        assert (found.access_token, found.refresh_token) == pair


@pytest.mark.parametrize(
    ("status", "headers", "data", "rejects"),
    [
        (401, {}, {"message": "expired"}, True),
        (401, {}, "", True),
        (401, {}, None, True),
        (401, {"content-type": "application/json"}, "expired", True),
        (422, {}, [], True),
        (404, {}, {"message": "expired"}, False),
        (200, {}, {"error": "invalid_grant"}, True),
        (500, {}, {"error": "invalid_grant"}, False),
        (404, {}, {"a": [{"b": {"code": "invalid_grant"}}]}, True),
        (403, {"content-type": "text/html"}, "<html>", False),
        (403, {"content-type": "application/json"}, " <html>", False),
        (403, {"content-type": "text/html"}, None, False),
        (403, {}, "Forbidden", False),
        (401, {"www-authenticate": "Basic"}, "", False),
        (401, {"www-authenticate": "NTLM"}, {"message": "proxy"}, False),
        (401, {"www-authenticate": "Bearer"}, "", True),
    ],
)
def test_what_rejects_a_refresh_token(
    status: int, headers: dict[str, str], data: object, rejects: bool
) -> None:
    assert is_rejected(status, headers, data) is rejects


# --- the tests ---


@pytest.mark.parametrize("number", range(1, 21))
def test_each_rule_has_tests_that_are_named_after_it(number: int) -> None:
    files = Path(__file__).parent.glob(f"test_rule_{number:02}_*.py")
    names = [name for file in files for name in re.findall(r"def (test_\w+)", file.read_text())]
    assert any(name.startswith(f"test_rule_{number:02}_") for name in names)
