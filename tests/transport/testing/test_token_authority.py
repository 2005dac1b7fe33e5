from __future__ import annotations

import pickle
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import attrs
import pytest
from zustax.transport.testing import (
    AuthorityError,
    Claims,
    Clock,
    InvalidGrantError,
    InvalidTokenError,
    IssuedTokens,
    TokenAuthority,
)

USERS = {"ada": "lovelace", "bob": "builder"}
THREADS = 16


@pytest.fixture
def clock() -> Clock:
    return Clock(1_000.0)


@pytest.fixture
def authority(clock: Clock) -> TokenAuthority:
    return TokenAuthority(users=USERS, access_ttl=60.0, refresh_ttl=600.0, clock=clock)


@pytest.fixture
def tokens(authority: TokenAuthority) -> IssuedTokens:
    return authority.login("ada", "lovelace")


def refusal_of_refresh(authority: TokenAuthority, refresh_token: str) -> str:
    with pytest.raises(InvalidGrantError) as caught:
        authority.refresh(refresh_token)
    return caught.value.reason


def refusal_of_access(authority: TokenAuthority, access_token: str) -> str:
    with pytest.raises(InvalidTokenError) as caught:
        authority.verify(access_token)
    return caught.value.reason


def events(authority: TokenAuthority) -> list[str]:
    return [entry.event for entry in authority.journal]


class TestLogin:
    def test_gives_tokens_that_stand_for_the_user(
        self, authority: TokenAuthority, tokens: IssuedTokens
    ) -> None:
        assert authority.verify(tokens.access_token) == Claims(
            username="ada", family=1, number=1, issued_at=1_000.0, expires_at=1_060.0
        )

    def test_tells_how_long_the_access_token_lives(self, tokens: IssuedTokens) -> None:
        assert tokens.expires_in == 60.0

    def test_begins_a_new_family_each_time(self, authority: TokenAuthority) -> None:
        first, second = (authority.login("ada", "lovelace") for _ in range(2))
        assert authority.verify(first.access_token).family == 1
        assert authority.verify(second.access_token).family == 2

    @pytest.mark.parametrize(
        ("username", "password"), [("ada", "builder"), ("eve", "lovelace"), ("", ""), ("ada", "")]
    )
    def test_refuses_an_unknown_user_and_a_wrong_password_alike(
        self, authority: TokenAuthority, username: str, password: str
    ) -> None:
        with pytest.raises(InvalidGrantError) as caught:
            authority.login(username, password)
        assert caught.value.reason == "wrong_credentials"
        assert str(caught.value) == "the user name or the password is wrong"

    def test_is_not_changed_by_what_becomes_of_the_mapping_of_users(self) -> None:
        users = dict(USERS)
        authority = TokenAuthority(users=users)
        users["ada"] = "byron"
        authority.login("ada", "lovelace")


class TestRefresh:
    def test_gives_two_new_tokens(self, authority: TokenAuthority, tokens: IssuedTokens) -> None:
        renewed = authority.refresh(tokens.refresh_token)
        assert renewed.access_token != tokens.access_token
        assert renewed.refresh_token != tokens.refresh_token

    def test_stays_in_the_family_and_counts_on(
        self, authority: TokenAuthority, tokens: IssuedTokens
    ) -> None:
        claims = authority.verify(authority.refresh(tokens.refresh_token).access_token)
        assert (claims.username, claims.family, claims.number) == ("ada", 1, 2)

    def test_leaves_the_earlier_access_token_alive(
        self, authority: TokenAuthority, tokens: IssuedTokens
    ) -> None:
        authority.refresh(tokens.refresh_token)
        assert authority.verify(tokens.access_token).number == 1

    def test_can_be_repeated_with_each_new_token(
        self, authority: TokenAuthority, tokens: IssuedTokens
    ) -> None:
        for _ in range(5):
            tokens = authority.refresh(tokens.refresh_token)
        assert authority.verify(tokens.access_token).number == 6

    def test_refuses_an_unknown_token(self, authority: TokenAuthority) -> None:
        assert refusal_of_refresh(authority, "made-up") == "unknown"

    def test_refuses_an_access_token(self, authority: TokenAuthority, tokens: IssuedTokens) -> None:
        assert refusal_of_refresh(authority, tokens.access_token) == "unknown"

    def test_serves_a_token_until_it_expires(
        self, authority: TokenAuthority, clock: Clock, tokens: IssuedTokens
    ) -> None:
        clock.advance(599.0)
        authority.refresh(tokens.refresh_token)

    def test_refuses_a_token_from_the_moment_it_expires(
        self, authority: TokenAuthority, clock: Clock, tokens: IssuedTokens
    ) -> None:
        clock.advance(600.0)
        assert refusal_of_refresh(authority, tokens.refresh_token) == "expired"

    def test_begins_the_time_to_live_anew(
        self, authority: TokenAuthority, clock: Clock, tokens: IssuedTokens
    ) -> None:
        clock.advance(599.0)
        tokens = authority.refresh(tokens.refresh_token)
        clock.advance(599.0)
        authority.refresh(tokens.refresh_token)


class TestReuse:
    def test_of_a_rotated_token_is_refused(
        self, authority: TokenAuthority, tokens: IssuedTokens
    ) -> None:
        authority.refresh(tokens.refresh_token)
        assert refusal_of_refresh(authority, tokens.refresh_token) == "reused"

    def test_revokes_every_token_of_the_family(
        self, authority: TokenAuthority, tokens: IssuedTokens
    ) -> None:
        second = authority.refresh(tokens.refresh_token)
        third = authority.refresh(second.refresh_token)
        refusal_of_refresh(authority, tokens.refresh_token)
        assert refusal_of_refresh(authority, third.refresh_token) == "revoked"
        for issued in (tokens, second, third):
            assert refusal_of_access(authority, issued.access_token) == "revoked"

    def test_leaves_other_families_alone(
        self, authority: TokenAuthority, tokens: IssuedTokens
    ) -> None:
        elsewhere = authority.login("ada", "lovelace")
        authority.refresh(tokens.refresh_token)
        refusal_of_refresh(authority, tokens.refresh_token)
        authority.verify(elsewhere.access_token)
        authority.refresh(elsewhere.refresh_token)

    def test_is_noticed_even_when_the_token_would_have_expired(
        self, authority: TokenAuthority, clock: Clock, tokens: IssuedTokens
    ) -> None:
        clock.advance(500.0)
        renewed = authority.refresh(tokens.refresh_token)
        clock.advance(500.0)
        assert refusal_of_refresh(authority, tokens.refresh_token) == "reused"
        assert refusal_of_refresh(authority, renewed.refresh_token) == "revoked"

    def test_is_counted_each_time_but_revokes_once(
        self, authority: TokenAuthority, tokens: IssuedTokens
    ) -> None:
        authority.refresh(tokens.refresh_token)
        for _ in range(3):
            refusal_of_refresh(authority, tokens.refresh_token)
        assert authority.journal.count("reuse") == 3
        assert authority.journal.count("revoked") == 1


class TestWithoutRotation:
    @pytest.fixture
    def authority(self, clock: Clock) -> TokenAuthority:
        return TokenAuthority(
            users=USERS, access_ttl=60.0, refresh_ttl=600.0, rotate=False, clock=clock
        )

    def test_a_refresh_keeps_the_refresh_token(
        self, authority: TokenAuthority, tokens: IssuedTokens
    ) -> None:
        for _ in range(3):
            renewed = authority.refresh(tokens.refresh_token)
            assert renewed.refresh_token == tokens.refresh_token
            assert renewed.access_token != tokens.access_token
        assert authority.journal.count("reuse") == 0

    def test_a_refresh_does_not_lengthen_its_life(
        self, authority: TokenAuthority, clock: Clock, tokens: IssuedTokens
    ) -> None:
        clock.advance(599.0)
        authority.refresh(tokens.refresh_token)
        clock.advance(1.0)
        assert refusal_of_refresh(authority, tokens.refresh_token) == "expired"


class TestAccessToken:
    def test_is_accepted_until_it_expires(
        self, authority: TokenAuthority, clock: Clock, tokens: IssuedTokens
    ) -> None:
        clock.advance(59.0)
        assert authority.verify(tokens.access_token).username == "ada"

    def test_is_refused_from_the_moment_it_expires(
        self, authority: TokenAuthority, clock: Clock, tokens: IssuedTokens
    ) -> None:
        clock.advance(60.0)
        assert refusal_of_access(authority, tokens.access_token) == "expired"

    def test_is_refused_if_it_is_unknown(self, authority: TokenAuthority) -> None:
        assert refusal_of_access(authority, "made-up") == "unknown"

    def test_is_refused_if_it_is_a_refresh_token(
        self, authority: TokenAuthority, tokens: IssuedTokens
    ) -> None:
        assert refusal_of_access(authority, tokens.refresh_token) == "unknown"

    def test_with_no_time_to_live_is_born_expired(self) -> None:
        authority = TokenAuthority(users=USERS, access_ttl=0.0)
        tokens = authority.login("ada", "lovelace")
        assert refusal_of_access(authority, tokens.access_token) == "expired"

    def test_can_be_made_to_expire_at_once(
        self, authority: TokenAuthority, tokens: IssuedTokens
    ) -> None:
        elsewhere = authority.login("bob", "builder")
        authority.expire_access_tokens()
        assert refusal_of_access(authority, tokens.access_token) == "expired"
        assert refusal_of_access(authority, elsewhere.access_token) == "expired"

    def test_made_to_expire_can_be_renewed(
        self, authority: TokenAuthority, tokens: IssuedTokens
    ) -> None:
        authority.expire_access_tokens()
        renewed = authority.refresh(tokens.refresh_token)
        assert authority.verify(renewed.access_token).number == 2

    def test_can_be_made_by_the_caller(self) -> None:
        authority = TokenAuthority(
            users=USERS,
            access_token_factory=lambda claims: f"{claims.username}.{claims.number}",
        )
        tokens = authority.login("ada", "lovelace")
        assert tokens.access_token == "ada.1"
        assert authority.refresh(tokens.refresh_token).access_token == "ada.2"
        assert authority.verify("ada.2").number == 2

    def test_made_twice_is_refused_with_the_way_out(self) -> None:
        authority = TokenAuthority(users=USERS, access_token_factory=lambda _: "s3cret")
        tokens = authority.login("ada", "lovelace")
        with pytest.raises(ValueError, match=r"let claims\.number be part of it") as caught:
            authority.refresh(tokens.refresh_token)
        assert "s3cret" not in str(caught.value)

    def test_that_cannot_be_made_leaves_the_refresh_token_unused(self) -> None:
        made = iter(["first", "first", "second"])
        authority = TokenAuthority(users=USERS, access_token_factory=lambda _: next(made))
        tokens = authority.login("ada", "lovelace")
        with pytest.raises(ValueError, match="made before"):
            authority.refresh(tokens.refresh_token)
        assert authority.refresh(tokens.refresh_token).access_token == "second"


class TestEndOfASession:
    @pytest.mark.parametrize("name", ["access_token", "refresh_token"])
    def test_logout_takes_either_token(
        self, authority: TokenAuthority, tokens: IssuedTokens, name: str
    ) -> None:
        authority.logout(getattr(tokens, name))
        assert refusal_of_access(authority, tokens.access_token) == "revoked"
        assert refusal_of_refresh(authority, tokens.refresh_token) == "revoked"

    def test_logout_takes_an_expired_access_token(
        self, authority: TokenAuthority, tokens: IssuedTokens
    ) -> None:
        authority.expire_access_tokens()
        authority.logout(tokens.access_token)
        assert refusal_of_refresh(authority, tokens.refresh_token) == "revoked"

    def test_logout_ends_one_session_of_several(
        self, authority: TokenAuthority, tokens: IssuedTokens
    ) -> None:
        elsewhere = authority.login("ada", "lovelace")
        authority.logout(tokens.refresh_token)
        assert authority.verify(elsewhere.access_token).username == "ada"

    def test_logout_with_an_unknown_token_or_a_second_time_does_nothing(
        self, authority: TokenAuthority, tokens: IssuedTokens
    ) -> None:
        authority.logout("made-up")
        authority.logout(tokens.refresh_token)
        authority.logout(tokens.refresh_token)
        assert events(authority) == ["login", "logout"]

    def test_revoking_a_user_ends_all_sessions_of_that_user_alone(
        self, authority: TokenAuthority, tokens: IssuedTokens
    ) -> None:
        elsewhere = authority.login("ada", "lovelace")
        other = authority.login("bob", "builder")
        authority.revoke_session("ada")
        assert refusal_of_refresh(authority, tokens.refresh_token) == "revoked"
        assert refusal_of_access(authority, elsewhere.access_token) == "revoked"
        assert authority.verify(other.access_token).username == "bob"

    def test_revoking_an_unknown_user_is_an_error(self, authority: TokenAuthority) -> None:
        with pytest.raises(ValueError, match="there is no user 'eve'; choose from ada, bob"):
            authority.revoke_session("eve")

    def test_revoking_all_ends_the_sessions_of_everybody(
        self, authority: TokenAuthority, tokens: IssuedTokens
    ) -> None:
        other = authority.login("bob", "builder")
        authority.revoke_all()
        assert refusal_of_refresh(authority, tokens.refresh_token) == "revoked"
        assert refusal_of_refresh(authority, other.refresh_token) == "revoked"

    def test_leaves_the_user_free_to_log_in_again(
        self, authority: TokenAuthority, tokens: IssuedTokens
    ) -> None:
        authority.revoke_all()
        again = authority.login("ada", "lovelace")
        assert authority.verify(again.access_token).family == 2
        assert refusal_of_access(authority, tokens.access_token) == "revoked"


class TestThreads:
    def test_that_refresh_with_one_token_at_once_one_succeeds_and_the_family_is_revoked(
        self, authority: TokenAuthority, tokens: IssuedTokens
    ) -> None:
        barrier = threading.Barrier(THREADS)

        def refresh() -> IssuedTokens | str:
            barrier.wait(timeout=10.0)
            try:
                return authority.refresh(tokens.refresh_token)
            except InvalidGrantError as error:
                return error.reason

        with ThreadPoolExecutor(THREADS) as threads:
            calls = [threads.submit(refresh) for _ in range(THREADS)]
            outcomes = [call.result(timeout=10.0) for call in calls]

        (renewed,) = (outcome for outcome in outcomes if isinstance(outcome, IssuedTokens))
        assert outcomes.count("reused") == THREADS - 1
        assert refusal_of_refresh(authority, renewed.refresh_token) == "revoked"
        assert refusal_of_access(authority, renewed.access_token) == "revoked"
        assert authority.journal.count("refresh") == 1
        assert authority.journal.count("reuse") == THREADS - 1
        assert authority.journal.count("revoked") == 1

    def test_that_log_in_at_once_get_families_and_numbers_of_their_own(
        self, authority: TokenAuthority
    ) -> None:
        barrier = threading.Barrier(THREADS)

        def login_and_refresh() -> list[Claims]:
            barrier.wait(timeout=10.0)
            first = authority.login("ada", "lovelace")
            second = authority.refresh(first.refresh_token)
            return [authority.verify(issued.access_token) for issued in (first, second)]

        with ThreadPoolExecutor(THREADS) as threads:
            calls = [threads.submit(login_and_refresh) for _ in range(THREADS)]
            claims = [claim for call in calls for claim in call.result(timeout=10.0)]

        assert {claim.family for claim in claims} == set(range(1, THREADS + 1))
        assert sorted(claim.number for claim in claims) == list(range(1, 2 * THREADS + 1))

    def test_may_be_asked_about_from_the_token_factory(self) -> None:
        authority: TokenAuthority

        def factory(claims: Claims) -> str:
            return f"{len(authority.journal)}-{claims.number}"

        authority = TokenAuthority(users=USERS, access_token_factory=factory)
        assert authority.login("ada", "lovelace").access_token == "0-1"


class TestJournal:
    def test_tells_what_happened_in_order(
        self, authority: TokenAuthority, clock: Clock, tokens: IssuedTokens
    ) -> None:
        clock.advance(60.0)
        refusal_of_access(authority, tokens.access_token)
        authority.refresh(tokens.refresh_token)
        refusal_of_refresh(authority, tokens.refresh_token)
        refusal_of_access(authority, tokens.access_token)
        refusal_of_access(authority, "made-up")
        facts = [
            (entry.time, entry.event, entry.user, entry.family, entry.number)
            for entry in authority.journal
        ]
        assert facts == [
            (1_000.0, "login", "ada", 1, 1),
            (1_060.0, "access_expired", "ada", 1, 1),
            (1_060.0, "refresh", "ada", 1, 2),
            (1_060.0, "reuse", "ada", 1, 1),
            (1_060.0, "revoked", "ada", 1, None),
            (1_060.0, "rejected", "ada", 1, 1),
            (1_060.0, "rejected", None, None, None),
        ]

    def test_names_the_user_of_a_refused_login_only_if_there_is_one(
        self, authority: TokenAuthority
    ) -> None:
        for username in ("ada", "eve"):
            with pytest.raises(InvalidGrantError):
                authority.login(username, "wrong")
        assert [(entry.event, entry.user) for entry in authority.journal] == [
            ("rejected", "ada"),
            ("rejected", None),
        ]

    def test_counts_events(self, authority: TokenAuthority, tokens: IssuedTokens) -> None:
        tokens = authority.refresh(tokens.refresh_token)
        authority.refresh(tokens.refresh_token)
        assert authority.journal.count("login") == 1
        assert authority.journal.count("refresh") == 2
        assert authority.journal.count("reuse") == 0

    def test_refuses_to_count_an_event_that_never_happens(self, authority: TokenAuthority) -> None:
        with pytest.raises(ValueError, match=r"no event 'reused'; choose from .*reuse"):
            authority.journal.count("reused")  # type: ignore[arg-type]  # pyright: ignore

    def test_is_a_snapshot_that_cannot_be_changed(
        self, authority: TokenAuthority, tokens: IssuedTokens
    ) -> None:
        journal = authority.journal
        authority.refresh(tokens.refresh_token)
        assert len(journal) == 1
        assert len(authority.journal) == 2
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            journal.entries[0].user = "eve"  # type: ignore[misc]  # pyright: ignore


class TestErrors:
    @pytest.mark.parametrize(
        ("error", "code"),
        [
            (InvalidGrantError("expired"), "invalid_grant"),
            (InvalidTokenError("expired"), "invalid_token"),
        ],
    )
    def test_carry_what_an_answer_needs(self, error: AuthorityError, code: str) -> None:
        assert (error.code, error.status, error.reason) == (code, 401, "expired")
        assert str(error) == "the token has expired"

    def test_survive_pickling(self) -> None:
        error = pickle.loads(pickle.dumps(InvalidGrantError("reused")))
        assert isinstance(error, InvalidGrantError)
        assert error.reason == "reused"


class TestOptions:
    @pytest.mark.parametrize("option", ["access_ttl", "refresh_ttl"])
    @pytest.mark.parametrize("value", [-1.0, float("nan"), float("inf")])
    def test_refuse_what_is_no_time_to_live(self, option: str, value: float) -> None:
        options = {option: value}
        with pytest.raises(ValueError, match=f"{option} must be a finite number .* not {value}"):
            TokenAuthority(users=USERS, **options)  # type: ignore[arg-type]  # pyright: ignore


class TestSecrets:
    def test_tokens_of_a_pair_are_its_json(self, tokens: IssuedTokens) -> None:
        assert tokens.as_dict() == {
            "access_token": tokens.access_token,
            "refresh_token": tokens.refresh_token,
            "expires_in": 60.0,
        }

    def test_are_long_and_never_the_same(self, authority: TokenAuthority) -> None:
        issued = [authority.login("ada", "lovelace") for _ in range(100)]
        tokens = {token for pair in issued for token in (pair.access_token, pair.refresh_token)}
        assert len(tokens) == 200
        assert min(map(len, tokens)) >= 43

    def test_are_in_no_repr_and_in_no_journal(
        self, authority: TokenAuthority, tokens: IssuedTokens
    ) -> None:
        renewed = authority.refresh(tokens.refresh_token)
        shown = repr((authority, tokens, renewed, authority.journal))
        for issued in (tokens, renewed):
            assert issued.access_token not in shown
            assert issued.refresh_token not in shown
        assert "lovelace" not in shown

    def test_are_not_left_in_the_frames_that_a_refusal_passes(
        self, authority: TokenAuthority, clock: Clock, tokens: IssuedTokens
    ) -> None:
        reused = tokens.refresh_token
        current = authority.refresh(reused)
        clock.advance(600.0)
        for refused in (
            lambda: authority.login("ada", "a wrong password"),
            lambda: authority.verify(current.access_token),
            lambda: authority.refresh(current.refresh_token),
            lambda: authority.refresh(reused),
            lambda: authority.refresh(current.refresh_token),
            lambda: authority.verify("made-up"),
            lambda: authority.refresh("made-up"),
        ):
            with pytest.raises(AuthorityError) as caught:
                refused()
            locals_of_authority = [
                repr(entry.frame.f_locals)
                for entry in caught.traceback
                if Path(entry.path).name == "authority.py"
            ]
            assert len(locals_of_authority) == 1
            for secret in (
                "a wrong password",
                "made-up",
                reused,
                current.access_token,
                current.refresh_token,
            ):
                assert secret not in locals_of_authority[0]
