"""Whatever an option is given: it is sent as HTTP, or refused with a code or with its name."""

from __future__ import annotations

import string
from collections.abc import Iterator
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from zustax.transport import RequestConfig, RequestError, SyncInstance, create_sync
from zustax.transport.testing import Answer, MisbehavingServer

OPTIONS = [field.name for field in attrs.fields(RequestConfig)]


class Strange:
    """Something that nobody expects."""


#: Text without a colon names no scheme, no port and so no other host.
texts = st.text() | st.text(string.printable)
safe_texts = texts.map(lambda text: text.replace(":", "").lstrip("/\\"))

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | safe_texts
    | st.binary()
    | st.builds(Strange)
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner, inner)
        | st.dictionaries(safe_texts | st.integers(), inner, max_size=3)
    ),
    max_leaves=5,
)


@pytest.fixture(scope="module")
def server() -> Iterator[MisbehavingServer]:
    with MisbehavingServer(app=lambda _request: Answer(body={"a": 1})) as server:
        yield server


@pytest.fixture(scope="module")
def api(server: MisbehavingServer) -> Iterator[SyncInstance]:
    with create_sync(base_url=server.url, timeout=10, validate_status=None) as api:
        yield api


def assert_explained(error: Exception, option: str) -> None:
    """A `RequestError` has a code; any other error names the option, at least by its first word."""
    if isinstance(error, RequestError):
        assert error.code is not None
        assert error.code in vars(RequestError)
    else:
        assert option.partition("_")[0].removesuffix("s") in str(error).lower()


@pytest.mark.parametrize("option", OPTIONS)
@settings(max_examples=40, deadline=None)
@given(value=values)
def test_an_option_is_used_or_refused(
    api: SyncInstance, server: MisbehavingServer, option: str, value: Any
) -> None:
    options: dict[str, Any] = {"url": "/items", "method": "post", option: value}
    before = server.count()
    try:
        api.request(**options)
    except (RequestError, TypeError, ValueError) as error:
        assert_explained(error, option)
    assert server.count() <= before + 1


@settings(max_examples=60, deadline=None)
@given(value=values)
def test_the_value_of_a_header_is_sent_as_one_line_or_refused(
    api: SyncInstance, server: MisbehavingServer, value: Any
) -> None:
    before = server.count()
    try:
        api.get("/items", headers={"X-Name": value})
    except (RequestError, TypeError, ValueError) as error:
        assert_explained(error, "headers")
        assert server.count() == before
        return
    (seen,) = server.seen()[before:]
    usual = {"host", "accept", "accept-encoding", "connection", "user-agent"}
    assert set(seen.headers) - usual <= {"x-name"}
