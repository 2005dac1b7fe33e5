"""A replay that meets 401 again is the end of it: no loop is possible."""

from __future__ import annotations

from ...support.app import App
from ...support.server import REFRESH, AuthServer


def test_rule_05_a_replay_that_meets_401_again_is_not_refreshed_again(
    app: App, server: AuthServer
) -> None:
    server.answer("/forbidden", status=401)
    assert app.get("/forbidden").error().status == 401
    assert server.count("/forbidden") == 2
    assert server.count(REFRESH) == 1


def test_rule_05_login_required_says_still_unauthorized_and_the_tokens_stay(
    app: App, server: AuthServer
) -> None:
    server.answer("/forbidden", status=401)
    error = app.get("/forbidden").error()
    sent = app.signals.wait_for("login_required")
    assert sent["reason"] == "still_unauthorized"
    assert sent["error"].status == error.status
    assert sent["config"].url == "/forbidden"
    assert server.authority.verify(app.tokens[0] or "").username == "ada"
    assert app.store.get_state().is_login
    assert app.close() == ["token_refreshed", "login_required"]


def test_rule_05_the_config_that_is_signalled_keeps_what_the_caller_gave(
    app: App, server: AuthServer
) -> None:
    data = {"a": 1}
    server.answer("/forbidden", status=401)
    app.post("/forbidden", data).error()
    sent = app.signals.wait_for("login_required")
    assert sent["config"].data == data
    assert sent["error"].config.data == data


def test_rule_05_its_401_is_its_own_and_has_no_cause(app: App, server: AuthServer) -> None:
    server.answer("/forbidden", status=401, body={"why": "first"}, times=1)
    server.answer("/forbidden", status=401, body={"why": "second"})
    error = app.get("/forbidden").error()
    assert error.response is not None
    assert error.response.data == {"why": "second"}
    assert error.__cause__ is None


def test_rule_05_replays_that_meet_401_together_are_one_signal(
    app: App, server: AuthServer
) -> None:
    server.answer("/forbidden", status=401)
    first = server.hold("/forbidden")
    calls = [app.get("/forbidden") for _ in range(5)]
    server.wait_for(5, "/forbidden")
    replays = server.hold("/forbidden")
    first.open()
    server.wait_for(10, "/forbidden")
    replays.open()
    assert [call.error().status for call in calls] == [401] * 5
    assert (server.count("/forbidden"), server.count(REFRESH)) == (10, 1)
    assert sorted(app.close()) == ["login_required", "token_refreshed"]


def test_rule_05_other_requests_are_served_with_the_token_that_was_refused_there(
    app: App, server: AuthServer
) -> None:
    server.answer("/forbidden", status=401)
    app.get("/forbidden").error()
    assert app.get("/items").response().status == 200
    assert server.count(REFRESH) == 1


def test_rule_05_a_replay_that_fails_otherwise_is_no_reason_to_log_in(
    app: App, server: AuthServer
) -> None:
    server.answer("/items", status=401, times=1)
    server.answer("/items", status=500, times=1)
    assert app.get("/items").error().status == 500
    assert app.close() == ["token_refreshed"]


def test_rule_05_the_next_request_may_try_again(app: App, server: AuthServer) -> None:
    server.answer("/forbidden", status=401)
    for tries in (1, 2):
        app.get("/forbidden").error()
        assert (server.count("/forbidden"), server.count(REFRESH)) == (2 * tries, tries)
