"""No token is shown: not by a repr, not by an error, not by the local variables of a traceback.

Crash reports of Textual, rich, pytest and Sentry print those variables of every frame. So none of
the frames of a traceback is one of zustax. What a caller passes is in the caller's own frames.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from io import StringIO
from pathlib import Path
from types import FrameType
from typing import Any, cast

import attrs
import pytest
import zustax.store
from rich.console import Console
from rich.pretty import pretty_repr
from rich.traceback import Traceback
from zustax.store import Store, UserState, UserStore, create_store

OLD = ("old-access-7f3a", "old-refresh-7f3a")
NEW = ("new-access-9c1d", "new-refresh-9c1d")
OURS = str(Path(zustax.store.__file__ or "").resolve().parent)


def failing(*arguments: object) -> None:
    raise LookupError("this listener fails")


def a_store() -> UserStore:
    return UserStore(UserState(*OLD))


def with_failing_listener() -> UserStore:
    store = a_store()
    store.subscribe(failing)
    return store


def with_failing_slice_listener() -> UserStore:
    store = a_store()
    store.subscribe(lambda state: state.access_token, failing)
    return store


def with_failing_equality() -> UserStore:
    store, equality_fn = a_store(), cast(Any, failing)
    store.subscribe(lambda state: state.access_token, print, equality_fn=equality_fn)
    return store


def a_dict_store() -> Store[dict[str, str]]:
    return create_store({"access_token": OLD[0], "refresh_token": OLD[1]})


def a_dict_store_with_failing_listener() -> Store[dict[str, str]]:
    store = a_dict_store()
    store.subscribe(failing)
    return store


def a_dict_store_with_failing_slice_listener() -> Store[dict[str, str]]:
    store = a_dict_store()
    store.subscribe(lambda state: state["access_token"], failing)
    return store


def fire(store: UserStore) -> None:
    store.subscribe(lambda state: state.access_token, failing, fire_immediately=True)


def nested() -> UserStore:
    store = with_failing_listener()
    relay = a_store()
    relay.subscribe(lambda state, previous: store.set_state(state))
    return relay


def change_in_a_batch(store: Store[dict[str, str]]) -> None:
    with store.batch():
        store.set_state(PARTIAL)


def change_beside_a_batch(store: Store[dict[str, str]]) -> None:
    with store.batch(), ThreadPoolExecutor() as threads:
        threads.submit(store.set_state, PARTIAL).result(10)


PARTIAL = {"access_token": NEW[0], "refresh_token": NEW[1]}
BYTES = {"access_token": NEW[0].encode(), "refresh_token": NEW[1].encode()}

FAILURES: dict[str, Callable[[], object]] = {
    "login, listener": lambda: with_failing_listener().login(*NEW),
    "login, slice": lambda: with_failing_slice_listener().login(*NEW),
    "login, equality": lambda: with_failing_equality().login(*NEW),
    "login, empty access token": lambda: a_store().login("", NEW[1]),
    "login, access token of a wrong type": lambda: a_store().login(BYTES["access_token"], NEW[1]),  # type: ignore[arg-type]
    "login, refresh token of a wrong type": lambda: a_store().login(NEW[0], [NEW[1]]),  # type: ignore[arg-type]
    "login, wrong expiry": lambda: a_store().login(*NEW, expires_at=NEW[0]),  # type: ignore[arg-type]
    "logout, listener": lambda: with_failing_slice_listener().logout(),
    "partial, listener": lambda: with_failing_listener().set_state(PARTIAL),
    "partial by alias, listener": lambda: with_failing_listener().setState(PARTIAL),
    "partial, nested listener": lambda: nested().set_state(PARTIAL),
    "partial, wrong types": lambda: a_store().set_state(BYTES),
    "partial, unknown field": lambda: a_store().set_state(PARTIAL | {"acces_token": NEW[0]}),
    "partial as a whole state": lambda: a_store().set_state(PARTIAL, replace=True),
    "text as a whole state": lambda: a_store().set_state(NEW[0]),  # type: ignore[arg-type]
    "updater, wrong types": lambda: a_store().set_state(lambda state: BYTES),
    "updater that fails": lambda: a_store().set_state(failing),  # type: ignore[arg-type]
    "store from a dict": lambda: UserStore(PARTIAL),  # type: ignore[arg-type]
    "store from an unknown type": lambda: UserStore(NEW[0]),  # type: ignore[arg-type]
    "fired listener": lambda: fire(a_store()),
    "dict state, listener": lambda: a_dict_store_with_failing_listener().set_state(PARTIAL),
    "dict state, slice": lambda: a_dict_store_with_failing_slice_listener().set_state(PARTIAL),
    "dict state, updater": lambda: a_dict_store().set_state(failing),  # type: ignore[arg-type]
    "batch, listener": lambda: change_in_a_batch(a_dict_store_with_failing_listener()),
    "batch, slice": lambda: change_in_a_batch(a_dict_store_with_failing_slice_listener()),
    "batch of another thread": lambda: change_beside_a_batch(a_dict_store_with_failing_listener()),
    "view": lambda: a_dict_store().select(failing).get(),
}


def errors(error: BaseException | None) -> Iterator[BaseException]:
    """Give an error and all that it came from."""
    while error is not None:
        yield error
        yield from errors(error.__cause__)
        error = error.__context__


def our_frames(error: BaseException) -> Iterator[FrameType]:
    """Return the frames of the package, and those of functions that attrs made for its classes."""
    traceback = error.__traceback__
    while traceback is not None:
        filename = traceback.tb_frame.f_code.co_filename
        if str(Path(filename).resolve()).startswith(OURS) or "zustax" in filename:
            yield traceback.tb_frame
        traceback = traceback.tb_next


def assert_shows_no_token(text: str) -> None:
    for token in (*OLD, *NEW):
        assert token not in text


def assert_shows_nothing(error: BaseException) -> None:
    """Assert that no token is in an error or what it came from, and no frame of ours."""
    for each in errors(error):
        assert_shows_no_token(f"{each!r} {each} {each.args!r} {vars(each)!r}")
        assert list(our_frames(each)) == []


@pytest.mark.parametrize("failure", FAILURES)
def test_an_error_shows_no_token(failure: str) -> None:
    with pytest.raises((TypeError, ValueError, LookupError)) as caught:
        FAILURES[failure]()
    assert_shows_nothing(caught.value)


@pytest.mark.parametrize("arguments", [BYTES, {"access_token": NEW[0], "is_login": NEW[1]}])
def test_the_error_of_a_state_of_wrong_types_shows_no_token(arguments: Any) -> None:
    with pytest.raises(TypeError, match=r"must be .*, not ") as caught:
        UserState(**arguments)
    assert_shows_no_token(f"{caught.value!r} {caught.value.args!r}")


def test_a_printed_traceback_with_its_locals_shows_no_token() -> None:
    store, tokens = with_failing_listener(), iter(NEW)
    with pytest.raises(LookupError) as caught:
        store.login(next(tokens), next(tokens))
    report = StringIO()
    console = Console(file=report, width=200)
    console.print(
        Traceback.from_exception(
            caught.type, caught.value, caught.tb, show_locals=True, locals_max_string=1000
        )
    )
    assert "this listener fails" in report.getvalue()
    assert_shows_no_token(report.getvalue())


@pytest.mark.parametrize("show", [repr, str, pretty_repr, "{}".format])
def test_a_state_shows_whether_a_token_is_there_and_no_more(show: Callable[[Any], str]) -> None:
    text = show(UserState(NEW[0], None, is_login=True, session_id="a-session"))
    assert_shows_no_token(text)
    assert "access_token=<set>" in text
    assert "refresh_token=<none>" in text
    assert "is_login=True" in text
    assert "a-session" not in text


def test_a_store_does_not_show_its_state() -> None:
    store = a_store()
    assert_shows_no_token(repr(store) + pretty_repr(store))
    assert_shows_no_token(repr(a_dict_store()))


def test_a_subclass_of_the_state_hides_the_tokens_too() -> None:
    @attrs.frozen
    class Member(UserState):
        name: str = ""

    assert_shows_no_token(repr(Member(*NEW, name="Ada")))
