"""No token is in an error that passes a middleware, and no frame of ours."""

from collections.abc import Callable
from typing import Any

import attrs
import pytest
from zustax.store import combine, create_store, devtools, immer, redux

from ..test_store_secrets import (
    NEW,
    OLD,
    PARTIAL,
    assert_shows_nothing,
    failing,
)

STATE = {"access_token": OLD[0], "refresh_token": OLD[1], "items": [OLD[0]], "tags": {OLD[0]}}
ACTION = {"type": "login", "access_token": NEW[0], "refresh_token": NEW[1]}


@attrs.frozen
class Checked:
    access_token: str = attrs.field(default=OLD[0], repr=False)
    count: int = attrs.field(default=0, validator=attrs.validators.instance_of(int))
    child: Any = None


def initial(set_state: Any, get_state: Any, store: Any) -> Any:
    return dict(STATE)


def initial_attrs(set_state: Any, get_state: Any, store: Any) -> Any:
    return Checked(child=Checked())


def take_in_and_fail(draft: Any) -> None:
    draft.update(PARTIAL)
    draft["deep"] = [{"token": NEW[0]}]
    failing()


def replace_far_out(draft: Any) -> None:
    draft["items"][7] = NEW[0]


def replace_slice(draft: Any) -> None:
    draft["items"][0:2:2] = [NEW[0], NEW[1]]


def look_for_nothing(draft: Any) -> None:
    draft["items"].append(draft["none"])


def delete_nothing(draft: Any) -> None:
    del draft["none"]


def return_and_change(draft: Any) -> Any:
    draft["access_token"] = NEW[0]
    return dict(PARTIAL)


def spoil_a_field(draft: Any) -> None:
    draft.access_token = NEW[0]
    draft.count = "one"


def spoil_a_child(draft: Any) -> None:
    draft.child = [draft.child, NEW[0]]
    draft.child[0].count = "one"


def spoil_what_is_in_a_tuple(draft: Any) -> None:
    draft.child = (NEW[0], (draft.child, NEW[1]))
    draft.child[1][0].count = "one"


def invent_a_field(draft: Any) -> None:
    draft.acces_token = NEW[0]


def create_nothing(set_state: Any, get_state: Any, store: Any) -> Any:
    failing()


def with_failing_listener(initializer: Any) -> Any:
    store: Any = create_store(initializer)
    store.subscribe(failing)
    return store


def reduce_and_fail(state: Any, action: Any) -> Any:
    return failing(state, action)


def an_export() -> str:
    return str(create_store(devtools(initial_attrs)).devtools.export_json())


WRAPS: dict[str, Callable[[Any], Any]] = {
    "immer": immer,
    "devtools": devtools,
    "immer(devtools)": lambda initializer: immer(devtools(initializer)),
    "devtools(immer)": lambda initializer: devtools(immer(initializer)),
}
RECIPES = {
    recipe.__name__: recipe
    for recipe in (
        take_in_and_fail,
        replace_far_out,
        replace_slice,
        look_for_nothing,
        delete_nothing,
        return_and_change,
    )
}
ATTRS_RECIPES = {
    recipe.__name__: recipe
    for recipe in (spoil_a_field, spoil_a_child, spoil_what_is_in_a_tuple, invent_a_field)
}


def set_state(store: Any, *change: Any) -> Callable[[], Any]:
    return lambda: store.set_state(*change)


def dispatch(initializer: Any) -> Callable[[], Any]:
    store: Any = create_store(initializer)
    return lambda: store.dispatch(dict(ACTION))


def failures() -> dict[str, Callable[[], Any]]:
    found: dict[str, Callable[[], Any]] = {}
    for name, wrap in WRAPS.items():
        found[f"{name}, updater"] = set_state(create_store(wrap(initial)), failing)
        found[f"{name}, listener"] = set_state(with_failing_listener(wrap(initial)), PARTIAL)
        found[f"{name}, action"] = set_state(
            with_failing_listener(wrap(initial)), PARTIAL, None, ACTION
        )
        found[f"{name}, refused"] = set_state(
            create_store(wrap(initial_attrs)), {"acces_token": NEW[0], "count": 1}
        )
        found[f"{name}, reducer"] = dispatch(wrap(redux(reduce_and_fail, dict(STATE))))
        if "immer" in name:
            for recipe in RECIPES.values():
                found[f"{name}, {recipe.__name__}"] = set_state(create_store(wrap(initial)), recipe)
            for recipe in ATTRS_RECIPES.values():
                found[f"{name}, {recipe.__name__}"] = set_state(
                    create_store(wrap(initial_attrs)), recipe
                )
    return found


FAILURES = failures() | {
    "plain, updater": set_state(create_store(initial), failing),
    "combine": lambda: create_store(combine(dict(STATE), create_nothing)),
    "jump": lambda: jump_with_failing_listener(),
    "import of a wrong type": lambda: an_import(an_export().replace('"count": 0', '"count": "x"')),
    "import of rubbish": lambda: an_import(f'{{"access_token": "{NEW[0]}"}}'),
    "import of no JSON": lambda: an_import(NEW[0]),
}


def jump_with_failing_listener() -> None:
    store = create_store(devtools(initial))
    store.set_state(PARTIAL)
    store.subscribe(failing)
    store.devtools.jump_to(0)
    store.set_state({"count": 1})


def an_import(text: str) -> None:
    create_store(devtools(initial_attrs)).devtools.import_json(text)


@pytest.mark.parametrize("failure", FAILURES)
def test_an_error_that_passes_a_middleware_shows_no_token(failure: str) -> None:
    with pytest.raises((TypeError, ValueError, LookupError, RuntimeError)) as caught:
        FAILURES[failure]()
    assert_shows_nothing(caught.value)
