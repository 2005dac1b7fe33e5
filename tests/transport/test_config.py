"""Every option of a request is documented, typed, and merged by a rule of its own."""

from __future__ import annotations

import copy
import pickle
import re
from collections.abc import Callable
from typing import Any

import attrs
import pytest
from zustax.transport import (
    UNSET,
    AbortController,
    Headers,
    RequestConfig,
    RequestOptions,
    create_sync,
    merge_config,
)

from ..support.clients import Client
from ..support.server import AuthServer

OPTIONS = [field.name for field in attrs.fields(RequestConfig)]

DEFAULTS = create_sync().defaults.given()

every_option = pytest.mark.parametrize("option", OPTIONS)


def documented() -> dict[str, str]:
    """What the docstring says of each option."""
    text = re.sub(r"\s+", " ", (RequestConfig.__doc__ or "").partition("Args:")[2])
    names = "|".join(OPTIONS)
    entries = re.split(rf" (?=(?:{names}|Raises): )", text.partition(" Raises: ")[0])
    return dict(entry.split(": ", 1) for entry in entries if entry)


# --- documentation and types ---


def test_the_docstring_names_every_option_and_no_other() -> None:
    assert list(documented()) == OPTIONS


def test_type_checkers_know_every_option_and_no_other() -> None:
    assert sorted(RequestOptions.__annotations__) == sorted(OPTIONS)
    assert not RequestOptions.__required_keys__


@pytest.mark.parametrize("option", [name for name, value in DEFAULTS.items() if value != {}])
def test_the_docstring_says_what_the_default_is(option: str) -> None:
    text, value = documented()[option], DEFAULTS[option]
    if isinstance(value, (int, str)):
        assert f"Default: {value}." in re.sub(r"[`\"]", "", text)
    else:
        assert "Default: " in text


# --- what is unset ---


@pytest.mark.parametrize("option", sorted({*OPTIONS} - {"headers", "extra"}))
def test_an_option_that_was_not_given_is_unset_and_not_none(option: str) -> None:
    assert getattr(RequestConfig(), option) is UNSET
    assert getattr(config_of(option, None), option) is None


def test_headers_and_extra_are_always_there() -> None:
    for config in (RequestConfig(), RequestConfig(headers=None)):
        assert (config.headers, config.extra) == (Headers(), {})


def test_what_is_unset_is_one_false_value_that_survives_copies() -> None:
    assert not UNSET
    assert repr(UNSET) == str(UNSET) == "UNSET"
    assert copy.copy(UNSET) is copy.deepcopy(UNSET) is pickle.loads(pickle.dumps(UNSET)) is UNSET


@every_option
def test_an_option_can_be_set_and_unset_later(option: str) -> None:
    config = RequestConfig()
    value = VALUES[option][0]
    setattr(config, option, value)
    assert getattr(config, option) == value
    assert option in config.given()
    if option not in ("headers", "extra"):
        setattr(config, option, UNSET)
        assert option not in config.given()


def test_a_value_that_means_nothing_is_refused_where_it_is_set() -> None:
    config = RequestConfig(timeout=5)
    with pytest.raises(TypeError, match="timeout must be a number of seconds, not str"):
        config.timeout = "5"  # type: ignore[assignment] # pyright: ignore[reportAttributeAccessIssue]
    assert config.timeout == 5


def test_an_option_that_does_not_exist_cannot_be_set() -> None:
    name = "baseURL"
    with pytest.raises(AttributeError, match="did you mean 'base_url'"):
        setattr(RequestConfig(), name, "http://localhost")


def test_an_option_that_does_not_exist_cannot_be_read() -> None:
    name = "baseURL"
    with pytest.raises(AttributeError, match="did you mean 'base_url'"):
        getattr(RequestConfig(), name)


@pytest.mark.parametrize(
    "option", sorted({*OPTIONS} - {"url", "base_url", "method", "headers", "extra"})
)
def test_an_interceptor_may_take_an_option_back(
    client: Client, server: AuthServer, option: str
) -> None:
    def take_back(config: RequestConfig) -> RequestConfig:
        setattr(config, option, UNSET)
        return config

    client.api.interceptors.request.use(take_back)
    server.answer("/items")
    assert client.call(lambda api: api.get("/items")).status == 200


def test_headers_that_are_set_later_ignore_case_too() -> None:
    config = RequestConfig()
    config.headers = {"X-Name": "a"}  # type: ignore[assignment]
    assert config.headers["x-name"] == "a"


# --- merging ---

#: Two values for every option.
VALUES: dict[str, tuple[Any, Any]] = {
    "url": ("/a", "/b"),
    "method": ("get", "post"),
    "base_url": ("http://a", "http://b"),
    "allow_absolute_urls": (True, False),
    "headers": ({"X-Name": "a", "X-A": "1"}, {"x-name": "b", "X-B": "2"}),
    "params": ({"a": {"x": 1}, "both": {"x": 1}}, {"b": [2], "both": {"y": 2}}),
    "params_serializer": ({"indexes": True}, {"dots": True}),
    "data": ({"a": {"x": 1}}, {"b": [2]}),
    "timeout": (1, 0),
    "timeout_error_message": ("a", ""),
    "auth": ({"username": "a"}, {"password": "b"}),
    "response_type": ("json", "text"),
    "validate_status": (bool, int),
    "transform_request": ([str, repr], [repr]),
    "transform_response": ([str], []),
    "max_content_length": (1, -1),
    "max_body_length": (1, -1),
    "max_redirects": (1, 0),
    "before_redirect": (print, repr),
    "on_upload_progress": (print, repr),
    "on_download_progress": (print, repr),
    "xsrf_cookie_name": ("a", "b"),
    "xsrf_header_name": ("a", "b"),
    "with_xsrf_token": (True, False),
    "proxy": ({"host": "a", "auth": {"username": "a"}}, {"port": 1, "auth": {"password": "b"}}),
    "signal": (AbortController().signal, AbortController().signal),
    "adapter": (print, repr),
    "redact": (["a"], ["b"]),
    "cookies": (True, False),
    "extra": ({"a": {"x": 1}, "both": {"x": 1}}, {"b": [2], "both": {"y": 2}}),
}

#: What is merged rather than exchanged, and what of the two values comes out.
MERGED: dict[str, Any] = {
    "headers": {"X-Name": "b", "X-A": "1", "X-B": "2"},
    "params": {"a": {"x": 1}, "both": {"x": 1, "y": 2}, "b": [2]},
    "auth": {"username": "a", "password": "b"},
    "proxy": {"host": "a", "auth": {"username": "a", "password": "b"}, "port": 1},
    "extra": {"a": {"x": 1}, "both": {"x": 1, "y": 2}, "b": [2]},
}

#: What belongs to one request alone.
NEVER_A_DEFAULT = ("url", "method", "data")

#: What is there even if it was given as None.
ALWAYS_THERE = {"headers": Headers(), "extra": {}}


def config_of(option: str, value: Any) -> RequestConfig:
    options: dict[str, Any] = {option: value}
    return RequestConfig(**options)


def merged(option: str, first: Any, second: Any) -> Any:
    configs = [config_of(option, value) for value in (first, second)]
    return getattr(merge_config(*configs), option)


def test_every_option_has_two_values_to_be_merged() -> None:
    assert list(VALUES) == OPTIONS


@every_option
def test_two_values_are_merged_or_the_second_wins(option: str) -> None:
    first, second = VALUES[option]
    assert merged(option, first, second) == MERGED.get(option, second)


@every_option
def test_a_value_alone_on_the_right_stays(option: str) -> None:
    for first in (UNSET, None):
        assert merged(option, first, VALUES[option][1]) == VALUES[option][1]


@every_option
def test_a_value_alone_on_the_left_stays_unless_it_belongs_to_one_request(option: str) -> None:
    first = VALUES[option][0]
    assert merged(option, first, UNSET) == (UNSET if option in NEVER_A_DEFAULT else first)


@pytest.mark.parametrize("option", sorted({*OPTIONS} - {*ALWAYS_THERE}))
def test_none_is_a_value_on_the_right_and_on_the_left(option: str) -> None:
    first, second = VALUES[option]
    assert merged(option, first, None) is None
    assert merged(option, UNSET, None) is None
    assert merged(option, None, UNSET) is (UNSET if option in NEVER_A_DEFAULT else None)
    assert merged(option, None, second) == second


@pytest.mark.parametrize("option", ALWAYS_THERE)
def test_none_stands_for_none_of_what_is_always_there(option: str) -> None:
    first = VALUES[option][0]
    assert merged(option, None, None) == ALWAYS_THERE[option]
    assert merged(option, first, None) == first


@every_option
def test_what_is_unset_on_both_sides_stays_unset(option: str) -> None:
    assert merged(option, UNSET, UNSET) == ALWAYS_THERE.get(option, UNSET)


@pytest.mark.parametrize(
    ("option", "other"), [("auth", ("a", "b")), ("proxy", "http://a"), ("proxy", False)]
)
def test_what_is_no_dict_is_not_merged_into_one(option: str, other: Any) -> None:
    first = VALUES[option][0]
    assert merged(option, first, other) == other
    assert merged(option, other, first) == first


def test_a_list_is_not_merged_into_a_list() -> None:
    assert merged("params", {"a": [1, 2]}, {"a": [3]}) == {"a": [3]}


def test_sets_of_headers_are_merged_each_with_its_own() -> None:
    first = {"common": {"X-Name": "a", "X-A": "1"}, "post": {"X-P": "1"}}
    second = {"common": {"x-name": "b"}, "get": {"X-G": "1"}}
    assert merged("headers", first, second) == {
        "common": {"X-Name": "b", "X-A": "1"},
        "post": {"X-P": "1"},
        "get": {"X-G": "1"},
    }


def change(value: Any) -> None:
    """Change everything in ``value`` that can be changed."""
    if isinstance(value, (dict, Headers)):
        for each in list(value.values()):
            change(each)
        value["changed"] = "yes"
    elif isinstance(value, list):
        for each in value:
            change(each)
        value.append("changed")


MUTABLE = [option for option, (first, _) in VALUES.items() if isinstance(first, (dict, list))]


@pytest.mark.parametrize("pick", [lambda pair: pair, lambda pair: pair[::-1]], ids=["a-b", "b-a"])
@pytest.mark.parametrize("option", MUTABLE)
def test_a_merged_config_shares_nothing_that_can_be_changed(
    option: str, pick: Callable[[Any], Any]
) -> None:
    configs = [config_of(option, copy.deepcopy(value)) for value in pick(VALUES[option])]
    for pair in (configs, [configs[0], RequestConfig()], [RequestConfig(), configs[1]]):
        change(getattr(merge_config(*pair), option))
    assert [getattr(config, option) for config in configs] == [*pick(VALUES[option])]


def test_sets_of_headers_are_not_shared_either() -> None:
    first = RequestConfig(headers={"common": {"X-Name": "a"}})
    change(merge_config(first, RequestConfig()).headers)
    assert first.headers == {"common": {"X-Name": "a"}}


@pytest.mark.parametrize("option", ["params", "auth", "proxy", "extra"])
def test_what_contains_itself_cannot_be_merged(option: str) -> None:
    endless: dict[str, Any] = {}
    endless["self"] = endless
    config = config_of(option, {"auth": endless} if option == "proxy" else endless)
    with pytest.raises(ValueError, match=f"^{option}: it contains itself"):
        merge_config(config, config)


# --- as a value ---


def test_an_evolved_config_differs_in_what_was_changed() -> None:
    config: Any = RequestConfig(url="/items", headers={"X-Name": "a"}, timeout=None)
    evolved = attrs.evolve(config, timeout=5)
    assert evolved.given() == {**config.given(), "timeout": 5}
    assert config.timeout is None
    assert attrs.evolve(config, timeout=UNSET).given() == {
        name: value for name, value in config.given().items() if name != "timeout"
    }


def test_a_config_cannot_be_evolved_by_what_is_no_option() -> None:
    config: Any = RequestConfig()
    with pytest.raises(TypeError, match="did you mean 'timeout'"):
        attrs.evolve(config, timeuot=5)


def test_configs_with_the_same_options_are_equal() -> None:
    assert RequestConfig(url="/a", timeout=1) == RequestConfig(timeout=1.0, url="/a")
    assert RequestConfig(url="/a") != RequestConfig(url="/a", timeout=None)


def test_the_repr_shows_what_was_given() -> None:
    config = RequestConfig(url="/items", timeout=None, adapter=print)
    assert repr(config) == "RequestConfig(url='/items', timeout=None, adapter='<print>')"


def test_a_config_as_json_is_plain_data() -> None:
    config = RequestConfig(
        url="http://ada:lovelace@host/",
        headers={"X-Name": "a", "Cookie": "b"},
        data={"password": "c", "name": ["d", b"bytes"]},
        params={"pin": 5},
        validate_status=bool,
        redact=["PIN"],
    )
    hidden = "[REDACTED ****]"
    assert config.to_json() == {
        "url": f"http://{hidden}@host/",
        "headers": {"X-Name": "a", "Cookie": hidden},
        "data": {"password": hidden, "name": ["d", "<5 bytes>"]},
        "params": {"pin": hidden},
        "validate_status": "<bool>",
        "redact": ["PIN"],
    }
