"""Answers with odd details: a rotated pair that was received is never lost to one of them."""

from __future__ import annotations

import codecs
import math
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from zustax.store import FileStorage, UserStore
from zustax.transport import TokenPair, json_refresh, oauth2_refresh
from zustax.transport.testing import Answer, IssuedTokens, SeenRequest

from ...support.app import App
from ...support.server import REFRESH, AuthServer
from .backend import refresh_at
from .conftest import NewApp

#: What says nothing of an expiry, as JSON, or as what some take for it.
EXPIRIES = (
    *("0", "-1", "null", "true", '""', '"soon"', "[]", "{}", "NaN", "Infinity", "1e400"),
    *("1" + "0" * 400, "1" + "0" * 5000, f'"{"9" * 5000}"'),
)

#: Every ready-made call, by name; it takes the absolute URL.
CALLS: dict[str, Callable[[str], Any]] = {
    "default": lambda _url: None,
    "json_refresh": json_refresh,
    "oauth2_refresh": lambda url: oauth2_refresh(url, "my-app"),
}


class Answering:
    """A program whose server gives new pairs with odd details."""

    def __init__(
        self, new_app: NewApp, server: AuthServer, call: Callable[[str], Any], **options: Any
    ) -> None:
        self.app: App = new_app(refresh=call(f"{server.url}{REFRESH}"), **options).login()
        self._server = server

    def expect_a_new_pair(self, told: Callable[[IssuedTokens], Answer]) -> None:
        """Let the token expire, and the server tell of the new pair as ``told`` does."""
        server, app = self._server, self.app
        refreshes = server.count(REFRESH)
        server.expire()
        refresh_at(server, asked=refresh_token_in, told=told)
        assert [app.get("/items").response().status for _ in range(2)] == [200] * 2
        assert server.count(REFRESH) == refreshes + 1


def refresh_token_in(seen: SeenRequest) -> str:
    fields = seen.form() if b"grant_type" in seen.body else seen.json()
    return str(fields["refresh_token"])


@pytest.fixture(params=CALLS.values(), ids=list(CALLS))
def answering(request: pytest.FixtureRequest, new_app: NewApp, server: AuthServer) -> Answering:
    """One program for each ready-made call."""
    return Answering(new_app, server, request.param, leeway=30.0)


def raw(tokens: IssuedTokens, further: str) -> bytes:
    """Return an answer with ``further`` JSON that Python would not write."""
    pair = f'"access_token": "{tokens.access_token}", "refresh_token": "{tokens.refresh_token}"'
    return f"{{{pair}, {further}}}".encode()


@pytest.mark.parametrize("nothing", ["", None, False], ids=repr)
def test_rule_20_an_empty_refresh_token_keeps_the_old_one(
    answering: Answering, nothing: object
) -> None:
    old = answering.app.tokens[1]
    answering.expect_a_new_pair(
        lambda tokens: Answer(body={"access_token": tokens.access_token, "refresh_token": nothing})
    )
    assert answering.app.tokens[1] == old


def test_rule_20_an_odd_token_type_is_taken_for_bearer(answering: Answering) -> None:
    def told(tokens: IssuedTokens, token_type: object) -> Answer:
        return Answer(body={**tokens.as_dict(), "token_type": token_type})

    for token_type in ("", None, "bot", "BearerToken", "bearer", 7, ["Bearer"]):
        answering.expect_a_new_pair(partial(told, token_type=token_type))


def test_rule_20_an_expiry_that_says_nothing_is_unknown(answering: Answering) -> None:
    def told(tokens: IssuedTokens, expires_in: str) -> Answer:
        return Answer(body=raw(tokens, f'"expires_in": {expires_in}'))

    for expires_in in EXPIRIES:
        answering.expect_a_new_pair(partial(told, expires_in=expires_in))
        assert answering.app.store.get_state().expires_at is None


def test_rule_20_an_answer_may_be_a_form(answering: Answering) -> None:
    def told(tokens: IssuedTokens, kind: str) -> Answer:
        fields = {**tokens.as_dict(), "expires_in": 28800, "token_type": "bearer"}
        return Answer(body=urlencode(fields).encode(), headers={"Content-Type": kind})

    for kind in ("application/x-www-form-urlencoded", "text/plain; charset=utf-8"):
        answering.expect_a_new_pair(partial(told, kind=kind))
        expires_at = answering.app.store.get_state().expires_at
        assert expires_at == pytest.approx(time.time() + 28800, abs=60)


def test_rule_20_the_type_of_an_answer_may_be_wrong(answering: Answering) -> None:
    def told(tokens: IssuedTokens, kind: str, mark: bytes) -> Answer:
        return Answer(201, mark + raw(tokens, '"x": 1'), {"Content-Type": kind})

    for kind in ("text/html", "", "application/jwt"):
        for mark in (b"", codecs.BOM_UTF8):
            answering.expect_a_new_pair(partial(told, kind=kind, mark=mark))


def test_rule_20_a_word_of_an_error_beside_a_new_pair_is_no_rejection(
    answering: Answering,
) -> None:
    def told(tokens: IssuedTokens) -> Answer:
        before = {"session_before": {"reason": "token_expired"}, "error": "", "code": "0"}
        return Answer(body={**before, **tokens.as_dict()})

    answering.expect_a_new_pair(told)
    assert answering.app.close() == ["token_refreshed"]


def test_rule_20_transforms_of_the_instance_may_leave_the_answer_as_bytes(
    new_app: NewApp, server: AuthServer
) -> None:
    app = new_app(defaults={"transform_response": [lambda data, _headers, _status: data]}).login()
    server.expire()
    assert app.get("/items").response().status == 200
    assert server.count(REFRESH) == 1


def test_rule_20_an_expiry_of_a_refresh_of_ones_own_costs_no_pair(
    new_app: NewApp, server: AuthServer, tmp_path: Path
) -> None:
    hints = [math.nan, math.inf, -math.inf, 10**400, 10**5000, -1.0, 0]
    left = hints.copy()

    def refresh(refresh_token: str | None) -> TokenPair:
        tokens = server.authority.refresh(refresh_token or "")
        return TokenPair(tokens.access_token, tokens.refresh_token, left.pop())

    store = UserStore(storage=FileStorage(tmp_path), sync=False)
    app = new_app(store=store, refresh=refresh, leeway=30.0).login()
    for _ in hints:
        server.expire()
        assert [app.get("/items").response().status for _ in range(2)] == [200] * 2
        stored = UserStore(storage=FileStorage(tmp_path), sync=False).get_state()
        assert (stored.access_token, stored.refresh_token) == app.tokens
    assert app.close() == ["token_refreshed"] * len(hints)
