"""`devtools` shows no secret, and going back in time brings none back."""

import json
from typing import Any

import attrs
import pytest
from zustax.store import UserState, create_store, devtools, redux

TOKEN = "s3cret-7f3a"


@attrs.frozen
class Vault:
    label: str = ""
    pin: str = attrs.field(default="", repr=False, metadata={"secret": True})
    codes: tuple[str, ...] = attrs.field(default=(), repr=False, metadata={"secret": True})


@attrs.frozen
class Account:
    user: UserState
    count: int


def a_store(state: Any, **options: Any) -> Any:
    return create_store(devtools(lambda set_state, get_state, store: state, **options))


def shown(store: Any) -> str:
    return (
        repr(store.devtools.history)
        + str([attrs.asdict(entry) for entry in store.devtools.history])
        + str(store.devtools.export_json())
    )


SECRETS: dict[str, Any] = {
    "access_token": {"access_token": TOKEN},
    "refresh_token": {"refresh_token": TOKEN},
    "as JavaScript spells it": {"accessToken": TOKEN},
    "in capitals": {"ACCESS-TOKEN": TOKEN},
    "password": {"password": TOKEN},
    "nested": {"user": {"profile": {"id_token": TOKEN}}},
    "in a list": {"users": [{"token": TOKEN}]},
    "in a tuple": {"users": ({"token": TOKEN},)},
    "a list of secrets": {"token": [TOKEN]},
    "in an attrs instance": {"user": UserState(TOKEN, TOKEN)},
    "marked by metadata": {"vault": Vault("a", TOKEN, (TOKEN,))},
    "named by the caller": {"card_number": TOKEN},
    "named by the caller, spelt otherwise": {"cardNumber": TOKEN},
}


@pytest.mark.parametrize("state", SECRETS.values(), ids=SECRETS.keys())
def test_no_secret_of_a_state_is_shown(state: Any) -> None:
    store = a_store({"count": 0}, secret=["card_number"])
    store.set_state(state, None, "first")
    store.set_state({"count": 1}, None, "second")
    assert TOKEN not in shown(store)
    assert "<redacted>" in store.devtools.export_json()
    assert store.get_state() == {"count": 1, **state}


def test_no_secret_of_an_attrs_state_is_shown() -> None:
    store = a_store(UserState(TOKEN, TOKEN, is_login=True))
    store.set_state({"expires_at": 5.0})
    assert TOKEN not in shown(store)
    lifted = json.loads(store.devtools.export_json())
    assert lifted["committedState"]["access_token"] == "<redacted>"
    assert lifted["committedState"]["is_login"] is True


def test_no_secret_of_an_action_is_shown() -> None:
    store = create_store(devtools(redux(lambda state, action: state, {"count": 0})))
    store.dispatch({"type": "login", "user": "ada", "access_token": TOKEN})
    assert store.devtools.history[0].action == {
        "type": "login",
        "user": "ada",
        "access_token": "<redacted>",
    }
    assert TOKEN not in shown(store)


@pytest.mark.parametrize("empty", [None, "", False])
def test_that_there_is_no_secret_is_shown(empty: Any) -> None:
    store = a_store({"access_token": empty})
    assert json.loads(store.devtools.export_json())["committedState"] == {"access_token": empty}


def test_one_name_that_is_not_in_a_list_is_refused() -> None:
    with pytest.raises(TypeError, match=r"must be a list of names, not one text: secret=\['pin'\]"):
        a_store({"pin": TOKEN}, secret="pin")


def test_what_only_sounds_like_a_secret_is_shown() -> None:
    state = {"token_count": 3, "secretary": "ada", "pin": "of the brooch"}
    assert json.loads(a_store(state).devtools.export_json())["committedState"] == state


# Time travel


def test_a_jump_leaves_secrets_as_they_are() -> None:
    store = a_store({"access_token": "old", "count": 0, "user": {"id_token": "old", "name": "a"}})
    store.set_state({"access_token": "new", "count": 1, "user": {"id_token": "new", "name": "b"}})
    store.devtools.jump_to(0)
    assert store.get_state() == {
        "access_token": "new",
        "count": 0,
        "user": {"id_token": "new", "name": "a"},
    }


def test_a_jump_does_not_log_in_again() -> None:
    store = a_store(Account(UserState("old", "old"), 0))
    store.set_state(Account(UserState(), 1))
    store.devtools.jump_to(0)
    assert store.get_state() == Account(UserState(), 0)


def test_a_jump_keeps_a_secret_of_an_attrs_instance() -> None:
    store = a_store(Vault("old", "1111", ("a",)))
    store.set_state({"label": "new", "pin": "2222", "codes": ("b",)})
    store.devtools.jump_to(0)
    assert store.get_state() == Vault("old", "2222", ("b",))


def test_a_reset_leaves_secrets_as_they_are() -> None:
    store = a_store({"access_token": None, "count": 0})
    store.set_state({"access_token": "new", "count": 1})
    store.devtools.reset()
    assert store.get_state() == {"access_token": "new", "count": 0}


def test_an_import_leaves_secrets_as_they_are_and_brings_no_marks() -> None:
    store = a_store({"access_token": "mine", "user": None, "count": 0})
    store.set_state(
        {"user": {"id_token": "theirs", "name": "a"}, "items": [{"token": "x", "n": 1}]}
    )
    text = store.devtools.export_json()
    store.set_state({"access_token": "newest", "user": None}, None, "later")
    store.devtools.import_json(text)
    assert store.get_state() == {
        "access_token": "newest",
        "user": {"name": "a"},
        "items": [{"n": 1}],
        "count": 0,
    }
    store.devtools.jump_to(0)
    assert store.get_state() == {"access_token": "newest", "user": None, "count": 0}


def test_an_import_leaves_the_secrets_of_an_attrs_state() -> None:
    store = a_store(UserState("old", "old", is_login=True))
    text = store.devtools.export_json()
    store.set_state({"access_token": "new", "refresh_token": "new", "is_login": False})
    store.devtools.import_json(text)
    assert store.get_state() == UserState("new", "new", is_login=True)
