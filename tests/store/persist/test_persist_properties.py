"""Whatever JSON can hold comes back as it was."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from zustax.store import create_store
from zustax.store.equality import object_is
from zustax.store.middleware.persist import persist
from zustax.store.storage import MemoryStorage

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
)
values = st.recursive(
    scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=10
)
states = st.dictionaries(st.text(), values)


def there_and_back(state: Any, initial: Any) -> Any:
    storage = MemoryStorage()

    def make() -> Any:
        return create_store(
            persist(lambda set_state, get_state, store: initial, name="app", storage=storage)
        )

    make().set_state(state, replace=True)
    return make().get_state()


@settings(deadline=None)
@given(states)
def test_a_dict_comes_back(state: dict[str, Any]) -> None:
    assert is_same(there_and_back(state, {}), state)


@settings(deadline=None)
@given(values.filter(lambda value: not isinstance(value, dict)))
def test_any_other_value_comes_back(state: Any) -> None:
    assert is_same(there_and_back(state, None), state)


def is_same(a: Any, b: Any) -> bool:
    """Compare by value and type, so that neither 1 is True nor 0.0 is -0.0."""
    if type(a) is not type(b):
        return False
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(is_same(a[key], b[key]) for key in a)
    if isinstance(a, list):
        return len(a) == len(b) and all(map(is_same, a, b))
    return object_is(a, b)
