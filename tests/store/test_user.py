"""Who is logged in, and in which session."""

import re
from typing import Any

import attrs
import pytest
from zustax.store import UserState, UserStore


def logged_in(**fields: Any) -> UserStore:
    store = UserStore()
    store.login("access-1", "refresh-1", expires_at=100.0)
    store.set_state(fields)
    return store


def session(store: UserStore) -> str | None:
    return store.get_state().session_id


# The state


def test_nobody_is_logged_in_at_first() -> None:
    assert UserStore().get_state() == UserState()
    assert attrs.asdict(UserState()) == {
        "access_token": None,
        "refresh_token": None,
        "is_login": False,
        "expires_at": None,
        "session_id": None,
    }


def test_a_user_state_is_frozen_and_compares_by_all_but_its_session() -> None:
    state: Any = UserState("a", "r", True, 1.5, "session")
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        state.access_token = "b"
    assert state == UserState("a", "r", True, 1.5, "another session")
    assert state != UserState("b", "r", True, 1.5, "session")


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("access_token", b"a", "str or None, not bytes"),
        ("access_token", 5, "str or None, not int"),
        ("refresh_token", ["r"], "str or None, not list"),
        ("is_login", 1, "bool, not int"),
        ("is_login", None, "bool, not NoneType"),
        ("expires_at", "1.5", "int or float or None, not str"),
        ("expires_at", True, "int or float or None, not bool"),
        ("session_id", 5, "str or None, not int"),
    ],
)
def test_a_field_of_the_wrong_type_is_refused_by_name_and_type(
    field: str, value: Any, expected: str
) -> None:
    message = re.escape(f"{field} must be {expected}") + "$"
    with pytest.raises(TypeError, match=message):
        UserState(**{field: value})
    store = logged_in()
    before = store.get_state()
    with pytest.raises(TypeError, match=message):
        store.set_state({field: value})
    assert store.get_state() is before


def test_expiry_may_be_given_in_whole_seconds() -> None:
    assert UserState(expires_at=1_700_000_000).expires_at == 1_700_000_000


# The actions


def test_login_takes_the_tokens_and_the_expiry() -> None:
    store = UserStore()
    store.login("a", "r", expires_at=1.5)
    assert store.get_state() == UserState("a", "r", is_login=True, expires_at=1.5)
    store.login("b", None)
    assert store.get_state() == UserState("b", None, is_login=True, expires_at=None)


@pytest.mark.parametrize(
    ("access_token", "error", "message"),
    [
        ("", ValueError, "access_token must not be an empty str"),
        (None, TypeError, "access_token must be str, not NoneType"),
        (b"a", TypeError, "access_token must be str, not bytes"),
    ],
)
def test_login_without_an_access_token_is_refused_and_changes_nothing(
    access_token: Any, error: type[Exception], message: str
) -> None:
    store = logged_in()
    before = store.get_state()
    with pytest.raises(error, match=message):
        store.login(access_token, "r")
    assert store.get_state() is before


def test_logout_of_a_session_leaves_the_next_one_alone() -> None:
    store = UserStore()
    store.login("alice's", "r1")
    ended = store.get_state().session_id
    store.login("bob's", "r2")
    store.logout(ended)
    assert store.get_state().access_token == "bob's"
    store.logout(store.get_state().session_id)
    assert not store.get_state().is_login


def test_logout_drops_everything() -> None:
    store = logged_in()
    store.logout()
    assert store.get_state() == UserState()
    assert session(store) is None


def test_the_actions_go_through_a_set_state_that_was_replaced() -> None:
    store = UserStore()
    keys: list[set[str]] = []
    original = store.set_state

    def set_state(partial: Any, replace: bool | None = None, action: object = None) -> None:
        keys.append(set(partial))
        original(partial, replace, action)

    store.set_state = set_state  # type: ignore[method-assign]
    store.login("a", "r")
    store.logout()
    assert keys == [set(attrs.fields_dict(UserState))] * 2


def test_a_user_state_with_more_fields_keeps_them() -> None:
    @attrs.frozen
    class Member(UserState):
        name: str = ""

    store = UserStore(Member(name="Ada"))
    store.login("a", "r")
    store.logout()
    assert store.get_state() == Member(name="Ada")


@pytest.mark.parametrize("wrong", [None, "token", {"access_token": "a"}])
def test_a_user_store_holds_nothing_but_a_user_state(wrong: Any) -> None:
    store = logged_in()
    before = store.get_state()
    kind = type(wrong).__name__
    with pytest.raises(TypeError, match=f"a UserStore holds a UserState, not {kind}"):
        store.set_state(wrong, replace=True)
    assert store.get_state() is before
    if wrong is not None:
        with pytest.raises(TypeError, match=f"a UserStore holds a UserState, not {kind}"):
            UserStore(wrong)


# Sessions


def test_every_login_is_a_session_of_its_own() -> None:
    store = UserStore()
    sessions = set()
    for _ in range(3):
        store.login("a", "r")
        sessions.add(session(store))
    assert len(sessions) == 3
    assert None not in sessions


def test_the_first_state_has_a_session_if_it_has_tokens() -> None:
    assert session(UserStore(UserState("a", "r"))) is not None
    assert session(UserStore(UserState(None, "r"))) is not None
    assert session(UserStore(UserState("a", "r", session_id="stored"))) == "stored"
    assert session(UserStore(UserState())) is None


@pytest.mark.parametrize(
    "change",
    [
        {"refresh_token": "refresh-2"},
        {"access_token": "access-2", "refresh_token": "refresh-2"},
        lambda state: {"refresh_token": state.refresh_token + "+"},
        lambda state: attrs.evolve(state, refresh_token="refresh-2"),
        UserState("access-2", "refresh-2", is_login=True),
    ],
)
def test_another_refresh_token_by_hand_starts_a_session(change: Any) -> None:
    store = logged_in()
    before = session(store)
    store.set_state(change)
    assert session(store) not in (None, before)


@pytest.mark.parametrize(
    "change",
    [
        {"access_token": "access-2"},
        {"access_token": "access-2", "expires_at": 2.0},
        {"access_token": "access-2", "refresh_token": "refresh-1"},
        {"access_token": None},
        {"refresh_token": None},
        {"is_login": False},
        lambda state: attrs.evolve(state, access_token="access-2"),
        UserState("access-2", "refresh-1", is_login=True),
    ],
)
def test_a_change_that_brings_no_other_refresh_token_stays_in_the_session(change: Any) -> None:
    store = logged_in()
    before = session(store)
    store.set_state(change)
    assert session(store) == before is not None


@pytest.mark.parametrize(
    "change", [{"access_token": "a"}, {"refresh_token": "r"}, UserState("a", None)]
)
def test_the_first_tokens_by_hand_start_a_session(change: Any) -> None:
    store = UserStore()
    store.set_state(change)
    assert session(store) is not None


@pytest.mark.parametrize("named", ["same", "given", None])
def test_a_change_that_names_the_session_keeps_what_it_says(named: str | None) -> None:
    store = logged_in(session_id="same")
    change = {"access_token": "a", "refresh_token": "r", "session_id": named}
    store.set_state(change)
    assert session(store) == named
    store.set_state(lambda state: change | {"refresh_token": "s"})
    assert session(store) == named


def test_a_whole_state_with_another_session_keeps_it() -> None:
    store = logged_in()
    store.set_state(UserState("a", "r", session_id="given"))
    assert session(store) == "given"


def test_dropping_both_tokens_by_hand_ends_the_session() -> None:
    store = logged_in(refresh_token=None)
    assert session(store) is not None
    store.set_state({"access_token": None})
    assert session(store) is None
